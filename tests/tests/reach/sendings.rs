//! Readings that a browser typed without a network, or sends again because no answer came: stored once, dated by
//! the day on which they were typed.

use kabinet_tests::page::Form;
use kabinet_tests::world::{Person, holder_of_flat};
use kabinet_tests::{Database, Kind, Server, on_both_databases, world};
use serde_json::json;

use crate::{Dial, OPEN, WINDOW, dial, history};

on_both_databases![
    the_same_sending_is_stored_once,
    two_that_come_at_once_are_stored_once,
    a_refused_one_may_be_sent_again,
    a_reading_is_of_the_day_on_which_it_was_typed,
    the_moment_at_which_it_was_typed_is_kept_where_it_may_be,
    what_was_typed_while_the_window_was_open_is_taken_after_it_closed,
];

const MARK: &str = "5f0c1c0e-7a7b-4c3e-9a55-0b6c7a1d2e3f";

fn form(person: &mut Person, dial: &Dial, thousandths: i64, mark: &str) -> Form {
    let form = person.browser.page("/meters/readings").form("/meters/readings");
    let mut form = form.with(&format!("meter_{}_value", dial.id), &dial.plus(thousandths));
    form.fields.push(("once".to_owned(), mark.to_owned()));
    form
}

fn the_same_sending_is_stored_once(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, OPEN, 20);
    let dial = dial(&mut person.browser);
    let before = history(&mut person, &dial).len();
    let sent = form(&mut person, &dial, 1000, MARK);
    let first = person.browser.submit(&sent).expect(303).location().to_owned();
    assert!(first.ends_with(&format!("&once={MARK}")), "the browser is told which one arrived: {first}");
    assert_eq!(person.browser.submit(&sent).expect(303).location(), first, "the same answer again");
    assert_eq!(history(&mut person, &dial).len(), before + 1);
    assert!(person.browser.page(&first).text().contains("Показания приняты"));
    // Another person's mark is another one; another mark is another sending.
    let (mut other, _) = holder_of_flat(server, OPEN, 21);
    let theirs = crate::dial(&mut other.browser);
    let sent = form(&mut other, &theirs, 1000, MARK);
    other.browser.submit(&sent).expect(303);
    let sent = form(&mut person, &dial, 1500, "another-mark-of-this-browser");
    person.browser.submit(&sent).expect(303);
    assert_eq!(history(&mut person, &dial).len(), before + 2);
    // What is no mark is none.
    let sent = form(&mut person, &dial, 1600, "1");
    assert!(!person.browser.submit(&sent).expect(303).location().contains("once"));
}

fn two_that_come_at_once_are_stored_once(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, OPEN, 22);
    let dial = dial(&mut person.browser);
    let before = history(&mut person, &dial).len();
    let sent = form(&mut person, &dial, 1000, MARK);
    let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
        let send = || {
            let (mut browser, sent) = (person.browser.clone(), sent.clone());
            scope.spawn(move || {
                let answer = browser.submit(&sent);
                (answer.status, answer.location().to_owned())
            })
        };
        let threads: Vec<_> = (0..4).map(|_| send()).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(answers.iter().all(|answer| answer.0 == 303 && *answer == answers[0]), "{answers:?}");
    assert_eq!(history(&mut person, &dial).len(), before + 1);
}

fn a_refused_one_may_be_sent_again(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, OPEN, 23);
    let dial = dial(&mut person.browser);
    let sent = form(&mut person, &dial, 1000, MARK);
    let wrong = sent.clone().with(&format!("meter_{}_value", dial.id), "много");
    let page = person.browser.submit(&wrong).expect(422).page();
    assert_eq!(page.form("/meters/readings").value("once"), Some(MARK), "the answer names what was refused");
    person.browser.submit(&sent).expect(303);
}

