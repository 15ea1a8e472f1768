//! A receipt template that prints every sample and fails on what one account's receipt says: its resident reads in words
//! what is the matter and where the sums are, staff find the receipt and the reason, everybody else has the receipt. One
//! that is stopped at a limit is tried again before anybody is told.

use std::fs;

use kabinet_tests::pdf::Pdf;
use kabinet_tests::server::NOW;
use kabinet_tests::world;
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use serde_json::{Value, json};

use super::staff::{items, publish, put};
use super::usual;

on_both_databases![a_receipt_that_its_template_fails_on_is_explained_to_the_resident_and_to_staff];

const SLUG: &str = "teploset";
/// What the template's author has to know, and nobody else.
const REASON: &str = "строка 2: такого поля нет";
/// More memory than a worker has.
const HEAVY: &str = "#{ let a = range(1000); for i in range(100) { a = a + a }; a.len() }";

fn a_receipt_that_its_template_fails_on_is_explained_to_the_resident_and_to_staff(kind: Kind) {
    // Of its own: it bills a month.
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(SLUG);
    let [unlucky, lucky, heavy] = [0, 1, 2].map(|number| world::flat(&server, SLUG, number));
    let usual = fs::read_to_string(usual(SLUG).join("templates/receipt.typ")).expect("the template");
    let failing = format!(
        "{{% if payer.account == \"{}\" %}}\n{{{{ nobody.x }}}}{{% elif payer.account == \"{}\" %}}{HEAVY}{{% endif %}}\n\
         {usual}",
        unlucky.account, heavy.account
    );
    put(&mut staff, "receipt-template", &json!({ "text": failing }));
    assert_eq!(told(&mut staff), [Value::Null; 0]);
    publish(&server, "2026-11");

    let mut resident = world::holder(&server, SLUG, &unlucky).browser;
    for path in ["/documents/2026-11.pdf", "/documents/2026-11/heat.pdf", "/documents/2026-11.pdf"] {
        the_page_says_it(&mut resident, path);
    }
    let mut neighbour = world::holder(&server, SLUG, &lucky).browser;
    assert!(Pdf::new(&neighbour.get("/documents/2026-11.pdf").expect(200).body).text().contains(&lucky.account));

    let told = told(&mut staff);
    let [receipt] = told.as_slice() else { panic!("told once, however often it is asked for: {told:?}") };
    assert_eq!((&receipt["account"], &receipt["period"]), (&json!(unlucky.id.to_string()), &json!("2026-11")));
    assert_eq!(receipt["kind"], "heat");
    assert!(receipt["reason"].as_str().is_some_and(|reason| reason.contains(REASON)), "{receipt}");
    let log = fs::read_to_string(server.log_file()).expect("the log");
    assert!(log.contains("a receipt is not printed") && log.contains(REASON), "{}", server.log());
    assert!(!log.contains(&unlucky.surname), "no person is named in the log");
    assert_eq!(self::told(&mut server.staff("beregovoy")), [Value::Null; 0], "another company's staff learn nothing");
    one_that_is_stopped_is_tried_again_before_staff_are_told(&server, &heavy, &mut staff);
}

fn one_that_is_stopped_is_tried_again_before_staff_are_told(
    server: &Server,
    heavy: &world::Known,
    staff: &mut Browser,
) {
    let mut resident = world::holder(server, SLUG, heavy).browser;
    let mut asked = || {
        let answer = resident.get("/documents/2026-11.pdf").expect(503);
        assert_eq!(answer.header("retry-after"), Some("60"));
        answer.page().one("main").text()
    };
    let mut reasons = || -> Vec<Value> {
        let of_account = told(staff).into_iter().filter(|receipt| receipt["account"] == heavy.id.to_string());
        of_account.map(|receipt| receipt["reason"].clone()).collect()
    };
    let once = asked();
    assert!(once.contains("Откройте её ещё раз через минуту") && !once.contains("не подошла"), "{once}");
    assert_eq!(reasons(), [Value::Null; 0], "a busy machine may have been to blame");
    let twice = asked();
    assert!(twice.contains("не подошла к вашей квитанции") && twice.contains("Компания уже знает"), "{twice}");
    assert_eq!(reasons(), ["шаблон не уложился в отведённое время или память"]);
}

/// The receipts that the company's templates did not print.
fn told(staff: &mut Browser) -> Vec<Value> {
    let templates = items(staff, "receipt-templates");
    templates.iter().flat_map(|template| template["unprinted"].as_array().expect("receipts").clone()).collect()
}

fn the_page_says_it(resident: &mut Browser, path: &str) {
    let answer = resident.get(path).expect(503);
    assert_eq!(answer.header("retry-after"), Some("60"), "{path}");
    assert!(!answer.text().contains(REASON), "{path}");
    let page = answer.page();
    let words = page.one("main").text();
    assert!(words.contains("Квитанцию за ноябрь 2026 напечатать не удалось"), "{words}");
    assert!(words.contains("Компания уже знает"), "{words}");
    assert!(page.has("nav .tabs a"), "the menu is there");
    let links = page.one("main").links();
    let sums = "/charges?period=2026-11".to_owned();
    assert!(links.contains(&sums), "{links:?}");
    assert!(!resident.page(&sums).one("table.sums").figures().is_empty());
    let large = links.iter().find(|href| href.ends_with("?size=large")).expect("the platform's own large print");
    assert!(Pdf::new(&resident.get(large).expect(200).body).text().contains("страница 1"));
}
