//! The module switched off and on again at one company.

use std::time::Duration;

use kabinet_notifications::entity::MessageId;
use kabinet_tests::gateways::Gateway;
use kabinet_tests::world::{holder_of_flat, in_company, switch};
use kabinet_tests::{Database, Kind, Server, on_both_databases, wait_until};
use serde_json::json;

use crate::crash::{phone, populate};
use crate::{COMPANY, STAFF, badge, channels, decide, draft, message, only, report, sent, settled, titles, token};

on_both_databases![
    a_company_that_switches_notifications_off_has_none_and_keeps_its_data,
    what_was_taken_and_not_begun_goes_back_when_notifications_are_switched_off,
    the_two_optional_modules_are_switched_apart_from_each_other,
];

fn a_company_that_switches_notifications_off_has_none_and_keeps_its_data(kind: Kind) {
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let gateway = Gateway::start();
    decide(&server, COMPANY, &channels(&["sms"], &gateway));
    let (mut other, _) = holder_of_flat(&server, "teploset", 0);
    let (mut person, _) = holder_of_flat(&server, COMPANY, 0);
    let mut staff = server.staff(COMPANY);
    token(&mut staff, "sms");
    let kept = sent(&mut staff, &message("Останется", &only(person.id)));
    settled(&mut staff, &kept, "sent", 1);
    let waiting = draft(&mut staff, &message("Пока выключено", &only(person.id)));
    let browser = &mut person.browser;
    for round in 0..2 {
        switch(&server, COMPANY, "notifications", false);
        browser.wait_for_status("/notifications", 404);
        let unknown = browser.get("/nothing").expect(404).fingerprint();
        let pages = [
            format!("/notifications/{kept}"),
            "/notifications/preferences".into(),
            "/notifications/unsubscribe?token=x".into(),
        ];
        for address in pages {
            assert_eq!(browser.get(&address).expect(404).fingerprint(), unknown, "{address}");
        }
        browser.get("/api/v1/notifications").expect(404);
        staff.call("GET", STAFF, None).expect(404);
        staff.call("GET", "/api/admin/v1/notification-channels", None).expect(404);
        let hook = server.browser(COMPANY).send("POST", "/notifications/hooks/max", &[], Some(b"{}"));
        assert_eq!(hook.status, 404);
        assert!(!browser.menu().join("|").contains("Уведомления"));
        // A job that was queued before does not run, and an event is not heard.
        if round == 0 {
            in_company(&server, COMPANY, async |tx| {
                let id = waiting.parse().expect("an identifier");
                kabinet_notifications::messages::send(tx, id).await.expect("sent");
            });
            std::thread::sleep(Duration::from_secs(3));
            assert_eq!(gateway.taken().len(), 1, "only what was sent before");
        }
        other.browser.get("/notifications").expect(200);
        switch(&server, COMPANY, "notifications", true);
        browser.wait_for_status("/notifications", 200);
        assert!(titles(browser).contains(&"Останется".to_owned()));
        assert!(browser.menu().join("|").contains("Уведомления"));
        wait_until("what was unread to be unread", || badge(browser) == 1);
        staff.call("GET", &format!("{STAFF}/{kept}"), None).expect(200);
    }
}

/// What is known of a message's deliveries.
#[derive(Debug, PartialEq, Eq, sea_orm::FromQueryResult)]
struct Deliveries {
    number: i64,
    /// Begun, and their end is not known.
    trying: i64,
    /// What all of them cost, and what all months did, kopecks.
    cost: i64,
    spent: i64,
}

fn deliveries(server: &Server, message: MessageId) -> Deliveries {
    let sql = "SELECT COUNT(*) AS number, COUNT(CASE WHEN d.state = 'trying' THEN 1 END) AS trying,
                      CAST(COALESCE(SUM(d.cost), 0) AS BIGINT) AS cost,
                      (SELECT CAST(COALESCE(SUM(s.kopecks), 0) AS BIGINT) FROM channel_spending s
                        WHERE s.tenant_id = $1) AS spent
               FROM delivery d WHERE d.tenant_id = $1 AND d.message_id = $2";
    server.database.rows(COMPANY, sql, vec![message.into()]).pop().expect("a row")
}

