//! Programs that ask the server for something again and again, and write down what they asked for and what was
//! acknowledged.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kabinet_contracts::AccountId;
use kabinet_core::{Clock, Db, DbConfig};
use kabinet_tests::{Browser, Database, Server, block_on, world};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

pub(crate) const COMPANY: &str = "beregovoy";
/// The company whose months are calculated: nobody sends it readings meanwhile, so every run has the same result.
pub(crate) const OTHER: &str = "teploset";
/// 10^7: readings are stored as whole numbers.
const SCALE: i64 = 10_000_000;
/// Holders of the account beside the demo's resident: a message goes to several people.
const NEIGHBOURS: usize = 3;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Reading,
    Setting,
    Request,
    Run,
    Message,
}

/// Something that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// What it is found by: no other wish has it, but for a run that was under way already. Empty for a run that was
    /// not acknowledged.
    pub(crate) mark: String,
    pub(crate) acknowledged: bool,
}

/// One client with its journal.
pub(crate) struct Client {
    pub(crate) what: What,
    pub(crate) journal: Vec<Wish>,
    pub(crate) browser: Browser,
    /// The statuses by which a server in trouble may refuse.
    pub(crate) troubles: &'static [u16],
    /// Refusals by status: how many.
    pub(crate) refused: BTreeMap<u16, u32>,
    /// Whether the server was gone before it answered.
    pub(crate) unanswered: bool,
    /// The meter, for readings.
    pub(crate) meter: String,
    /// The value that readings go on from.
    base: i64,
    /// The account whose holders messages are for.
    pub(crate) account: AccountId,
    /// Where attempts are counted.
    database: Database,
}

/// One client of each kind, logged in.
pub(crate) fn all(server: &Server) -> Vec<Client> {
    let mut resident = server.resident(COMPANY).clone();
    let meters = resident.call("GET", "/api/v1/meters", None).expect(200).json();
    let meters = meters["meters"].as_array().expect("meters");
    let meter = meters.iter().find(|meter| meter["zones"] == 1 && meter["active"] == true).expect("a meter");
    let base = meter["last_values"][0].as_i64().expect("a value");
    let meter = meter["id"].as_str().expect("an id");
    let account: AccountId = resident.active_account().parse().expect("an id");
    for _ in 0..NEIGHBOURS {
        world::grant_link(server, COMPANY, world::newcomer(server, COMPANY).id, account);
    }
    let client = |what, browser: &Browser| Client {
        what,
        journal: Vec::new(),
        browser: browser.clone(),
        troubles: &[429, 503],
        refused: BTreeMap::new(),
        unanswered: false,
        meter: meter.to_owned(),
        base,
        account,
        database: server.database.clone(),
    };
    let staff = server.staff(COMPANY);
    vec![
        client(What::Reading, &resident),
        client(What::Request, &resident),
        client(What::Setting, &staff),
        client(What::Message, &staff),
        client(What::Run, &server.staff(OTHER)),
    ]
}

/// Tells those who work that it is over, whatever else ends: a test that fails waits for nobody.
pub(crate) struct AtEnd<'a>(pub(crate) &'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The clients ask while `blow` falls, and are told when it has.
pub(crate) fn while_they_work(clients: &mut [Client], blow: impl FnOnce()) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let end = AtEnd(&over);
        for client in clients {
            scope.spawn(|| client.work(&over));
        }
        blow();
        drop(end);
    });
}

/// The clients ask until each of them was acknowledged once more; `trouble` says why one may not be.
pub(crate) fn until_each_is_acknowledged(clients: &mut [Client], trouble: impl Fn() -> String) {
    let asked: Vec<usize> = clients.iter().map(|client| client.journal.len()).collect();
    let begun = Instant::now();
    loop {
        while_they_work(clients, || std::thread::sleep(Duration::from_millis(150)));
        let waits = |(client, from): (&Client, &usize)| !client.journal[*from..].iter().any(|wish| wish.acknowledged);
        let Some((client, _)) = clients.iter().zip(&asked).find(|(client, from)| waits((client, from))) else { return };
        assert!(begun.elapsed() < Duration::from_secs(120), "{:?} is not carried out: {}", client.what, trouble());
    }
}

impl Client {
    /// How many of its wishes were acknowledged.
    pub(crate) fn acknowledged_count(&self) -> usize {
        self.journal.iter().filter(|wish| wish.acknowledged).count()
    }

