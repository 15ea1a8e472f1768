//! Messages of staff, and what residents see of them.

use kabinet_tests::world::{self, holder_of_flat, in_company};
use kabinet_tests::{Database, Kind, Server, on_both_databases, wait_for, wait_until};
use sea_orm::FromQueryResult;
use serde_json::json;
use uuid::Uuid;

use crate::{COMPANY, STAFF, WINDOWED, badge, draft, message, of_account, only, owing, report, sent, settled, titles};

on_both_databases![
    staff_write_to_all_and_residents_see_it_with_a_count_and_a_letter,
    a_draft_reaches_nobody_and_a_preview_tells_whom_it_would,
    houses_accounts_and_debtors_are_told_and_nobody_else,
    what_is_taken_back_or_over_is_not_shown,
    a_message_with_mistakes_is_refused_field_by_field,
    a_draft_is_new_when_it_is_sent_and_none_is_sent_too_late,
    a_planned_outage_names_what_and_when,
    markup_of_staff_never_becomes_markup_of_the_page,
];

/// At the company to which no other test of this program writes: its residents would count more.
fn staff_write_to_all_and_residents_see_it_with_a_count_and_a_letter(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, WINDOWED, 0);
    let mut bare = world::newcomer(server, WINDOWED);
    let mut foreigner = world::newcomer(server, COMPANY);
    let mut staff = server.staff(WINDOWED);
    let before = badge(&mut person.browser);
    let id = sent(&mut staff, &message("Собрание 5 декабря", &json!({ "to": "all" })));
    wait_until("the message", || titles(&mut person.browser).contains(&"Собрание 5 декабря".to_owned()));
    wait_until("the count", || badge(&mut person.browser) > before);
    assert!(titles(&mut bare.browser).contains(&"Собрание 5 декабря".to_owned()), "without an account, too");
    assert!(!titles(&mut foreigner.browser).contains(&"Собрание 5 декабря".to_owned()));
    let letter = server.letter(&person.email, "Собрание 5 декабря");
    assert!(letter.text.contains("Текст важный.") && letter.html.contains("<b>важный</b>"), "{}", letter.html);

    // Looking at it reads it; the count follows on the same page.
    let count = badge(&mut person.browser);
    let page = person.browser.page(&format!("/notifications/{id}"));
    assert_eq!(page.one("h1").text(), "Собрание 5 декабря");
    assert_eq!(page.one("main b").text(), "важный");
    assert_eq!(badge(&mut person.browser), count - 1);
    let seen = wait_for("the state", || {
        let seen = report(&mut staff, &id);
        (seen["notification"]["state"] == "sent").then_some(seen)
    });
    assert!(seen["read"].as_i64().is_some_and(|read| read >= 1), "{seen}");
    assert!(seen["notification"]["addressed"].as_i64().is_some_and(|number| number >= 3), "{seen}");
    // Nobody else's identifier, and no other company's.
    foreigner.browser.get(&format!("/notifications/{id}")).expect(404);
    server.staff(COMPANY).call("GET", &format!("{STAFF}/{id}"), None).expect(404);
    sent(&mut staff, &message("Ещё одно", &only(person.id)));
    wait_until("another", || badge(&mut person.browser) > 0);
    let form = person.browser.page("/notifications").form("/notifications/read");
    person.browser.submit(&form).expect(303);
    assert_eq!(badge(&mut person.browser), 0);
    assert!(badge(&mut bare.browser) > 0, "what another one has not read is unread");
    let again = staff.call("POST", &format!("{STAFF}/{id}/send"), Some(&json!({}))).expect(422).json();
    assert_eq!(again["code"], "notifications.already_sent");
}

fn a_draft_reaches_nobody_and_a_preview_tells_whom_it_would(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 1);
    let mut staff = server.staff(COMPANY);
    let written = message("Черновик", &of_account(known.id));
    let preview = staff.call("POST", &format!("{STAFF}/preview"), Some(&written)).expect(200).json();
    assert_eq!((&preview["residents"], &preview["text"]), (&json!(1), &json!("Текст важный.")));
    let id = draft(&mut staff, &written);
    assert!(!titles(&mut person.browser).contains(&"Черновик".to_owned()));
    person.browser.get(&format!("/notifications/{id}")).expect(404);
    let rewritten = message("Уже не черновик", &of_account(known.id));
    staff.call("PUT", &format!("{STAFF}/{id}"), Some(&rewritten)).expect(200);
    staff.call("POST", &format!("{STAFF}/{id}/send"), Some(&json!({}))).expect(200);
    settled(&mut staff, &id, "sent", 1);
    assert!(titles(&mut person.browser).contains(&"Уже не черновик".to_owned()));
    staff.call("PUT", &format!("{STAFF}/{id}"), Some(&written)).expect(422);
    let log = staff.call("GET", &format!("{STAFF}/{id}/deliveries"), None).expect(200).json();
    let one = &log["items"][0];
    assert_eq!(
        (&one["channel"], &one["state"], &one["resident"]),
        (&json!("email"), &json!("sent"), &json!(person.id.0))
    );
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1));
}

