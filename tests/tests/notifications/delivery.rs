//! How notices leave: gateways that work, fail, or hang up; costs; quiet hours; what never leaves.

use kabinet_core::Day;
use kabinet_notifications::entity::MessageId;
use kabinet_tests::gateways::{Gateway, Mood, SMS_KEY, Taken};
use kabinet_tests::world::{holder_of_flat, in_company};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, wait_for, wait_until};
use serde_json::{Value, json};

use crate::crash::{populate, resident};
use crate::{COMPANY, STAFF, channels, decide, draft, message, number, only, report, sent, settled, token};

on_both_databases![
    the_next_channel_is_tried_only_when_the_former_one_failed_for_good,
    a_gateway_that_fails_half_the_time_gets_every_message_once,
    an_answer_that_is_lost_is_asked_for_again_under_the_same_identifier,
    the_months_limit_of_costs_is_never_exceeded,
    what_failed_for_good_is_given_back_to_the_month_that_was_charged,
    what_the_limit_refuses_while_calls_are_under_way_waits_for_what_they_give_back,
    what_is_stopped_between_two_attempts_costs_nothing,
    what_another_worker_ended_or_took_meanwhile_is_left_to_it,
    at_night_phones_stay_silent_and_in_the_morning_they_are_told,
    what_a_rolled_back_transaction_wanted_to_send_never_leaves,
];

/// A server of its own, led to a stand-in: moods and clocks are moved.
fn stage(kind: Kind, now: &str, order: &[&str]) -> (Server, Gateway, Browser) {
    let server = Server::demo(Database::new(kind), now);
    let gateway = Gateway::start();
    decide(&server, COMPANY, &channels(order, &gateway));
    let mut staff = server.staff(COMPANY);
    for channel in order.iter().filter(|channel| **channel != "email") {
        token(&mut staff, channel);
    }
    (server, gateway, staff)
}

/// The calls that carry messages: a bot is announced by one of another path.
fn messages(gateway: &Gateway) -> Vec<Taken> {
    let announced = |call: &Taken| call.path == "/max/subscriptions" || call.path.ends_with("/setWebhook");
    gateway.calls().into_iter().filter(|call| !announced(call)).collect()
}

/// The log of a message's deliveries.
pub(crate) fn log(staff: &mut Browser, id: &str) -> Vec<Value> {
    let log = staff.call("GET", &format!("{STAFF}/{id}/deliveries?limit=100"), None).expect(200).json();
    log["items"].as_array().expect("items").clone()
}

fn the_next_channel_is_tried_only_when_the_former_one_failed_for_good(kind: Kind) {
    let (mut server, gateway, mut staff) = stage(kind, "2026-11-22", &["sms", "email"]);
    let (person, _) = holder_of_flat(&server, COMPANY, 0);
    let id = sent(&mut staff, &message("Первое", &only(person.id)));
    settled(&mut staff, &id, "sent", 1);
    let calls = messages(&gateway);
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].field("to").as_deref(), Some("79001112233"));
    assert_eq!(calls[0].field("text").as_deref(), Some("Первое. Текст важный."));
    assert_eq!(calls[0].field("key").as_deref(), Some(SMS_KEY));
    assert!(server.letters(&person.email).iter().all(|letter| letter.subject != "Первое"), "one channel is enough");

    // It fails for a while: it is tried again later, and no letter goes meanwhile.
    gateway.set(Mood::Down);
    let id = sent(&mut staff, &message("Второе", &only(person.id)));
    wait_for("an attempt", || log(&mut staff, &id).first().filter(|one| one["note"] == "status 503").cloned());
    assert_eq!(number(&report(&mut staff, &id), "notices", "waiting"), 1);
    assert!(server.letters(&person.email).iter().all(|letter| letter.subject != "Второе"));
    // It refuses for good: the letter goes at once.
    gateway.set(Mood::Refuses);
    server.kill();
    server.start_at("2026-11-22T12:30:00+05:00");
    let mut staff = server.staff(COMPANY);
    let seen = settled(&mut staff, &id, "sent", 1);
    assert_eq!((number(&seen, "deliveries", "failed"), number(&seen, "deliveries", "sent")), (1, 1));
    assert_eq!(seen["cost"], 0, "what failed for good costs nothing");
    let _ = server.letter(&person.email, "Второе");
    let attempts: Vec<Value> = log(&mut staff, &id).iter().map(|one| one["attempts"].clone()).collect();
    assert!(attempts.contains(&json!(2)), "{attempts:?}");
}

