//! The administrator of a made-up company, at the API of staff.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kabinet_server::demo::Chance;
use serde_json::{Value, json};

use super::http::{Answer, Connection};
use super::stage::{SEED, Served};

const API: &str = "/api/admin/v1";
/// The month that the seed leaves unbilled on the demo's day, and the one before it, which is published.
const MONTH: &str = "2026-10";
const PUBLISHED: &str = "2026-09";
/// A house of the company's: some fifty accounts.
const HOUSE: &str = "H00001";
/// How often it is asked whether work is done, and how long at most.
const PAUSE: Duration = Duration::from_millis(200);
const WORK: Duration = Duration::from_secs(600);

/// An administrator with an open session.
pub(crate) struct Administrator {
    connection: Connection,
    cookies: String,
}

/// What an administrator had done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    /// Accounts that were billed, and receipts that were printed.
    pub(crate) accounts: u64,
    pub(crate) receipts: u64,
}

impl Administrator {
    /// Logs the administrator of the company `slug` in.
    pub(crate) fn log_in(served: &Served, slug: &str) -> anyhow::Result<Self> {
        let login = json!({
            "email": format!("admin@{slug}.example"),
            "password": Chance::new(SEED, slug).password("admin"),
        });
        let mut connection = Connection::open(served.listen, &served.host_of(slug))?;
        let answer = connection.post_json(&format!("{API}/session"), "", &login)?;
        let session = answer.cookie("kabinet-staff");
        let session = session.with_context(|| format!("{slug}: {} {}", answer.status, answer.text()))?;
        Ok(Self { connection, cookies: format!("kabinet-staff={session}") })
    }

    /// Writes a message to all residents and sends it.
    pub(crate) fn tell_all(&mut self, title: &str) -> anyhow::Result<()> {
        let words = json!({
            "title": title,
            "body": "Вода будет в 18:00.",
            "audience": { "to": "all" },
            "channels": ["email"],
        });
        let draft = self.post("/notifications", &words)?;
        self.post(&format!("/notifications/{}/send", id(&draft)?), &json!({})).map(drop)
    }

    /// Has the server bill the month and print a house, again and again until it is `over`; what was begun is finished.
    pub(crate) fn bill_and_print(&mut self, over: &AtomicBool) -> anyhow::Result<Done> {
        let mut done = Done::default();
        while !over.load(Ordering::Relaxed) {
            let run = self.post("/billing/runs", &json!({ "period": MONTH }))?;
            let house = self.post("/billing/printouts", &json!({ "period": PUBLISHED, "house": HOUSE }))?;
            let printed = self.finished(&format!("/billing/printouts/{}", id(&house)?), "ready")?;
            let billed = self.finished(&format!("/billing/runs/{}", id(&run)?), "done")?;
            let file = self.connection.get(&format!("{API}/billing/printouts/{}/file", id(&house)?), &self.cookies)?;
            if file.status != 200 || !file.body.starts_with(b"%PDF") {
                bail!("a printed house answered {}: {}", file.status, file.text());
            }
            done.accounts += billed["done"].as_u64().unwrap_or_default();
            done.receipts += printed["done"].as_u64().unwrap_or_default();
        }
        Ok(done)
    }

    /// Waits until the work at `path` has come to this state: what is told of it then.
    fn finished(&mut self, path: &str, state: &str) -> anyhow::Result<Value> {
        let begun = Instant::now();
        loop {
            let told = self.get(path)?;
            if told["state"] == state {
                return Ok(told);
            }
            if told["state"] == "failed" || begun.elapsed() > WORK {
                bail!("{path} is not {state}: {told}");
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        let answer = self.connection.get(&format!("{API}{path}"), &self.cookies)?;
        told(path, &answer)
    }

    fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.connection.post_json(&format!("{API}{path}"), &self.cookies, body)?;
        told(path, &answer)
    }
}

fn told(path: &str, answer: &Answer) -> anyhow::Result<Value> {
    if answer.status != 200 {
        bail!("{path} answered {}: {}", answer.status, answer.text());
    }
    serde_json::from_slice(&answer.body).with_context(|| format!("{path}: {}", answer.text()))
}

fn id(told: &Value) -> anyhow::Result<&str> {
    told["id"].as_str().with_context(|| format!("no identifier in {told}"))
}
