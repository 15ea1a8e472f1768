//! «Отказ от бумажного носителя ПД», as residents, staff and the printing house meet it.

mod bounces;
mod delivery;
mod flag;
mod kills;
mod lists;
mod restoring;
mod shared;
mod toggle;

use kabinet_contracts::AccountId;
use kabinet_core::{Timestamp, Tx};
use kabinet_tests::world::{PASSWORD, Person, in_company};
use kabinet_tests::{Browser, Page, Response, Server, runs, wait_for};
use sea_orm::FromQueryResult;
use serde_json::Value;

/// The company that has the module on; the other has it off.
pub(crate) const COMPANY: &str = "beregovoy";
/// The heading of the column.
pub(crate) const COLUMN: &str = "Отказаться от бумажного носителя платежного документа (квитанции)";

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
    runs::publish(&mut server.staff(COMPANY), "2026-11");
}

/// What staff know of an account's refusals, the oldest first.
pub(crate) fn history(server: &Server, account: AccountId) -> Vec<Value> {
    let address = format!("/api/admin/v1/paperless/accounts/{account}");
    let list = server.staff(COMPANY).call("GET", &address, None).expect(200).json();
    list.as_array().expect("a list").clone()
}

/// Why the account's latest refusal ended, once it has.
pub(crate) fn reason(server: &Server, account: AccountId) -> String {
    wait_for("the end of the refusal", || {
        let latest = history(server, account).pop().expect("a refusal");
        latest["ended_reason"].as_str().filter(|said| !said.is_empty()).map(str::to_owned)
    })
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
