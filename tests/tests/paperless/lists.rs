//! The company's list of a month.

use std::io::Read;

use kabinet_tests::world::{holder_of_flat, in_company};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};

use crate::{COMPANY, refuse};

on_both_databases![
    staff_fetch_the_list_as_csv_and_as_a_workbook,
    the_list_goes_on_behind_its_cursor,
    only_who_may_see_the_list_sees_it,
];

const LIST: &str = "/api/admin/v1/paperless/list?period=2026-11&format=";

fn file(staff: &mut Browser, format: &str) -> Vec<u8> {
    let answer = staff.get(&format!("{LIST}{format}")).expect(200);
    let name = answer.header("content-disposition").unwrap_or_default().to_owned();
    assert!(name.starts_with("attachment") && name.contains(&format!("without-paper-2026-11.{format}")), "{name}");
    answer.body
}

fn staff_fetch_the_list_as_csv_and_as_a_workbook(kind: Kind) {
    // Of its own: a house gets a hostile address.
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let (mut person, known) = holder_of_flat(&server, COMPANY, 0);
    refuse(&mut person.browser, known.id);
    let id = known.id;
    in_company(&server, COMPANY, async |tx| {
        let sql = "UPDATE house SET address = $2 WHERE tenant_id = $1 AND id IN (SELECT p.house_id FROM premises p
                   JOIN account a ON a.tenant_id = p.tenant_id AND a.premises_id = p.id
                   WHERE p.tenant_id = $1 AND a.id = $3)";
        let address = "=HYPERLINK(\"http://evil.example\";\"дом\")";
        assert_eq!(tx.execute(sql, vec![address.into(), id.into()]).await.expect("an update"), 1);
    });
    let mut staff = server.staff(COMPANY);
    let csv = String::from_utf8(file(&mut staff, "csv")).expect("UTF-8");
    assert!(csv.starts_with("\u{feff}Лицевой счет;Код дома;Адрес;"), "{csv}");
    let row = csv.lines().find(|line| line.starts_with(&known.account)).expect("the account");
    assert!(row.contains(";\"'=HYPERLINK(\"\"http://evil.example\"\";\"\"дом\"\"), кв. "), "{row}");
    assert!(row.ends_with(";22.11.2026;1;"), "{row}");
    let mut book = zip::ZipArchive::new(std::io::Cursor::new(file(&mut staff, "xlsx"))).expect("a workbook");
    let mut text = |name: &str| {
        let mut text = String::new();
        book.by_name(name).expect(name).read_to_string(&mut text).expect("text");
        text
    };
    let strings = text("xl/sharedStrings.xml");
    assert!(strings.contains(&format!(">{}<", known.account)) && strings.contains(">'=HYPERLINK("), "{strings}");
    assert!(!text("xl/worksheets/sheet1.xml").contains("<f>"), "no formulas");
    staff.get("/api/admin/v1/paperless/list?period=2026-13&format=csv").expect(422);
    roles_without_the_right_see_nothing(&server, &mut staff);
}

fn roles_without_the_right_see_nothing(server: &Server, staff: &mut Browser) {
    let role = |role: &str| {
        in_company(server, COMPANY, async |tx| {
            let sql = "UPDATE staff SET role = $2 WHERE tenant_id = $1";
            tx.execute(sql, vec![role.into()]).await.expect("an update");
            tx.touch(kabinet_web::session::TOPIC).await.expect("told");
        });
    };
    role("dispatcher");
    staff.wait_for_status(&format!("{LIST}csv"), 403);
    let bounce = serde_json::json!({ "email": "a@example.ru" });
    assert_eq!(staff.call("POST", "/api/admin/v1/paperless/bounces", Some(&bounce)).status, 403);
    role("administrator");
    staff.wait_for_status(&format!("{LIST}csv"), 200);
}

fn the_list_goes_on_behind_its_cursor(kind: Kind) {
    let server = Server::shared(kind);
    for number in 30..33 {
        let (mut person, known) = holder_of_flat(server, COMPANY, number);
        refuse(&mut person.browser, known.id);
    }
    let mut staff = server.staff(COMPANY);
    // Other tests refuse and restore meanwhile: what was there before and after is in the pages.
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let address = format!("/api/admin/v1/paperless/accounts?period=2026-12&limit=1{next}");
        let page = staff.call("GET", &address, None).expect(200).json();
        seen.extend(
            page["items"].as_array().expect("items").iter().filter_map(|it| it["account"].as_str().map(str::to_owned)),
        );
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(seen, sorted, "each once, in order");
    assert!(seen.len() >= 4, "three, and the demo's own");
}

fn only_who_may_see_the_list_sees_it(kind: Kind) {
    let server = Server::shared(kind);
    server.browser(COMPANY).get(&format!("{LIST}csv")).expect(401);
    server.staff("teploset").get(&format!("{LIST}csv")).expect(404);
    let (mut person, _) = holder_of_flat(server, COMPANY, 34);
    person.browser.get(&format!("{LIST}csv")).expect(401);
}
