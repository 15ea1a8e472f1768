//! What a resident meets in a browser: the story of the product, told over HTTP.

mod api;
mod untraced;

use kabinet_render::format;
use kabinet_tests::browser::exchange;
use kabinet_tests::company::{COMPANIES, Package};
use kabinet_tests::{Browser, Kind, Page, Server, on_both_databases};

on_both_databases![
    a_strangers_host_is_421,
    two_host_headers_are_400,
    each_company_shows_its_own_name_colour_logo_and_contacts,
    every_answer_carries_the_security_headers,
    a_guest_on_a_private_page_is_sent_to_the_start_page,
    a_wrong_password_and_an_unknown_email_answer_alike,
    an_empty_login_names_each_field,
    a_form_without_its_token_is_403,
    a_form_from_another_site_is_403,
    login_gives_a_fresh_session_and_logout_ends_it,
    a_resident_chooses_between_two_accounts,
    anothers_account_is_not_found_like_one_that_does_not_exist,
    an_unknown_page_is_404_and_keeps_the_menu,
    the_seven_figures_add_up_on_every_account,
    the_services_add_up_to_the_overview,
    the_charges_of_every_month_add_up_to_its_receipts,
    a_charge_by_zones_says_what_each_costs_on_the_page_and_by_api,
    payments_are_listed_newest_first,
    meters_show_their_readings,
    the_view_for_the_weak_sighted_is_kept,
];

fn a_strangers_host_is_421(kind: Kind) {
    let server = Server::shared(kind);
    for host in ["stranger", "beregovoy.localhost.evil", "www.beregovoy"] {
        let answer = server.browser(host).get("/").expect(421);
        assert!(!answer.text().contains("Береговой"), "{host} learns a company's name");
        // The page that says so has the styles of all pages.
        let styles = answer.page().one("link[rel=stylesheet]").attribute("href").expect("an address").to_owned();
        server.browser(host).get(&styles).expect(200);
        server.browser(host).get("/assets/none.css").expect(404);
        server.browser(host).get("/theme.0.css").expect(421);
    }
    assert!(server.browser("127.0.0.1").get("/api/v1/me").expect(421).json()["code"] == "unknown_host");
}

fn two_host_headers_are_400(kind: Kind) {
    let server = Server::shared(kind);
    let host = server.browser("beregovoy").host;
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nHost: teploset.localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(exchange(server.listen, request.as_bytes()).expect("an answer").status, 400);
}

fn each_company_shows_its_own_name_colour_logo_and_contacts(kind: Kind) {
    let server = Server::shared(kind);
    let mut logos = Vec::new();
    for (slug, other) in COMPANIES.iter().zip(COMPANIES.iter().rev()) {
        let (own, foreign) = (Package::read(slug), Package::read(other));
        let mut browser = server.browser(slug);
        let page = browser.page("/");
        assert!(page.title().contains(&own.name) && page.one("header").text().contains(&own.name));
        let footer = page.one("footer").text();
        assert!(footer.contains(&own.contacts.phone) && footer.contains(&own.contacts.email), "{footer}");
        assert!(!page.text().contains(&foreign.name) && !page.text().contains(&foreign.contacts.phone));
        let styles: Vec<&str> =
            page.all("link[rel=stylesheet]").iter().filter_map(|link| link.attribute("href")).collect();
        let theme = styles.iter().find(|href| href.starts_with("/theme.")).expect("a theme");
        let css = browser.get(theme).expect(200).text();
        assert!(css.contains(&own.brand.color) && css.len() <= 1024, "{css}");
        assert!(server.browser(other).get(theme).status == 404, "a theme of another company");
        let logo = browser.get(page.one("img.brand__logo").attribute("src").expect("a source")).expect(200);
        assert!(logo.header("content-type").is_some_and(|kind| kind.starts_with("image/")));
        assert!(logo.header("cache-control").is_some_and(|value| value.contains("immutable")));
        logos.push(logo.body);
    }
    assert_ne!(logos[0], logos[1]);
}

fn every_answer_carries_the_security_headers(kind: Kind) {
    let mut browser = Server::shared(kind).browser("beregovoy");
    for path in ["/", "/nothing", "/api/v1/me", "/api/openapi.json", "/overview"] {
        let answer = browser.get(path);
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
    }
    let page = browser.page("/");
    assert!(!page.has("style") && page.all("script").iter().all(|script| script.attribute("src").is_some()));
}

