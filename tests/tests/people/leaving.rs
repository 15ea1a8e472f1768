//! Мои данные и удаление личного кабинета.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kabinet_tests::postgres::Cluster;
use kabinet_tests::server::CAPTCHA;
use kabinet_tests::{Kind, Server, on_both_databases};

use crate::{PASSWORD, apply, fresh_email, is_in, person, stranger};

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
    assert_eq!(stranger(server).get(&path).expect(303).location(), "/");
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
    let mut guest = stranger(server);
    guest.try_log_in(&email, "не тот пароль").expect(422);
    let form = guest.page("/recover").form("/recover").with("email", &email).with("captcha", CAPTCHA);
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
    assert!(!is_in(&mut person.browser) && !is_in(&mut elsewhere));
    guest.get(&recovery).expect(404);
    assert_eq!(elsewhere.get(&export).expect(303).location(), "/");
    guest.try_log_in(&email, PASSWORD).expect(422);
    wait_until_nowhere(server, &[&email, PHONE, &new, &person.browser.from, &elsewhere.from]);
    // The address is free again.
    apply(&mut stranger(server), &email, PASSWORD);
}

/// Waits until none of the texts is found in the database, the files beside it and the log.
pub(crate) fn wait_until_nowhere(server: &Server, texts: &[&str]) {
    let begun = Instant::now();
    loop {
        let found = places_of(server, texts);
        if found.is_empty() {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "found: {found:?}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// Where any of the texts is found.
fn places_of(server: &Server, texts: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for file in files(&server.database.dir).into_iter().chain([server.log_file()]) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let inside = texts.iter().filter(|text| contains(&bytes, text.as_bytes()));
        places.extend(inside.map(|text| format!("{text} in {}", file.display())));
    }
    let Some(database) = &server.database.postgres else { return places };
    let run = |sql: &str| Cluster::shared().execute(&database.name, sql);
    for table in run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").lines().map(str::trim) {
        // The big tables of a run hold no people.
        if table.is_empty() || ["charge", "receipt_facts", "ledger_entry", "reading"].contains(&table) {
            continue;
        }
        let rows = run(&format!("SELECT t::text FROM {table} t"));
        for text in texts {
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            if rows.contains(text) || rows.contains(&hex) {
                places.push(format!("{text} in {table}"));
            }
        }
    }
    places
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == text[0]) {
        if rest[at..].starts_with(text) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}
