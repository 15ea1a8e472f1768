//! From a reading to a receipt: what it costs is one sum everywhere, and nothing is booked twice.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kabinet_core::Actor;
use kabinet_tests::books;
use kabinet_tests::company::{COMPANIES, Package};
use kabinet_tests::page::Form;
use kabinet_tests::pdf::{Pdf, printed, qr_value};
use kabinet_tests::postgres::Cluster;
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Database, Kind, Server, block_on, on_both_databases};
use serde_json::Value;

on_both_databases![
    every_receipt_is_a_pdf_with_its_account_and_sum,
    the_payment_qr_carries_the_requisites_and_the_sum,
    a_reading_is_stored_and_changes_the_preliminary_charge,
    a_wrong_reading_is_refused_with_its_reason_and_kept,
    a_doubtful_reading_is_stored_once_it_is_confirmed,
    outside_the_window_readings_are_refused_with_the_next_one,
    the_api_stores_readings_under_the_same_rules,
    a_failing_plugin_loses_no_reading,
    a_month_billed_twice_has_the_same_hash,
    a_run_that_is_killed_twenty_times_ends_in_the_same_result,
    the_ledger_gives_the_stored_balances,
    a_changed_bill_is_explained_to_the_kopeck,
    a_share_of_the_house_changes_by_its_meter_and_its_tariff_alone,
];

fn documents(browser: &mut Browser) -> Vec<Value> {
    let answer = browser.call("GET", "/api/v1/documents", None).expect(200).json();
    answer["items"].as_array().expect("items").clone()
}

fn account_number(browser: &mut Browser) -> String {
    let me = browser.call("GET", "/api/v1/me", None).expect(200).json();
    let accounts = me["accounts"].as_array().expect("accounts");
    let active = accounts.iter().find(|account| account["active"] == true).expect("a chosen account");
    active["number"].as_str().expect("a number").to_owned()
}

fn every_receipt_is_a_pdf_with_its_account_and_sum(kind: Kind) {
    for slug in COMPANIES {
        let mut visit = Server::shared(kind).resident(slug);
        let number = account_number(&mut visit);
        let listed = documents(&mut visit);
        let page = visit.page("/documents");
        let kinds = Package::read(slug).receipt_kinds.len();
        assert!(listed.len() >= 14 * kinds, "{slug}: {} receipts", listed.len());
        for document in &listed {
            let href = document["href"].as_str().expect("an address");
            let month = format!("/documents/{}", document["period"].as_str().expect("a month"));
            let (own, only) = (page.links().contains(&href.to_owned()), page.links().contains(&format!("{month}.pdf")));
            assert!(own || (kinds == 1 && only), "{href} is not on the page");
            let answer = visit.get(href).expect(200);
            assert_eq!(answer.header("content-type"), Some("application/pdf"), "{href}");
            let text = Pdf::new(&answer.body).text().replace('\u{a0}', " ");
            let amount = document["amount"].as_i64().expect("a sum");
            assert!(text.contains(&number), "{href}: no account {number}: {text}");
            assert!(
                text.contains(printed(amount.max(0)).trim_start_matches('−')),
                "{href}: no {}: {text}",
                printed(amount)
            );
        }
        // The short address is the month's main receipt.
        let main = visit.get("/documents/2026-10.pdf").expect(200);
        assert!(Pdf::new(&main.body).text().contains("2026"));
    }
}

fn the_payment_qr_carries_the_requisites_and_the_sum(kind: Kind) {
    for slug in COMPANIES {
        let package = Package::read(slug);
        let mut visit = Server::shared(kind).resident(slug);
        let number = account_number(&mut visit);
        for document in documents(&mut visit).iter().filter(|document| document["period"] == "2026-10") {
            let receipt = package.receipt_kinds.iter().find(|kind| document["kind"] == kind.code).expect("a kind");
            let answer = visit.get(document["href"].as_str().expect("an address")).expect(200);
            let codes = Pdf::new(&answer.body).codes();
            let (paying, linking): (Vec<_>, Vec<_>) = codes.into_iter().partition(|code| code.starts_with("ST0001"));
            assert_eq!((paying.len(), linking.len()), (1, 1), "{slug}: {paying:?}, {linking:?}");
            let (code, supplier) = (&paying[0], &receipt.supplier);
            let sum = document["amount"].as_i64().expect("a sum").max(0).to_string();
            let wanted = [
                ("Name", &supplier.name),
                ("PersonalAcc", &supplier.settlement_account),
                ("BankName", &supplier.bank_name),
                ("BIC", &supplier.bic),
                ("CorrespAcc", &supplier.correspondent_account),
                ("PayeeINN", &supplier.inn),
                ("KPP", &supplier.kpp),
                ("PersAcc", &number),
                ("Sum", &sum),
            ];
            assert!(code.starts_with("ST00012"), "{code}");
            for (key, value) in wanted {
                assert_eq!(qr_value(code, key), Some(value.as_str()), "{slug} {key}: {code}");
            }
            assert_eq!(qr_value(code, "PaymPeriod"), Some("102026"));
        }
    }
}

