//! Counts stay exact when the server dies in the middle: many messages to many residents, a gateway that fails
//! half the time, two kills. The small form runs with the suite; the large one when it is asked for:
//! `KABINET_MESSAGES=1000 KABINET_RESIDENTS=10000 … notifications -- --ignored a_thousand`.

use std::time::{Duration, Instant};

use kabinet_contracts::ResidentId;
use kabinet_residents::{password, people};
use kabinet_tests::gateways::{Gateway, Mood};
use kabinet_tests::world::{PASSWORD, in_company};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use sea_orm::FromQueryResult;
use serde_json::json;
use uuid::Uuid;

use crate::{COMPANY, channels, decide, number, report, sent, token};

on_both_databases![ten_messages_to_two_hundred_residents_survive_two_kills];

#[test]
#[ignore = "takes long: see the file's first lines"]
fn a_thousand_messages_to_ten_thousand_residents_survive_two_kills_on_sqlite() {
    survive(Kind::Sqlite, size("KABINET_MESSAGES", 1000), size("KABINET_RESIDENTS", 10_000));
}

#[test]
#[ignore = "takes long: see the file's first lines"]
fn a_thousand_messages_to_ten_thousand_residents_survive_two_kills_on_postgresql() {
    survive(Kind::PostgreSql, size("KABINET_MESSAGES", 1000), size("KABINET_RESIDENTS", 10_000));
}

fn size(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn ten_messages_to_two_hundred_residents_survive_two_kills(kind: Kind) {
    survive(kind, 10, 200);
}

fn phone(index: usize) -> String {
    format!("791{index:08}")
}

/// Residents with phones of their own; the demo's own has one of another form.
fn populate(server: &Server, residents: usize) {
    let hash = password::hash_now(PASSWORD).expect("a hash");
    in_company(server, COMPANY, async |tx| {
        for index in 0..residents {
            let id = ResidentId(Uuid::from_u128(0xc4a5_0000_0000 + index as u128));
            let email = format!("crash{index}@example.ru");
            people::create_resident(tx, id, &email, &phone(index), &hash).await.expect("a resident");
        }
    });
}

fn survive(kind: Kind, messages: usize, residents: usize) {
    let mut server = Server::demo(Database::new(kind), "2026-11-22");
    let gateway = Gateway::start();
    decide(&server, COMPANY, &channels(&["sms"], &gateway));
    populate(&server, residents);
    let mut staff = server.staff(COMPANY);
    token(&mut staff, "sms");
    gateway.set(Mood::Half);
    let all = |n: usize| json!({ "title": format!("Сообщение {n}"), "body": "Текст.", "audience": { "to": "all" } });
    let ids: Vec<String> = (0..messages).map(|n| sent(&mut staff, &all(n))).collect();
    let total = messages * residents;
    let begun = Instant::now();
    // Two kills in the middle: of a third and of two thirds of what is to be taken.
    for (kill, share) in [(1, total / 3), (2, total * 2 / 3)] {
        let hurry = Instant::now();
        while gateway.taken_count() < share && hurry.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
        server.kill();
        eprintln!("kill {kill}: {} of {total} taken", gateway.taken_count());
        server.start_at(&format!("2026-11-22T1{}:30:00+05:00", kill + 2));
    }
    // What failed waits for its pause: the clock is moved on until nothing does.
    let mut hours = 5;
    loop {
        wait_until_still(&gateway);
        staff = server.staff(COMPANY);
        if open(&server) == 0 {
            break;
        }
        assert!(hours <= 13, "{} notices are still open", open(&server));
        server.kill();
        server.start_at(&format!("2026-11-22T{}:30:00+05:00", 10 + hours));
        hours += 1;
    }
    check(&server, &mut staff, &gateway, &ids, residents);
    eprintln!("{total} notices on {kind} in {:.1} s", begun.elapsed().as_secs_f64());
}

/// Every message reached every resident exactly once, by the gateway's count and by the report's.
fn check(server: &Server, staff: &mut Browser, gateway: &Gateway, ids: &[String], residents: usize) {
    let delivered = gateway.delivered();
    let total = ids.len() * residents;
    let mut by_phone = std::collections::BTreeMap::<String, usize>::new();
    for phones in delivered.values() {
        assert_eq!(phones.len(), 1, "an identifier is one person's: {phones:?}");
        *by_phone.entry(phones.iter().next().cloned().unwrap_or_default()).or_default() += 1;
    }
    let ours: Vec<usize> =
        (0..residents).map(|index| by_phone.get(&phone(index)).copied().unwrap_or_default()).collect();
    assert!(ours.iter().all(|count| *count == ids.len()), "some got another number: {ours:?}");
    // The demo's own resident has a phone as well.
    let others = delivered.len() - total;
    for id in ids.iter().take(5) {
        let seen = report(staff, id);
        let sent = number(&seen, "notices", "sent");
        assert_eq!(sent, i64::try_from(residents + others / ids.len()).expect("a count"), "{seen}");
        assert_eq!(seen["notification"]["addressed"], seen["notices"][0]["number"], "{seen}");
    }
    assert_eq!(open(server), 0);
}

/// Notices of the messages that are not at their end.
fn open(server: &Server) -> i64 {
    #[derive(FromQueryResult)]
    struct Count {
        number: i64,
    }
    let rows: Vec<Count> = in_company(server, COMPANY, async |tx| {
        let sql = "SELECT (SELECT COUNT(*) FROM notice n WHERE n.tenant_id = $1 AND n.state = 'waiting')
                        + (SELECT COUNT(*) FROM message m WHERE m.tenant_id = $1 AND m.state = 'sending') AS number";
        tx.rows(sql, Vec::new()).await.expect("a count")
    });
    rows[0].number
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
