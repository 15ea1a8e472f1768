//! A photo beside a reading: kept as it was sent, for the people of the account and for staff.

use kabinet_tests::browser::BOUNDARY;
use kabinet_tests::page::Form;
use kabinet_tests::server::CAPTCHA;
use kabinet_tests::world;
use kabinet_tests::{Browser, Kind, Response, Server, on_both_databases};
use rust_decimal::Decimal;
use serde_json::json;

use crate::{COMPANY, METERS, Water, case, holder, send, typed, water};

on_both_databases![
    a_photo_is_seen_by_the_people_of_the_account_and_by_staff,
    what_is_no_photo_stores_nothing,
    photos_are_limited_by_the_day_and_readings_go_on,
    who_is_not_logged_in_brings_a_photo_by_a_link_and_by_the_account_number,
    of_who_may_send_no_readings_no_form_with_photos_is_read,
];

/// The beginning of a PNG of this size, with something that a phone would write into it.
fn png(width: u32, height: u32) -> Vec<u8> {
    let head = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R'];
    [head.as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), &[8, 2, 0, 0, 0], b"GPS 55.16 61.40"].concat()
}

/// Sends a form with files in fields of these names, as a browser does.
fn send_files(browser: &mut Browser, form: &Form, files: &[(&str, &[u8])]) -> Response {
    let mut body = Vec::new();
    for (name, value) in &form.fields {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(head.as_bytes());
    }
    for (name, bytes) in files {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.jpg\"\r\n\
             Content-Type: image/jpeg\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    let origin = format!("http://{}", browser.host);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("Content-Type", kind.as_str()), ("Origin", origin.as_str())];
    browser.send("POST", &form.action, &headers, Some(&body))
}

fn filled(browser: &mut Browser, meter: &str, value: &str) -> Form {
    let form = browser.page("/meters/readings").form("/meters/readings");
    let mut form = form.with(&format!("meter_{meter}_value"), value);
    form.fields.retain(|(name, _)| !name.ends_with("_photo"));
    form
}

fn a_photo_is_seen_by_the_people_of_the_account_and_by_staff(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let (one, two) = (water(server, &mut staff, 0), water(server, &mut staff, 1));
    let mut person = holder(server, &one);
    let page = person.browser.page("/meters/readings");
    assert!(page.text().contains("со временем съёмки и местом"), "it is said what is kept");
    let picture = png(4000, 3000);
    let field = format!("meter_{}_photo", one.id);
    let form = filled(&mut person.browser, &one.id, &typed(one.last() + Decimal::ONE));
    send_files(&mut person.browser, &form, &[(&field, &picture)]).expect(303);

    let meter = format!("/meters/{}", one.id);
    let page = person.browser.page(&meter);
    let row = page.one("table.cards tbody tr").text();
    assert!(row.contains("личный кабинет") && row.contains("вы"), "{row}");
    let links = page.links();
    let link = links.iter().find(|link| link.contains("/photos/")).expect("a photo").clone();
    let shown = person.browser.get(&link).expect(200);
    assert_eq!(shown.body, picture, "as it was sent");
    assert_eq!(shown.header("content-type"), Some("image/png"));
    assert_eq!(shown.header("cache-control"), Some("private, no-store"));
    assert!(shown.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));

    // The other holder sees it with the sender's login hidden; a neighbour, a guest and another company do not.
    let mut spouse = world::holder(server, COMPANY, &one.known);
    assert_eq!(spouse.browser.get(&link).expect(200).body, picture);
    let text = spouse.browser.page(&meter).text();
    assert!(text.contains("n***@") && !text.contains(&person.email), "{text}");
    let mut neighbour = holder(server, &two);
    neighbour.browser.get(&link).expect(404);
    let id = link.rsplit('/').next().expect("an id");
    neighbour.browser.get(&format!("/meters/{}/photos/{id}", two.id)).expect(404);
    assert_eq!(server.browser(COMPANY).get(&link).expect(303).location(), "/");
    let known = case(&mut staff, &one.id)["readings"][0].clone();
    assert_eq!((&known["photos"][0]["media_type"], &known["photos"][0]["id"]), (&json!("image/png"), &json!(id)));
    let given = staff.call("GET", &format!("{METERS}/{}/photos/{id}", one.id), None).expect(200);
    assert_eq!(given.body, picture);
    assert!(given.header("content-disposition").is_some_and(|way| way.starts_with("attachment")));
    staff.call("GET", &format!("{METERS}/{}/photos/{id}", two.id), None).expect(404);
    server.staff("teploset").call("GET", &format!("{METERS}/{}/photos/{id}", one.id), None).expect(404);

    // Who holds the account next sees neither.
    let change = json!({ "from": "2026-11-22", "holders": [{ "kind": "person", "surname": "Новосёлова" }] });
    let address = format!("/api/admin/v1/accounts/{}/holder", one.known.id.0);
    staff.call("POST", &address, Some(&change)).expect(204);
    let mut next = world::newcomer(server, COMPANY);
    next.link(&one.known.account, &one.known.house, &one.known.flat, "Новосёлова").expect(303);
    let page = next.browser.page(&meter);
    assert!(!page.text().contains("***@") && page.links().iter().all(|link| !link.contains("/photos/")));
    next.browser.get(&link).expect(404);
}

