//! Services, receipt kinds and due days: what staff change by the API and what packages say, each from a month on.

use kabinet_tests::books;
use kabinet_tests::company::package_with;
use kabinet_tests::pdf::{Pdf, qr_value};
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use serde_json::{Value, json};

use super::{LATER, change, place, refused, taken, usual};

on_both_databases![
    a_billed_service_stays_on_its_receipt_whoever_asks,
    a_package_rewrites_no_published_month,
    what_staff_change_from_a_month_on_is_on_the_bills_of_that_month,
    what_is_wrong_with_a_receipt_kind_or_a_due_day_is_told_by_its_field,
];

const SLUG: &str = "beregovoy";

fn address(what: &str) -> String {
    format!("/api/admin/v1/billing/catalog/{what}")
}

fn items(staff: &mut Browser, what: &str) -> Vec<Value> {
    let answer = staff.call("GET", &address(what), None).expect(200).json();
    answer["items"].as_array().expect("items").clone()
}

/// The entries with this code.
fn entries(staff: &mut Browser, what: &str, code: &str) -> Vec<Value> {
    items(staff, what).into_iter().filter(|item| item["code"] == code).collect()
}

/// An entry with other fields.
pub(super) fn with(entry: &Value, fields: Value) -> Value {
    let mut entry = entry.clone();
    let (known, fields) = (entry.as_object_mut().expect("an entry"), fields.as_object().cloned());
    known.extend(fields.expect("fields"));
    entry
}

#[track_caller]
fn put(staff: &mut Browser, what: &str, body: &Value) -> Value {
    staff.call("PUT", &address(what), Some(body)).expect(200).json()["changes"].clone()
}

fn a_billed_service_stays_on_its_receipt_whoever_asks(kind: Kind) {
    let server = Server::shared(kind);
    let package = package_with(SLUG, "");
    change(&package, "code = \"waste\"", "receipt = \"utilities\"", "receipt = \"capital_repair\"");
    let words = refused(server, &package, SLUG);
    let at = place(&package, "code = \"waste\"", "receipt = \"capital_repair\"");
    assert!(words.contains(&format!("{at}services[6].receipt: услуга «waste»: по ней есть начисления")), "{words}");
    let mut staff = server.staff(SLUG);
    let waste = entries(&mut staff, "services", "waste").remove(0);
    let moved = with(&waste, json!({ "receipt": "capital_repair" }));
    let refused = staff.call("PUT", &address("services/waste"), Some(&moved)).expect(422).json();
    assert_eq!(refused["fields"][0]["field"], "receipt", "{refused}");
    assert_eq!(entries(&mut staff, "services", "waste"), [waste]);
    books::check(&server.database, SLUG);
}

fn a_package_rewrites_no_published_month(kind: Kind) {
    let server = Server::shared(kind);
    let title = "title = \"Обращение с ТКО\"";
    let package = package_with(SLUG, "");
    change(&package, "code = \"waste\"", title, "title = \"Вывоз мусора\"\nfrom = \"2026-10\"");
    let words = refused(server, &package, SLUG);
    let at = place(&package, "code = \"waste\"", "from = \"2026-10\"");
    let refusal =
        "services[6].from: услуга «waste»: месяц 2026-10 уже рассчитан и опубликован, изменить можно с 2026-11";
    assert!(words.contains(&format!("{at}{refusal}")), "{words}");

    let package = package_with(SLUG, "");
    change(&package, "from = \"2026-02\"", "day = 15", "day = 20");
    let words = refused(server, &package, SLUG);
    let at = place(&package, "[[due_days]]", "from = \"2026-02\"");
    assert!(words.contains(&format!("{at}due_days[1].from: срок оплаты с 2026-02: месяц 2026-10")), "{words}");

    let package = package_with(SLUG, "");
    let file = package.join("tariffs.toml");
    let tariffs = std::fs::read_to_string(&file).expect("tariffs");
    std::fs::write(&file, tariffs.replacen("price = \"27.60\"", "price = \"27.61\"", 1)).expect("a write");
    let words = refused(server, &package, SLUG);
    assert!(
        words.contains("tariffs.toml:") && words.contains(": maintenance[0].from: услуга «maintenance»"),
        "{words}"
    );
}

