//! Мои данные и удаление личного кабинета.

use std::io::Read;

use kabinet_tests::traces::{places_of, wait_until_nowhere};
use kabinet_tests::{Kind, Server, on_both_databases};

use crate::{COMPANY, PASSWORD, apply, fresh_email, person};

on_both_databases![
    an_export_holds_everything_about_its_resident,
    the_withdrawal_of_consent_leads_to_the_deletion,
    after_the_deletion_a_search_finds_nothing,
];

const PHONE: &str = "9045556677";

fn an_export_holds_everything_about_its_resident(kind: Kind) {
    let server = Server::shared(kind);
    let mut person = person(server, "exports");
    person.send("/settings/export", &[]).expect(303);
    let path = server.letter(&person.email, "Ваши данные").path("/settings/export/");
    let answer = person.browser.get(&path).expect(200);
    assert_eq!(answer.header("content-type"), Some("application/zip"));
    assert!(answer.header("content-disposition").is_some_and(|value| value.starts_with("attachment")));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(answer.body)).expect("a ZIP");
    let mut file = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).expect(name).read_to_string(&mut text).expect("text");
        text
    };
    let json = |text: String| serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    let profile = json(file("profile.json"));
    assert_eq!((&profile["email"], &profile["phone"]), (&person.email.as_str().into(), &"+79123456789".into()));
    assert!(json(file("consents.json"))[0]["text"].as_str().is_some_and(|text| text.contains("7453991200")));
    assert_eq!(json(file("sessions.json"))[0]["address"], person.browser.from);
    assert!(json(file("actions.json")).as_array().is_some_and(|deeds| !deeds.is_empty()));
    assert!(file("readme.txt").contains("JSON"));
    // For nobody else: a guest, another resident, another secret.
    assert_eq!(server.stranger(COMPANY).get(&path).expect(303).location(), "/");
    crate::person(server, "stranger").browser.get(&path).expect(404);
    person.browser.get("/settings/export/none").expect(404);
    // Another archive takes its place; three a day are enough.
    person.send("/settings/export", &[]).expect(303);
    person.browser.get(&path).expect(404);
    person.send("/settings/export", &[]).expect(303);
    person.send("/settings/export", &[]).expect(429);
}

fn the_withdrawal_of_consent_leads_to_the_deletion(kind: Kind) {
    let server = Server::shared(kind);
    let mut person = person(server, "withdraws");
    assert!(person.browser.page("/settings").links().contains(&"/settings/consent".to_owned()));
    let page = person.browser.page("/settings/consent");
    assert!(page.one("main").text().contains("удаляет личный кабинет"));
    assert!(page.links().contains(&"/settings/delete".to_owned()));
    let page = person.browser.page("/settings/delete");
    let warning = "Удалить личный кабинет и привязки лицевых счетов? Данное действие отменить будет невозможно.";
    assert!(page.text().contains(warning));
    assert_eq!(page.one("main button").text(), "Подтвердить");
}

fn after_the_deletion_a_search_finds_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let mut person = person(server, "disappears");
    let (email, new) = (person.email.to_lowercase(), fresh_email("never-confirmed"));
    // Traces of every kind: phone, sessions, pending e-mail, recovery, failures, an archive.
    person.send("/settings", &[("phone", PHONE)]).expect(303);
    person.send("/settings", &[("email", &new)]).expect(303);
    let mut elsewhere = person.elsewhere(server, "Firefox");
    let mut guest = server.stranger(COMPANY);
    guest.try_log_in(&email, "не тот пароль").expect(422);
    let form = guest.recovery(&email);
    guest.submit(&form).expect(303);
    let recovery = server.letter(&email, "Восстановление").path("/recover/new");
    person.send("/settings/export", &[]).expect(303);
    let export = server.letter(&email, "Ваши данные").path("/settings/export/");
    let found = places_of(server, &[&email, PHONE]);
    assert!(!found.is_empty(), "the search finds what is there");
    let form = person.browser.page("/settings/delete").form("/settings/delete");
    assert_eq!(person.browser.submit(&form).expect(303).location(), "/");
    assert!(person.browser.page("/").one("[role=status]").text().contains("удалён"));
    // Nothing of the login works any more.
    assert!(!person.browser.is_logged_in() && !elsewhere.is_logged_in());
    guest.get(&recovery).expect(404);
    assert_eq!(elsewhere.get(&export).expect(303).location(), "/");
    guest.try_log_in(&email, PASSWORD).expect(422);
    wait_until_nowhere(server, &[&email, PHONE, &new, &person.browser.from, &elsewhere.from]);
    // The address is free again.
    apply(&mut server.stranger(COMPANY), &email, PASSWORD);
}
