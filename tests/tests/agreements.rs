//! Debt that is paid by an order of its own: instalments that were agreed, sums that a court awarded. Both leave
//! the balance, stand on the receipt by themselves, and every kopeck can be found in the books.

use kabinet_billing::ledger;
use kabinet_contracts::AccountId;
use kabinet_core::Actor;
use kabinet_tests::pdf::{Pdf, printed};
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Database, Kind, Server, block_on, on_both_databases};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};

on_both_databases![
    a_debt_in_instalments_comes_back_part_by_part_with_interest,
    instalments_that_are_not_kept_are_cancelled_and_the_rest_is_due,
    a_debt_that_a_court_awarded_leaves_the_balance_and_is_paid_by_itself,
    agreements_are_refused_in_words,
];

const SLUG: &str = "beregovoy";

fn of_account(account: &str, what: &str) -> String {
    format!("/api/admin/v1/billing/accounts/{account}/{what}")
}

fn bill(server: &Server, day: &str, period: &str) {
    run(command(&server.database, day).args(["bill", SLUG, period, "--publish"]));
}

/// The line of upkeep in a month.
fn upkeep(resident: &mut Browser, period: &str) -> Value {
    let month = resident.call("GET", &format!("/api/v1/charges?period={period}"), None).expect(200).json();
    let charges = month["charges"].as_array().expect("charges").clone();
    charges.into_iter().find(|line| line["service"] == "Содержание и ремонт жилья").expect("upkeep")
}

fn kopecks(line: &Value, key: &str) -> i64 {
    line[key].as_i64().unwrap_or_else(|| panic!("{key}: {line}"))
}

#[derive(FromQueryResult)]
struct Sum {
    sum: i64,
}

/// What the books have on one account of theirs, published runs and what is not of a run.
fn book(server: &Server, account: &str, name: &str) -> i64 {
    block_on(async {
        let db = server.database.open().await;
        let company = server.database.company(&db, SLUG).await;
        let tx = db.read(&company, Actor::System).await.expect("a transaction");
        let id: uuid::Uuid = account.parse().expect("an id");
        let sql = "SELECT CAST(COALESCE(sum(CASE WHEN e.debit = $3 THEN e.amount WHEN e.credit = $3 THEN -e.amount
                     ELSE 0 END), 0) AS bigint) AS sum
                   FROM ledger_entry e WHERE e.tenant_id = $1 AND e.account_id = $2";
        let sums: Vec<Sum> = tx.rows(sql, vec![id.into(), name.into()]).await.expect("a sum");
        let account = AccountId(id);
        let derived = ledger::balances(&tx, account).await.expect("balances");
        assert_eq!(derived, ledger::stored_balances(&tx, account).await.expect("balances"), "the books agree");
        sums[0].sum
    })
}

/// An account of the demo that owes at least so much for its upkeep, with staff and its holder's view of it.
fn debtor(server: &Server) -> (Browser, Browser, String) {
    let mut resident = server.browser(SLUG);
    let login = server.facts().company(SLUG).resident.clone();
    resident.log_in(&login.email, &login.password);
    let account = resident.active_account();
    (server.staff(SLUG), resident, account)
}

fn owed(resident: &mut Browser) -> i64 {
    kopecks(&upkeep(resident, "2026-10"), "amount")
}

