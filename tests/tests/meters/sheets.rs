//! The one-meter links of a house on paper, for staff to drop into letter boxes.

use std::collections::BTreeSet;

use kabinet_tests::pdf::Pdf;
use kabinet_tests::server::NOW;
use kabinet_tests::world::in_company;
use kabinet_tests::{Browser, Database, Kind, Response, Server, on_both_databases};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};

use crate::{COMPANY, METERS};

on_both_databases![
    staff_print_the_links_of_a_house_and_whoever_finds_one_learns_no_name,
    a_sheet_of_what_is_not_there_or_over_is_refused,
];

const HOUSE: &str = "H00001";

fn printed(staff: &mut Browser, wanted: &Value) -> Response {
    staff.call("POST", &format!("{METERS}/links/sheet"), Some(wanted))
}

/// A meter of the house that people read, with the premises where it hangs.
#[derive(FromQueryResult)]
struct Dial {
    id: uuid::Uuid,
    serial: String,
    flat: String,
    kind: String,
}

fn dials(server: &Server) -> Vec<Dial> {
    let sql = "SELECT m.id, m.serial, p.flat, p.kind FROM meter m
               JOIN account a ON a.tenant_id = m.tenant_id AND a.id = m.account_id
               JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
               WHERE m.tenant_id = $1 AND h.code = $2 AND m.removed_on IS NULL AND NOT m.automatic
                 AND a.closed_on IS NULL AND NOT EXISTS (SELECT 1 FROM meter_fault f
                   WHERE f.tenant_id = m.tenant_id AND f.meter_id = m.id AND f.kind = 'failed' AND f.ended_on IS NULL)
               ORDER BY m.id";
    in_company(server, COMPANY, async |tx| tx.rows(sql, vec![HOUSE.into()]).await.expect("meters"))
}

/// The surnames of all who hold or held a flat of the house.
fn surnames(server: &Server) -> Vec<String> {
    #[derive(FromQueryResult)]
    struct Row {
        surname: String,
    }
    let sql = "SELECT DISTINCT w.surname FROM holder w
               JOIN account a ON a.tenant_id = w.tenant_id AND a.id = w.account_id
               JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
               WHERE w.tenant_id = $1 AND h.code = $2 AND w.surname <> ''";
    let rows: Vec<Row> =
        in_company(server, COMPANY, async |tx| tx.rows(sql, vec![HOUSE.into()]).await.expect("holders"));
    rows.into_iter().map(|row| row.surname).collect()
}

fn staff_print_the_links_of_a_house_and_whoever_finds_one_learns_no_name(kind: Kind) {
    // One of its own: meters come and go at the others' while their tests run.
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(COMPANY);
    let dials = dials(&server);
    let of_flat = dials.iter().find(|dial| dial.kind == "flat").expect("a flat with a meter");
    let (mut text, mut codes, mut part) = (String::new(), BTreeSet::new(), 1);
    loop {
        let sheet = printed(&mut staff, &json!({ "house": HOUSE, "period": "2026-11", "part": part }));
        if sheet.status == 404 {
            break;
        }
        let pdf = Pdf::new(&sheet.expect(200).body);
        text.push_str(&pdf.text());
        text.push(' ');
        codes.extend([200, 300].into_iter().flat_map(|dots| pdf.codes_at(dots)));
        part += 1;
    }
    assert_eq!(codes.len(), dials.len(), "a code for each meter");
    let printed: Vec<&str> = text.split_whitespace().collect();
    let says = |first: &str, second: &str| printed.windows(2).any(|pair| pair == [first, second]);
    for dial in &dials {
        assert!(says("№", &dial.serial), "{}", dial.serial);
        assert!(dial.kind != "flat" || says("кв.", &dial.flat), "{}", dial.flat);
    }
    let words: Vec<&str> = text.split(|c: char| !c.is_alphabetic()).collect();
    assert!(surnames(&server).iter().all(|surname| !words.contains(&surname.as_str())), "{text}");
    // The QR is the link that staff get for the meter alone, and takes its reading.
    let link = staff.call("POST", &format!("{METERS}/{}/links", of_flat.id), Some(&json!({ "period": "2026-11" })));
    let address = link.expect(200).json()["address"].as_str().expect("an address").to_owned();
    assert!(codes.contains(&address), "{address}: {codes:?}");
    let (_, rest) = address.split_once("://").expect("a whole address");
    let page = server.browser(COMPANY).page(&rest[rest.find('/').expect("a path")..]);
    let end: String = of_flat.serial.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
    assert!(page.text().contains("Номер прибора заканчивается на") && page.text().contains(&end), "{}", page.text());
}

fn a_sheet_of_what_is_not_there_or_over_is_refused(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    for nothing in [json!({ "house": "H99999" }), json!({ "house": HOUSE, "part": 1000 })] {
        printed(&mut staff, &nothing).expect(404);
    }
    let over = printed(&mut staff, &json!({ "house": HOUSE, "period": "2026-10" })).expect(422).json();
    assert_eq!(over["fields"][0]["field"], "period", "{over}");
}