fn houses_accounts_and_debtors_are_told_and_nobody_else(kind: Kind) {
    #[derive(FromQueryResult)]
    struct House {
        house_id: Uuid,
    }
    let server = Server::shared(kind);
    let (mut first, known) = holder_of_flat(server, COMPANY, 2);
    let others = world::accounts(server, COMPANY, |other| other.kind == "flat" && other.house != known.house);
    let elsewhere = others.iter().rev().find(|other| !other.surname.is_empty()).expect("another house").clone();
    let mut second = world::holder(server, COMPANY, &elsewhere);
    let mut helper = world::newcomer(server, COMPANY);
    first.invite(known.id, &helper.email, "sums", "30.12.2026").expect(303);
    helper.accept_invitation(server);
    let house: Vec<House> = in_company(server, COMPANY, async |tx| {
        let sql =
            "SELECT p.house_id FROM account a JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
                   WHERE a.tenant_id = $1 AND a.id = $2";
        tx.rows(sql, vec![known.id.into()]).await.expect("a house")
    });
    let mut staff = server.staff(COMPANY);
    let houses = json!({ "to": "houses", "houses": [house[0].house_id] });
    sent(&mut staff, &message("Дому", &houses));
    sent(&mut staff, &message("Счёту", &of_account(elsewhere.id)));
    wait_until("the house's", || titles(&mut first.browser).contains(&"Дому".to_owned()));
    wait_until("the account's", || titles(&mut second.browser).contains(&"Счёту".to_owned()));
    assert!(!titles(&mut first.browser).contains(&"Счёту".to_owned()));
    assert!(!titles(&mut second.browser).contains(&"Дому".to_owned()));
    let helpers = titles(&mut helper.browser);
    assert!(!helpers.iter().any(|title| title == "Дому" || title == "Счёту"), "helpers are no holders");

    // A debt is what the overview says it is.
    let (known, debt) = owing(server, COMPANY);
    let mut debtor = world::holder(server, COMPANY, &known);
    assert_eq!(debtor.browser.page("/overview").figure("debt"), Some(debt));
    let over = |sum: i64| json!({ "to": "debtors", "over": sum });
    for (title, sum, told) in [("Долг ниже", debt - 1, true), ("Долг ровно", debt, false)] {
        let id = sent(&mut staff, &message(title, &over(sum)));
        wait_until("the end", || report(&mut staff, &id)["notification"]["state"] == "sent");
        assert_eq!(titles(&mut debtor.browser).contains(&title.to_owned()), told, "{title}");
    }
}

fn what_is_taken_back_or_over_is_not_shown(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 3);
    let mut staff = server.staff(COMPANY);
    let id = sent(&mut staff, &message("Отзовём", &only(person.id)));
    let shown = |person: &mut world::Person, title: &str| titles(&mut person.browser).contains(&title.to_owned());
    wait_until("the message", || shown(&mut person, "Отзовём"));
    // The counter is kept until the server hears of the change.
    wait_until("the counter", || badge(&mut person.browser) >= 1);
    staff.call("POST", &format!("{STAFF}/{id}/cancel"), Some(&json!({}))).expect(200);
    wait_until("its end", || !shown(&mut person, "Отзовём"));
    person.browser.get(&format!("/notifications/{id}")).expect(404);
    let again = staff.call("POST", &format!("{STAFF}/{id}/cancel"), Some(&json!({}))).expect(422).json();
    assert_eq!(again["code"], "notifications.cancelled");
    // What begins later is not shown before, and its letter waits.
    let mut later = message("Позже", &only(person.id));
    later["valid_from"] = json!(4_102_444_800_000_i64);
    let id = sent(&mut staff, &later);
    settled(&mut staff, &id, "waiting", 1);
    assert!(!shown(&mut person, "Позже"));
    assert!(server.letters(&person.email).iter().all(|letter| letter.subject != "Позже"));
}

fn a_draft_is_new_when_it_is_sent_and_none_is_sent_too_late(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-11-01");
    let (mut person, _) = holder_of_flat(&server, COMPANY, 0);
    let mut staff = server.staff(COMPANY);
    let drafted = draft(&mut staff, &message("Написано первым", &only(person.id)));
    let mut short = message("До двадцатого", &only(person.id));
    short["valid_until"] = json!(1_795_028_400_000_i64);
    let short = draft(&mut staff, &short);
    let id = sent(&mut staff, &message("Отправлено первым", &only(person.id)));
    wait_until("the message", || titles(&mut person.browser).contains(&"Отправлено первым".to_owned()));
    assert_ne!(id, drafted);
    server.kill();
    server.start_at("2026-11-20T12:00:00+05:00");
    let mut staff = server.staff(COMPANY);
    staff.call("POST", &format!("{STAFF}/{drafted}/send"), Some(&json!({}))).expect(200);
    let late = staff.call("POST", &format!("{STAFF}/{short}/send"), Some(&json!({}))).expect(422).json();
    assert_eq!(late["fields"][0]["field"], "valid_until");
    person.browser.cookies.clear();
    person.browser.log_in(&person.email, world::PASSWORD);
    wait_until("the draft", || titles(&mut person.browser).first().is_some_and(|it| it == "Написано первым"));
    assert!(person.browser.page("/notifications").text().contains("20.11.2026"));
}