fn a_gateway_that_fails_half_the_time_gets_every_message_once(kind: Kind) {
    let (mut server, gateway, mut staff) = stage(kind, "2026-11-22", &["sms"]);
    gateway.set(Mood::Half);
    let (person, _) = holder_of_flat(&server, COMPANY, 0);
    let ids: Vec<String> =
        (1..=9).map(|n| sent(&mut staff, &message(&format!("Сообщение {n}"), &only(person.id)))).collect();
    let mut hour = 12;
    loop {
        wait_until("a round", || {
            let tried = ids.iter().filter(|id| !log(&mut staff, id).is_empty()).count();
            tried == ids.len()
        });
        std::thread::sleep(std::time::Duration::from_millis(500));
        let sent: i64 = ids.iter().map(|id| number(&report(&mut staff, id), "notices", "sent")).sum();
        if sent == 9 {
            break;
        }
        hour += 1;
        assert!(hour <= 20, "{sent} of 9 at {hour}:10");
        server.kill();
        server.start_at(&format!("2026-11-22T{hour}:10:00+05:00"));
        staff = server.staff(COMPANY);
    }
    assert_eq!(gateway.delivered().messages, 9, "each under an identifier of its own");
    assert_eq!(gateway.taken().len(), 9, "and none twice");
    assert!(gateway.calls().len() > 9, "some were refused first");
}

fn an_answer_that_is_lost_is_asked_for_again_under_the_same_identifier(kind: Kind) {
    let (mut server, gateway, mut staff) = stage(kind, "2026-11-22", &["sms"]);
    gateway.set(Mood::Mute);
    let (person, _) = holder_of_flat(&server, COMPANY, 0);
    let id = sent(&mut staff, &message("Потерянный ответ", &only(person.id)));
    wait_for("an attempt", || log(&mut staff, &id).first().filter(|one| one["note"] != "").cloned());
    assert_eq!(number(&report(&mut staff, &id), "notices", "waiting"), 1, "nobody knows whether it was taken");
    gateway.set(Mood::Good);
    server.kill();
    server.start_at("2026-11-22T12:30:00+05:00");
    let mut staff = server.staff(COMPANY);
    settled(&mut staff, &id, "sent", 1);
    assert!(gateway.taken().len() >= 2);
    assert_eq!(gateway.delivered().messages, 1, "a gateway that honours the identifier delivers it once");
}

fn the_months_limit_of_costs_is_never_exceeded(kind: Kind) {
    let (server, gateway, mut staff) = stage(kind, "2026-11-22", &["sms", "email"]);
    let mut settings = channels(&["sms", "email"], &gateway);
    // Two parts and a half.
    settings["sms"]["monthly_cap"] = json!(1000);
    decide(&server, COMPANY, &settings);
    let (person, _) = holder_of_flat(&server, COMPANY, 0);
    let ids: Vec<String> =
        (1..=4).map(|n| sent(&mut staff, &message(&format!("Платное {n}"), &only(person.id)))).collect();
    for id in &ids {
        settled(&mut staff, id, "sent", 1);
    }
    assert_eq!(gateway.taken().iter().filter(|call| call.path == "/sms").count(), 2, "two parts fit");
    let channels = staff.call("GET", "/api/admin/v1/notification-channels", None).expect(200).json();
    let sms =
        channels["items"].as_array().expect("items").iter().find(|one| one["channel"] == "sms").expect("sms").clone();
    assert_eq!((&sms["spent"], &sms["monthly_cap"]), (&json!(800), &json!(1000)));
    let skipped: i64 = ids.iter().map(|id| number(&report(&mut staff, id), "deliveries", "skipped")).sum();
    assert_eq!(skipped, 2, "the others went by letter");
    assert_eq!(server.letters(&person.email).iter().filter(|letter| letter.subject.starts_with("Платное")).count(), 2);
}

/// What each month cost, kopecks.
fn spending(server: &Server) -> Vec<(i32, i64)> {
    #[derive(sea_orm::FromQueryResult)]
    struct Row {
        period: i32,
        kopecks: i64,
    }
    let sql = "SELECT s.period, s.kopecks FROM channel_spending s WHERE s.tenant_id = $1 ORDER BY s.period";
    let rows: Vec<Row> = server.database.rows(COMPANY, sql, Vec::new());
    rows.into_iter().map(|row| (row.period, row.kopecks)).collect()
}