fn what_is_no_photo_stores_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 2);
    let mut person = holder(server, &water);
    let field = format!("meter_{}_photo", water.id);
    let value = typed(water.last() + Decimal::ONE);
    let long = [png(10, 10), vec![0; 10 * 1024 * 1024]].concat();
    let wrong: [(&[u8], &str); 5] = [
        (b"%PDF-1.7", "не фото"),
        (b"<html><script>", "не фото"),
        (b"", "пуст"),
        (&long, "больше 10 МБ"),
        (&png(10_000, 5_001), "больше 50 млн точек"),
    ];
    for (bytes, why) in wrong {
        let form = filled(&mut person.browser, &water.id, &value);
        let page = send_files(&mut person.browser, &form, &[(&field, bytes)]).expect(422).page();
        let refusals = page.refusals();
        assert!(refusals[0].0 == field && refusals[0].1.contains(why), "{why}: {refusals:?}");
        let kept = page.form("/meters/readings");
        assert_eq!(kept.value(&format!("meter_{}_value", water.id)), Some(value.as_str()));
    }
    // A photo of a meter of which nothing is said, and one beside a refused value.
    let form = filled(&mut person.browser, &water.id, "");
    let page = send_files(&mut person.browser, &form, &[(&field, &png(9, 9))]).expect(422).page();
    assert!(page.refusals()[0].1.contains("без показания"), "{:?}", page.refusals());
    let form = filled(&mut person.browser, &water.id, "1");
    send_files(&mut person.browser, &form, &[(&field, &png(9, 9))]).expect(422);
    let known = case(&mut staff, &water.id);
    assert!(known["readings"].as_array().is_some_and(|all| all.len() == 15), "nothing was stored");
    // Without a file the form comes as it always did.
    send(&mut person.browser, &water.id, &value, false).expect(303);
}

fn photos_are_limited_by_the_day_and_readings_go_on(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 11);
    let mut person = holder(server, &water);
    let (photo, value) = (format!("meter_{}_photo", water.id), typed(water.last() + Decimal::ONE));
    let form = filled(&mut person.browser, &water.id, &value);
    let picture = png(9, 9);
    for _ in 0..20 {
        send_files(&mut person.browser, &form, &[(&photo, &picture)]).expect(303);
    }
    let refused = send_files(&mut person.browser, &form, &[(&photo, &picture)]).expect(429);
    assert!(refused.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok()).is_some_and(|wait| wait > 0));
    let page = refused.page();
    assert!(page.refusals()[0].0 == photo && page.refusals()[0].1.contains("20 раз в сутки"), "{:?}", page.refusals());
    let kept = page.form("/meters/readings");
    assert_eq!(kept.value(&format!("meter_{}_value", water.id)), Some(value.as_str()), "what was typed stays");
    let stored = |staff: &mut Browser| case(staff, &water.id)["readings"].as_array().map_or(0, Vec::len);
    assert_eq!(stored(&mut staff), 15 + 20);
    // Without a photo it goes on, and another resident's photos are counted apart.
    send(&mut person.browser, &water.id, &value, false).expect(303);
    let mut spouse = world::holder(server, COMPANY, &water.known);
    let form = filled(&mut spouse.browser, &water.id, &value);
    send_files(&mut spouse.browser, &form, &[(&photo, &picture)]).expect(303);
    assert_eq!(stored(&mut staff), 15 + 22);
}