fn what_was_taken_and_not_begun_goes_back_when_notifications_are_switched_off(kind: Kind) {
    const RESIDENTS: usize = 4000;
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let gateway = Gateway::counting();
    let mut settings = channels(&["sms"], &gateway);
    // A batch is under way for some seconds.
    settings["sms"]["per_second"] = json!(300);
    decide(&server, COMPANY, &settings);
    populate(&server, RESIDENTS);
    let (mut person, _) = holder_of_flat(&server, COMPANY, 0);
    let mut staff = server.staff(COMPANY);
    token(&mut staff, "sms");
    let id = sent(&mut staff, &message("Всем", &json!({ "to": "all" })));
    let deliveries = || deliveries(&server, id.parse().expect("an identifier"));
    wait_until("its addressing", || report(&mut staff, &id)["notification"]["state"] == "sent");
    // More than the batch under way can lack: another one is taken, and has not begun.
    let batch = 1000;
    wait_until("a batch taken ahead", || {
        let recorded = deliveries().number;
        let made = i64::try_from(gateway.taken_count()).expect("a number");
        recorded > made + batch
    });
    switch(&server, COMPANY, "notifications", false);
    wait_until("an end of what is under way", || deliveries().trying == 0);
    let taken = gateway.taken_count();
    assert!(taken < RESIDENTS, "what had not begun is not sent");
    let number = i64::try_from(taken).expect("a number");
    assert_eq!(deliveries(), Deliveries { number, trying: 0, cost: 400 * number, spent: 400 * number });
    // Nothing is lost: switched on again, it goes to each of the others once.
    switch(&server, COMPANY, "notifications", true);
    person.browser.wait_for_status("/notifications", 200);
    sent(&mut staff, &message("Снова", &only(person.id)));
    let addressed = report(&mut staff, &id)["notification"]["addressed"].as_i64().expect("a number");
    settled(&mut staff, &id, "sent", addressed);
    let delivered = gateway.delivered();
    assert_eq!(delivered.repeated, 0);
    assert!((0..RESIDENTS).all(|index| delivered.by_recipient.get(&phone(index)) == Some(&1)));
}

fn the_two_optional_modules_are_switched_apart_from_each_other(kind: Kind) {
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let (mut person, _) = holder_of_flat(&server, COMPANY, 0);
    let browser = &mut person.browser;
    for (requests, notifications) in [(false, false), (true, false), (false, true), (true, true)] {
        switch(&server, COMPANY, "requests", requests);
        switch(&server, COMPANY, "notifications", notifications);
        let status = |on: bool| if on { 200 } else { 404 };
        browser.wait_for_status("/requests", status(requests));
        browser.wait_for_status("/notifications", status(notifications));
        let menu = browser.menu().join("|");
        assert_eq!((menu.contains("Заявки"), menu.contains("Уведомления")), (requests, notifications), "{menu}");
        if requests {
            let form = browser.page("/requests/new?kind=emergency").form("/requests/new?kind=emergency");
            let subject = format!("С уведомлениями: {notifications}");
            browser.submit_with_files(&form.with("subject", &subject), &[]).expect(303);
            let page = browser.page("/requests");
            let href = page.one("ul.rows a").attribute("href").expect("a link").to_owned();
            server.staff(COMPANY).call("POST", &format!("/api/admin/v1{href}/accept"), Some(&json!({}))).expect(200);
            if notifications {
                wait_until("the notice", || titles(browser).iter().any(|title| title.contains("принята")));
            }
        }
    }
    assert_eq!(titles(browser).iter().filter(|title| title.contains("принята")).count(), 1, "none was heard while off");
}