/// A meter of the chosen account that takes readings, with its last value (scaled by 10^7).
struct Dial {
    id: String,
    last: i64,
}

impl Dial {
    fn field(&self, kind: &str) -> String {
        format!("meter_{}_{kind}", self.id)
    }
}

fn dial(browser: &mut Browser) -> Dial {
    let answer = browser.call("GET", "/api/v1/meters", None).expect(200).json();
    let single = |meter: &&Value| meter["zones"] == 1 && meter["active"] == true && meter["automatic"] == false;
    let meter =
        answer["meters"].as_array().expect("meters").iter().find(single).expect("a meter with one zone").clone();
    let last = meter["last_values"][0].as_i64().expect("a last value");
    Dial { id: meter["id"].as_str().expect("an id").to_owned(), last }
}

/// A quantity as a person types it, with a comma.
fn typed(quantity: i64) -> String {
    format!("{},{:03}", quantity / 10_000_000, quantity % 10_000_000 / 10_000)
}

const ONE: i64 = 10_000_000;

fn reading_form(browser: &mut Browser) -> Form {
    browser.page("/meters/readings").form("/meters/readings")
}

fn a_reading_is_stored_and_changes_the_preliminary_charge(kind: Kind) {
    for slug in COMPANIES {
        let mut visit = Server::shared(kind).resident(slug);
        let dial = dial(&mut visit);
        let before = visit.page("/overview").figure("preliminary").expect("an estimate");
        let value = dial.last + ONE + ONE / 2;
        let form = reading_form(&mut visit);
        assert_eq!(form.value("date"), Some("22.11.2026"), "today is filled in");
        let answer = visit.submit(&form.with(&dial.field("value"), &typed(value))).expect(303);
        assert!(answer.location().starts_with("/meters/readings"), "{}", answer.location());
        let page = visit.follow(answer).expect(200).page();
        let (now, change) = (page.figure("preliminary").expect("an estimate"), page.figure("preliminary_change"));
        assert_eq!(change, Some(now - before), "{slug}: the change is new minus old: {}", page.one("main").text());
        assert_eq!(visit.page("/overview").figure("preliminary"), Some(now), "{slug}");
        assert_eq!(self::dial(&mut visit).last, value, "{slug}: the value is stored");
        // The other column, with a point: half a unit more costs more.
        let form = reading_form(&mut visit).with(&dial.field("delta"), "0.5");
        let answer = visit.submit(&form).expect(303);
        let page = visit.follow(answer).page();
        assert_eq!(self::dial(&mut visit).last, value + ONE / 2, "{slug}");
        assert!(
            page.figure("preliminary_change").is_some_and(|change| change > 0),
            "{slug}: {}",
            page.one("main").text()
        );
        let shown = visit.page(&format!("/meters/{}", dial.id));
        assert!(shown.one("table tbody tr").text().contains("22.11.2026"));
    }
}

fn a_wrong_reading_is_refused_with_its_reason_and_kept(kind: Kind) {
    let mut visit = Server::shared(kind).resident("beregovoy");
    let dial = dial(&mut visit);
    let (value, delta) = (dial.field("value"), dial.field("delta"));
    let lower = typed(dial.last - ONE);
    let cases: [(&str, &str, &str, &str); 7] = [
        (&value, &lower, "22.11.2026", &value),
        (&value, "сто", "22.11.2026", &value),
        (&value, "-5", "22.11.2026", &value),
        (&delta, "1,23456", "22.11.2026", &delta),
        (&delta, "1", "23.11.2026", "date"),
        (&delta, "1", "сегодня", "date"),
        (&delta, "1", "22.10.2026", "date"),
    ];
    for (field, text, date, blamed) in cases {
        let form = reading_form(&mut visit).with(field, text).with("date", date);
        let page = visit.submit(&form).expect(422).page();
        let refusals = page.refusals();
        assert!(page.title().starts_with("Ошибка:"), "{}", page.title());
        assert!(
            refusals.iter().any(|(field, words)| field == blamed && !words.is_empty()),
            "{text} {date}: {refusals:?}"
        );
        let kept = page.form("/meters/readings");
        assert_eq!((kept.value(field), kept.value("date")), (Some(text), Some(date)), "the values are kept");
    }
    let nothing = reading_form(&mut visit);
    assert!(!visit.submit(&nothing).expect(422).page().refusals().is_empty());
    assert_eq!(self::dial(&mut visit).last, dial.last, "nothing was stored");
}

