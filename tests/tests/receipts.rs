//! Receipts on paper: large print, a house as one file, and a year later the same as on the first day.

use std::path::Path;

use kabinet_tests::house::root;
use kabinet_tests::pdf::Pdf;
use kabinet_tests::process::new_folder;
use kabinet_tests::server::NOW;
use kabinet_tests::world::in_company;
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, runs, wait_for, wait_until};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};

on_both_databases![
    a_receipt_comes_in_large_print,
    a_house_is_printed_into_one_file_in_the_order_of_its_flats,
    staff_print_a_house_and_fetch_the_file,
    only_who_may_print_prints_and_only_the_own_company,
    a_receipt_of_last_year_is_the_same_to_the_byte,
    gis_names_receipts_before_they_are_published,
];

const SLUG: &str = "beregovoy";

#[derive(FromQueryResult)]
struct Printed {
    house: String,
    number: String,
    flat: String,
}

/// The accounts with a receipt of `kind` in October, of the house that has the most of them.
fn largest_house(server: &Server, kind: &str) -> Vec<Printed> {
    let sql = "SELECT h.code AS house, a.number, p.flat FROM receipt c
               JOIN billing_run r ON r.tenant_id = c.tenant_id AND r.id = c.run_id
               JOIN account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
               JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
               WHERE c.tenant_id = $1 AND c.kind_code = $2 AND r.state = 'published' AND r.period = 202610";
    let all: Vec<Printed> = in_company(server, SLUG, async |tx| tx.rows(sql, vec![kind.into()]).await.expect("rows"));
    let size = |house: &str| all.iter().filter(|row| row.house == house).count();
    let largest = all.iter().map(|row| row.house.clone()).max_by_key(|house| (size(house), house.clone()));
    let largest = largest.expect("a house");
    let mut rows: Vec<Printed> = all.into_iter().filter(|row| row.house == largest).collect();
    rows.sort_by_key(|row| {
        let digits: String = row.flat.chars().take_while(char::is_ascii_digit).collect();
        (digits.parse::<u32>().unwrap_or(u32::MAX), row.flat.clone(), row.number.clone())
    });
    assert!(rows.len() > 3, "{}", rows.len());
    rows
}

/// The account numbers of `rows` in the order in which the text names them first.
fn order_in(text: &str, rows: &[Printed]) -> Vec<String> {
    let mut places: Vec<(usize, &str)> = rows
        .iter()
        .map(|row| (text.find(&row.number).unwrap_or_else(|| panic!("no {}", row.number)), row.number.as_str()))
        .collect();
    places.sort_unstable();
    places.into_iter().map(|(_, number)| number.to_owned()).collect()
}

fn numbers(rows: &[Printed]) -> Vec<String> {
    rows.iter().map(|row| row.number.clone()).collect()
}

fn a_receipt_comes_in_large_print(kind: Kind) {
    let mut visit = Server::shared(kind).resident(SLUG);
    let page = visit.page("/documents");
    let large: Vec<String> = page.links().into_iter().filter(|href| href.ends_with("?size=large")).collect();
    assert!(large.len() >= 28, "one beside each receipt: {}", large.len());
    for href in ["/documents/2026-10.pdf", "/documents/2026-10/capital_repair.pdf"] {
        let usual = visit.get(href).expect(200);
        let large = visit.get(&format!("{href}?size=large")).expect(200);
        assert_eq!(large.header("content-type"), Some("application/pdf"));
        let (usual, large) = (Pdf::new(&usual.body), Pdf::new(&large.body));
        let mut codes = (usual.codes(), large.codes());
        codes.0.sort();
        codes.1.sort();
        assert!(codes.0.len() == 2 && codes.0 == codes.1, "the same codes: {codes:?}");
        assert!(large.text().contains("страница 1") && !usual.text().contains("страница 1"));
    }
    assert_eq!(visit.get("/documents/2026-10.pdf?size=huge").status, 404);
    // The overview offers it to those who asked for the version for poor sight.
    let link = |visit: &mut Browser| visit.page("/overview").links().into_iter().find(|href| href.contains(".pdf"));
    assert_eq!(link(&mut visit).as_deref(), Some("/documents/2026-10.pdf"));
    let mut fields = visit.page("/accessibility").form("/accessibility").fields;
    fields.retain(|(name, _)| name == "csrf" || name == "back");
    for (name, value) in [("size", "150"), ("contrast", "normal"), ("spacing", "normal"), ("images", "on")] {
        fields.push((name.into(), value.into()));
    }
    visit.post("/accessibility", &fields).expect(303);
    assert_eq!(link(&mut visit).as_deref(), Some("/documents/2026-10.pdf?size=large"));
}