/// The path of the meter's link for November.
fn link_of(staff: &mut Browser, water: &Water) -> String {
    let path = format!("{METERS}/{}/links", water.id);
    let made = staff.call("POST", &path, Some(&json!({ "period": "2026-11" }))).expect(200).json();
    let address = made["address"].as_str().expect("an address");
    address[address.find("/readings/link/").expect("a path")..].to_owned()
}

/// A browser that found the meter's account without registration.
fn finder(server: &Server, water: &Water) -> Browser {
    let mut guest = server.browser(COMPANY);
    let form = guest.page("/readings").form("/readings");
    let form = form.with("account", &water.known.account).with("house", &water.known.house);
    let form = form.with("flat", &water.known.flat).with("captcha", CAPTCHA);
    world::submit_from(&mut guest, &form, &world::fresh_ip()).expect(303);
    guest
}

fn who_is_not_logged_in_brings_a_photo_by_a_link_and_by_the_account_number(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(COMPANY);
    let (one, two) = (water(server, &mut staff, 15), water(server, &mut staff, 16));
    let path = link_of(&mut staff, &one);
    brought(server, &one, &mut server.browser(COMPANY), (&path, "по ссылке"));
    let mut guest = finder(server, &two);
    let form = brought(server, &two, &mut guest, ("/readings/submit", "без регистрации"));
    // As of a resident no more than so many a day are taken, and readings go on.
    let (photo, picture) = (format!("meter_{}_photo", two.id), png(9, 9));
    for _ in 1..20 {
        send_files(&mut guest, &form, &[(&photo, &picture)]).expect(303);
    }
    let refused = send_files(&mut guest, &form, &[(&photo, &picture)]).expect(429).page();
    assert!(refused.refusals()[0].1.contains("20 раз в сутки"), "{:?}", refused.refusals());
    send_files(&mut guest, &form, &[]).expect(303);
}

/// Sends one more than the last value with a photo from a page that asks for no login; the form as it was sent. The
/// photo is evidence as any other: for the people of the account and for staff.
fn brought(server: &Server, water: &Water, guest: &mut Browser, (address, source): (&str, &str)) -> Form {
    let page = guest.page(address);
    assert!(page.text().contains("со временем съёмки и местом"), "it is said what is kept");
    let field = format!("meter_{}_photo", water.id);
    let value = typed(water.last() + Decimal::ONE);
    let mut form = page.form(address).with(&format!("meter_{}_value", water.id), &value);
    form.fields.retain(|(name, _)| !name.ends_with("_photo"));
    let refused = send_files(guest, &form, &[(&field, b"%PDF-1.7")]).expect(422).page();
    let refusals = refused.refusals();
    assert!(refusals[0].0 == field && refusals[0].1.contains("не фото"), "{refusals:?}");
    let picture = png(4000, 3000);
    send_files(guest, &form, &[(&field, &picture)]).expect(303);
    let mut person = holder(server, water);
    let page = person.browser.page(&format!("/meters/{}", water.id));
    let row = page.one("table.cards tbody tr").text();
    assert!(row.contains(source), "{row}");
    let link = page.links().into_iter().find(|link| link.contains("/photos/")).expect("a photo");
    assert_eq!(person.browser.get(&link).expect(200).body, picture, "as it was sent");
    assert_eq!(guest.get(&link).expect(303).location(), "/", "whoever sent it is nobody here");
    let known = case(&mut server.staff(COMPANY), &water.id);
    assert_eq!(known["readings"].as_array().map(Vec::len), Some(16), "one was stored");
    assert_eq!(known["readings"][0]["photos"][0]["media_type"], "image/png");
    form
}

fn of_who_may_send_no_readings_no_form_with_photos_is_read(kind: Kind) {
    let server = Server::shared(kind);
    let mut stranger = server.browser(COMPANY);
    // A token that fits no page, which whoever reads the form refuses (403).
    let mut form = stranger.page("/readings").form("/readings").with("csrf", "x");
    for (address, status) in [("/readings/submit", 303), ("/readings/link/none", 404), ("/meters/readings", 303)] {
        form.action = address.to_owned();
        send_files(&mut stranger, &form, &[("files", &png(9, 9))]).expect(status);
        stranger.submit(&form).expect(if address == "/meters/readings" { 303 } else { 403 });
    }
}