fn a_guest_on_a_private_page_is_sent_to_the_start_page(kind: Kind) {
    let mut browser = Server::shared(kind).browser("beregovoy");
    let private = [
        "/overview",
        "/services",
        "/charges",
        "/charges/difference",
        "/payments",
        "/meters/readings",
        "/meters",
        "/documents",
        "/documents/2026-10.pdf",
        "/accounts",
        "/settings",
    ];
    for path in private {
        let answer = browser.get(path).expect(303);
        assert_eq!(answer.location(), "/", "{path}");
    }
}

fn a_wrong_password_and_an_unknown_email_answer_alike(kind: Kind) {
    let server = Server::shared(kind);
    let known = &server.facts().company("beregovoy").resident.email;
    let mut answers = Vec::new();
    for email in [known.as_str(), "nobody@beregovoy.example"] {
        let answer = server.browser("beregovoy").try_log_in(email, "certainly-not-this").expect(422);
        let page = answer.page();
        assert!(page.title().starts_with("Ошибка:"));
        assert_eq!(page.one("[name=email]").attribute("value"), Some(email), "the value is kept");
        assert_eq!(page.one("[name=password]").attribute("value"), None, "a password is never sent back");
        assert!(page.has("[role=alert]") && !page.refusals().is_empty());
        let (status, headers, body) = answer.fingerprint();
        answers.push((status, headers, body.replace(email, "EMAIL")));
    }
    assert_eq!(answers[0], answers[1]);
}

fn an_empty_login_names_each_field(kind: Kind) {
    let page = Server::shared(kind).browser("teploset").try_log_in("", "").expect(422).page();
    let fields: Vec<String> = page.refusals().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["email", "password"]);
}

fn a_form_without_its_token_is_403(kind: Kind) {
    let server = Server::shared(kind);
    let login = &server.facts().company("beregovoy").resident;
    let form = server.browser("beregovoy").page("/").form("/login").with("email", &login.email);
    let form = form.with("password", &login.password);
    // The token of another guest, no token, an empty one.
    let mut other = server.browser("beregovoy");
    other.page("/");
    other.submit(&form).expect(403);
    let mut bare = form.clone();
    bare.fields.retain(|(name, _)| name != "csrf");
    other.submit(&bare).expect(403);
    other.submit(&form.with("csrf", "")).expect(403);
    // A session's forms take no guest's token either.
    let mut visit = server.resident("beregovoy");
    visit.post("/logout", &[("csrf".into(), "x".into())]).expect(403);
    visit.page("/overview");
}

fn a_form_from_another_site_is_403(kind: Kind) {
    let server = Server::shared(kind);
    let mut visit = server.resident("teploset");
    let form = visit.page("/overview").form("/logout");
    let foreign = [
        "http://evil.example".to_owned(),
        "null".to_owned(),
        format!("https://{}", visit.host),
        format!("http://beregovoy.localhost:{}", server.listen.port()),
    ];
    for origin in foreign {
        assert_eq!(visit.post_from(&origin, "/logout", &form.fields).status, 403, "{origin}");
    }
    visit.page("/overview");
    // Old browsers send no Origin: the token decides.
    assert_eq!(visit.post_from("", "/logout", &form.fields).status, 303);
}

fn login_gives_a_fresh_session_and_logout_ends_it(kind: Kind) {
    let server = Server::shared(kind);
    let mut visit = server.resident("beregovoy");
    let first = visit.cookie("kabinet").expect("a session");
    let login = server.facts().company("beregovoy").resident.clone();
    // A second login in the same browser: another value, and the first one is over.
    let form = visit.page("/accounts").form("/logout");
    let fields =
        [("csrf", form.value("csrf").expect("a token")), ("email", &login.email), ("password", &login.password)];
    let fields: Vec<(String, String)> = fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    assert_eq!(visit.post("/login", &fields).expect(303).location(), "/overview");
    let second = visit.cookie("kabinet").expect("a session");
    assert_ne!(first, second);
    let mut thief = server.browser("beregovoy");
    thief.cookies = vec![("kabinet".into(), first)];
    assert_eq!(thief.get("/overview").expect(303).location(), "/");
    let form = visit.page("/overview").form("/logout");
    assert_eq!(visit.submit(&form).expect(303).location(), "/");
    assert_eq!(visit.cookie("kabinet"), None);
    thief.cookies = vec![("kabinet".into(), second)];
    assert_eq!(thief.get("/overview").expect(303).location(), "/");
    // A value that somebody planted does not become a session.
    let mut planted = server.browser("beregovoy");
    planted.cookies = vec![("kabinet".into(), "planted".into())];
    planted.page("/");
    planted.cookies.retain(|(name, _)| name != "kabinet");
    planted.log_in(&login.email, &login.password);
    assert_ne!(planted.cookie("kabinet").as_deref(), Some("planted"));
}