    /// Asks until it is told that it is over or the server is gone.
    fn work(&mut self, over: &AtomicBool) {
        while !over.load(Ordering::SeqCst) {
            let mark = self.mark();
            self.journal.push(Wish { mark: mark.clone(), acknowledged: false });
            match self.ask(&mark) {
                Ok(Some(mark)) => *self.journal.last_mut().expect("the wish") = Wish { mark, acknowledged: true },
                // Not acknowledged: the database is away, or it was asked for too often.
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Err(_) => {
                    self.unanswered = true;
                    return;
                }
            }
        }
    }

    /// What the next wish is found by.
    fn mark(&self) -> String {
        let number = i64::try_from(self.journal.len()).expect("a number") + 1;
        match self.what {
            What::Reading => (self.base + number * SCALE / 1000).to_string(),
            What::Setting => format!("{}-{:02}-{:02}", 2027 + number / 336, number / 28 % 12 + 1, number % 28 + 1),
            What::Request | What::Message => format!("Желание {number}."),
            What::Run => String::new(),
        }
    }

    /// Sends the wish; its mark when it was acknowledged.
    fn ask(&mut self, mark: &str) -> std::io::Result<Option<String>> {
        let (method, path, body) = match self.what {
            What::Reading => {
                let value: i64 = mark.parse().expect("a value");
                let value = format!("{}.{:03}", value / SCALE, value % SCALE / (SCALE / 1000));
                // After thousands of them it is more than anybody uses in a month, which is asked about.
                let readings = json!([{ "meter": self.meter, "values": [value], "confirm": true }]);
                ("POST", "/api/v1/meters/readings", json!({ "readings": readings }))
            }
            What::Setting => ("PUT", "/api/admin/v1/billing/catalog/calendar", json!({ "off": [mark] })),
            What::Request => {
                let body = json!({ "kind": "appeal", "topic": "quality", "subject": mark, "text": "Подробности" });
                ("POST", "/api/v1/requests", body)
            }
            What::Message => {
                let audience = json!({ "to": "accounts", "accounts": [self.account] });
                let body = json!({ "title": mark, "body": "Текст.", "audience": audience });
                ("POST", "/api/admin/v1/notifications", body)
            }
            What::Run => ("POST", "/api/admin/v1/billing/runs", json!({ "period": "2026-11" })),
        };
        let Some(answer) = self.acknowledged(method, path, &body)? else { return Ok(None) };
        let id = answer["id"].as_str().unwrap_or_default().to_owned();
        match self.what {
            What::Message => {
                let send = format!("/api/admin/v1/notifications/{id}/send");
                Ok(self.acknowledged("POST", &send, &json!({}))?.map(|_| mark.to_owned()))
            }
            What::Run => Ok(Some(id)),
            _ => Ok(Some(mark.to_owned())),
        }
    }

    /// The answer, when it says that the wish was carried out; an answer that is no acknowledgement must be the problem
    /// of a server in trouble.
    fn acknowledged(&mut self, method: &str, path: &str, body: &Value) -> std::io::Result<Option<Value>> {
        let answer = self.browser.try_call(method, path, Some(body))?;
        let in_trouble = self.troubles.contains(&answer.status);
        assert!(
            in_trouble || [200, 204].contains(&answer.status),
            "{:?}: {} {}",
            self.what,
            answer.status,
            answer.text()
        );
        if in_trouble {
            let kind = answer.header("content-type").unwrap_or_default();
            assert!(kind.starts_with("application/problem+json"), "{:?}: {} {kind}", self.what, answer.status);
            *self.refused.entry(answer.status).or_default() += 1;
        }
        if answer.status == 429 {
            forget_attempts(&self.database);
        }
        Ok((!in_trouble).then(|| serde_json::from_slice(&answer.body).unwrap_or_default()))
    }
}

/// Nobody's attempts count any more: people file so many requests a day, clients as many as they can. Where the
/// database does not play along, they are told once more that they ask too often.
fn forget_attempts(database: &Database) {
    block_on(async {
        let settings = DbConfig { url: database.url.clone(), connections: 1 };
        if let Ok(db) = Db::connect(&settings, Clock::system()).await {
            let _ = db.platform().execute_unprepared("DELETE FROM rate_counter").await;
        }
    });
}
