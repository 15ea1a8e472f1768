//! Messengers that take a notice, refuse it or ask to wait; and how they learn where the portal is.

use kabinet_notifications::entity::MessageId;
use kabinet_tests::gateways::{Gateway, Mood, Taken};
use kabinet_tests::server::NOW;
use kabinet_tests::world::{Person, holder_of_flat};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, wait_for, wait_until};
use serde_json::{Value, json};

use crate::chats::code;
use crate::delivery::log;
use crate::{COMPANY, channels, decide, message, only, sent, settled, subscriptions, token, webhook_secret};

on_both_databases![
    a_notice_comes_by_telegram_and_by_the_next_channel_once_the_bot_is_blocked,
    a_notice_for_somebody_who_blocked_the_bot_of_max_comes_by_the_next_channel,
    to_be_asked_to_wait_is_no_attempt_however_often,
    a_channel_that_asks_to_wait_for_more_than_a_day_fails_as_others_do,
    a_token_that_was_mistyped_loses_no_notice,
    messengers_are_told_of_the_webhook_again_every_day,
];

/// Who writes to the bots.
const CHAT: i64 = 991_144;

/// A company with these channels, and a resident who linked a chat in the first of them.
struct Stage {
    server: Server,
    gateway: Gateway,
    staff: Browser,
    person: Person,
}

fn stage(kind: Kind, order: &[&str]) -> Stage {
    let server = Server::demo(Database::new(kind), NOW);
    let gateway = Gateway::start();
    decide(&server, COMPANY, &channels(order, &gateway));
    let mut staff = server.staff(COMPANY);
    for channel in order.iter().filter(|channel| **channel != "email") {
        token(&mut staff, channel);
    }
    let (mut person, _) = holder_of_flat(&server, COMPANY, 0);
    let messenger = order[0];
    let code = code(&mut person, messenger);
    let started = match messenger {
        "max" => json!({ "update_type": "bot_started", "timestamp": 1, "user": { "user_id": CHAT }, "payload": code }),
        _ => {
            json!({ "update_id": 1, "message": { "chat": { "id": CHAT, "type": "private" }, "text": format!("/start {code}") } })
        }
    };
    assert_eq!(hook(&server, messenger, &webhook_secret(&gateway, messenger), &started), 200);
    wait_for("the link", || said(&gateway, messenger).into_iter().find(|text| text.contains("Чат привязан")));
    Stage { server, gateway, staff, person }
}

/// What a messenger tells; the portal's answer.
fn hook(server: &Server, messenger: &str, secret: &str, update: &Value) -> u16 {
    let name = if messenger == "max" { "X-Max-Bot-Api-Secret" } else { "X-Telegram-Bot-Api-Secret-Token" };
    let headers = [("Content-Type", "application/json"), (name, secret)];
    let path = format!("/notifications/hooks/{messenger}");
    server.browser(COMPANY).send("POST", &path, &headers, Some(update.to_string().as_bytes())).status
}

/// Whether a call writes to the chat by a messenger.
fn writes(call: &Taken, messenger: &str) -> bool {
    match messenger {
        "max" => call.path == format!("/max/messages?user_id={CHAT}"),
        _ => call.path.ends_with("/sendMessage") && call.json()["chat_id"] == json!(CHAT.to_string()),
    }
}

/// What the bot has written to the chat so far.
fn said(gateway: &Gateway, messenger: &str) -> Vec<String> {
    let calls = gateway.taken().into_iter().filter(|call| writes(call, messenger));
    calls.filter_map(|call| call.json()["text"].as_str().map(str::to_owned)).collect()
}

/// Channels with the state in which a message's deliveries by them are.
fn ways(staff: &mut Browser, id: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    log(staff, id).iter().map(|one| (text(&one["channel"]), text(&one["state"]))).collect()
}

fn way(channel: &str, state: &str) -> (String, String) {
    (channel.to_owned(), state.to_owned())
}

