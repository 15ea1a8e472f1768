//! Messengers: a chat is linked by a code, readings and appeals written there become what they are.

use kabinet_tests::gateways::Gateway;
use kabinet_tests::world::{Person, holder_of_flat, switch};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, wait_for};
use serde_json::{Value, json};

use crate::{COMPANY, channels, decide, message, only, sent, settled, token, webhook_secret};

on_both_databases![
    a_chat_is_linked_by_a_code_and_notices_come_there,
    a_reading_written_to_the_bot_becomes_one_with_the_verdict_in_words,
    an_appeal_written_to_the_bot_becomes_a_request_where_the_company_has_them,
    whoever_lacks_the_secret_is_refused_and_the_same_update_counts_once,
    telegram_is_linked_and_heard_the_same_way,
];

const MAX: &str = "/notifications/hooks/max";
const USER: i64 = 4711;

struct Stage {
    server: Server,
    gateway: Gateway,
    staff: Browser,
    secret: String,
}

fn stage(kind: Kind) -> Stage {
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let gateway = Gateway::start();
    let mut settings = channels(&["max", "telegram", "email"], &gateway);
    settings["automatic"]["request"] = json!(true);
    decide(&server, COMPANY, &settings);
    let mut staff = server.staff(COMPANY);
    let hook = token(&mut staff, "max");
    assert!(hook["url"].as_str().is_some_and(|url| url.ends_with(MAX)), "{hook}");
    let secret = webhook_secret(&gateway, "max");
    Stage { server, gateway, staff, secret }
}

impl Stage {
    fn hook(&self, body: &Value) -> u16 {
        self.hook_with(&self.secret, body)
    }

    fn hook_with(&self, secret: &str, body: &Value) -> u16 {
        let headers = [("Content-Type", "application/json"), ("X-Max-Bot-Api-Secret", secret)];
        self.server.browser(COMPANY).send("POST", MAX, &headers, Some(body.to_string().as_bytes())).status
    }

    /// What the bot has said to the user so far.
    fn said(&self) -> Vec<String> {
        let path = format!("/max/messages?user_id={USER}");
        let calls = self.gateway.taken().into_iter().filter(|call| call.path == path);
        calls.filter_map(|call| call.json()["text"].as_str().map(str::to_owned)).collect()
    }

    /// Writes to the bot; its answer.
    fn say(&self, number: u32, text: &str) -> String {
        let before = self.said().len();
        assert_eq!(self.hook(&words(number, text)), 200);
        wait_for("an answer", || self.said().into_iter().nth(before))
    }

    fn linked(&self, person: &mut Person) {
        let code = code(person, "max");
        assert!(self.say(1, &code).contains("привязан"));
    }
}

fn words(number: u32, text: &str) -> Value {
    json!({ "update_type": "message_created", "timestamp": 1_795_350_000_000_i64, "message": {
        "sender": { "user_id": USER, "first_name": "Анна" }, "recipient": { "chat_id": 1, "chat_type": "dialog" },
        "timestamp": 1_795_350_000_000_i64, "body": { "mid": format!("mid.{number}"), "seq": number, "text": text } } })
}

/// Asks for a code on the page of preferences.
pub(crate) fn code(person: &mut Person, channel: &str) -> String {
    let form =
        person.browser.page("/notifications/preferences").form(&format!("/notifications/preferences/chats/{channel}"));
    let page = person.browser.submit(&form).expect(200).page();
    let code = page.one(&format!("#code-{channel}")).text();
    assert!(page.links().iter().any(|link| link.ends_with(&format!("?start={code}"))), "{:?}", page.links());
    code
}

