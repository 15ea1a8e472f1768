//! «Привязка лицевого счета»: who gets in, who does not, what strangers learn.

mod changes;
mod codes;
mod guest;
mod helpers;
mod personal;

use std::collections::BTreeMap;

use kabinet_accounts::codes::LinkCode;
use kabinet_tests::{Kind, Server, on_both_databases, world};

use world::{accounts, flat, fresh_ip, newcomer, submit_from};

const SLUG: &str = "beregovoy";

on_both_databases![
    an_empty_overview_leads_to_linking_and_the_account_is_shown,
    spelling_is_forgiven,
    every_kind_of_dwelling_is_found,
    the_demo_offers_ten_accounts_that_link,
    whatever_is_wrong_answers_alike,
    an_empty_step_names_its_fields,
    the_second_step_needs_the_first,
    ten_thousand_guesses_link_nothing,
    one_address_tries_ten_times_an_hour,
    a_success_costs_nothing,
    those_already_linked_are_told,
    unlinking_asks_first,
];

fn an_empty_overview_leads_to_linking_and_the_account_is_shown(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 0);
    let mut person = newcomer(server, SLUG);
    let overview = person.browser.page("/overview");
    assert!(
        overview.links().contains(&"/accounts/link".to_owned()) && overview.text().contains("+ Привязать лицевой счет")
    );
    assert!(person.browser.page("/accounts").links().contains(&"/accounts/link".to_owned()));
    let found = person.find(&known.account, &known.house, &known.flat).expect(303);
    let check = person.browser.follow(found).page();
    for word in [&known.account, &known.surname] {
        assert!(!check.text().contains(word.as_str()), "{word} is shown before the check");
    }
    let answer = person.prove("surname", &known.surname).expect(303);
    assert_eq!(answer.location(), "/overview");
    let overview = person.browser.page("/overview");
    assert!(overview.figure("debt").is_some() && overview.text().contains(&known.account));
    assert_eq!(person.linked(), std::slice::from_ref(&known.account));
    // A second time it is there already.
    let again = person.link(&known.account, &known.house, &known.flat, &known.surname).expect(422);
    assert!(again.text().contains("уже привязан"));
}

fn spelling_is_forgiven(kind: Kind) {
    let server = Server::shared(kind);
    let lettered =
        accounts(server, SLUG, |known| known.house.ends_with('А') && known.kind == "flat" && known.old.is_some());
    let known = lettered.into_iter().next().expect("a house with a letter and an old number");
    let number = &known.account;
    let digits = known.house.trim_end_matches('А');
    let old = known.old.clone().expect("an old number");
    let spelled = |text: &str| format!("{}-{}", &text[..4], &text[4..]);
    let table = [
        (number.clone(), known.house.clone(), known.flat.clone(), known.surname.to_uppercase()),
        (format!("л/с № {number}"), format!("{digits}а"), format!("кв. {}", known.flat), known.surname.to_lowercase()),
        (
            format!("ЛС{number}"),
            format!("{digits} А"),
            format!("Квартира {}", known.flat),
            format!(" {} ", known.surname),
        ),
        (
            format!(" {} ", spelled(number)),
            format!("дом {digits}-А"),
            format!("кв{}", known.flat),
            known.surname.replace('е', "ё"),
        ),
        (old.clone(), format!("д. {digits}а"), known.flat.clone(), known.surname.clone()),
        (old.replace('-', ""), known.house.clone(), known.flat.clone(), known.surname.replace('ё', "е")),
    ];
    for (account, house, flat, surname) in table {
        let mut person = newcomer(server, SLUG);
        let answer = person.link(&account, &house, &flat, &surname);
        assert_eq!(answer.status, 303, "{account}, {house}, {flat}, {surname}");
        assert_eq!(person.linked(), std::slice::from_ref(number), "{account}");
    }
    // Leading zeros are part of the number as it is printed.
    let mut person = newcomer(server, SLUG);
    person.link(number.trim_start_matches('0'), &known.house, &known.flat, &known.surname).expect(422);
}

