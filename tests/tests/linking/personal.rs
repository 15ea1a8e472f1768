//! What accounts and meters hold about a person: all of it comes with the export, none of it is found after
//! the login was deleted.

use std::io::Read;

use kabinet_tests::traces::{places_of, wait_until_nowhere};
use kabinet_tests::world::{self, Known, Person, flat, newcomer};
use kabinet_tests::{Kind, Server, on_both_databases, wait_until};
use serde_json::{Value, json};

use crate::SLUG;

on_both_databases![
    links_readings_and_helpers_come_with_the_export,
    what_a_holder_left_is_found_nowhere,
    what_a_helper_left_is_found_nowhere,
    an_invited_person_who_never_came_is_forgotten_with_the_holder,
];

/// A person's archive, by the names of its files.
fn export(server: &Server, person: &mut Person) -> impl FnMut(&str) -> Value + use<> {
    let ready = |person: &Person| {
        server.letters(&person.email).iter().filter(|letter| letter.subject.contains("Ваши данные")).count()
    };
    let before = ready(person);
    let form = person.browser.page("/settings").form("/settings/export");
    person.submit(&form).expect(303);
    wait_until("the letter", || ready(person) > before);
    let path = server.letter(&person.email, "Ваши данные").path("/settings/export/");
    let answer = person.browser.get(&path).expect(200);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(answer.body)).expect("a ZIP");
    move |name| {
        let mut text = String::new();
        archive.by_name(name).expect(name).read_to_string(&mut text).expect("text");
        serde_json::from_str(&text).expect("JSON")
    }
}

/// Gives the person a phone that nobody else has.
fn with_phone(person: &mut Person, phone: &str) {
    person.browser.call("PATCH", "/api/v1/me", Some(&json!({ "phone": phone }))).expect(200);
}

/// Sends a reading of the chosen account's first meter.
fn send_reading(person: &mut Person) {
    let form = person.browser.page("/meters/readings").form("/meters/readings");
    let fields = form.names("meter_");
    let first = fields.iter().find_map(|name| name.find("_delta").map(|at| &name[..at])).expect("a meter");
    let zones = fields.iter().filter(|name| name.starts_with(&format!("{first}_delta")));
    let filled = zones.fold(form.clone(), |form, field| form.with(field, "1,5"));
    person.submit(&filled).expect(303);
}

fn delete(person: &mut Person) {
    let form = person.browser.page("/settings/delete").form("/settings/delete");
    assert_eq!(person.submit(&form).expect(303).location(), "/");
}

struct Family {
    holder: Person,
    helper: Person,
    known: Known,
}

/// A holder with a helper, both with a phone of their own, the helper with a reading sent.
fn family(server: &Server, number: usize, phones: [&str; 2]) -> Family {
    let known = flat(server, SLUG, number);
    let (mut holder, mut helper) = (world::holder(server, SLUG, &known), newcomer(server, SLUG));
    with_phone(&mut holder, phones[0]);
    with_phone(&mut helper, phones[1]);
    holder.invite(known.id, &helper.email, "sums", "30.11.2026").expect(303);
    helper.accept_invitation(server);
    send_reading(&mut helper);
    Family { holder, helper, known }
}

fn links_readings_and_helpers_come_with_the_export(kind: Kind) {
    let server = Server::shared(kind);
    let Family { mut holder, mut helper, known } = family(server, 50, ["9010000050", "9010000051"]);
    let mut file = export(server, &mut holder);
    let accounts = file("accounts.json");
    assert_eq!(accounts["links"].as_array().map(Vec::len), Some(1), "{accounts}");
    let link = &accounts["links"][0];
    assert_eq!((&link["account"], &link["access"]), (&json!(known.account), &json!("full")));
    assert!(link["linked_at"].is_i64() && link["ended_at"].is_null(), "{link}");
    let grant = &accounts["helpers"][0];
    assert_eq!((&grant["given_by_me"], &grant["email"]), (&json!(true), &json!(helper.email)));
    assert_eq!((&grant["account"], &grant["until"]), (&json!(known.account), &json!(20_261_130)));
    assert_eq!(file("readings.json"), json!([]), "the reading is the helper's");
    let mut file = export(server, &mut helper);
    let accounts = file("accounts.json");
    assert_eq!(
        (&accounts["links"][0]["access"], &accounts["helpers"][0]["given_by_me"]),
        (&json!("sums"), &json!(false))
    );
    let readings = file("readings.json");
    assert_eq!(readings.as_array().map(Vec::len), Some(1), "{readings}");
    let reading = &readings[0];
    assert_eq!(reading["taken_on"], 20_261_122);
    assert!(
        reading["serial"].is_string() && reading["service"].is_string() && reading["values"][0].is_i64(),
        "{reading}"
    );
    // What ended is told as well.
    let path = format!("/accounts/{}/unlink", known.id);
    let form = holder.browser.page(&path).form(&path);
    holder.submit(&form).expect(303);
    let link = export(server, &mut helper)("accounts.json")["links"][0].clone();
    assert!(link["ended_at"].is_i64() && link["ended_reason"].is_string(), "{link}");
}

fn what_a_holder_left_is_found_nowhere(kind: Kind) {
    let server = Server::shared(kind);
    let Family { mut holder, mut helper, known } = family(server, 51, ["9010000052", "9010000053"]);
    let gone = [holder.email.clone(), "9010000052".to_owned()];
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    assert!(!places_of(server, &gone).is_empty(), "the search finds what is there");
    delete(&mut holder);
    wait_until_nowhere(server, &gone);
    // The helper's access went with it; the readings stay on the account.
    let _ = server.letter(&helper.email, "завершена");
    assert!(helper.linked().is_empty());
    let mut next = world::holder(server, SLUG, &known);
    let meters = next.browser.call("GET", "/api/v1/meters", None).expect(200).json();
    assert!(meters["meters"].as_array().is_some_and(|all| all.iter().any(|one| one["last_date"] == "2026-11-22")));
    let helpers = next.browser.page(&format!("/accounts/{}/helpers", known.id));
    assert!(
        !helpers.text().contains(&helper.email),
        "a former holder's helpers are not told to the next one by address"
    );
}

fn what_a_helper_left_is_found_nowhere(kind: Kind) {
    let server = Server::shared(kind);
    let Family { mut holder, mut helper, known } = family(server, 52, ["9010000054", "9010000055"]);
    let gone = [helper.email.clone(), "9010000055".to_owned()];
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    assert!(places_of(server, &gone).iter().any(|place| place.contains(gone[0])), "the search finds what is there");
    delete(&mut helper);
    wait_until_nowhere(server, &gone);
    // The holder still sees that somebody helped, and no longer who.
    let page = holder.browser.page(&format!("/accounts/{}/helpers", known.id));
    assert!(page.text().contains("Завершён") && !page.text().contains(&helper.email), "{}", page.text());
    assert_eq!(holder.linked(), [known.account]);
}

fn an_invited_person_who_never_came_is_forgotten_with_the_holder(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 53);
    let mut holder = world::holder(server, SLUG, &known);
    let invited = format!("never-came-{kind}@helpers.example");
    holder.invite(known.id, &invited, "readings", "30.11.2026").expect(303);
    let path = server.letter(&invited, "Вас просят").path("/accounts/invitation");
    let own = holder.email.clone();
    delete(&mut holder);
    wait_until_nowhere(server, &[&own, &invited]);
    // The link in the letter leads nowhere any more.
    let page = newcomer(server, SLUG).browser.page(&path);
    assert!(page.text().contains("уже не действует") && !page.text().contains(&known.account));
}
