//! What the module holds about a resident: exported whole, and let go when the login is deleted.

use std::io::Read;

use kabinet_tests::gateways::{Gateway, Mood};
use kabinet_tests::world::holder_of_flat;
use kabinet_tests::{Database, Kind, Server, on_both_databases, wait_until};
use serde_json::{Value, json};

use crate::{COMPANY, channels, decide, message, only, sent, settled, token, webhook_secret};

on_both_databases![an_export_holds_notices_and_choices_and_a_deletion_lets_them_go];

const USER: i64 = 991_144_771;

fn an_export_holds_notices_and_choices_and_a_deletion_lets_them_go(kind: Kind) {
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let gateway = Gateway::start();
    decide(&server, COMPANY, &channels(&["max", "email"], &gateway));
    let mut staff = server.staff(COMPANY);
    token(&mut staff, "max");
    let secret = webhook_secret(&gateway, "max");
    let (mut person, _) = holder_of_flat(&server, COMPANY, 0);
    let path = "/notifications/preferences";
    let form = person.browser.page(path).form(&format!("{path}/chats/max"));
    let code = person.browser.submit(&form).expect(200).page().one("#code-max").text();
    let started = json!({ "update_type": "bot_started", "timestamp": 1, "user": { "user_id": USER }, "payload": code });
    let headers = [("X-Max-Bot-Api-Secret", secret.as_str())];
    let body = started.to_string();
    let status =
        server.browser(COMPANY).send("POST", "/notifications/hooks/max", &headers, Some(body.as_bytes())).status;
    assert_eq!(status, 200);
    let form = person.browser.page(path).form(path).with("quiet", "never");
    person.browser.submit(&form).expect(303);
    let id = sent(&mut staff, &message("Для выгрузки", &only(person.id)));
    settled(&mut staff, &id, "sent", 1);

    let form = person.browser.page("/settings").form("/settings/export");
    person.browser.submit(&form).expect(303);
    let archive = server.letter(&person.email, "Ваши данные").path("/settings/export/");
    let archive = person.browser.get(&archive).expect(200).body;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("a ZIP");
    let mut text = String::new();
    archive.by_name("notifications.json").expect("the part").read_to_string(&mut text).expect("text");
    let part: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(part["notices"][0]["title"], "Для выгрузки");
    assert_eq!((&part["chats"][0]["messenger"], &part["chats"][0]["chat"]), (&json!("max"), &json!(USER.to_string())));
    assert_eq!(part["choices"]["quiet"], json!({ "from": 0, "to": 0 }));

    // What waits for somebody who leaves is not delivered.
    gateway.set(Mood::Down);
    let waiting = sent(&mut staff, &message("Не дождётся", &only(person.id)));
    settled(&mut staff, &waiting, "waiting", 1);
    let form = person.browser.page("/settings/delete").form("/settings/delete");
    person.browser.submit(&form).expect(303);
    settled(&mut staff, &waiting, "stopped", 1);
    wait_until("the end of the traces", || {
        let sql = "SELECT (SELECT COUNT(*) FROM chat c WHERE c.tenant_id = $1 AND c.resident_id = $2)
                        + (SELECT COUNT(*) FROM notice_choices c WHERE c.tenant_id = $1 AND c.resident_id = $2) AS number";
        server.database.count(COMPANY, sql, vec![person.id.into()]) == 0
    });
}
