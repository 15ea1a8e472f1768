//! «Передача показаний приборов учета без регистрации».

use kabinet_tests::server::{CAPTCHA, NOW};
use kabinet_tests::{Browser, Database, Kind, Response, Server, on_both_databases};

use crate::SLUG;
use crate::world::{Known, accounts, flat, fresh_ip, newcomer, submit_from};

on_both_databases![
    a_guest_sends_a_reading_that_the_resident_sees,
    a_wrong_number_house_or_flat_answers_alike,
    nothing_but_the_meters_is_shown,
    the_code_of_the_picture_is_needed,
    attempts_are_limited,
    readings_are_limited_by_the_day,
    what_was_found_is_this_companys_alone,
    what_was_found_is_forgotten_by_the_next_day,
];

fn find(browser: &mut Browser, ip: &str, account: &str, house: &str, flat: &str) -> Response {
    let form = browser.page("/readings").form("/readings");
    let form = form.with("account", account).with("house", house).with("flat", flat).with("captcha", CAPTCHA);
    submit_from(browser, &form, ip)
}

fn found(server: &Server, known: &Known) -> Browser {
    let mut browser = server.browser(SLUG);
    let answer = find(&mut browser, &fresh_ip(), &known.account, &known.house, &known.flat).expect(303);
    assert_eq!(answer.location(), "/readings/submit");
    browser
}

fn a_guest_sends_a_reading_that_the_resident_sees(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 40);
    assert!(server.browser(SLUG).page("/").links().contains(&"/readings".to_owned()), "the door is open");
    let mut guest = found(server, &known);
    let form = guest.page("/readings/submit").form("/readings/submit");
    let field = form.names("meter_").into_iter().find(|name| name.ends_with("_delta")).expect("a field");
    let refused = guest.submit(&form.clone().with(&field, "много")).expect(422).page();
    assert_eq!(refused.refusals()[0].0, field);
    let sent = guest.submit(&form.with(&field, "1,5")).expect(303);
    let page = guest.follow(sent).page();
    assert!(page.text().contains("Показания приняты") && page.figures().is_empty());
    let mut resident = newcomer(server, SLUG);
    resident.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    let id = field.trim_start_matches("meter_").split('_').next().expect("an id").to_owned();
    let meter = resident.browser.page(&format!("/meters/{id}"));
    assert!(meter.one("table tbody tr").text().contains("без регистрации"), "{}", meter.text());
}

fn a_wrong_number_house_or_flat_answers_alike(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 41);
    let wrong = [
        ("0099999998", known.house.as_str(), known.flat.as_str()),
        (&known.account, "998", &known.flat),
        (&known.account, &known.house, "998"),
    ];
    let answers: Vec<_> = wrong
        .iter()
        .map(|(account, house, flat)| {
            let mut browser = server.browser(SLUG);
            let (status, headers, body) =
                find(&mut browser, &fresh_ip(), account, house, flat).expect(422).fingerprint();
            let typed = [*account, *house, *flat].map(|text| format!("value=\"{}\"", text.replace('/', "&#x2f;")));
            (status, headers, typed.iter().fold(body, |text, value| text.replace(value, "value=\"\"")))
        })
        .collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

fn nothing_but_the_meters_is_shown(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 42);
    let mut guest = found(server, &known);
    let page = guest.page("/readings/submit");
    let text = page.one("main").text();
    for word in [known.surname.as_str(), known.account.as_str(), "ул.", "₽"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert!(page.all("fieldset.meter").len() == 1 || !page.all("fieldset.meter").is_empty());
    assert!(!text.contains("Предыдущие показания"), "no history of consumption: {text}");
    // Nor does it open anything else.
    assert_eq!(guest.get("/overview").expect(303).location(), "/");
    assert_eq!(guest.call("GET", "/api/v1/meters", None).status, 401);
}

fn the_code_of_the_picture_is_needed(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 43);
    let mut browser = server.browser(SLUG);
    let form = browser.page("/readings").form("/readings");
    let form = form.with("account", &known.account).with("house", &known.house).with("flat", &known.flat);
    for answer in ["", "000000"] {
        let page = browser.submit(&form.clone().with("captcha", answer)).expect(422).page();
        assert_eq!(page.refusals()[0].0, "captcha");
    }
    let page = browser.submit(&form.with("account", "").with("captcha", CAPTCHA)).expect(422).page();
    assert_eq!(page.refusals()[0].0, "account");
    assert_eq!(browser.get("/readings/submit").expect(303).location(), "/readings");
}

fn attempts_are_limited(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 44);
    let mut statuses = Vec::new();
    for number in 0..6 {
        let mut browser = server.browser(SLUG);
        statuses.push(find(&mut browser, &fresh_ip(), &known.account, &known.house, &format!("90{number}")).status);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429], "one account");
    let ip = fresh_ip();
    let mut statuses = Vec::new();
    for number in 0..11 {
        let mut browser = server.browser(SLUG);
        statuses.push(find(&mut browser, &ip, &format!("88{number}"), "1", "1").status);
    }
    assert_eq!(statuses, [[422; 10].as_slice(), &[429]].concat(), "one address");
}

fn readings_are_limited_by_the_day(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 46);
    let mut guest = found(server, &known);
    let form = guest.page("/readings/submit").form("/readings/submit");
    let field = form.names("meter_").into_iter().find(|name| name.ends_with("_delta")).expect("a field");
    let form = form.with(&field, "0");
    for _ in 0..40 {
        guest.submit(&form).expect(303);
    }
    // Whoever looks for the account anew is counted on, and what was typed stays.
    let mut other = found(server, &known);
    let form = other.page("/readings/submit").form("/readings/submit").with(&field, "1,5");
    let refused = other.submit(&form).expect(429);
    assert!(refused.header("retry-after").is_some());
    let page = refused.page();
    assert!(page.refusals()[0].1.contains("40 раз в сутки"), "{:?}", page.refusals());
    assert_eq!(page.form("/readings/submit").value(&field), Some("1,5"));
}

fn what_was_found_is_this_companys_alone(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 45);
    let guest = found(server, &known);
    let mut stranger = server.browser("teploset");
    stranger.cookies.clone_from(&guest.cookies);
    assert_eq!(stranger.get("/readings/submit").expect(303).location(), "/readings");
    let mut forged = server.browser(SLUG);
    forged.cookies.push(("kabinet-readings".into(), "AAAA".into()));
    assert_eq!(forged.get("/readings/submit").expect(303).location(), "/readings");
    // A house without flats needs none.
    let house = accounts(server, SLUG, |known| known.kind == "private_house").into_iter().next().expect("a house");
    found(server, &house);
}

fn what_was_found_is_forgotten_by_the_next_day(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), NOW);
    let known = flat(&server, SLUG, 47);
    let guest = found(&server, &known);
    server.kill();
    let next_day = Server::demo(server.database.clone(), "2026-11-23");
    let mut later = next_day.browser(SLUG);
    later.cookies.clone_from(&guest.cookies);
    assert_eq!(later.get("/readings/submit").expect(303).location(), "/readings");
}
