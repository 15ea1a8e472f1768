//! What a server keeps in memory is one company's and one person's: what was made for one is never given to another.

use kabinet_residents::{password, people};
use kabinet_tests::company::COMPANIES;
use kabinet_tests::pdf::Pdf;
use kabinet_tests::world::{self, PASSWORD, in_company};
use kabinet_tests::{Browser, Kind, Server, on_both_databases, wait_until};
use serde_json::json;

on_both_databases![
    the_menus_numbers_are_those_of_one_companys_resident,
    an_estimate_is_made_by_the_companys_own_plan,
    a_printed_receipt_is_its_accounts,
];

const MESSAGES: &str = "/api/admin/v1/notifications";

/// The number beside «Уведомления» in the menu.
fn unread(browser: &mut Browser) -> String {
    let page = browser.page("/overview");
    page.all("nav .tabs a[href=/notifications] .count").first().map(|count| count.text()).unwrap_or_default()
}

/// Two residents of one identifier, which nothing forbids, and a neighbour: one of them has something to read.
fn the_menus_numbers_are_those_of_one_companys_resident(kind: Kind) {
    let server = Server::shared(kind);
    let [slug, other] = COMPANIES;
    let mut person = world::newcomer(server, slug);
    let (email, hash) = (format!("namesake.{}", person.email), password::hash_now(PASSWORD).expect("a hash"));
    in_company(server, other, async |tx| {
        people::create_resident(tx, person.id, &email, "+7 900 111-22-33", &hash).await.expect("a resident");
    });
    let mut namesake = server.browser(other);
    namesake.log_in(&email, PASSWORD);
    let mut neighbour = world::newcomer(server, slug).browser;
    let mut staff = server.staff(slug);
    let message =
        json!({ "title": "Акт готов", "body": "Текст", "audience": { "to": "resident", "resident": person.id.0 } });
    let draft = staff.call("POST", MESSAGES, Some(&message)).expect(200).json();
    let send = format!("{MESSAGES}/{}/send", draft["id"].as_str().expect("an identifier"));
    staff.call("POST", &send, None).expect(200);
    wait_until("the number", || !unread(&mut person.browser).is_empty());
    assert_eq!((unread(&mut namesake), unread(&mut neighbour)), (String::new(), String::new()));
}

fn an_estimate_is_made_by_the_companys_own_plan(kind: Kind) {
    let server = Server::shared(kind);
    for slug in COMPANIES.into_iter().chain(COMPANIES) {
        let mut resident = server.resident(slug);
        let known = resident.call("GET", "/api/v1/meters", None).expect(200).json();
        let all = known["meters"].as_array().expect("meters");
        let read =
            all.iter().find(|meter| meter["zones"] == 1 && meter["automatic"] == false && meter["active"] == true);
        let readings = json!({ "readings": [{ "meter": read.expect("a meter")["id"], "deltas": ["1"] }] });
        let imagined = resident.call("POST", "/api/v1/meters/estimate", Some(&readings)).expect(200).json();
        assert!(imagined["total"].is_i64(), "{slug}: {imagined}");
    }
}

fn a_printed_receipt_is_its_accounts(kind: Kind) {
    let server = Server::shared(kind);
    let [slug, _] = COMPANIES;
    let flats = [30, 31].map(|number| world::flat(server, slug, number));
    let mut holders = flats.each_ref().map(|known| world::holder(server, slug, known));
    // Once more, from what was kept.
    for _ in 0..2 {
        for (known, holder) in flats.iter().zip(&mut holders) {
            let text = Pdf::new(&holder.browser.get("/documents/2026-10.pdf").expect(200).body).text();
            assert!(text.contains(&known.account), "{}: {text}", known.account);
        }
    }
}