fn a_doubtful_reading_is_stored_once_it_is_confirmed(kind: Kind) {
    // A server of its own: a huge reading would make the next ones of the shared one look small.
    let server = Server::demo(Database::new(kind), NOW);
    let mut visit = server.resident("beregovoy");
    let dial = dial(&mut visit);
    let form = reading_form(&mut visit).with(&dial.field("delta"), "900");
    let page = visit.submit(&form).expect(422).page();
    assert_eq!(page.refusals()[0].0, dial.field("confirm"));
    assert_eq!(self::dial(&mut visit).last, dial.last);
    let form = page.form("/meters/readings").with(&dial.field("confirm"), "yes");
    visit.submit(&form).expect(303);
    assert_eq!(self::dial(&mut visit).last, dial.last + 900 * ONE);
}

fn outside_the_window_readings_are_refused_with_the_next_one(kind: Kind) {
    let server = Server::demo(Database::new(kind), "2026-11-08");
    let mut visit = server.resident("teploset");
    let dial = dial(&mut visit);
    let page = visit.page("/meters/readings");
    let words = page.one("main").text().replace('\u{a0}', " ");
    assert!(words.contains("15 ноября") && words.contains("25 ноября"), "{words}");
    let form = page.form("/meters/readings").with(&dial.field("delta"), "1");
    let refused = visit.submit(&form).expect(422).page();
    assert!(refused.refusals()[0].1.contains("15 ноября"), "{:?}", refused.refusals());
    assert_eq!(refused.form("/meters/readings").value(&dial.field("delta")), Some("1"));
    let body = serde_json::json!({ "readings": [{ "meter": dial.id, "deltas": ["1"] }] });
    let answer = visit.call("POST", "/api/v1/meters/readings", Some(&body)).expect(422).json();
    assert_eq!(answer["code"], "meters.window_closed");
    assert_eq!(self::dial(&mut visit).last, dial.last);
    drop(visit);
    // The other company takes readings all month.
    let mut visit = server.resident("beregovoy");
    let dial = self::dial(&mut visit);
    let form = reading_form(&mut visit).with(&dial.field("delta"), "1");
    visit.submit(&form).expect(303);
}

fn the_api_stores_readings_under_the_same_rules(kind: Kind) {
    let mut visit = Server::shared(kind).resident("teploset");
    let dial = dial(&mut visit);
    let body =
        |text: &str| serde_json::json!({ "date": "2026-11-22", "readings": [{ "meter": dial.id, "values": [text] }] });
    let refused = visit.call("POST", "/api/v1/meters/readings", Some(&body("1"))).expect(422).json();
    assert_eq!(refused["code"], "meters.readings_refused");
    assert_eq!(refused["fields"][0]["field"], dial.field("value"));
    let value = format!("{}.{:03}", (dial.last + ONE) / ONE, (dial.last + ONE) % ONE / 10_000);
    let stored = visit.call("POST", "/api/v1/meters/readings", Some(&body(&value))).expect(200).json();
    assert_eq!((&stored["period"], &stored["meters"][0]), (&"2026-11".into(), &dial.id.clone().into()));
    assert_eq!(self::dial(&mut visit).last, dial.last + ONE);
    let unknown =
        serde_json::json!({ "readings": [{ "meter": "0193a1c0-0000-7000-8000-0000000000ff", "deltas": ["1"] }] });
    visit.call("POST", "/api/v1/meters/readings", Some(&unknown)).expect(422);
}

