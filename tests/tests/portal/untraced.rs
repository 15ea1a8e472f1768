//! Months that another program billed: their rows are sums without volumes, tariffs and formulas. «Почему счёт изменился»
//! sets sum beside sum, next to a month of the platform's own and next to another of theirs.

use std::collections::BTreeMap;

use kabinet_tests::pdf::printed;
use kabinet_tests::server::NOW;
use kabinet_tests::{Browser, Database, Kind, Server, block_on, on_both_databases};
use serde_json::Value;
use uuid::Uuid;

on_both_databases![months_that_another_program_billed_are_compared_by_their_sums,];

const SLUG: &str = "beregovoy";

/// Leaves of March and April what another program hands over.
fn bill_by_another_program(server: &Server, account: &str) {
    let account: Uuid = account.parse().expect("an identifier");
    let account = match server.database.kind {
        Kind::Sqlite => format!("x'{}'", account.simple()),
        Kind::PostgreSql => format!("'{account}'"),
    };
    // A published month is frozen, so that this is the work of nobody who uses the platform.
    let sql = format!(
        "UPDATE charge SET method = 'fixed', volume = NULL, tariff = NULL, norm = NULL, coefficient = NULL, excess = 0,
                           trace = ''
         WHERE account_id = {account}
           AND run_id IN (SELECT id FROM billing_run WHERE state = 'published' AND period IN (202603, 202604))"
    );
    block_on(server.database.past_the_platform(&sql));
}

/// A month's charge of each service, kopecks, and its recalculations and penalties together.
fn charged(visit: &mut Browser, month: &str) -> (BTreeMap<String, i64>, i64) {
    let answer = visit.call("GET", &format!("/api/v1/charges?period={month}"), None).expect(200).json();
    let lines = answer["charges"].as_array().expect("charges");
    let sum = |line: &Value, key: &str| line[key].as_i64().expect("kopecks");
    let name = |line: &Value| line["service"].as_str().expect("a name").to_owned();
    let other = lines.iter().map(|line| sum(line, "recalculation") + sum(line, "penalty")).sum();
    (lines.iter().map(|line| (name(line), sum(line, "amount"))).collect(), other)
}

fn months_that_another_program_billed_are_compared_by_their_sums(kind: Kind) {
    // Of its own: months are changed.
    let server = Server::demo(Database::new(kind), NOW);
    let mut visit = server.resident(SLUG);
    let account = visit.active_account();
    bill_by_another_program(&server, &account);
    for (before, after) in [("2026-02", "2026-03"), ("2026-03", "2026-04"), ("2026-04", "2026-05")] {
        let (old, old_other) = charged(&mut visit, before);
        let (new, new_other) = charged(&mut visit, after);
        let mut changes: BTreeMap<String, i64> = new.clone();
        for (service, sum) in &old {
            *changes.entry(service.clone()).or_default() -= sum;
        }
        changes.retain(|_, change| *change != 0);
        assert!(changes.len() > 1, "{before} and {after}: {changes:?}");

        let address = format!("/charges/difference?period={after}");
        let told = visit.call("GET", &format!("/api/v1{address}"), None).expect(200).json();
        let causes = told["causes"].as_array().expect("causes").iter();
        let plain: BTreeMap<String, i64> = causes
            .clone()
            .filter(|cause| cause["cause"] == "начисление")
            .map(|cause| {
                (cause["service"].as_str().expect("a name").to_owned(), cause["amount"].as_i64().expect("a sum"))
            })
            .collect();
        assert_eq!(plain, changes, "{before} and {after}");
        let further: i64 =
            causes.filter(|cause| cause["cause"] != "начисление").filter_map(|cause| cause["amount"].as_i64()).sum();
        assert_eq!(further, new_other - old_other, "only recalculations and penalties are told beside");
        let total = |charges: &BTreeMap<String, i64>, other: i64| charges.values().sum::<i64>() + other;
        let (from, to) = (total(&old, old_other), total(&new, new_other));
        assert_eq!((told["from"].as_i64(), told["to"].as_i64()), (Some(from), Some(to)));
        the_page_says_the_same(&mut visit, &address, (from, to), &old, &new);
    }
}

/// The page's table of services has each change with both sums, and the sums above it add up.
fn the_page_says_the_same(
    visit: &mut Browser,
    address: &str,
    (from, to): (i64, i64),
    old: &BTreeMap<String, i64>,
    new: &BTreeMap<String, i64>,
) {
    let page = visit.page(address);
    assert_eq!(page.figure("difference").unwrap_or_default(), to - from, "{address}");
    let sums = page.one("table.sums").figures();
    let (first, rest) = sums.split_first().expect("sums");
    let (last, parts) = rest.split_last().expect("sums");
    assert_eq!((*first, *last, first + parts.iter().sum::<i64>()), (from, to, to), "{address}");
    let rows = page.all("table.cards tbody tr");
    assert!(!rows.is_empty());
    for row in rows {
        let (service, text) = (row.one("th").text(), row.text().replace('\u{a0}', " "));
        let sum = |charges: &BTreeMap<String, i64>| printed(charges.get(&service).copied().unwrap_or_default());
        let (was, is) = (sum(old), sum(new));
        assert_eq!(text.contains("Начисление"), was != is, "{text}");
        if was != is {
            assert!(text.contains(&format!("{was} ₽ → {is} ₽")), "{was} → {is}: {text}");
        }
    }
}