fn a_debt_in_instalments_comes_back_part_by_part_with_interest(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let (mut staff, mut resident, account) = debtor(&server);
    // Of what October's receipt asks for, a round part: 7 % a year on what is outstanding.
    let total = owed(&mut resident) / 2 / 300 * 300;
    let asked = json!({ "service": "maintenance", "total": total, "parts": 3, "from": "2026-11", "percent": "7",
        "basis": "соглашение № 5 от 20.11.2026" });
    let made = staff.call("POST", &of_account(&account, "instalments"), Some(&asked)).expect(200).json();
    assert_eq!((&made["remaining"], &made["cancelled"]), (&json!(total), &json!(false)));
    let page = resident.page("/services").text();
    assert!(page.contains("соглашение № 5 от 20.11.2026"), "{page}");

    let third = total / 3;
    let interest = |outstanding: i64, days: i64| (outstanding * 7 * days * 10 / 36_500 + 5) / 10;
    let expected = [
        ("2026-12-05", "2026-11", -total + third + interest(total, 30), total - third),
        ("2027-01-05", "2026-12", third + interest(total - third, 31), third),
        ("2027-02-05", "2027-01", third + interest(third, 31), 0),
        ("2027-03-05", "2027-02", 0, 0),
    ];
    for (day, period, moved, remaining) in expected {
        bill(&server, day, period);
        let line = upkeep(&mut resident, period);
        assert_eq!(kopecks(&line, "recalculation"), moved, "{period}: {line}");
        assert_eq!(book(&server, &account, "instalments"), remaining, "{period}");
    }
    let first = upkeep(&mut resident, "2026-11");
    let why = first["recalculation_reason"].as_str().expect("why");
    assert!(why.contains("платёж 1 из 3") && why.contains("7 % годовых"), "{why}");
    let receipt = Pdf::new(&resident.get("/documents/2026-11.pdf").expect(200).body).text();
    // The month's own charge is not divided: it is paid with the part and the interest.
    let to_pay = kopecks(&first, "amount") + third + interest(total, 30);
    for words in ["Рассрочка", "входит в сумму выше", "соглашение № 5", &printed(to_pay)]
    {
        assert!(receipt.contains(words), "{words}: {receipt}");
    }
    assert!(book(&server, &account, "interest") < 0, "interest was earned");
    let listed = staff.call("GET", &of_account(&account, "instalments"), None).expect(200).json();
    assert_eq!(listed["items"][0]["remaining"], 0);
    let said = run(command(&server.database, "2027-03-05").args(["bill", "--replay", SLUG, "2026-12"]));
    assert!(said.contains("совпадает с опубликованным до байта"), "{said}");
    // What was moved is charged all the same: nothing is left to correct.
    let again = staff.call("GET", &of_account(&account, "recomputed?from=2026-10"), None).expect(200).json();
    let upkeep = |month: &&Value| month["service"] == "maintenance";
    assert!(again["items"].as_array().expect("months").iter().filter(upkeep).all(|month| month["difference"] == 0));
}

fn instalments_that_are_not_kept_are_cancelled_and_the_rest_is_due(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), NOW);
    let (mut staff, mut resident, account) = debtor(&server);
    let total = owed(&mut resident) / 2 / 400 * 400;
    let asked =
        json!({ "service": "maintenance", "total": total, "parts": 4, "from": "2026-11", "basis": "соглашение № 6" });
    let made = staff.call("POST", &of_account(&account, "instalments"), Some(&asked)).expect(200).json();
    let cancel = format!("/api/admin/v1/billing/instalments/{}/cancel", made["id"].as_str().expect("an id"));
    // The demo bills the months that fell due.
    server.kill();
    server.start_at("2026-12-06T12:00:00+05:00");
    let mut resident = server.browser(SLUG);
    let login = server.facts().company(SLUG).resident.clone();
    resident.log_in(&login.email, &login.password);
    let mut staff = server.staff(SLUG);
    assert_eq!(kopecks(&upkeep(&mut resident, "2026-11"), "recalculation"), -total + total / 4);
    // The agreement's own transfers are not taken back one by one.
    let listed = staff.call("GET", &of_account(&account, "recalculations"), None).expect(200).json();
    let one = listed["items"][0]["id"].as_str().expect("an id");
    let withdraw = format!("/api/admin/v1/billing/recalculations/{one}/withdraw");
    assert_eq!(staff.call("POST", &withdraw, None).expect(422).json()["code"], "billing.of_agreement");
    let cancelled = staff.call("POST", &cancel, None).expect(200).json();
    assert_eq!((&cancelled["remaining"], &cancelled["cancelled"]), (&json!(0), &json!(true)));
    staff.call("POST", &cancel, None).expect(200);
    bill(&server, "2027-01-05", "2026-12");
    let line = upkeep(&mut resident, "2026-12");
    assert_eq!(kopecks(&line, "recalculation"), total - total / 4, "{line}");
    assert_eq!(book(&server, &account, "instalments"), 0);
    bill(&server, "2027-02-05", "2027-01");
    assert_eq!(kopecks(&upkeep(&mut resident, "2027-01"), "recalculation"), 0, "nothing comes after the end");
}

