//! The module switched off and on again at one company.

use std::time::{Duration, Instant};

use kabinet_tests::world::in_company;
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};

use crate::{COMPANY, appeal, holder};

on_both_databases![a_company_that_switches_requests_off_has_none_and_keeps_its_data];

fn switch(server: &Server, enabled: bool) {
    in_company(server, COMPANY, async |tx| {
        assert!(tx.set_feature("requests", enabled).await.expect("the switch"));
    });
}

/// The server hears of the switch within moments: it looks at the change counters twice a second.
fn until(browser: &mut Browser, address: &str, status: u16) {
    let begun = Instant::now();
    while browser.get(address).status != status {
        assert!(begun.elapsed() < Duration::from_secs(20), "{address} never answered {status}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn menu(browser: &mut Browser) -> Vec<String> {
    browser.page("/overview").all("nav .tabs a").iter().map(|link| link.text()).collect()
}

fn a_company_that_switches_requests_off_has_none_and_keeps_its_data(kind: Kind) {
    // Of its own: a company's switch is moved.
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let (mut other, _) = holder(&server, "teploset", 0);
    let (mut person, _) = holder(&server, COMPANY, 0);
    let browser = &mut person.browser;
    let mut staff = server.staff(COMPANY);
    let href = appeal(browser, "Останется");
    assert!(menu(browser).contains(&"Заявки".to_owned()));
    let pages = ["/requests", "/requests/new?kind=appeal", &href, "/api/v1/requests", "/api/v1/paid-services"];
    for _ in 0..2 {
        switch(&server, false);
        until(browser, "/requests", 404);
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
        assert!(!menu(browser).contains(&"Заявки".to_owned()));
        // The other company has not switched it off.
        other.browser.get("/requests").expect(200);
        switch(&server, true);
        until(browser, "/requests", 200);
        assert!(browser.page("/requests").text().contains("Останется"));
        assert!(browser.page(&href).text().contains("Подробности"));
        staff.call("GET", &format!("/api/admin/v1{href}"), None).expect(200);
        assert!(menu(browser).contains(&"Заявки".to_owned()));
    }
}