fn a_house_is_printed_into_one_file_in_the_order_of_its_flats(kind: Kind) {
    let server = Server::shared(kind);
    for receipt in ["utilities", "capital_repair"] {
        let rows = largest_house(server, receipt);
        let file = new_folder("house").join("house.pdf");
        let mut command = server.command();
        command
            .args(["receipts", SLUG, "2026-10", "--house", &rows[0].house, "--kind", receipt])
            .arg("--out")
            .arg(&file);
        let output = command.output().expect("kabinet receipts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(&format!("{} квитанций", rows.len())), "{said}");
        let pdf = Pdf::new(&std::fs::read(&file).expect("the file"));
        assert_eq!(order_in(&pdf.text(), &rows), numbers(&rows), "{receipt}");
        assert!(!file.with_extension("part").exists());
    }
    for (house, period) in
        [("no-such-house", "2026-10"), (largest_house(server, "utilities")[0].house.as_str(), "2030-01")]
    {
        let file = new_folder("house").join("house.pdf");
        let mut command = server.command();
        let output = command.args(["receipts", SLUG, period, "--house", house]).arg("--out").arg(&file).output();
        let output = output.expect("kabinet receipts");
        assert!(!output.status.success() && !file.exists(), "{house} {period}");
        assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1);
    }
}

const PRINTOUTS: &str = "/api/admin/v1/billing/printouts";

fn ready(browser: &mut Browser, printout: &Value) -> Value {
    let path = format!("{PRINTOUTS}/{}", printout["id"].as_str().expect("an id"));
    wait_for("the printout", || {
        let now = browser.call("GET", &path, None).expect(200).json();
        assert_ne!(now["state"], "failed", "{now}");
        let ready = now["state"] == "ready";
        assert!(ready || now["href"].is_null(), "{now}");
        ready.then_some(now)
    })
}

fn staff_print_a_house_and_fetch_the_file(kind: Kind) {
    let server = Server::shared(kind);
    let rows = largest_house(server, "utilities");
    let mut browser = server.staff(SLUG);
    let asked = json!({ "period": "2026-10", "house": rows[0].house });
    let printout = browser.call("POST", PRINTOUTS, Some(&asked)).expect(200).json();
    assert_eq!((&printout["kind"], &printout["total"]), (&json!("utilities"), &json!(rows.len())));
    let done = ready(&mut browser, &printout);
    assert_eq!(done["done"], done["total"]);
    let answer = browser.get(done["href"].as_str().expect("an address")).expect(200);
    assert!(
        answer
            .header("content-disposition")
            .is_some_and(|value| value.starts_with("attachment") && value.contains(".pdf"))
    );
    let pdf = Pdf::new(&answer.body);
    assert_eq!(order_in(&pdf.text(), &rows), numbers(&rows));
    for (wrong, code) in [
        (json!({ "period": "2026-10", "house": "no-such-house" }), "billing.no_such_house"),
        (json!({ "period": "2030-01", "house": rows[0].house }), "billing.no_such_receipt"),
        (json!({ "period": "2026-10", "house": rows[0].house, "kind": "none" }), "billing.no_such_receipt"),
        (json!({ "period": "2026-13", "house": rows[0].house }), "billing.period"),
    ] {
        assert_eq!(browser.call("POST", PRINTOUTS, Some(&wrong)).expect(422).json()["code"], code, "{wrong}");
    }
}

fn only_who_may_print_prints_and_only_the_own_company(kind: Kind) {
    let server = Server::shared(kind);
    let rows = largest_house(server, "utilities");
    let mut own = server.staff(SLUG);
    let asked = json!({ "period": "2026-10", "house": rows[0].house });
    let printout = own.call("POST", PRINTOUTS, Some(&asked)).expect(200).json();
    ready(&mut own, &printout);
    let id = printout["id"].as_str().expect("an id").to_owned();
    let mut stranger = server.staff("teploset");
    let random = "0193a1c0-0000-7000-8000-0000000000ff";
    for tail in ["", "/file"] {
        let theirs = stranger.call("GET", &format!("{PRINTOUTS}/{id}{tail}"), None).expect(404).fingerprint();
        let nobodys = stranger.call("GET", &format!("{PRINTOUTS}/{random}{tail}"), None).expect(404).fingerprint();
        assert_eq!(theirs, nobodys, "another company's printout is like none");
        server.browser(SLUG).call("GET", &format!("{PRINTOUTS}/{id}{tail}"), None).expect(401);
    }
    let unknown = json!({ "period": "2026-10", "house": "no such house" });
    assert_eq!(stranger.call("POST", PRINTOUTS, Some(&unknown)).expect(422).json()["code"], "billing.no_such_house");
    server.browser(SLUG).call("POST", PRINTOUTS, Some(&asked)).expect(401);
}