fn a_debt_that_a_court_awarded_leaves_the_balance_and_is_paid_by_itself(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let (mut staff, mut resident, account) = debtor(&server);
    let debt = owed(&mut resident) / 2;
    let basis = "судебный приказ № 2-114/2026 от 12.05.2026";
    let award = json!({ "basis": basis, "debts": [{ "service": "maintenance", "amount": debt }], "costs": 20_000 });
    let made = staff.call("POST", &of_account(&account, "awards"), Some(&award)).expect(200).json();
    assert_eq!((&made["total"], &made["receipt"]), (&json!(debt + 20_000), &json!("utilities")));
    let payments = format!("/api/admin/v1/billing/awards/{}/payments", made["id"].as_str().expect("an id"));
    let paid = json!({ "amount": 15_000, "paid_on": "2026-11-20", "source": "bailiffs", "external_id": "ИП 7" });
    for _ in 0..2 {
        let left = staff.call("POST", &payments, Some(&paid)).expect(200).json();
        assert_eq!(left["remaining"], debt + 5_000, "the same payment counts once");
    }
    bill(&server, "2026-12-05", "2026-11");
    let line = upkeep(&mut resident, "2026-11");
    assert_eq!(kopecks(&line, "recalculation"), -debt, "{line}");
    assert!(line["recalculation_reason"].as_str().expect("why").contains(basis));
    assert_eq!(book(&server, &account, "awards"), debt + 5_000);
    let receipt = Pdf::new(&resident.get("/documents/2026-11.pdf").expect(200).body).text();
    assert!(
        receipt.contains("Взыскано судом, в сумму выше не входит") && receipt.contains("№ 2-114/2026"),
        "{receipt}"
    );
    let page = resident.page("/services").text();
    assert!(page.contains("Взыскано судом") && page.contains(basis), "{page}");
    // More than is left is refused; the rest ends it.
    let too_much = json!({ "amount": debt + 5_001, "paid_on": "2026-11-21", "source": "bailiffs", "external_id": "8" });
    assert_eq!(staff.call("POST", &payments, Some(&too_much)).expect(422).json()["fields"][0]["field"], "amount");
    let rest = json!({ "amount": debt + 5_000, "paid_on": "2026-11-21", "source": "bailiffs", "external_id": "9" });
    assert_eq!(staff.call("POST", &payments, Some(&rest)).expect(200).json()["remaining"], 0);
    assert_eq!(book(&server, &account, "awards"), 0);
    assert!(!resident.page("/services").text().contains("Взыскано судом"));
}

fn agreements_are_refused_in_words(kind: Kind) {
    let server = Server::shared(kind);
    let (mut staff, _resident, account) = debtor(server);
    let plan = |service: &str, total: i64, parts: u32, from: &str, percent: &str| json!({ "service": service, "total": total, "parts": parts, "from": from, "percent": percent, "basis": "соглашение" });
    let wrong = [
        (plan("no_such", 100, 3, "2026-11", "0"), "service"),
        (plan("maintenance", 0, 3, "2026-11", "0"), "total"),
        (plan("maintenance", 100, 0, "2026-11", "0"), "parts"),
        (plan("maintenance", 100, 61, "2026-11", "0"), "parts"),
        (plan("maintenance", 100, 3, "2026-10", "0"), "from"),
        (plan("maintenance", 100, 3, "2028-10", "0"), "from"),
        (plan("maintenance", 100, 3, "2026-11", "101"), "percent"),
        (plan("maintenance", 100, 3, "2026-11", "много"), "percent"),
    ];
    for (body, field) in wrong {
        let refused = staff.call("POST", &of_account(&account, "instalments"), Some(&body)).expect(422).json();
        assert_eq!(refused["fields"][0]["field"], field, "{body}: {refused}");
    }
    let more = plan("maintenance", 100_000_000, 3, "2026-11", "0");
    let refused = staff.call("POST", &of_account(&account, "instalments"), Some(&more)).expect(422).json();
    assert_eq!(refused["code"], "billing.not_owed", "{refused}");
    let two_kinds = json!({ "basis": "приказ", "debts": [
        { "service": "maintenance", "amount": 1 }, { "service": "capital_repair", "amount": 1 }] });
    let refused = staff.call("POST", &of_account(&account, "awards"), Some(&two_kinds)).expect(422).json();
    assert_eq!(refused["fields"][0]["field"], "debts");
    // Another company's staff know nothing of the account.
    let foreign = plan("heating", 100, 3, "2026-11", "0");
    server.staff("teploset").call("POST", &of_account(&account, "instalments"), Some(&foreign)).expect(404);
}
