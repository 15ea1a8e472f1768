//! Counts stay exact when the server dies in the middle: many messages to many residents, a gateway that fails
//! half the time, two kills. The small form runs with the suite; the large one when it is asked for:
//! `KABINET_MESSAGES=1000 KABINET_RESIDENTS=10000 … notifications -- --ignored a_thousand`.

use std::time::{Duration, Instant};

use kabinet_contracts::ResidentId;
use kabinet_residents::{password, people};
use kabinet_tests::gateways::{Gateway, Mood};
use kabinet_tests::world::{PASSWORD, in_company};
use kabinet_tests::{Browser, Database, Kind, Server, asked_for, on_both_databases};
use serde_json::json;
use uuid::Uuid;

use crate::{COMPANY, channels, decide, number, report, sent, token};

/// Longer than what failed once waits for: after so long without a call none comes any more.
const STALLED: Duration = Duration::from_secs(300);

on_both_databases![ten_messages_to_two_hundred_residents_survive_two_kills];

#[test]
#[ignore = "takes long: see the file's first lines"]
fn a_thousand_messages_to_ten_thousand_residents_survive_two_kills_on_sqlite() {
    survive(Kind::Sqlite, asked_for("KABINET_MESSAGES", 1000), asked_for("KABINET_RESIDENTS", 10_000));
}

#[test]
#[ignore = "takes long: see the file's first lines"]
fn a_thousand_messages_to_ten_thousand_residents_survive_two_kills_on_postgresql() {
    survive(Kind::PostgreSql, asked_for("KABINET_MESSAGES", 1000), asked_for("KABINET_RESIDENTS", 10_000));
}

fn ten_messages_to_two_hundred_residents_survive_two_kills(kind: Kind) {
    survive(kind, 10, 200);
}

/// The phone of a resident of those that [`populate`] makes.
pub(crate) fn phone(index: usize) -> String {
    format!("791{index:08}")
}

/// The identifier of a resident of those that [`populate`] makes.
pub(crate) fn resident(index: usize) -> ResidentId {
    ResidentId(Uuid::from_u128(0xc4a5_0000_0000 + index as u128))
}

/// Residents with phones of their own; the demo's own has one of another form.
pub(crate) fn populate(server: &Server, residents: usize) {
    let hash = password::hash_now(PASSWORD).expect("a hash");
    in_company(server, COMPANY, async |tx| {
        for index in 0..residents {
            let email = format!("crash{index}@example.ru");
            people::create_resident(tx, resident(index), &email, &phone(index), &hash).await.expect("a resident");
        }
    });
}

fn survive(kind: Kind, messages: usize, residents: usize) {
    let mut server = Server::demo(Database::new(kind), "2026-11-22");
    let gateway = Gateway::counting();
    // A kopeck each: ten million stay below the month's limit.
    let mut settings = channels(&["sms"], &gateway);
    settings["sms"]["price"] = json!(1);
    decide(&server, COMPANY, &settings);
    populate(&server, residents);
    let mut staff = server.staff(COMPANY);
    token(&mut staff, "sms");
    gateway.set(Mood::Half);
    let all = |n: usize| json!({ "title": format!("Сообщение {n}"), "body": "Текст.", "audience": { "to": "all" } });
    let ids: Vec<String> = (0..messages).map(|n| sent(&mut staff, &all(n))).collect();
    let total = messages * residents;
    let begun = Instant::now();
    // A large round takes hours itself: the clock is never set back.
    let clock = |hour: u64| {
        let hour = hour + begun.elapsed().as_secs() / 3600;
        format!("2026-11-{}T{:02}:30:00+05:00", 22 + hour / 24, hour % 24)
    };
    // Two kills in the middle: of a third and of two thirds of what is to be taken.
    for (kill, share) in [(1, total / 3), (2, total * 2 / 3)] {
        wait_until_taken(&gateway, share);
        server.kill();
        eprintln!("kill {kill}: {} of {total} taken", gateway.taken_count());
        server.start_at(&clock(12 + kill));
    }
    // What failed waits for its pause: the clock is moved on until nothing does.
    for round in 0.. {
        wait_until_still(&gateway);
        staff = server.staff(COMPANY);
        if open(&server) == 0 {
            break;
        }
        assert!(round < 9, "{} notices are still open", open(&server));
        server.kill();
        server.start_at(&clock(15 + round));
    }
    check(&server, &mut staff, &gateway, &ids, residents);
    eprintln!("{total} notices on {kind} in {:.1} s", begun.elapsed().as_secs_f64());
}

/// Every message reached every resident exactly once, by the gateway's count and by the report's. (That an identifier
/// is one person's the gateway itself sees to.)
fn check(server: &Server, staff: &mut Browser, gateway: &Gateway, ids: &[String], residents: usize) {
    let delivered = gateway.delivered();
    let total = ids.len() * residents;
    let of = |phone: String| delivered.by_recipient.get(&phone).copied().unwrap_or_default();
    let ours: Vec<usize> = (0..residents).map(|index| of(phone(index))).collect();
    assert!(ours.iter().all(|count| *count == ids.len()), "some got another number: {ours:?}");
    // The demo's own resident has a phone as well.
    let others = delivered.messages - total;
    for id in ids.iter().take(5) {
        let seen = report(staff, id);
        let sent = number(&seen, "notices", "sent");
        assert_eq!(sent, i64::try_from(residents + others / ids.len()).expect("a count"), "{seen}");
        assert_eq!(seen["notification"]["addressed"], seen["notices"][0]["number"], "{seen}");
    }
    assert_eq!(open(server), 0);
    eprintln!("{} messages were taken more than once, under one identifier each", delivered.repeated);
}

/// Notices of the messages that are not at their end.
fn open(server: &Server) -> i64 {
    let sql = "SELECT (SELECT COUNT(*) FROM notice n WHERE n.tenant_id = $1 AND n.state = 'waiting')
                    + (SELECT COUNT(*) FROM message m WHERE m.tenant_id = $1 AND m.state = 'sending') AS number";
    server.database.count(COMPANY, sql, Vec::new())
}

/// Waits until so many calls were taken, however long that takes while calls come at all.
fn wait_until_taken(gateway: &Gateway, share: usize) {
    let (mut before, mut came) = (0, Instant::now());
    while gateway.taken_count() < share {
        let now = gateway.call_count();
        if now > before {
            (before, came) = (now, Instant::now());
        }
        assert!(came.elapsed() < STALLED, "nothing comes any more: {} of {share} taken", gateway.taken_count());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until nothing came for a while.
fn wait_until_still(gateway: &Gateway) {
    let mut before = usize::MAX;
    let mut quiet = 0;
    while quiet < 20 {
        std::thread::sleep(Duration::from_millis(500));
        let now = gateway.call_count();
        quiet = if now == before { quiet + 1 } else { 0 };
        before = now;
    }
}
