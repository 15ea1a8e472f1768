//! The demo's accounts as the company knows them, and people made for a test.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{Actor, Tx};
use kabinet_residents::{password, people};
use kabinet_tests::page::Form;
use kabinet_tests::{Browser, Response, Server, block_on};
use sea_orm::FromQueryResult;
use uuid::Uuid;

/// An account of the demo with what linking asks for.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Known {
    pub id: AccountId,
    pub account: String,
    pub house: String,
    pub flat: String,
    pub kind: String,
    pub surname: String,
    pub old: Option<String>,
}

/// A resident made for a test, logged in from an address of its own.
pub struct Person {
    pub browser: Browser,
    pub email: String,
    pub id: ResidentId,
    pub ip: String,
}

static NEXT: AtomicU32 = AtomicU32::new(1);

/// An address that no other test uses.
pub fn fresh_ip() -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("10.{}.{}.1", number / 250, number % 250)
}

/// One password for all: hashing is not what is tested, and must not hold up the database's only writer.
pub const PASSWORD: &str = "a long enough secret";
static HASH: LazyLock<String> = LazyLock::new(|| password::hash_now(PASSWORD).expect("a hash"));

/// A resident made for a test.
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
    pub fn linked(&mut self) -> Vec<String> {
        let me = self.browser.call("GET", "/api/v1/me", None).expect(200).json();
        let accounts = me["accounts"].as_array().expect("accounts");
        accounts.iter().filter_map(|account| account["number"].as_str().map(str::to_owned)).collect()
    }
}

/// Sends a form through the trusted proxy as if from `ip`.
pub fn submit_from(browser: &mut Browser, form: &Form, ip: &str) -> Response {
    let body = kabinet_tests::browser::form_encoded(&form.fields);
    let origin = format!("http://{}", browser.host);
    let headers =
        [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", origin.as_str()), ("X-Forwarded-For", ip)];
    browser.send("POST", &form.action, &headers, Some(body.as_bytes()))
}

/// Links without asking, as the demo does.
pub fn grant_link(server: &Server, slug: &str, resident: ResidentId, account: AccountId) {
    in_company(server, slug, async |tx| kabinet_accounts::links::link(tx, resident, account).await.expect("a link"));
}
