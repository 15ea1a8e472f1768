//! «Отказ от бумажного носителя ПД», as residents, staff and the printing house meet it.

mod bounces;
mod delivery;
mod flag;
mod kills;
mod lists;
mod restoring;
mod shared;
mod toggle;

use std::time::{Duration, Instant};

use kabinet_contracts::AccountId;
use kabinet_core::{Timestamp, Tx};
use kabinet_tests::world::{self, Known, PASSWORD, Person, in_company};
use kabinet_tests::{Browser, Page, Response, Server};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};

/// The company that has the module on; the other has it off.
pub(crate) const COMPANY: &str = "beregovoy";
/// The heading of the column.
pub(crate) const COLUMN: &str = "Отказаться от бумажного носителя платежного документа (квитанции)";

/// A holder of a flat that no other test of this program takes on its server.
pub(crate) fn holder(server: &Server, number: usize) -> (Person, Known) {
    let known = world::flat(server, COMPANY, number);
    (world::holder(server, COMPANY, &known), known)
}

pub(crate) fn path(account: AccountId) -> String {
    format!("/accounts/{account}/paperless")
}

/// Whether the flag of an account is set in the list.
pub(crate) fn is_set(browser: &mut Browser, account: AccountId) -> bool {
    let page = browser.page("/accounts");
    page.one(&format!("form[action={}] button[role=checkbox]", path(account))).attribute("aria-checked") == Some("true")
}

/// Presses the flag: the page it leads to.
pub(crate) fn press(browser: &mut Browser, account: AccountId) -> Page {
    let form = browser.page("/accounts").form(&path(account));
    let answer = browser.submit(&form).expect(303);
    browser.follow(answer).page()
}

/// Sets the flag and signs; the answer as it came.
pub(crate) fn sign(browser: &mut Browser, account: AccountId, signatory: &str) -> Response {
    let form = browser.page(&format!("{}?own=yes", path(account))).form(&path(account));
    browser.submit(&form.with("signatory", signatory))
}

/// Sets the flag, signs and confirms.
pub(crate) fn refuse(browser: &mut Browser, account: AccountId) {
    assert_eq!(sign(browser, account, "Иванова Нина Петровна").expect(303).location(), "/accounts");
}

/// Takes the flag away and confirms.
pub(crate) fn restore(browser: &mut Browser, account: AccountId) {
    let form = press(browser, account).form(&path(account));
    assert_eq!(browser.submit(&form).expect(303).location(), "/accounts");
}

/// Gives a resident another address, as none that a form would take.
pub(crate) fn readdress(server: &Server, person: &mut Person, email: &str) {
    let id = person.id;
    in_company(server, COMPANY, async |tx| {
        let sql = "UPDATE resident SET email = $2, email_key = $3 WHERE tenant_id = $1 AND id = $4";
        let key = kabinet_core::text::email_key(email);
        tx.execute(sql, vec![email.into(), key.into(), id.into()]).await.expect("an update");
    });
    email.clone_into(&mut person.email);
    if !email.is_empty() {
        person.browser.cookies.clear();
        person.browser.log_in(email, PASSWORD);
    }
}

/// Bills and publishes November at the company, as staff do.
pub(crate) fn publish_november(server: &Server) {
    let mut staff = server.staff(COMPANY);
    let run =
        staff.call("POST", "/api/admin/v1/billing/runs", Some(&json!({ "period": "2026-11" }))).expect(200).json();
    let address = format!("/api/admin/v1/billing/runs/{}", run["id"].as_str().expect("a run"));
    until(|| staff.call("GET", &address, None).expect(200).json()["state"] == "done");
    staff.call("POST", &format!("{address}/publish"), None).expect(200);
}

/// Waits for what follows a request a moment later.
#[track_caller]
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it never came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What staff know of an account's refusals, the oldest first.
pub(crate) fn history(server: &Server, account: AccountId) -> Vec<Value> {
    let address = format!("/api/admin/v1/paperless/accounts/{account}");
    let list = server.staff(COMPANY).call("GET", &address, None).expect(200).json();
    list.as_array().expect("a list").clone()
}

/// Why the account's latest refusal ended, once it has.
pub(crate) fn reason(server: &Server, account: AccountId) -> String {
    let mut said = String::new();
    until(|| {
        let latest = history(server, account).pop().expect("a refusal");
        latest["ended_reason"].as_str().unwrap_or_default().clone_into(&mut said);
        !said.is_empty()
    });
    said
}

/// The numbers of the accounts without paper in a month.
pub(crate) fn without_paper(server: &Server, period: &str) -> Vec<String> {
    let address = format!("/api/admin/v1/paperless/accounts?period={period}&limit=100");
    let list = server.staff(COMPANY).call("GET", &address, None).expect(200).json();
    let items = list["items"].as_array().expect("items").iter();
    items.map(|item| item["account_number"].as_str().expect("a number").to_owned()).collect()
}

/// How many letters with receipts the company has written.
pub(crate) async fn deliveries(tx: &Tx) -> Vec<Timestamp> {
    #[derive(FromQueryResult)]
    struct Row {
        sent_at: Timestamp,
    }
    let sql = "SELECT sent_at FROM paper_delivery WHERE tenant_id = $1";
    let rows: Vec<Row> = tx.rows(sql, vec![]).await.expect("the letters");
    rows.into_iter().map(|row| row.sent_at).collect()
}
