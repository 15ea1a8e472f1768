//! The portal as an app of the device: each company's own, and nobody's data in it.

use kabinet_tests::world::holder_of_flat;
use kabinet_tests::{Kind, Server, on_both_databases};

use crate::{OPEN, WINDOW};

on_both_databases![each_company_is_an_app_of_its_own, what_the_device_keeps_is_nobodys, a_draft_s_key_is_its_own];

fn each_company_is_an_app_of_its_own(kind: Kind) {
    let server = Server::shared(kind);
    let manifest = |slug: &str| server.browser(slug).get("/manifest.webmanifest").expect(200).json();
    let (one, other) = (manifest(OPEN), manifest(WINDOW));
    assert_eq!(one["start_url"], "/overview");
    assert_ne!(one["name"], other["name"]);
    assert_ne!(one["theme_color"], other["theme_color"]);
    let icon = |manifest: &serde_json::Value| manifest["icons"][0]["src"].as_str().expect("an icon").to_owned();
    let picture = server.browser(OPEN).get(&icon(&one)).expect(200);
    assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
    assert!(picture.text().contains("<image"), "the logo");
    server.browser(OPEN).get(&icon(&other)).expect(404);
    let policy = server.browser(OPEN).get("/").header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.contains("worker-src 'self'") && policy.contains("manifest-src 'self'"), "{policy}");
}

fn what_the_device_keeps_is_nobodys(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, OPEN, 30);
    let worker = person.browser.get("/sw.js").expect(200);
    assert_eq!(worker.header("cache-control"), Some("no-cache"));
    let text = worker.text();
    let list = text.strip_prefix("const FILES=").and_then(|rest| rest.split(';').next()).expect("a list");
    let files: Vec<String> = serde_json::from_str(list).expect("JSON");
    assert!(files.contains(&"/offline".to_owned()) && files.len() == 5, "{files:?}");
    for file in &files {
        let kept = person.browser.get(file).expect(200);
        for word in [&person.email, &known.account, &known.surname] {
            assert!(!kept.text().contains(word.as_str()), "{file} names {word}");
        }
    }
    assert!(!person.browser.page("/offline").has("[data-draft]"), "no key on it either");
}

fn a_draft_s_key_is_its_own(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, OPEN, 31);
    let (mut other, _) = holder_of_flat(server, OPEN, 32);
    let mut spouse = kabinet_tests::world::holder(server, OPEN, &known);
    let key = |person: &mut kabinet_tests::world::Person| {
        person.browser.page("/overview").one("body").attribute("data-draft").expect("a key").to_owned()
    };
    let own = key(&mut person);
    assert_eq!(key(&mut person), own, "the same on every page and in every session");
    assert_ne!(key(&mut other), own);
    assert_ne!(key(&mut spouse), own, "of the same account");
    assert!(!server.browser(OPEN).page("/").has("[data-draft]"));
}