fn a_reading_is_of_the_day_on_which_it_was_typed(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-11-20T22:00:00+05:00");
    let (mut person, _) = holder_of_flat(&server, OPEN, 0);
    let dial = dial(&mut person.browser);
    let sent = form(&mut person, &dial, 1000, MARK);
    server.kill();
    server.start_at("2026-11-22T09:00:00+05:00");
    // The 21st, half past midnight in Chelyabinsk; in Moscow it was still the 20th.
    let captured = "1795203000000";
    let mut again = sent.with("date", "");
    again.fields.push(("captured".to_owned(), captured.to_owned()));
    person.browser.cookies.clear();
    person.browser.log_in(&person.email, world::PASSWORD);
    let csrf =
        person.browser.page("/meters/readings").form("/meters/readings").value("csrf").expect("a token").to_owned();
    let again = again.with("csrf", &csrf);
    person.browser.submit(&again).expect(303);
    let rows = history(&mut person, &dial);
    assert!(rows[0].starts_with("21.11.2026"), "{rows:?}");
    assert!(rows[0].contains("снято 21.11.2026 в 00:30, отправлено 22.11.2026"), "{rows:?}");
    // A device whose clock is wrong is told so, and a date that somebody chose stands.
    for (captured, date, words) in [("1900000000000", "", "в будущем"), ("none", "", ""), ("99999999999999999", "", "")]
    {
        let mut odd = form(&mut person, &dial, 2000, &format!("{MARK}-{captured}")).with("date", date);
        odd.fields.push(("captured".to_owned(), captured.to_owned()));
        let refusals = person.browser.submit(&odd).expect(422).page().refusals();
        assert!(refusals[0].0 == "date" && refusals[0].1.contains(words), "{captured}: {refusals:?}");
    }
    let mut chosen = form(&mut person, &dial, 2000, "a-mark-of-somebody-s-date").with("date", "22.11.2026");
    chosen.fields.push(("captured".to_owned(), captured.to_owned()));
    person.browser.submit(&chosen).expect(303);
    assert!(history(&mut person, &dial)[0].starts_with("22.11.2026"));
}

fn the_moment_at_which_it_was_typed_is_kept_where_it_may_be(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, OPEN, 24);
    let dial = dial(&mut person.browser);
    let mut staff = server.staff(OPEN);
    // The evening before, this morning, in years, and longer ago than a browser waits.
    let cases = [
        ("1795279200000", json!(1_795_279_200_000_i64), true),
        ("1795320000000", json!(1_795_320_000_000_i64), false),
        ("1900000000000", json!(null), false),
        ("1791788400000", json!(null), false),
    ];
    for (number, (captured, kept, waited)) in (1..).zip(cases) {
        let mut sent = form(&mut person, &dial, 1000 + 100 * number, &format!("{MARK}-{number}"));
        sent.fields.push(("captured".to_owned(), captured.to_owned()));
        person.browser.submit(&sent).expect(303);
        let known = staff.call("GET", &format!("/api/admin/v1/meters/{}", dial.id), None).expect(200).json();
        let newest = &known["readings"][0];
        assert_eq!((&newest["taken_on"], &newest["captured_at"]), (&json!("2026-11-22"), &kept), "{captured}");
        let row = history(&mut person, &dial).remove(0);
        assert_eq!(row.contains("снято"), waited, "{captured}: {row}");
        assert_eq!(row.contains("снято 21.11.2026 в 21:40, отправлено 22.11.2026"), waited, "{captured}: {row}");
    }
}

fn what_was_typed_while_the_window_was_open_is_taken_after_it_closed(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-11-25T22:00:00+05:00");
    let [(mut prompt, _), (mut late, _)] = [0, 1].map(|number| holder_of_flat(&server, WINDOW, number));
    let dials = [dial(&mut prompt.browser), dial(&mut late.browser)];
    let [first, second] = [form(&mut prompt, &dials[0], 1000, MARK), form(&mut late, &dials[1], 1000, MARK)];
    // The last day of the window, ten minutes before midnight in Chelyabinsk.
    let captured = "1795632600000";
    let sent = |person: &mut Person, form: &Form, captured: &str| {
        person.browser.cookies.clear();
        person.browser.log_in(&person.email, world::PASSWORD);
        let csrf = person.browser.page("/accounts").one("[name=csrf]").attribute("value").expect("a token").to_owned();
        let mut form = form.clone().with("csrf", &csrf).with("date", "");
        form.fields.push(("captured".to_owned(), captured.to_owned()));
        person.browser.submit(&form)
    };
    server.kill();
    server.start_at("2026-11-28T09:00:00+05:00");
    sent(&mut prompt, &first, captured).expect(303);
    let rows = history(&mut prompt, &dials[0]);
    assert!(rows[0].starts_with("25.11.2026") && rows[0].contains("снято 25.11.2026 в 23:50"), "{rows:?}");
    // On its way for longer, or typed after the window: as if it had been typed now.
    server.kill();
    server.start_at("2026-11-29T09:00:00+05:00");
    for captured in [captured, "1795719000000"] {
        let page = sent(&mut late, &second, captured).expect(422).page();
        assert!(page.text().contains("приём показаний закрыт"), "{captured}: {}", page.text());
    }
}