fn gis_names_receipts_before_they_are_published(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(SLUG);
    let mut visit = server.resident(SLUG);
    let account = visit.active_account();
    let run = runs::calculate(&mut staff, "2026-11");
    let ids = format!("{run}/document-ids");
    let named = |kind: &str, id: &str| json!({ "items": [{ "account": account, "kind": kind, "document_id": id }] });
    for wrong in [named("utilities", "75ДА533315"), named("no_such_kind", "75ДА533315-01-6111")] {
        let refused = staff.call("PUT", &ids, Some(&wrong)).expect(422).json();
        assert_eq!((&refused["code"], &refused["fields"][0]["field"]), (&json!("billing.invalid"), &json!("items/0")));
    }
    let good = named("utilities", "75ДА533315-01-6111");
    server.staff("teploset").call("PUT", &ids, Some(&good)).expect(404);
    staff.call("PUT", &ids, Some(&good)).expect(200);
    staff.call("POST", &format!("{run}/publish"), None).expect(200);
    let late = staff.call("PUT", &ids, Some(&named("capital_repair", "75ДА533315-01-6112"))).expect(422).json();
    assert_eq!(late["code"], "billing.receipts_frozen");
    let mut receipt = |path: &str| Pdf::new(&visit.get(path).expect(200).body).text();
    for path in ["/documents/2026-11.pdf", "/documents/2026-11.pdf?size=large"] {
        assert!(receipt(path).contains("75ДА533315-01-6111"), "{path}");
    }
    for path in ["/documents/2026-11/capital_repair.pdf", "/documents/2026-10.pdf"] {
        assert!(!receipt(path).contains("ИД ПД"), "{path}");
    }
}

/// The demo's package with another name, other bank details, another colour and no template of its own.
fn changed_package(folder: &Path) -> std::path::PathBuf {
    let copied = std::process::Command::new("cp").arg("-r").arg(root().join("tenants").join(SLUG)).arg(folder).status();
    assert!(copied.expect("cp").success());
    let package = folder.join(SLUG);
    let file = package.join("tenant.toml");
    let text = std::fs::read_to_string(&file).expect("the package");
    let mut changed = text
        .replace("УК «Береговой»", "УК «Другая»")
        .replace("#0b6e8a", "#7a1fa2")
        .replace("8 (351) 200-10-10", "8 (351) 999-99-99")
        .replace("пн–чт 8:00–17:00", "пн–чт 9:00–18:00")
        .replace("title = \"Жилищно-коммунальные услуги\"", "title = \"Другие услуги\"")
        .replace("40702810600090001234", "40702810138250123017")
        .replace("Банк «Уральский расчётный»\"\nbic = \"047501991\"\ncorrespondent_account = \"30101810000000000991\"\n\n[[receipt_kinds]]",
                 "ПАО Сбербанк\"\nbic = \"044525225\"\ncorrespondent_account = \"30101810400000000225\"\n\n[[receipt_kinds]]")
        .replace("[receipt_template]\nfile = \"templates/receipt.typ\"\n", "");
    assert!(!changed.contains("40702810600090001234") && !changed.contains("receipt_template"));
    changed.push('\n');
    std::fs::write(&file, changed).expect("a write");
    package
}

fn a_receipt_of_last_year_is_the_same_to_the_byte(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), NOW);
    let addresses =
        ["/documents/2026-10.pdf", "/documents/2026-10/capital_repair.pdf", "/documents/2026-10.pdf?size=large"];
    let fetch = |server: &Server| -> Vec<Vec<u8>> {
        let mut visit = server.resident(SLUG);
        addresses.iter().map(|path| visit.get(path).expect(200).body).collect()
    };
    let first = fetch(&server);
    server.kill();
    server.start_at("2027-11-22");
    let package = changed_package(&new_folder("changed"));
    let output = server.command().args(["tenant", "apply"]).arg(&package).output().expect("kabinet tenant apply");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    in_company(&server, SLUG, async |tx| {
        let sql = "UPDATE holder SET surname = $2, surname_key = $3, organisation = $2 WHERE tenant_id = $1";
        assert!(
            tx.execute(sql, vec!["Переименованный".into(), "переименованный".into()]).await.expect("an update") > 0
        );
    });
    wait_until("the package", || server.browser(SLUG).page("/").title().contains("Другая"));
    let later = fetch(&server);
    for ((path, first), later) in addresses.iter().zip(&first).zip(&later) {
        assert!(first == later, "{path} changed: {} and {}", Pdf::new(first).text(), Pdf::new(later).text());
    }
}