fn a_failing_plugin_loses_no_reading(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), NOW);
    server.kill();
    // What lies in the database is no plugin any more, and no compiled copy is left.
    let _ = std::fs::remove_dir_all(server.database.dir.join("plugins"));
    block_on(async {
        let db = server.database.open().await;
        let company = server.database.company(&db, "beregovoy").await;
        let tx = db.begin(&company, Actor::System).await.expect("a transaction");
        let sql = "UPDATE plugin SET component = $2 WHERE tenant_id = $1";
        assert_eq!(tx.execute(sql, vec![vec![0_u8, 1, 2].into()]).await.expect("an update"), 1);
        tx.commit().await.expect("a commit");
    });
    server.start();
    let mut visit = server.resident("beregovoy");
    let (dial, charged) = (dial(&mut visit), visit.page("/overview").figure("charged"));
    let form = reading_form(&mut visit).with(&dial.field("delta"), "1");
    let answer = visit.submit(&form).expect(303);
    let page = visit.follow(answer).expect(200).page();
    let words = page.one("section.result").text();
    assert!(words.contains("Показания приняты") && words.contains("посчитать не удалось"), "{words}");
    assert_eq!(self::dial(&mut visit).last, dial.last + ONE, "the reading is stored");
    assert_eq!(visit.page("/overview").figure("charged"), charged, "the old figures stand");
}

fn a_month_billed_twice_has_the_same_hash(kind: Kind) {
    let server = Server::shared(kind);
    let bill = |period: &str| server.command().args(["bill", "beregovoy", period]).output().expect("kabinet bill");
    let hash = || {
        let output = bill("2026-11");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text.split_whitespace().last().expect("a hash").to_owned()
    };
    // No reading may come between the two.
    let _visit = server.resident("beregovoy");
    let first = hash();
    assert!(first.len() == 64 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
    assert_eq!(hash(), first);
    for (period, why) in [("2026-10", "опубликован"), ("2027-03", "2026-11")] {
        let output = bill(period);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && errors.contains(why), "{period}: {errors}");
        assert_eq!(
            errors.trim().lines().filter(|line| line.starts_with("kabinet:")).count(),
            1,
            "one clear line: {errors}"
        );
    }
}

/// A town whose October is not billed yet; its bills depend on nothing but its seed.
fn town(kind: Kind, accounts: u32) -> Database {
    let database = Database::new(kind);
    let mut seed = command(&database, NOW);
    seed.args(["demo", "seed", "--accounts", &accounts.to_string(), "--months", "2", "--seed", "7", "--leave-last"]);
    run(&mut seed);
    if let Some(postgres) = &database.postgres {
        Cluster::shared().analyze(postgres);
    }
    database
}

fn bill(database: &Database) -> Command {
    let mut bill = command(database, NOW);
    bill.args(["bill", "town-1", "2026-10"]).stdout(Stdio::piped()).stderr(Stdio::null());
    bill
}

/// The hash that a run of `kabinet bill` ended with.
fn last_word(said: &[u8]) -> Option<String> {
    String::from_utf8_lossy(said).split_whitespace().last().map(str::to_owned)
}

fn billed(database: &Database) -> String {
    last_word(&bill(database).output().expect("kabinet bill").stdout).expect("a hash")
}

#[test]
fn both_databases_bill_a_month_to_the_same_hash() {
    let [sqlite, postgresql] = [Kind::Sqlite, Kind::PostgreSql].map(|kind| billed(&town(kind, 600)));
    assert_eq!(sqlite, postgresql);
}

fn a_run_that_is_killed_twenty_times_ends_in_the_same_result(kind: Kind) {
    const KILLS: u32 = 20;
    const ACCOUNTS: u32 = 6000;
    let database = town(kind, ACCOUNTS);
    let begun = Instant::now();
    let undisturbed = billed(&database);
    // How long it takes to insert what is inserted together.
    let portion = begun.elapsed() / (ACCOUNTS / if kind == Kind::Sqlite { 200 } else { 1000 });
    let (mut killed, mut ended, mut within) = (0, 0, 0);
    while killed < KILLS {
        let mut running = bill(&database).spawn().expect("kabinet bill");
        // Once it has inserted something, and at a twentieth more of a portion each time, in a mixed order.
        goes_on(&database, &mut running);
        std::thread::sleep(portion * (killed * 7 % KILLS) / KILLS);
        running.kill().expect("a kill");
        match last_word(&running.wait_with_output().expect("its end").stdout) {
            None => {
                killed += 1;
                within += done(&database).min(1);
            }
            // It had less left to do than it was given time for; the next one begins the month anew.
            Some(hash) => {
                ended += 1;
                assert_eq!(hash, undisturbed, "after {killed} kills");
            }
        }
    }
    assert!(within * 4 >= i64::from(KILLS) * 3, "{within} of {KILLS} were killed amid their accounts");
    assert_eq!(billed(&database), undisturbed);
    let runs = "SELECT COUNT(*) AS number FROM billing_run WHERE tenant_id = $1 AND period = 202610";
    let runs = database.count("town-1", runs, Vec::new());
    // One that was killed between its end and its word may be among them.
    assert!(runs - ended < i64::from(KILLS), "killed runs are continued, not begun again");
}