fn a_notice_comes_by_telegram_and_by_the_next_channel_once_the_bot_is_blocked(kind: Kind) {
    let mut stage = stage(kind, &["telegram", "email"]);
    let id = sent(&mut stage.staff, &message("В чат", &only(stage.person.id)));
    settled(&mut stage.staff, &id, "sent", 1);
    assert_eq!(ways(&mut stage.staff, &id), [way("telegram", "sent")]);
    assert_eq!(said(&stage.gateway, "telegram").last().map(String::as_str), Some("В чат\n\nТекст важный."));
    assert!(stage.server.letters(&stage.person.email).iter().all(|letter| letter.subject != "В чат"));
    the_next_channel_gets_what_is_refused(stage, "telegram");
}

fn a_notice_for_somebody_who_blocked_the_bot_of_max_comes_by_the_next_channel(kind: Kind) {
    the_next_channel_gets_what_is_refused(stage(kind, &["max", "email"]), "max");
}

fn the_next_channel_gets_what_is_refused(mut stage: Stage, messenger: &str) {
    stage.gateway.set(Mood::Refuses);
    let before = said(&stage.gateway, messenger).len();
    let id = sent(&mut stage.staff, &message("Бот заблокирован", &only(stage.person.id)));
    let _ = stage.server.letter(&stage.person.email, "Бот заблокирован");
    settled(&mut stage.staff, &id, "sent", 1);
    assert_eq!(ways(&mut stage.staff, &id), [way("email", "sent"), way(messenger, "failed")]);
    let refused = log(&mut stage.staff, &id).into_iter().find(|one| one["channel"] == messenger).expect("the refusal");
    assert_eq!((&refused["attempts"], &refused["note"]), (&json!(1), &json!("status 403")));
    assert_eq!(said(&stage.gateway, messenger).len(), before);
}

fn to_be_asked_to_wait_is_no_attempt_however_often(kind: Kind) {
    let mut stage = stage(kind, &["telegram", "sms"]);
    stage.gateway.set(Mood::Busy);
    let id = sent(&mut stage.staff, &message("Дождётся", &only(stage.person.id)));
    // More often than a channel may fail.
    let often = usize::try_from(kabinet_notifications::plan::MOST_ATTEMPTS).expect("a number") + 2;
    let calls = |gateway: &Gateway| gateway.calls().into_iter().filter(|call| writes(call, "telegram") && !call.good);
    wait_until("the calls", || calls(&stage.gateway).count() >= often);
    assert_eq!(log(&mut stage.staff, &id)[0]["note"], "asked to wait");
    stage.gateway.set(Mood::Good);
    settled(&mut stage.staff, &id, "sent", 1);
    assert_eq!(ways(&mut stage.staff, &id), [way("telegram", "sent")]);
    assert_eq!(log(&mut stage.staff, &id)[0]["attempts"], 1, "the one that was taken");
    assert!(stage.gateway.calls().iter().all(|call| call.path != "/sms"), "nothing was paid");
}

/// How the bot of Telegram fares with a message: its attempts, its state and the note beside it.
fn bot(staff: &mut Browser, id: &str) -> (i64, String, String) {
    let log = log(staff, id);
    let one = log.iter().find(|one| one["channel"] == "telegram").cloned().unwrap_or_default();
    let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
    (one["attempts"].as_i64().unwrap_or_default(), text("state"), text("note"))
}

/// How often the bot of Telegram was tried for a message, as it is stored; no server need run.
fn attempts(server: &Server, id: &str) -> i64 {
    #[derive(sea_orm::FromQueryResult)]
    struct Row {
        attempts: i64,
    }
    let message: MessageId = id.parse().expect("an identifier");
    let sql = "SELECT CAST(d.attempts AS BIGINT) AS attempts FROM delivery d
               WHERE d.tenant_id = $1 AND d.message_id = $2 AND d.channel = 'telegram'";
    let rows: Vec<Row> = server.database.rows(COMPANY, sql, vec![message.into()]);
    rows.first().map_or(0, |row| row.attempts)
}

