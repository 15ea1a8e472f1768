//! The demo's accounts as the company knows them, and people made for a test: newcomers, holders, helpers.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{Actor, Tx};
use kabinet_residents::{password, people};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::page::Form;
use crate::{Browser, Response, Server, block_on};

/// An account of the demo with what linking asks for.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Known {
    /// Its identifier.
    pub id: AccountId,
    /// Its number as printed.
    pub account: String,
    /// The house's number.
    pub house: String,
    /// The flat's number; empty in a house without flats.
    pub flat: String,
    /// `flat`, `room`, `private_house`…
    pub kind: String,
    /// A present holder's surname; empty for a firm.
    pub surname: String,
    /// A number it had before.
    pub old: Option<String>,
}

/// A resident made for a test, logged in from an address of its own.
#[derive(Debug)]
pub struct Person {
    /// The browser that is logged in.
    pub browser: Browser,
    /// The login.
    pub email: String,
    /// The resident.
    pub id: ResidentId,
    /// Where forms come from.
    pub ip: String,
}

static NEXT: AtomicU32 = AtomicU32::new(1);

/// An address that no other test uses: one of each network first, then the next of each. Of the first half million
/// none is the beginning of another, which a search would take for it.
#[must_use]
pub fn fresh_ip() -> String {
    address(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn address(number: u32) -> String {
    let host = number >> 16;
    assert!(host < 254, "all addresses are used up");
    format!("10.{}.{}.{}", (number >> 8) & 255, number & 255, host + 1)
}

/// One password for all: hashing is not what is tested, and must not hold up the database's only writer.
pub const PASSWORD: &str = "a long enough secret";
static HASH: LazyLock<String> = LazyLock::new(|| password::hash_now(PASSWORD).expect("a hash"));

/// A resident made for a test.
///
/// # Panics
/// When the database or the server does not play along.
pub fn newcomer(server: &Server, slug: &str) -> Person {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let email = format!("newcomer{number}@{slug}.example");
    let id = ResidentId(Uuid::from_u128(0x7e57_0000 + u128::from(number)));
    let hash = HASH.as_str();
    in_company(server, slug, async |tx| {
        people::create_resident(tx, id, &email, "+7 900 111-22-33", hash).await.expect("a resident");
    });
    let mut browser = server.browser(slug);
    browser.log_in(&email, PASSWORD);
    Person { browser, email, id, ip: fresh_ip() }
}

/// Does something in the database, beside the running server.
///
/// # Panics
/// When the database does not answer.
pub fn in_company<T>(server: &Server, slug: &str, work: impl AsyncFnOnce(&mut Tx) -> T) -> T {
    block_on(async {
        let db = server.database.open().await;
        let company = server.database.company(&db, slug).await;
        let mut tx = db.begin(&company, Actor::System).await.expect("a transaction");
        let result = work(&mut tx).await;
        tx.commit().await.expect("a commit");
        result
    })
}

/// The company's accounts that `fits`, by number: those that were open when the demo began.
///
/// # Panics
/// When the database does not answer.
pub fn accounts(server: &Server, slug: &str, fits: impl Fn(&Known) -> bool) -> Vec<Known> {
    let sql = "SELECT a.id, a.number AS account, h.number AS house, p.flat, p.kind,
                      (SELECT w.surname FROM holder w WHERE w.tenant_id = a.tenant_id AND w.account_id = a.id
                        AND w.to_on IS NULL ORDER BY w.id LIMIT 1) AS surname,
                      (SELECT min(o.number) FROM account_alias o WHERE o.tenant_id = a.tenant_id AND o.account_id = a.id) AS old
               FROM account a JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
               WHERE a.tenant_id = $1 AND a.opened_on <= 20261001 AND (a.closed_on IS NULL OR a.closed_on > 20261031)
               ORDER BY a.number";
    let all: Vec<Known> = in_company(server, slug, async |tx| tx.rows(sql, vec![]).await.expect("accounts"));
    all.into_iter().filter(|known| fits(known)).collect()
}

/// Tests running beside each other take flats by a number of their own, from the end: the demo offers
/// the first ones.
///
/// # Panics
/// When there are not so many.
#[must_use]
pub fn flat(server: &Server, slug: &str, number: usize) -> Known {
    let all = accounts(server, slug, |known| known.kind == "flat" && !known.surname.is_empty());
    all.into_iter().rev().nth(number).expect("a flat")
}

impl Person {
    /// Sends a form from the person's address.
    pub fn submit(&mut self, form: &Form) -> Response {
        let ip = self.ip.clone();
        submit_from(&mut self.browser, form, &ip)
    }

    /// The first step; the answer as it came.
    pub fn find(&mut self, account: &str, house: &str, flat: &str) -> Response {
        let form = self.browser.page("/accounts/link").form("/accounts/link");
        let form = form.with("account", account).with("house", house).with("flat", flat);
        self.submit(&form)
    }

    /// The second step after [`Person::find`]; the answer as it came.
    pub fn prove(&mut self, field: &str, text: &str) -> Response {
        let form = self.browser.page("/accounts/link?step=check").form("/accounts/link");
        self.submit(&form.with(field, text))
    }

    /// Both steps.
    pub fn link(&mut self, account: &str, house: &str, flat: &str, surname: &str) -> Response {
        self.find(account, house, flat).expect(303);
        self.prove("surname", surname)
    }

    /// The numbers of the linked accounts.
    ///
    /// # Panics
    /// When nobody is logged in.
    pub fn linked(&mut self) -> Vec<String> {
        let me = self.browser.call("GET", "/api/v1/me", None).expect(200).json();
        let accounts = me["accounts"].as_array().expect("accounts");
        accounts.iter().filter_map(|account| account["number"].as_str().map(str::to_owned)).collect()
    }
}

/// Sends a form through the trusted proxy as if from `ip`.
pub fn submit_from(browser: &mut Browser, form: &Form, ip: &str) -> Response {
    let body = crate::browser::form_encoded(&form.fields);
    let origin = format!("http://{}", browser.host);
    let headers =
        [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", origin.as_str()), ("X-Forwarded-For", ip)];
    browser.send("POST", &form.action, &headers, Some(body.as_bytes()))
}

/// Links without asking, as the demo does.
///
/// # Panics
/// When it is linked already.
pub fn grant_link(server: &Server, slug: &str, resident: ResidentId, account: AccountId) {
    in_company(server, slug, async |tx| kabinet_accounts::links::link(tx, resident, account).await.expect("a link"));
}

/// A newcomer who has proved to hold the account.
#[must_use]
pub fn holder(server: &Server, slug: &str, known: &Known) -> Person {
    let mut person = newcomer(server, slug);
    person.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    person
}

/// A newcomer who has proved to hold the flat of this number, see [`flat`].
#[must_use]
pub fn holder_of_flat(server: &Server, slug: &str, number: usize) -> (Person, Known) {
    let known = flat(server, slug, number);
    (holder(server, slug, &known), known)
}

/// Switches a module on or off at a company, as its package does; servers hear of it within moments.
///
/// # Panics
/// When the database does not answer.
pub fn switch(server: &Server, slug: &str, module: &str, on: bool) {
    in_company(server, slug, async |tx| {
        tx.set_feature(module, on).await.expect("the switch");
    });
}

impl Person {
    /// Invites a helper for one of the person's accounts; `access` is `readings` or `sums`.
    pub fn invite(&mut self, account: AccountId, email: &str, access: &str, until: &str) -> Response {
        let path = format!("/accounts/{account}/helpers");
        let form = self.browser.page(&path).form(&path);
        let mut form = form.with("email", email).with("until", until);
        form.fields.retain(|(name, _)| name != "access");
        form.fields.push(("access".to_owned(), access.to_owned()));
        self.submit(&form)
    }

    /// Accepts the invitation that came by letter.
    pub fn accept_invitation(&mut self, server: &Server) {
        let path = server.letter(&self.email, "Вас просят").path("/accounts/invitation");
        let page = self.browser.page(&path);
        self.submit(&page.form("/accounts/invitation")).expect(303);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_long_run_gets_addresses_that_are_some_and_each_once() {
        let numbers = (1..200).chain(63_900..64_100).chain(65_400..65_700).chain(140_000..140_100);
        let all: Vec<Ipv4Addr> = numbers.map(|number| address(number).parse().expect("an address")).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert!(all.iter().all(|address| address.is_private() && !matches!(address.octets()[3], 0 | 255)));
    }
}