fn a_chat_is_linked_by_a_code_and_notices_come_there(kind: Kind) {
    let mut stage = stage(kind);
    let (mut person, _) = holder_of_flat(&stage.server, COMPANY, 0);
    assert!(stage.say(1, "хвс 5").contains("не привязан"), "a stranger is told where to get a code");
    let first = code(&mut person, "max");
    let second = code(&mut person, "max");
    assert!(stage.say(2, &first).contains("не подошёл"), "a newer code takes its place");
    let started = json!({ "update_type": "bot_started", "timestamp": 1_795_350_000_001_i64, "chat_id": 1,
                          "user": { "user_id": USER }, "payload": second });
    assert_eq!(stage.hook(&started), 200);
    wait_for("the link", || stage.said().into_iter().find(|text| text.contains("Чат привязан")));
    assert!(stage.say(3, &second).contains("не подошёл"), "and holds once");
    let id = sent(&mut stage.staff, &message("В чат", &only(person.id)));
    settled(&mut stage.staff, &id, "sent", 1);
    assert_eq!(stage.said().last().map(String::as_str), Some("В чат\n\nТекст важный."));
    assert!(stage.server.letters(&person.email).iter().all(|letter| letter.subject != "В чат"));
    // Who stops the bot is told by letter again.
    let stopped = json!({ "update_type": "bot_stopped", "timestamp": 1_795_350_000_002_i64, "chat_id": 1, "user": { "user_id": USER } });
    assert_eq!(stage.hook(&stopped), 200);
    sent(&mut stage.staff, &message("Письмом", &only(person.id)));
    let _ = stage.server.letter(&person.email, "Письмом");
}

fn a_reading_written_to_the_bot_becomes_one_with_the_verdict_in_words(kind: Kind) {
    let mut stage = stage(kind);
    let unlinked = stage.server.facts().company(COMPANY).unlinked[0].clone();
    let mut person = kabinet_tests::world::newcomer(&stage.server, COMPANY);
    person.link(&unlinked.account, &unlinked.house, &unlinked.flat, &unlinked.surname).expect(303);
    stage.linked(&mut person);
    let meters = person.browser.call("GET", "/api/v1/meters", None).expect(200).json();
    let meters = meters["meters"].as_array().expect("meters").clone();
    // The demo says of such a flat that one and a half more is ordinary for its meter of one zone.
    let water = meters.iter().find(|meter| meter["zones"] == 1).expect("a meter of one zone").clone();
    let page = person.browser.page("/meters").text();
    let last = last_value(&stage.server, water["id"].as_str().expect("an id"));
    assert!(page.contains(water["serial"].as_str().expect("a serial")));
    let serial = water["serial"].as_str().expect("a serial");
    let lower = stage.say(10, &format!("№{serial} 0"));
    assert!(lower.contains("не приняты") && lower.contains("меньше предыдущего"), "{lower}");
    let figure = |thousandths: i64| format!("{},{:03}", thousandths / 1000, thousandths % 1000);
    let value = figure(last + 1500);
    let taken = stage.say(11, &format!("№{serial} {value}"));
    assert!(taken.contains("Показания приняты 22.11.2026") && taken.contains(&value), "{taken}");
    assert!(taken.contains(&unlinked.account), "{taken}");
    let history = person.browser.page(&format!("/meters/{}", water["id"].as_str().expect("an id"))).text();
    assert!(history.contains("мессенджер"), "{history}");
    let huge = stage.say(12, &format!("№{serial} {}", figure(last + 9_000_000)));
    assert!(huge.contains("больше обычного") && huge.contains("верно"), "{huge}");
    assert!(stage.say(13, &format!("№{serial} {} верно", figure(last + 9_000_000))).contains("приняты 22.11.2026"));
    let verified = format!("/api/admin/v1/meters/{}/verification", water["id"].as_str().expect("an id"));
    stage.staff.call("PUT", &verified, Some(&json!({ "until": "2026-11-21" }))).expect(200);
    let expired = stage.say(16, &format!("№{serial} {} верно", figure(last + 9_000_000)));
    assert!(expired.contains("Показания приняты 22.11.2026"), "{expired}");
    assert!(expired.contains("срок поверки истёк 21.11.2026, показание не войдёт в расчёт."), "{expired}");
    assert!(stage.say(14, "отопление 5").contains("Такого счётчика"), "and which there are is told");
    assert!(stage.say(15, "спасибо").contains("Отправьте показание"), "what was not understood changes nothing");
}

/// The newest value of a meter, thousandths.
fn last_value(server: &Server, meter: &str) -> i64 {
    #[derive(sea_orm::FromQueryResult)]
    struct Row {
        value: i64,
    }
    let meter: uuid::Uuid = meter.parse().expect("an identifier");
    let sql = "SELECT g.value_t1 AS value FROM reading g WHERE g.tenant_id = $1 AND g.meter_id = $2
               ORDER BY g.taken_on DESC, g.created_at DESC LIMIT 1";
    let rows: Vec<Row> = server.database.rows(COMPANY, sql, vec![meter.into()]);
    rows[0].value / 10_000
}