/// How many accounts October's run has done that stands between its first account and its last; 0 without one.
const DONE: &str = "SELECT CAST(COALESCE(MAX(done), 0) AS bigint) AS number FROM billing_run
                    WHERE tenant_id = $1 AND period = 202610 AND state = 'running' AND done < total";

fn done(database: &Database) -> i64 {
    database.count("town-1", DONE, Vec::new())
}

/// Waits until the program has inserted accounts, or has ended.
fn goes_on(database: &Database, running: &mut Child) {
    block_on(async {
        let db = database.open().await;
        let company = database.company(&db, "town-1").await;
        let mut before = None;
        while running.try_wait().expect("a state").is_none() {
            let tx = db.read(&company, Actor::System).await.expect("a transaction");
            let found: Vec<Count> = tx.rows(DONE, Vec::new()).await.expect("a number");
            drop(tx);
            if found[0].number > *before.get_or_insert(found[0].number) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
}

#[derive(sea_orm::FromQueryResult)]
struct Count {
    number: i64,
}

fn the_ledger_gives_the_stored_balances(kind: Kind) {
    // Of its own: payments and readings of other tests would come between the two questions.
    let server = Server::shared(kind);
    for slug in COMPANIES {
        books::check(&server.database, slug);
    }
}

fn a_changed_bill_is_explained_to_the_kopeck(kind: Kind) {
    for slug in COMPANIES {
        let mut visit = Server::shared(kind).resident(slug);
        let months = visit.call("GET", "/api/v1/charges", None).expect(200).json()["periods"].clone();
        let months: Vec<&str> = months.as_array().expect("months").iter().filter_map(Value::as_str).collect();
        assert!(months.len() >= 14, "{slug}: {months:?}");
        for pair in months.windows(2) {
            let address = format!("/charges/difference?period={}", pair[0]);
            let found = visit.call("GET", &format!("/api/v1{address}"), None).expect(200).json();
            assert_eq!((&found["after"], &found["before"]), (&pair[0].into(), &pair[1].into()));
            let sum = |key: &str| found[key].as_i64().expect("a sum");
            let causes = found["causes"].as_array().expect("causes");
            let explained: i64 = causes.iter().map(|cause| cause["amount"].as_i64().expect("a sum")).sum();
            assert_eq!(explained, sum("to") - sum("from"), "{slug} {pair:?}: {causes:?}");
            let unexplained = causes.iter().find(|cause| cause["cause"] == "начисление");
            assert_eq!(unexplained, None, "{slug} {pair:?}: every charge has its reasons");
            if sum("to") != sum("from") {
                let page = visit.page(&address);
                assert_eq!(page.figure("difference"), Some(explained), "{slug} {pair:?}");
            }
        }
        let first = months.last().expect("a month");
        visit.get(&format!("/charges/difference?period={first}")).expect(404);
    }
}

fn a_share_of_the_house_changes_by_its_meter_and_its_tariff_alone(kind: Kind) {
    // Nobody moved or rebuilt: one service goes by norm, the other by the house's meter.
    let mut visit = Server::shared(kind).resident("beregovoy");
    let months = visit.call("GET", "/api/v1/charges", None).expect(200).json()["periods"].clone();
    let months: Vec<&str> = months.as_array().expect("months").iter().filter_map(Value::as_str).collect();
    let shares = ["Электроэнергия, общее имущество", "Холодная вода, общее имущество"];
    let mut told = shares.map(|_| std::collections::BTreeSet::new());
    for month in &months[..months.len() - 1] {
        let address = format!("/api/v1/charges/difference?period={month}");
        let found = visit.call("GET", &address, None).expect(200).json();
        for cause in found["causes"].as_array().expect("causes") {
            let name = cause["cause"].as_str().expect("a cause");
            let of_charge = !["перерасчёт", "пени"].contains(&name);
            if let (true, Some(at)) = (of_charge, shares.iter().position(|share| cause["service"] == *share)) {
                told[at].insert(name.to_owned());
            }
        }
    }
    assert_eq!(told.map(|causes| causes.into_iter().collect::<Vec<_>>()), [vec!["тариф"], vec!["объём", "тариф"]]);
}