/// The identifiers of the linked accounts, the chosen one first.
pub(crate) fn linked(browser: &mut Browser) -> Vec<String> {
    let me = browser.call("GET", "/api/v1/me", None).expect(200).json();
    let accounts = me["accounts"].as_array().expect("accounts");
    let mut accounts: Vec<(bool, String)> =
        accounts.iter().map(|a| (a["active"] != true, a["id"].as_str().expect("an id").to_owned())).collect();
    accounts.sort();
    accounts.into_iter().map(|(_, id)| id).collect()
}

pub(crate) fn choose(browser: &mut Browser, id: &str) {
    let form = browser.page("/accounts").form(&format!("/accounts/{id}/select"));
    let answer = browser.submit(&form).expect(303);
    browser.follow(answer).expect(200);
}

fn a_resident_chooses_between_two_accounts(kind: Kind) {
    for slug in COMPANIES {
        let mut visit = Server::shared(kind).resident(slug);
        let accounts = linked(&mut visit);
        assert_eq!(accounts.len(), 2, "{slug}");
        let number = |page: &Page| page.one("header .switch__number").text();
        let first = number(&visit.page("/overview"));
        choose(&mut visit, &accounts[1]);
        let second = number(&visit.page("/overview"));
        assert_ne!(first, second, "{slug}");
        let chosen = visit.page("/accounts").one("tr.is-current").text();
        assert!(chosen.contains(second.trim_start_matches("Лицевой счет").trim()), "{chosen}");
        // The choice outlives the session.
        let login = &visit.server.facts().company(slug).resident;
        let mut later = visit.server.browser(slug);
        later.log_in(&login.email, &login.password);
        assert_eq!(number(&later.page("/overview")), second);
        choose(&mut visit, &accounts[0]);
        assert_eq!(number(&visit.page("/overview")), first);
    }
}

fn anothers_account_is_not_found_like_one_that_does_not_exist(kind: Kind) {
    let server = Server::shared(kind);
    let foreign = linked(&mut server.resident("teploset"));
    let neighbour = neighbours_account(server);
    let mut visit = server.resident("beregovoy");
    let token = visit.page("/accounts").form("/logout").value("csrf").expect("a token").to_owned();
    let mut select = |id: &str| {
        let answer = visit.post(&format!("/accounts/{id}/select"), &[("csrf".into(), token.clone())]);
        answer.expect(404).fingerprint()
    };
    let unknown = select("0193a1c0-0000-7000-8000-0000000000ff");
    for id in [foreign[0].as_str(), neighbour.as_str(), "none"] {
        assert_eq!(select(id), unknown, "{id}");
    }
    for page in ["unlink", "helpers"] {
        for id in [&foreign[0], &neighbour] {
            visit.get(&format!("/accounts/{id}/{page}")).expect(404);
        }
    }
}

/// An account of beregovoy that its resident did not link.
fn neighbours_account(server: &Server) -> String {
    #[derive(sea_orm::FromQueryResult)]
    struct Row {
        id: uuid::Uuid,
    }
    let number = server.facts().company("beregovoy").unlinked[0].account.clone();
    kabinet_tests::block_on(async {
        let db = server.database.open().await;
        let company = server.database.company(&db, "beregovoy").await;
        let tx = db.read(&company, kabinet_core::Actor::System).await.expect("a transaction");
        let sql = "SELECT id FROM account WHERE tenant_id = $1 AND number = $2";
        let rows: Vec<Row> = tx.rows(sql, vec![number.into()]).await.expect("rows");
        rows[0].id.to_string()
    })
}

fn an_unknown_page_is_404_and_keeps_the_menu(kind: Kind) {
    let mut visit = Server::shared(kind).resident("beregovoy");
    for path in [
        "/nothing",
        "/charges?period=1999-01",
        "/charges?period=x",
        "/documents/1999-01.pdf",
        "/meters/none",
        "/documents/2026-10/none.pdf",
        "/overview/none",
    ] {
        let page = visit.get(path).expect(404).page();
        assert!(page.has("nav .tabs a") && page.has("h1"), "{path}");
    }
}