fn an_appeal_written_to_the_bot_becomes_a_request_where_the_company_has_them(kind: Kind) {
    let mut stage = stage(kind);
    let (mut person, _) = holder_of_flat(&stage.server, COMPANY, 0);
    stage.linked(&mut person);
    let answer = stage.say(20, "Обращение: не горит свет на третьем этаже");
    assert!(answer.contains("Заявка №") && answer.contains("отправлена"), "{answer}");
    let page = person.browser.page("/requests");
    let row = page.one("ul.rows a");
    assert_eq!(row.text(), "не горит свет на третьем этаже");
    // What the resident does is told to nobody; what staff do comes to the chat.
    let id = row.attribute("href").expect("a link").trim_start_matches("/requests/").to_owned();
    stage.staff.call("POST", &format!("/api/admin/v1/requests/{id}/accept"), Some(&json!({}))).expect(200);
    let told = wait_for("the notice", || stage.said().into_iter().find(|text| text.contains("принята")));
    assert!(told.starts_with("Заявка № "), "{told}");
    assert_eq!(stage.said().iter().filter(|text| text.contains("По вашей заявке")).count(), 1);
    // A company without requests says so, and files none.
    switch(&stage.server, COMPANY, "requests", false);
    person.browser.wait_for_status("/requests", 404);
    assert!(stage.say(21, "обращение: ещё одно").contains("не принимаются"));
}

fn whoever_lacks_the_secret_is_refused_and_the_same_update_counts_once(kind: Kind) {
    let stage = stage(kind);
    let (mut person, _) = holder_of_flat(&stage.server, COMPANY, 0);
    stage.linked(&mut person);
    for secret in ["", "x", &stage.secret[1..]] {
        assert_eq!(stage.hook_with(secret, &words(30, "обращение: чужое")), 403, "{secret}");
    }
    let headers = [("Content-Type", "application/json"), ("X-Max-Bot-Api-Secret", stage.secret.as_str())];
    let elsewhere = stage.server.browser("teploset").send("POST", MAX, &headers, Some(b"{}"));
    assert_eq!(elsewhere.status, 403, "another company's secret");
    let unknown = stage.server.browser(COMPANY).send("POST", "/notifications/hooks/pigeon", &headers, Some(b"{}"));
    assert_eq!(unknown.status, 403);
    let answer = stage.say(31, "обращение: одно");
    assert!(answer.contains("отправлена"), "{answer}");
    let before = stage.said().len();
    for _ in 0..3 {
        assert_eq!(stage.hook(&words(31, "обращение: одно")), 200);
    }
    for nonsense in [json!(null), json!({ "update_type": "message_created" }), json!([1, 2])] {
        assert_eq!(stage.hook(&nonsense), 200, "a messenger is never asked to repeat what is not understood");
    }
    assert!(stage.say(32, "спасибо").contains("Отправьте показание"));
    assert_eq!(stage.said().len(), before + 1);
    assert_eq!(person.browser.page("/requests").all("ul.rows a").len(), 1);
}

fn telegram_is_linked_and_heard_the_same_way(kind: Kind) {
    let mut stage = stage(kind);
    token(&mut stage.staff, "telegram");
    let secret = webhook_secret(&stage.gateway, "telegram");
    let (mut person, _) = holder_of_flat(&stage.server, COMPANY, 0);
    let start = format!("/start {}", code(&mut person, "telegram"));
    let update = json!({ "update_id": 1, "message": { "chat": { "id": 99, "type": "private" }, "text": start } });
    let headers = [("Content-Type", "application/json"), ("X-Telegram-Bot-Api-Secret-Token", secret.as_str())];
    let path = "/notifications/hooks/telegram";
    let status = stage.server.browser(COMPANY).send("POST", path, &headers, Some(update.to_string().as_bytes())).status;
    assert_eq!(status, 200);
    let sends = || stage.gateway.taken().into_iter().filter(|call| call.path.ends_with("/sendMessage"));
    let linked = wait_for("an answer", || sends().next());
    assert_eq!(linked.json()["chat_id"], "99");
    assert!(linked.json()["text"].as_str().is_some_and(|text| text.contains("Чат привязан")), "{linked:?}");
}