fn what_failed_for_good_is_given_back_to_the_month_that_was_charged(kind: Kind) {
    let (mut server, gateway, _) = stage(kind, "2026-11-22", &["sms", "email"]);
    let (person, _) = holder_of_flat(&server, COMPANY, 0);
    server.kill();
    server.start_at("2026-11-30T23:50:00+05:00");
    let mut staff = server.staff(COMPANY);
    gateway.set(Mood::Down);
    let former = sent(&mut staff, &message("Ноябрьское", &only(person.id)));
    wait_for("an attempt", || log(&mut staff, &former).first().filter(|one| one["note"] == "status 503").cloned());
    assert_eq!(spending(&server), [(202_611, 400)]);
    // By the company's clocks it is December, where the clocks of Greenwich still show November.
    gateway.set(Mood::Refuses);
    server.kill();
    server.start_at("2026-12-01T00:10:00+05:00");
    let mut staff = server.staff(COMPANY);
    let latter = sent(&mut staff, &message("Декабрьское", &only(person.id)));
    for id in [&former, &latter] {
        let seen = settled(&mut staff, id, "sent", 1);
        assert_eq!((number(&seen, "deliveries", "failed"), &seen["cost"]), (1, &json!(0)));
    }
    assert_eq!(spending(&server), [(202_611, 0), (202_612, 0)]);
}

fn what_the_limit_refuses_while_calls_are_under_way_waits_for_what_they_give_back(kind: Kind) {
    const RESIDENTS: usize = 3500;
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let gateway = Gateway::counting();
    let mut settings = channels(&["sms"], &gateway);
    // One batch fits; while its calls are made, the next one is taken.
    settings["sms"]["monthly_cap"] = json!(400 * 1000);
    settings["sms"]["per_second"] = json!(400);
    decide(&server, COMPANY, &settings);
    populate(&server, RESIDENTS);
    let mut staff = server.staff(COMPANY);
    token(&mut staff, "sms");
    gateway.set(Mood::Refuses);
    let id = sent(&mut staff, &message("Всем", &json!({ "to": "all" })));
    wait_until("its addressing", || report(&mut staff, &id)["notification"]["state"] == "sent");
    wait_until("the end", || number(&report(&mut staff, &id), "notices", "waiting") == 0);
    let seen = report(&mut staff, &id);
    assert_eq!(number(&seen, "deliveries", "skipped"), 0, "each was tried: {seen}");
    assert!(number(&seen, "deliveries", "failed") >= i64::try_from(RESIDENTS).expect("a number"), "{seen}");
    assert_eq!(spending(&server), [(202_611, 0)]);
}

fn what_is_stopped_between_two_attempts_costs_nothing(kind: Kind) {
    let (mut server, gateway, mut staff) = stage(kind, "2026-11-22", &["sms"]);
    let (person, _) = holder_of_flat(&server, COMPANY, 0);
    gateway.set(Mood::Down);
    let taken_back = sent(&mut staff, &message("Отзовём", &only(person.id)));
    let mut brief = message("До часа дня", &only(person.id));
    // 13:00 of the demo's day.
    brief["valid_until"] = json!(Day(20_261_122).start(chrono_tz::Asia::Yekaterinburg).plus_seconds(13 * 3600).0);
    let brief = sent(&mut staff, &brief);
    for id in [&taken_back, &brief] {
        wait_for("an attempt", || log(&mut staff, id).first().filter(|one| one["note"] == "status 503").cloned());
    }
    assert_eq!(spending(&server), [(202_611, 800)]);
    staff.call("POST", &format!("{STAFF}/{taken_back}/cancel"), Some(&json!({}))).expect(200);
    assert_eq!(spending(&server), [(202_611, 400)]);
    server.kill();
    server.start_at("2026-11-22T13:30:00+05:00");
    let mut staff = server.staff(COMPANY);
    for id in [&taken_back, &brief] {
        let seen = settled(&mut staff, id, "stopped", 1);
        assert_eq!((number(&seen, "deliveries", "failed"), &seen["cost"]), (1, &json!(0)));
        assert_eq!(log(&mut staff, id)[0]["note"], "stopped before it was delivered");
    }
    assert_eq!(spending(&server), [(202_611, 0)]);
}

/// What another worker, whose turn came when this one was late, would have done with two of the notices.
fn ended_and_taken_elsewhere(server: &Server, message: &str) {
    let message: MessageId = message.parse().expect("an identifier");
    in_company(server, COMPANY, async |tx| {
        let delivered = "UPDATE delivery SET state = 'sent' WHERE tenant_id = $1 AND state = 'trying' AND notice_id =
            (SELECT n.id FROM notice n WHERE n.tenant_id = $1 AND n.message_id = $2 AND n.resident_id = $3)";
        let ended = "UPDATE notice SET state = 'sent'
            WHERE tenant_id = $1 AND message_id = $2 AND resident_id = $3 AND state = 'waiting'";
        let taken = "UPDATE notice SET next_at = next_at + 301000
            WHERE tenant_id = $1 AND message_id = $2 AND resident_id = $3 AND state = 'waiting'";
        for (sql, index) in [(delivered, 0), (ended, 0), (taken, 1)] {
            let touched = tx.execute(sql, vec![message.into(), resident(index).into()]).await.expect("an update");
            assert_eq!(touched, 1, "its call is under way");
        }
    });
}