/// Whom the month's main receipt pays, what it says, and the names of its charges.
fn bill_of(server: &Server, month: &str) -> (String, String, Vec<Value>) {
    let mut resident = server.resident(SLUG);
    let receipt = Pdf::new(&resident.get(&format!("/documents/{month}.pdf")).expect(200).body);
    let codes = receipt.codes();
    let code = codes.iter().find(|code| code.starts_with("ST0001")).expect("a payment QR");
    let charges = resident.call("GET", &format!("/api/v1/charges?period={month}"), None).expect(200).json();
    let names = charges["charges"].as_array().expect("charges").iter().map(|line| line["service"].clone());
    (qr_value(code, "Name").expect("a payee").to_owned(), receipt.text(), names.collect())
}

fn what_staff_change_from_a_month_on_is_on_the_bills_of_that_month(kind: Kind) {
    // Of its own: the catalogue is changed, and two months are published.
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(SLUG);
    let kinds = entries(&mut staff, "receipt-kinds", "utilities");
    let [kept] = kinds.as_slice() else { panic!("{kinds:?}") };
    assert_eq!((&kept["from"], &kept["main"]), (&Value::Null, &json!(true)), "it holds in all months");
    let supplier = with(&kept["supplier"], json!({ "name": "АО «Новоцентр»" }));
    let new = with(kept, json!({ "from": "2026-12", "title": "Единая квитанция", "supplier": supplier }));
    let waste = entries(&mut staff, "services", "waste").remove(0);
    let renamed = with(&waste, json!({ "from": "2026-12", "title": "Вывоз мусора" }));
    let due = json!({ "day": 21 });
    // What is put twice changes nothing more.
    for first in [true, false] {
        let said = [
            (put(&mut staff, "receipt-kinds/utilities", &new), "вид квитанции utilities изменён с 2026-12"),
            (put(&mut staff, "services/waste", &renamed), "услуга waste изменена с 2026-12"),
            (put(&mut staff, "due-days/2026-12", &due), "сроки оплаты изменены"),
        ];
        for (changes, words) in said {
            assert_eq!(changes, if first { json!([words]) } else { json!([]) });
        }
    }
    assert_eq!(entries(&mut staff, "receipt-kinds", "utilities"), [kept.clone(), new]);
    assert_eq!(items(&mut staff, "due-days").last(), Some(&json!({ "from": "2026-12", "day": 21 })));
    // The package says nothing new, so what staff changed stays.
    assert!(taken(&server, &usual(SLUG)).contains("ничего не изменилось"));
    for month in ["2026-11", "2026-12"] {
        run(command(&server.database, LATER).args(["bill", SLUG, month, "--publish"]));
    }
    let (payee, receipt, charges) = bill_of(&server, "2026-11");
    assert!(payee == "ООО «УК Береговой»" && receipt.contains("15.12.2026"), "{payee}: {receipt}");
    assert!(charges.contains(&json!("Обращение с ТКО")), "{charges:?}");
    let (payee, receipt, charges) = bill_of(&server, "2026-12");
    assert!(payee == "АО «Новоцентр»" && receipt.contains("21.01.2027"), "{payee}: {receipt}");
    assert!(charges.contains(&json!("Вывоз мусора")), "{charges:?}");
    let documents = server.resident(SLUG).call("GET", "/api/v1/documents", None).expect(200).json();
    let title = |month: &str| {
        let mut all = documents["items"].as_array().expect("items").iter();
        all.find(|one| one["period"] == month && one["kind"] == "utilities").expect("a receipt")["title"].clone()
    };
    assert_eq!((title("2026-11"), title("2026-12")), (kept["title"].clone(), json!("Единая квитанция")));
    books::check(&server.database, SLUG);
    a_package_goes_on_from_the_first_month_that_is_not_published(&server, &mut staff);
}

