//! The module switched off and on again at one company.

use kabinet_tests::world::{holder_of_flat, switch};
use kabinet_tests::{Database, Kind, Server, on_both_databases};

use crate::{COMPANY, appeal};

on_both_databases![a_company_that_switches_requests_off_has_none_and_keeps_its_data];

fn a_company_that_switches_requests_off_has_none_and_keeps_its_data(kind: Kind) {
    // Of its own: a company's switch is moved.
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let (mut other, _) = holder_of_flat(&server, "teploset", 0);
    let (mut person, _) = holder_of_flat(&server, COMPANY, 0);
    let browser = &mut person.browser;
    let mut staff = server.staff(COMPANY);
    let href = appeal(browser, "Останется");
    assert!(browser.menu().contains(&"Заявки".to_owned()));
    let pages = ["/requests", "/requests/new?kind=appeal", &href, "/api/v1/requests", "/api/v1/paid-services"];
    for _ in 0..2 {
        switch(&server, COMPANY, "requests", false);
        browser.wait_for_status("/requests", 404);
        let unknown = browser.get("/nothing").expect(404).fingerprint();
        for address in pages {
            let answer = browser.get(address).expect(404);
            assert!(address.starts_with("/api") || answer.fingerprint() == unknown, "{address}");
        }
        let token = browser.page("/accounts").form("/logout").value("csrf").expect("a token").to_owned();
        browser.post("/requests/new", &[("csrf".to_owned(), token)]).expect(404);
        for address in [format!("/api/admin/v1{href}"), "/api/admin/v1/requests".to_owned()] {
            staff.call("GET", &address, None).expect(404);
        }
        assert!(!browser.menu().contains(&"Заявки".to_owned()));
        // The other company has not switched it off.
        other.browser.get("/requests").expect(200);
        switch(&server, COMPANY, "requests", true);
        browser.wait_for_status("/requests", 200);
        assert!(browser.page("/requests").text().contains("Останется"));
        assert!(browser.page(&href).text().contains("Подробности"));
        staff.call("GET", &format!("/api/admin/v1{href}"), None).expect(200);
        assert!(browser.menu().contains(&"Заявки".to_owned()));
    }
}