fn every_kind_of_dwelling_is_found(kind: Kind) {
    let server = Server::shared(kind);
    for dwelling in ["room", "private_house"] {
        let known = accounts(server, SLUG, |known| known.kind == dwelling).into_iter().next().expect(dwelling);
        let mut person = newcomer(server, SLUG);
        person.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
        assert_eq!(person.linked(), [known.account], "{dwelling}");
    }
    let room = accounts(server, SLUG, |known| known.kind == "room").into_iter().next().expect("a room");
    let (flat, place) = room.flat.split_once('/').expect("flat/room");
    let mut person = newcomer(server, SLUG);
    person.link(&room.account, &room.house, &format!("кв. {flat} комн. {place}"), &room.surname).expect(303);
    // A neighbour in the same flat is another account.
    let mut person = newcomer(server, SLUG);
    person.link(&room.account, &room.house, &format!("{flat}/9"), &room.surname).expect(422);
}

fn the_demo_offers_ten_accounts_that_link(kind: Kind) {
    let server = Server::shared(kind);
    for company in &server.facts().companies {
        assert_eq!(company.unlinked.len(), 10, "{}", company.slug);
        let offered = &company.unlinked[9];
        let mut person = newcomer(server, &company.slug);
        person.link(&offered.account, &offered.house, &offered.flat, &offered.surname).expect(303);
        assert!(person.browser.page("/documents").all("main time").len() >= 12, "a year of receipts");
    }
}

/// A wrong number, house, flat, surname, code: the same words, the same page; only what was typed differs.
fn whatever_is_wrong_answers_alike(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 1);
    let other = flat(server, SLUG, 2);
    let code = LinkCode::of(7).as_str().to_owned();
    for (field, guess) in [("surname", "Никифорова"), ("code", &*code)] {
        let wrong = [
            (known.account.as_str(), known.house.as_str(), known.flat.as_str(), guess),
            ("0099999999", &known.house, &known.flat, guess),
            (&known.account, "999", &known.flat, guess),
            (&other.account, &known.house, "999", if field == "surname" { &other.surname } else { guess }),
        ];
        let mut answers = Vec::new();
        for (account, house, flat, guess) in wrong {
            let mut person = newcomer(server, SLUG);
            let first = person.find(account, house, flat).expect(303).fingerprint();
            let second = person.prove(field, guess).expect(422).fingerprint();
            let hidden = |text: String| text.replace(&person.email, "EMAIL").replace(guess, "GUESS");
            answers.push((first, second.0, second.1, hidden(second.2)));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{field}");
    }
}

fn an_empty_step_names_its_fields(kind: Kind) {
    let mut person = newcomer(Server::shared(kind), SLUG);
    let page = person.find("№", "", "").expect(422).page();
    let fields: Vec<String> = page.refusals().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["account", "house"]);
    person.find("001", "1", "1").expect(303);
    let page = person.prove("surname", " - ").expect(422).page();
    assert_eq!(page.refusals()[0].0, "surname");
}

fn the_second_step_needs_the_first(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 3);
    let mut person = newcomer(server, SLUG);
    let csrf = person.browser.page("/accounts").form("/logout").value("csrf").expect("a token").to_owned();
    let fields = [("csrf".to_owned(), csrf), ("surname".to_owned(), known.surname)];
    assert_eq!(person.browser.post("/accounts/link", &fields).expect(303).location(), "/accounts/link");
    // What another company's portal sealed is nothing here.
    let mut stranger = newcomer(server, "teploset");
    stranger.find(&known.account, &known.house, &known.flat).expect(303);
    let sealed = stranger.browser.cookie("kabinet-linking").expect("what waits");
    person.browser.cookies.push(("kabinet-linking".to_owned(), sealed));
    assert_eq!(person.browser.post("/accounts/link", &fields).expect(303).location(), "/accounts/link");
    assert!(person.linked().is_empty());
}

