//! How soon a server outside the demo is ready again after SIGKILL, from the start of the program to `/readyz`: a figure,
//! printed and never a limit. What was acknowledged between the kills is there.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kabinet_core::Actor;
use kabinet_residents::{password, people};
use kabinet_tests::browser::exchange;
use kabinet_tests::process::{free_port, guarded, run, start};
use kabinet_tests::server::{NOW, binary, command};
use kabinet_tests::world::PASSWORD;
use kabinet_tests::{Browser, Database, Kind, block_on, on_both_databases};
use serde_json::json;
use uuid::Uuid;

use crate::clients::COMPANY;

on_both_databases![a_company_that_was_set_up_from_its_package_is_served_again_after_each_kill];

const KILLS: u64 = 15;

fn a_company_that_was_set_up_from_its_package_is_served_again_after_each_kill(kind: Kind) {
    let database = Database::new(kind);
    run(outside(&mut command(&database, NOW)).args(["tenant", "apply", "tenants/beregovoy"]));
    let email = "director@beregovoy.example";
    block_on(async {
        let db = database.open().await;
        let company = database.company(&db, COMPANY).await;
        let tx = db.begin(&company, Actor::System).await.expect("a transaction");
        let (id, hash) = (Uuid::from_u128(0x7e57), password::hash_now(PASSWORD).expect("a hash"));
        people::create_staff(&tx, id, email, "Директор", "administrator", &hash).await.expect("a staff member");
        tx.commit().await.expect("a commit");
    });
    eprintln!("{kind}, a company as its package has it: {}", killed_outside_the_demo(&database, email, PASSWORD));
}

/// Without what only the demo is told.
fn outside(command: &mut Command) -> &mut Command {
    command.env_remove("KABINET_DEMO__NOW").env_remove("KABINET_DEMO__CAPTCHA_ANSWER")
}

/// Serves the database without the demo, and kills the server again and again while this administrator of [`COMPANY`]
/// works. How soon it was ready again, in words.
pub(crate) fn killed_outside_the_demo(database: &Database, email: &str, password: &str) -> String {
    let mut served = Served::new(database);
    let mut administrator = Browser::new(served.listen, &format!("{COMPANY}.localhost"));
    let login = json!({ "email": email, "password": password });
    administrator.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
    let deeds = "SELECT COUNT(*) AS number FROM audit WHERE tenant_id = $1 AND action = 'settings.changed'";
    let before = database.count(COMPANY, deeds, Vec::new());
    let (mut asked, mut acknowledged, mut times) = (0, 0, Vec::new());
    for kill in 0..KILLS {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100 + 37 * (kill % 7)));
                served.kill();
            });
            loop {
                let day = format!("{}-{:02}-{:02}", 2027 + asked / 336, asked / 28 % 12 + 1, asked % 28 + 1);
                asked += 1;
                let body = json!({ "off": [day] });
                match administrator.try_call("PUT", "/api/admin/v1/billing/catalog/calendar", Some(&body)) {
                    Ok(answer) => acknowledged += i64::from(answer.expect(200).status == 200),
                    Err(_) => return,
                }
            }
        });
        times.push(served.start());
    }
    served.kill();
    let done = database.count(COMPANY, deeds, Vec::new()) - before;
    let kills = KILLS.cast_signed();
    assert!(acknowledged > kills && (acknowledged..=acknowledged + kills).contains(&done), "{done} of {acknowledged}");
    run(outside(&mut command(database, NOW)).args(["audit", "verify", COMPANY]));
    times.sort();
    let (least, usual, most) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    format!(
        "killed {KILLS} times outside the demo, {acknowledged} deeds acknowledged, {done} done; \
         ready again in {usual:.0?} (the median; {least:.0?} to {most:.0?})"
    )
}

/// A server without the demo. It is killed when dropped.
struct Served<'d> {
    database: &'d Database,
    listen: SocketAddr,
    management: SocketAddr,
    child: Option<Child>,
}

impl<'d> Served<'d> {
    fn new(database: &'d Database) -> Self {
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut served = Self { database, listen: address(), management: address(), child: None };
        served.start();
        served
    }

    /// Starts the program; how long it takes until it is ready.
    fn start(&mut self) -> Duration {
        let mut plain = command(self.database, NOW);
        outside(&mut plain);
        let mut serve = guarded(&binary(), "KILL", None);
        serve.current_dir(kabinet_tests::house::root());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => serve.env(name, value),
                None => serve.env_remove(name),
            };
        }
        serve.env("KABINET_SERVER__LISTEN", self.listen.to_string());
        serve.env("KABINET_SERVER__MANAGEMENT", self.management.to_string());
        serve.arg("serve").stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        self.child = Some(start(serve));
        let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        while !exchange(self.management, request).is_ok_and(|answer| answer.status == 200) {
            let ended = self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
            assert!(!ended && begun.elapsed() < Duration::from_secs(120), "the server is not ready");
            std::thread::sleep(Duration::from_millis(1));
        }
        begun.elapsed()
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}