fn a_message_with_mistakes_is_refused_field_by_field(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let all = json!({ "to": "all" });
    let wrong = [
        (json!({ "title": " ", "body": "x", "audience": all }), "title"),
        (json!({ "title": "ш".repeat(121), "body": "x", "audience": all }), "title"),
        (
            json!({ "title": "x", "body": "<script>alert(1)</script>", "audience": json!({ "to": "houses" }) }),
            "audience",
        ),
        (json!({ "title": "x", "body": "<!-- -->", "audience": all }), "body"),
        (json!({ "title": "x", "body": "ш".repeat(4001), "audience": all }), "body"),
        (json!({ "title": "x", "body": "x", "audience": { "to": "moon" } }), "audience"),
        (json!({ "title": "x", "body": "x", "audience": { "to": "debtors" } }), "audience"),
        (json!({ "title": "x", "body": "x", "audience": all, "channels": ["telegram"] }), "channels"),
        (json!({ "title": "x", "body": "x", "audience": all, "valid_until": 1 }), "valid_until"),
        (
            json!({ "title": "x", "body": "x", "audience": all, "outage": { "resource": "Вода", "from": 1, "until": 2 } }),
            "audience",
        ),
    ];
    for (body, field) in wrong {
        let answer = staff.call("POST", STAFF, Some(&body)).expect(422).json();
        assert_eq!(answer["code"], "notifications.invalid", "{body}");
        let named: Vec<&str> =
            answer["fields"].as_array().expect("fields").iter().filter_map(|f| f["field"].as_str()).collect();
        assert!(named.contains(&field), "{named:?} for {body}");
    }
    // A resident is no staff.
    let mut person = world::newcomer(server, COMPANY);
    person.browser.call("POST", STAFF, Some(&message("x", &all))).expect(401);
}

fn a_planned_outage_names_what_and_when(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 4);
    #[derive(FromQueryResult)]
    struct House {
        house_id: Uuid,
    }
    let house: Vec<House> = in_company(server, COMPANY, async |tx| {
        let sql =
            "SELECT p.house_id FROM account a JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
                   WHERE a.tenant_id = $1 AND a.id = $2";
        tx.rows(sql, vec![known.id.into()]).await.expect("a house")
    });
    // 24 November 2026, 10:00 to 16:00 in Yekaterinburg.
    let from = 1_795_496_400_000_i64;
    let mut written = message("Отключение воды", &json!({ "to": "houses", "houses": [house[0].house_id] }));
    written["outage"] = json!({ "resource": "Холодная вода", "from": from, "until": from + 6 * 3_600_000 });
    let id = sent(&mut server.staff(COMPANY), &written);
    wait_until("the message", || titles(&mut person.browser).contains(&"Отключение воды".to_owned()));
    let text = person.browser.page(&format!("/notifications/{id}")).one("main").text().replace('\u{a0}', " ");
    assert!(text.contains("Плановые отключения"), "{text}");
    assert!(text.contains("Холодная вода: отключение с 24 ноября 10:00 до 24 ноября 16:00"), "{text}");
    let seen = report(&mut server.staff(COMPANY), &id);
    assert_eq!(seen["notification"]["valid_until"], json!(from + 6 * 3_600_000), "it holds until the water is back");
}

fn markup_of_staff_never_becomes_markup_of_the_page(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 5);
    let mut staff = server.staff(COMPANY);
    let body = "До <img src=x onerror=alert(1)> [зло](javascript:alert(1)) [добро](https://good.example/?a=1&b=\"2)\n\n\
                <script>alert(2)</script>\n\n- пункт <b>не жирный</b>";
    let written = json!({ "title": "<b>Тема</b>", "body": body, "audience": only(person.id) });
    let id = sent(&mut staff, &written);
    settled(&mut staff, &id, "sent", 1);
    let html = person.browser.get(&format!("/notifications/{id}")).expect(200).text();
    let letter = server.letter(&person.email, "<b>Тема</b>");
    for text in [&html, &letter.html] {
        assert!(
            !text.contains("<script>alert") && !text.contains("onerror") && !text.contains("javascript:"),
            "{text}"
        );
        assert!(!text.contains("<b>Тема") && text.contains("&lt;b&gt;Тема"), "{text}");
    }
    assert!(letter.html.contains("https://good.example/?a=1&amp;b="), "{}", letter.html);
    let page = person.browser.page(&format!("/notifications/{id}"));
    let links: Vec<Option<&str>> = page.all("main .words a").iter().map(|link| link.attribute("href")).collect();
    assert_eq!(links, [Some("https://good.example/?a=1&b=\"2")]);
    assert_eq!(page.all("main .words li").len(), 1);
}