fn ten_thousand_guesses_link_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 4);
    let mut person = newcomer(server, SLUG);
    person.find(&known.account, &known.house, &known.flat).expect(303);
    let form = person.browser.page("/accounts/link?step=check").form("/accounts/link");
    // The right one comes when the attempts are long used up.
    let guess = |number: u32| if number == 9_000 { known.surname.clone() } else { format!("Догадка{number}") };
    let every_twentieth = |first: u32| {
        let (mut browser, mut statuses) = (person.browser.clone(), Vec::new());
        for number in (first..10_000).step_by(20) {
            let ip = format!("172.{}.{}.{}", 16 + number / 62_500, number / 250 % 250, number % 250);
            let answer = submit_from(&mut browser, &form.clone().with("surname", &guess(number)), &ip);
            assert_eq!(answer.header("retry-after").is_some(), answer.status == 429);
            statuses.push(answer.status);
        }
        statuses
    };
    let mut statuses = BTreeMap::new();
    std::thread::scope(|scope| {
        let guessing: Vec<_> = (0..20).map(|first| scope.spawn(move || every_twentieth(first))).collect();
        for status in guessing.into_iter().flat_map(|guessing| guessing.join().expect("answers")) {
            *statuses.entry(status).or_insert(0) += 1;
        }
    });
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [(422, 5), (429, 9_995)]);
    assert!(person.linked().is_empty());
    // Neither does another login get further.
    let mut other = newcomer(server, SLUG);
    other.link(&known.account, &known.house, &known.flat, &known.surname).expect(429);
}

fn one_address_tries_ten_times_an_hour(kind: Kind) {
    let server = Server::shared(kind);
    let ip = fresh_ip();
    let mut statuses = Vec::new();
    for number in 0..12 {
        let mut person = newcomer(server, SLUG);
        person.ip.clone_from(&ip);
        statuses.push(person.link(&format!("77{number}"), "1", "1", "Никто").status);
    }
    assert_eq!(statuses, [[422; 10].as_slice(), &[429; 2]].concat());
}

fn a_success_costs_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 5);
    let ip = fresh_ip();
    for _ in 0..12 {
        let mut person = newcomer(server, SLUG);
        person.ip.clone_from(&ip);
        person.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    }
}

fn those_already_linked_are_told(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 6);
    let mut first = newcomer(server, SLUG);
    first.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    let mut second = newcomer(server, SLUG);
    second.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    let letter = server.letter(&first.email, "ещё один личный кабинет");
    assert!(letter.text.contains(&known.account) && letter.html.contains(&known.account));
    assert!(!letter.text.contains(&second.email), "who it was is not told");
    // Three failures, one letter; two more, no other.
    for _ in 0..5 {
        newcomer(server, SLUG).link(&known.account, &known.house, &known.flat, "Никифорова").expect(422);
    }
    let _ = server.letter(&first.email, "Попытки");
    // What follows a refusal comes two seconds after it.
    std::thread::sleep(std::time::Duration::from_millis(4000));
    let told = server.letters(&first.email).into_iter().filter(|letter| letter.subject.contains("Попытки")).count();
    assert_eq!(told, 1);
    assert!(server.letters(&second.email).iter().all(|letter| !letter.subject.contains("ещё один")));
}

fn unlinking_asks_first(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 7);
    let mut person = newcomer(server, SLUG);
    person.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    let path = format!("/accounts/{}/unlink", known.id);
    let list = person.browser.page("/accounts");
    let button = list.one(&format!("form[action={path}] button"));
    assert!(button.text() == "Х" && button.attribute("aria-label").is_some_and(|name| name.contains(&known.account)));
    let page = person.browser.page(&path);
    assert_eq!(page.one("h1").text(), "Отвязка лицевого счета");
    assert_eq!(person.linked().len(), 1, "asking changes nothing");
    let answer = person.submit(&page.form(&path)).expect(303);
    assert!(person.browser.follow(answer).text().contains("отвязан"));
    assert!(person.linked().is_empty());
    // Another's account is not found, like none.
    let mut other = newcomer(server, SLUG);
    let foreign = other.browser.get(&path).expect(404).fingerprint();
    let none = other.browser.get("/accounts/0193a1c0-0000-7000-8000-0000000000ff/unlink").expect(404).fingerprint();
    assert_eq!(foreign, none);
}