fn a_channel_that_asks_to_wait_for_more_than_a_day_fails_as_others_do(kind: Kind) {
    let Stage { mut server, gateway, mut staff, person } = stage(kind, &["telegram", "email"]);
    gateway.set(Mood::Busy);
    let mut only_there = message("Только в чат", &only(person.id));
    only_there["channels"] = json!(["telegram"]);
    let ids = [message("Не дождётся", &only(person.id)), only_there].map(|message| sent(&mut staff, &message));
    for id in &ids {
        wait_until("the first answer", || bot(&mut staff, id).2 == "asked to wait");
    }
    // A day later each answer is an attempt that failed. The clock moves on by more than the longest pause: whatever
    // the kill left behind is due. It may leave an attempt that was recorded and not answered, to be made again.
    for hour in (13..).step_by(4).take(8) {
        server.kill();
        let before = ids.each_ref().map(|id| attempts(&server, id));
        server.start_at(&format!("2026-11-{}T{:02}:00:00+05:00", 23 + hour / 24, hour % 24));
        staff = server.staff(COMPANY);
        for (id, before) in ids.iter().zip(before) {
            wait_until("an attempt", || {
                let (attempts, state, _) = bot(&mut staff, id);
                attempts > before || state == "failed"
            });
        }
        if ids.iter().all(|id| bot(&mut staff, id).1 == "failed") {
            break;
        }
    }
    let [first, second] = &ids;
    settled(&mut staff, first, "sent", 1);
    assert_eq!(ways(&mut staff, first), [way("email", "sent"), way("telegram", "failed")]);
    let _ = server.letter(&person.email, "Не дождётся");
    settled(&mut staff, second, "failed", 1);
    for id in &ids {
        let (_, state, note) = bot(&mut staff, id);
        assert_eq!((state.as_str(), note.as_str()), ("failed", "asked to wait for more than a day"));
    }
}

fn a_token_that_was_mistyped_loses_no_notice(kind: Kind) {
    let Stage { mut server, gateway, mut staff, person } = stage(kind, &["max", "email"]);
    let address = "/api/admin/v1/notification-channels/max/token";
    staff.call("PUT", address, Some(&json!({ "token": "mistyped" }))).expect(200);
    let id = sent(&mut staff, &message("С опечаткой", &only(person.id)));
    wait_for("the refusal", || log(&mut staff, &id).first().filter(|one| one["note"] == "status 401").cloned());
    assert_eq!(ways(&mut staff, &id), [way("max", "trying")]);
    token(&mut staff, "max");
    server.kill();
    server.start_at("2026-11-22T12:30:00+05:00");
    let mut staff = server.staff(COMPANY);
    settled(&mut staff, &id, "sent", 1);
    assert_eq!(ways(&mut staff, &id), [way("max", "sent")]);
    assert_eq!(said(&gateway, "max").last().map(String::as_str), Some("С опечаткой\n\nТекст важный."));
}

fn messengers_are_told_of_the_webhook_again_every_day(kind: Kind) {
    let Stage { mut server, gateway, .. } = stage(kind, &["max", "telegram"]);
    let secrets = ["max", "telegram"].map(|messenger| (messenger, webhook_secret(&gateway, messenger)));
    let before = secrets.each_ref().map(|(messenger, _)| subscriptions(&gateway, messenger).len());
    server.kill();
    server.start_at("2026-11-23T10:01:00+05:00");
    for ((messenger, secret), before) in secrets.iter().zip(before) {
        wait_until("the subscription", || subscriptions(&gateway, messenger).len() > before);
        let calls = subscriptions(&gateway, messenger);
        assert!(calls.iter().all(|call| call.body == calls[0].body), "the same address and secret: {calls:?}");
        assert_eq!(hook(&server, messenger, secret, &json!({})), 200, "what was told before still holds");
    }
}