fn the_seven_figures_add_up_on_every_account(kind: Kind) {
    for slug in COMPANIES {
        let mut visit = Server::shared(kind).resident(slug);
        for account in linked(&mut visit) {
            choose(&mut visit, &account);
            let page = visit.page("/overview");
            let figure =
                |id: &str| page.figure(id).unwrap_or_else(|| panic!("{slug}: no figure {id}: {}", page.text()));
            let opening = page.all("table.sums data")[0].attribute("value").and_then(|v| v.parse::<i64>().ok());
            let opening = opening.expect("the opening balance");
            assert_eq!(opening + figure("charged") - figure("counted"), figure("to_pay"), "{slug}");
            assert_eq!(figure("to_pay") - figure("uncounted"), figure("debt"), "{slug}");
            assert_eq!(figure("debt") + figure("preliminary"), figure("to_pay_with_preliminary"), "{slug}");
            assert!(figure("charged") > 0 && figure("preliminary") > 0, "{slug}: an account of a flat costs something");
            let stated = page.one("table.sums time").attribute("datetime").map(str::to_owned);
            assert_eq!(stated.as_deref(), Some("2026-10"), "the latest published period");
            assert!(page.one("section.hero").text().contains("₽"), "the first sentence names the sum");
            assert!(page.links().iter().any(|href| href.starts_with("/documents/2026-10")), "the printer");
            // Programs get the same figures.
            let figures = visit.call("GET", "/api/v1/overview", None).expect(200).json()["figures"].clone();
            for id in ["charged", "counted", "uncounted", "to_pay", "debt", "preliminary", "to_pay_with_preliminary"] {
                assert_eq!(figures[id], page.figure(id).unwrap_or_default(), "{slug} {id}");
            }
        }
    }
}

fn the_services_add_up_to_the_overview(kind: Kind) {
    for slug in COMPANIES {
        let mut visit = Server::shared(kind).resident(slug);
        for account in linked(&mut visit) {
            choose(&mut visit, &account);
            let overview = visit.page("/overview");
            let page = visit.page("/services");
            let rows: Vec<Vec<i64>> = page.all("table tbody tr").iter().map(|row| row.figures()).collect();
            let total = page.one("table tfoot tr").figures();
            assert!(!rows.is_empty() && total.len() == 6);
            for column in 0..6 {
                assert_eq!(rows.iter().map(|row| row[column]).sum::<i64>(), total[column], "{slug} column {column}");
            }
            for row in rows.iter().chain([&total]) {
                assert_eq!(row[0] + row[1] + row[2] + row[3] - row[4], row[5], "{slug}: {row:?}");
            }
            assert_eq!(Some(total[1] + total[2] + total[3]), overview.figure("charged"), "{slug}");
            assert_eq!(Some(total[4]), overview.figure("counted"), "{slug}");
            assert_eq!(Some(total[5]), overview.figure("to_pay"), "{slug}");
        }
    }
}

fn the_charges_of_every_month_add_up_to_its_receipts(kind: Kind) {
    for slug in COMPANIES {
        let mut visit = Server::shared(kind).resident(slug);
        let page = visit.page("/charges");
        let months: Vec<String> =
            page.all("select#period option").iter().filter_map(|o| o.attribute("value")).map(str::to_owned).collect();
        assert!(months.len() >= 14, "{slug}: 14 months of history, not {}", months.len());
        assert!(months.windows(2).all(|pair| pair[0] > pair[1]), "newest first");
        let mut tariffs = std::collections::BTreeSet::new();
        for month in &months {
            let page = visit.page(&format!("/charges?period={month}"));
            let lines = page.all("table.cards td[data-label=Начислено] data");
            let lines: i64 = lines.iter().filter_map(|data| data.attribute("value")?.parse::<i64>().ok()).sum();
            let totals: Vec<i64> = page.one("table.sums").figures();
            assert_eq!(lines, totals[0], "{slug} {month}: the lines");
            assert_eq!(totals[0] + totals[1] + totals[2], totals[3], "{slug} {month}: the total");
            assert!(lines > 0, "{slug} {month}");
            let formula = page.all("tr.table__more");
            assert!(!formula.is_empty(), "{slug} {month}: no formula in words");
            tariffs.insert(
                page.all("table.cards td[data-label=Тариф]")
                    .iter()
                    .map(|cell| cell.text())
                    .collect::<Vec<_>>()
                    .join(" "),
            );
            let answer = visit.call("GET", &format!("/api/v1/charges?period={month}"), None).expect(200).json();
            let charges = answer["charges"].as_array().expect("charges");
            assert_eq!(
                charges.iter().filter_map(|c| c["amount"].as_i64()).sum::<i64>(),
                lines,
                "{slug} {month}: the API"
            );
        }
        assert!(tariffs.len() >= 3, "{slug}: two tariff changes in the demo, {tariffs:?}");
    }
}