fn a_package_goes_on_from_the_first_month_that_is_not_published(server: &Server, staff: &mut Browser) {
    let package = package_with(SLUG, "");
    change(&package, "code = \"utilities\"", "title = \"Жилищно-коммунальные услуги\"", "title = \"Счёт за жильё\"");
    let words = taken(server, &package);
    assert!(words.contains("вид квитанции utilities изменён с 2027-01"), "{words}");
    let kinds = entries(staff, "receipt-kinds", "utilities");
    let told = kinds.iter().map(|kind| (kind["from"].as_str(), kind["title"].as_str().expect("a title")));
    let wanted = [
        (None, "Жилищно-коммунальные услуги"),
        (Some("2026-12"), "Единая квитанция"),
        (Some("2027-01"), "Счёт за жильё"),
    ];
    assert_eq!(told.collect::<Vec<_>>(), wanted);
    // What it says of months to come is taken back with the lines that say it.
    let later = package_with(SLUG, "");
    let said = "title = \"Квитанция\"\nfrom = \"2027-02\"";
    change(&later, "code = \"utilities\"", "title = \"Жилищно-коммунальные услуги\"", said);
    assert!(taken(server, &later).contains("вид квитанции utilities изменён с 2027-02"));
    assert_eq!(entries(staff, "receipt-kinds", "utilities").len(), 4);
    assert!(taken(server, &package).contains("вид квитанции utilities: изменение отменено"));
    assert_eq!(entries(staff, "receipt-kinds", "utilities"), kinds);
    assert_eq!(entries(staff, "services", "waste").len(), 2, "what the package does not change stays");
    assert_eq!(items(staff, "due-days").len(), 3);
}

fn what_is_wrong_with_a_receipt_kind_or_a_due_day_is_told_by_its_field(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(SLUG);
    let (kinds, days) = (items(&mut staff, "receipt-kinds"), items(&mut staff, "due-days"));
    let main = kinds.iter().find(|kind| kind["code"] == "utilities").expect("the main kind").clone();
    let supplier = |field: &str, value: &str| with(&main["supplier"], json!({ field: value }));
    let wrong = [
        (with(&main, json!({ "title": " " })), "title"),
        (with(&main, json!({ "from": "декабрь" })), "from"),
        (with(&main, json!({ "from": "2026-10", "title": "Другая" })), "from"),
        (with(&main, json!({ "main": false })), "main"),
        (with(&main, json!({ "supplier": supplier("bic", "47501991") })), "supplier.bic"),
        (with(&main, json!({ "supplier": supplier("name", "") })), "supplier.name"),
        (with(&main, json!({ "supplier": supplier("inn", "7453991201") })), "supplier.inn"),
        (with(&main, json!({ "supplier": supplier("purpose", &"я".repeat(101)) })), "supplier.purpose"),
    ];
    for (body, field) in wrong {
        let refused = staff.call("PUT", &address("receipt-kinds/utilities"), Some(&body)).expect(422).json();
        assert_eq!(refused["fields"][0]["field"], field, "{body}: {refused}");
    }
    for (month, day, field) in
        [("2026-12", 29, "day"), ("2026-12", 0, "day"), ("2026-10", 20, "from"), ("x", 1, "from")]
    {
        let refused = staff.call("PUT", &address(&format!("due-days/{month}")), Some(&json!({ "day": day })));
        assert_eq!(refused.expect(422).json()["fields"][0]["field"], field, "{month} {day}");
    }
    // What holds already may be said of a published month, too.
    assert_eq!(put(&mut staff, "due-days/2026-10", &json!({ "day": 15 })), json!([]));
    assert_eq!(put(&mut staff, "receipt-kinds/utilities", &with(&main, json!({ "from": "2026-10" }))), json!([]));
    assert_eq!((items(&mut staff, "receipt-kinds"), items(&mut staff, "due-days")), (kinds, days));
}