fn what_another_worker_ended_or_took_meanwhile_is_left_to_it(kind: Kind) {
    let (server, gateway, mut staff) = stage(kind, "2026-11-22", &["sms"]);
    let mut settings = channels(&["sms"], &gateway);
    // The batch is under way for ten seconds and more.
    settings["sms"]["per_second"] = json!(1);
    decide(&server, COMPANY, &settings);
    populate(&server, 11);
    gateway.set(Mood::Refuses);
    let id = sent(&mut staff, &message("Двум работникам", &json!({ "to": "all" })));
    wait_until("the first call", || gateway.call_count() > 0);
    ended_and_taken_elsewhere(&server, &id);
    let tried = |seen: &Value| ["sent", "trying", "failed"].map(|state| number(seen, "deliveries", state));
    let seen = wait_for("the end of the calls", || Some(report(&mut staff, &id)).filter(|seen| tried(seen)[2] > 0));
    let failed = tried(&seen)[2];
    assert!(failed >= 9, "{seen}");
    assert_eq!(tried(&seen), [1, 1, failed], "{seen}");
    assert_eq!((number(&seen, "notices", "sent"), number(&seen, "notices", "waiting") >= 1), (1, true), "{seen}");
    assert_eq!(seen["cost"], 800, "what the other one sent, and what it is about to");
}

fn at_night_phones_stay_silent_and_in_the_morning_they_are_told(kind: Kind) {
    let (mut server, gateway, mut staff) = stage(kind, "2026-11-22T23:30:00+05:00", &["sms", "email"]);
    let mut settings = channels(&["sms", "email"], &gateway);
    settings["quiet"] = json!({ "from": 21, "to": 9 });
    decide(&server, COMPANY, &settings);
    let (person, _) = holder_of_flat(&server, COMPANY, 0);
    let phone = sent(&mut staff, &message("Ночное", &only(person.id)));
    let mut letter = message("Ночное письмо", &only(person.id));
    letter["channels"] = json!(["email"]);
    let letter = sent(&mut staff, &letter);
    settled(&mut staff, &letter, "sent", 1);
    settled(&mut staff, &phone, "waiting", 1);
    assert!(gateway.taken().is_empty(), "{:?}", gateway.taken());
    server.kill();
    server.start_at("2026-11-23T08:30:00+05:00");
    let mut staff = server.staff(COMPANY);
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(gateway.taken().is_empty(), "half an hour too early");
    server.kill();
    server.start_at("2026-11-23T09:00:05+05:00");
    staff.cookies = server.staff(COMPANY).cookies;
    settled(&mut staff, &phone, "sent", 1);
    assert_eq!(gateway.taken().len(), 1);
}

fn what_a_rolled_back_transaction_wanted_to_send_never_leaves(kind: Kind) {
    let (server, gateway, mut staff) = stage(kind, "2026-11-22", &["sms", "email"]);
    let (person, _) = holder_of_flat(&server, COMPANY, 0);
    let id = draft(&mut staff, &message("Не ушло", &only(person.id)));
    // As the operation does it, but without the commit.
    kabinet_tests::block_on(async {
        let db = server.database.open().await;
        let company = server.database.company(&db, COMPANY).await;
        let mut tx = db.begin(&company, kabinet_core::Actor::System).await.expect("a transaction");
        let id = id.parse().expect("an identifier");
        kabinet_notifications::messages::send(&mut tx, id).await.expect("a message");
        drop(tx);
    });
    let after = sent(&mut staff, &message("Ушло", &only(person.id)));
    settled(&mut staff, &after, "sent", 1);
    assert_eq!(report(&mut staff, &id)["notification"]["state"], "draft");
    assert_eq!(gateway.taken().len(), 1);
    let sql =
        "SELECT COUNT(*) AS number FROM notice n JOIN message m ON m.tenant_id = n.tenant_id AND m.id = n.message_id
               WHERE n.tenant_id = $1 AND m.title = 'Не ушло'";
    assert_eq!(server.database.count(COMPANY, sql, Vec::new()), 0);
}