/// An account that the demo shows has a meter of electricity with two zones.
fn a_charge_by_zones_says_what_each_costs_on_the_page_and_by_api(kind: Kind) {
    let mut visit = Server::shared(kind).resident("beregovoy");
    let mut zones = Vec::new();
    for account in linked(&mut visit) {
        choose(&mut visit, &account);
        let page = visit.page("/charges?period=2026-09").text();
        let answer = visit.call("GET", "/api/v1/charges?period=2026-09", None).expect(200).json();
        for charge in answer["charges"].as_array().expect("charges") {
            let parts = charge["parts"].as_array().expect("zones and ranges");
            let Some(unit) = charge["unit"].as_str().filter(|_| !parts.is_empty()) else { continue };
            let sum: i64 = parts.iter().map(|part| part["amount"].as_i64().expect("kopecks")).sum();
            let whole = charge["amount"].as_i64().expect("kopecks") - charge["excess"].as_i64().unwrap_or_default();
            assert!(charge["tariff"].is_null() && sum == whole, "{charge}");
            for part in parts {
                let scaled = |key: &str| part[key].as_i64().expect("a scaled number");
                let label = part["label"].as_str().expect("a label").replace('\u{a0}', " ");
                let volume = format!("{label}: {} {unit}", format::quantity(scaled("volume")));
                let tariff = format!("{label}: {} ₽", format::tariff(scaled("tariff")));
                assert!(page.contains(&volume) && page.contains(&tariff), "{volume}, {tariff}: {page}");
                zones.push(label);
            }
        }
    }
    for zone in ["Т1, день", "Т2, ночь"] {
        assert!(zones.iter().any(|label| label == zone), "{zone}: {zones:?}");
    }
}

fn payments_are_listed_newest_first(kind: Kind) {
    for slug in COMPANIES {
        let mut visit = Server::shared(kind).resident(slug);
        for account in linked(&mut visit) {
            choose(&mut visit, &account);
            let page = visit.page("/payments");
            let rows = page.all("table tbody tr");
            let dates: Vec<&str> = rows.iter().filter_map(|row| row.one("time").attribute("datetime")).collect();
            assert!(dates.windows(2).all(|pair| pair[0] >= pair[1]), "{slug}: {dates:?}");
            let uncounted: i64 =
                rows.iter().filter(|row| row.text().contains("ещё не учтена")).flat_map(|row| row.figures()).sum();
            let overview = visit.page("/overview");
            assert_eq!(overview.figure("uncounted"), Some(uncounted), "{slug}");
            let counted: i64 =
                rows.iter().filter(|r| r.text().contains("октябрь 2026")).flat_map(|r| r.figures()).sum();
            assert_eq!(overview.figure("counted"), Some(counted), "{slug}");
        }
    }
}

fn meters_show_their_readings(kind: Kind) {
    for slug in COMPANIES {
        let mut visit = Server::shared(kind).resident(slug);
        let links: Vec<String> = visit
            .page("/meters")
            .links()
            .into_iter()
            .filter(|l| l.starts_with("/meters/") && l != "/meters/readings")
            .collect();
        assert!(!links.is_empty(), "{slug}: a demo resident has a meter");
        for link in links {
            let page = visit.page(&link);
            assert!(page.all("table tbody tr").len() >= 12, "{slug} {link}: a year of readings");
        }
    }
}

fn the_view_for_the_weak_sighted_is_kept(kind: Kind) {
    let mut browser = Server::shared(kind).browser("beregovoy");
    let form = browser.page("/accessibility").form("/accessibility");
    let mut fields = form.fields;
    fields.retain(|(name, _)| name == "csrf" || name == "back");
    for (name, value) in [("size", "150"), ("contrast", "dark"), ("spacing", "wide"), ("images", "off")] {
        fields.push((name.into(), value.into()));
    }
    let answer = browser.post("/accessibility", &fields).expect(303);
    let page = browser.follow(answer).page();
    assert_eq!(page.one("html").attribute("class"), Some("size-150 contrast-dark spacing-wide images-off"));
}
