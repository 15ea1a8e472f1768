//! What clients wished for against what is stored: what was acknowledged is done once, what was not once or not at all,
//! and the books, the runs and the audit log agree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kabinet_contracts::AccountId;
use kabinet_core::Day;
use kabinet_core::calendar::CompanyCalendar;
use kabinet_tests::world::in_company;
use kabinet_tests::{Server, books, wait_until};
use uuid::Uuid;

use crate::clients::{COMPANY, Client, OTHER, What, Wish, while_they_work};

/// Waits until the work that was left behind is done: a job of a dead server is taken up when its lease ends.
pub(crate) fn settle(server: &Server, clients: &mut [Client]) {
    until_nothing_is_left(server);
    // One more of everything goes through as if nothing had been.
    for client in clients {
        let asked = client.journal.len();
        while_they_work(std::slice::from_mut(client), || std::thread::sleep(Duration::from_millis(400)));
        assert!(client.journal[asked..].iter().any(|wish| wish.acknowledged), "{:?} is not carried out", client.what);
    }
    // A message is acknowledged before it is addressed.
    until_nothing_is_left(server);
}

fn until_nothing_is_left(server: &Server) {
    let open = "SELECT (SELECT COUNT(*) FROM billing_run WHERE tenant_id = $1 AND state = 'running')
                     + (SELECT COUNT(*) FROM message WHERE tenant_id = $1 AND state = 'sending') AS number";
    wait_until("the end of the work that is left", || {
        [COMPANY, OTHER].iter().all(|slug| server.database.count(slug, open, Vec::new()) == 0)
    });
}

/// Every wish against what is stored; how many were acknowledged and how many not.
pub(crate) fn verify(server: &Server, clients: &[Client]) -> String {
    let (mut acknowledged, mut open, mut carried_out) = (0, 0, 0);
    for client in clients {
        let told = client.acknowledged_count();
        assert!(told > 5, "{:?}: hardly any", client.what);
        acknowledged += told;
        open += client.journal.len() - told;
        carried_out += match client.what {
            What::Run => unacknowledged_runs(server, client),
            What::Message => {
                let sent = messages(server, client.account);
                once(client, |wish| sent.get(&wish.mark).map_or(0, Message::times))
            }
            What::Reading | What::Setting | What::Request => once(client, |wish| times(server, client, wish)),
        };
        if client.what == What::Setting {
            the_last_setting_holds(server, client);
        }
    }
    runs_agree(server);
    for slug in [COMPANY, OTHER] {
        books::check(&server.database, slug);
        chain_holds(server, slug);
    }
    format!("{acknowledged} wishes acknowledged, all done once; {open} not acknowledged, {carried_out} of them done")
}

/// Each wish was carried out once, or, where it was not acknowledged, perhaps not at all; how many of those were.
fn once(client: &Client, times: impl Fn(&Wish) -> i64) -> usize {
    let mut unheard = 0;
    for wish in &client.journal {
        let times = times(wish);
        assert!(times <= 1, "{:?} {wish:?} was done {times} times", client.what);
        assert!(times == 1 || !wish.acknowledged, "{:?} {wish:?} is lost", client.what);
        unheard += usize::from(!wish.acknowledged && times == 1);
    }
    unheard
}

/// How often the wish for a reading, a setting or a request was carried out.
fn times(server: &Server, client: &Client, wish: &Wish) -> i64 {
    let mark = wish.mark.clone();
    let (sql, values): (&str, Vec<sea_orm::Value>) = match client.what {
        What::Reading => (
            "SELECT COUNT(*) AS number FROM reading WHERE tenant_id = $1 AND meter_id = $2 AND value_t1 = $3",
            vec![Uuid::parse_str(&client.meter).expect("an id").into(), mark.parse::<i64>().expect("a value").into()],
        ),
        What::Setting => (
            "SELECT COUNT(*) AS number FROM audit
             WHERE tenant_id = $1 AND action = 'settings.changed' AND detail LIKE '%' || $2 || '%'",
            vec![mark.replace('-', "").into()],
        ),
        What::Request => {
            ("SELECT COUNT(*) AS number FROM request WHERE tenant_id = $1 AND subject = $2", vec![mark.into()])
        }
        What::Message | What::Run => unreachable!("they are looked up all at once"),
    };
    server.database.count(COMPANY, sql, values)
}

/// The calendar is the one of the last wish that was acknowledged, or of one after it.
fn the_last_setting_holds(server: &Server, client: &Client) {
    let stored = in_company(server, COMPANY, async |tx| CompanyCalendar::of(tx.tenant()).expect("a calendar"));
    let last = client.journal.iter().rposition(|wish| wish.acknowledged).expect("an acknowledged wish");
    let wanted = |wish: &Wish| {
        let off = BTreeSet::from([Day::parse(&wish.mark).expect("a day")]);
        CompanyCalendar { off, ..CompanyCalendar::default() }
    };
    let since = &client.journal[last..];
    assert!(since.iter().any(|wish| wanted(wish) == stored), "{stored:?} holds after {since:?}");
}

/// The notices of messages with one title.
#[derive(Debug, sea_orm::FromQueryResult)]
struct Message {
    title: String,
    notices: i64,
    /// Residents of the audience who have one.
    reached: i64,
    /// All of them.
    audience: i64,
}

impl Message {
    /// How often it went to everybody whom it is for; some and not the others is no answer.
    fn times(&self) -> i64 {
        assert!(self.notices == 0 || self.reached == self.audience, "not to all: {self:?}");
        assert_eq!(self.notices % self.audience, 0, "to some of them again: {self:?}");
        self.notices / self.audience
    }
}

/// The company's messages by title. The account's holders are the audience of each that clients wish for.
fn messages(server: &Server, account: AccountId) -> BTreeMap<String, Message> {
    let held = "l.tenant_id = $1 AND l.account_id = $2 AND l.access = 'full' AND l.ended_at IS NULL";
    let sql = format!(
        "SELECT m.title, COUNT(n.id) AS notices, COUNT(DISTINCT l.resident_id) AS reached,
           (SELECT COUNT(*) FROM account_link l WHERE {held}) AS audience
         FROM message m
         LEFT JOIN notice n ON n.tenant_id = m.tenant_id AND n.message_id = m.id
         LEFT JOIN account_link l ON {held} AND l.resident_id = n.resident_id
         WHERE m.tenant_id = $1 GROUP BY m.title"
    );
    let all: Vec<Message> =
        in_company(server, COMPANY, async |tx| tx.rows(&sql, vec![account.into()]).await.expect("messages"));
    assert!(all.iter().all(|message| message.audience > 1), "a message for nobody, or for one");
    all.into_iter().map(|message| (message.title.clone(), message)).collect()
}

/// Every acknowledged run of the month is there, and beside them at most one for each wish that was not acknowledged;
/// how many those are. Clients alone begin runs of this month, and may be told of one that is under way.
fn unacknowledged_runs(server: &Server, client: &Client) -> usize {
    #[derive(sea_orm::FromQueryResult)]
    struct Run {
        id: Uuid,
    }
    let sql = "SELECT id FROM billing_run WHERE tenant_id = $1 AND period = 202611";
    let stored: Vec<Run> = in_company(server, OTHER, async |tx| tx.rows(sql, Vec::new()).await.expect("runs"));
    let stored: BTreeSet<Uuid> = stored.into_iter().map(|run| run.id).collect();
    let (told, open): (Vec<&Wish>, Vec<&Wish>) = client.journal.iter().partition(|wish| wish.acknowledged);
    let told: BTreeSet<Uuid> = told.iter().map(|wish| Uuid::parse_str(&wish.mark).expect("an id")).collect();
    let lost: Vec<&Uuid> = told.difference(&stored).collect();
    assert!(lost.is_empty(), "runs are lost: {lost:?}");
    let beside = stored.len() - told.len();
    assert!(beside <= open.len(), "{beside} runs for {} wishes that were not acknowledged", open.len());
    beside
}

/// All runs of the month that came to their end and count the same payments have one result: the demo books payments as
/// its clock goes on.
fn runs_agree(server: &Server) {
    let done = "SELECT r.result_hash, (SELECT COUNT(*) FROM payment p
                                       WHERE p.tenant_id = r.tenant_id AND p.booked_at <= r.cutoff_at) AS payments
                FROM billing_run r WHERE r.tenant_id = $1 AND r.period = 202611 AND r.state = 'done'";
    let sql = format!(
        "SELECT COALESCE(MAX(same.runs), 0) AS number FROM (
           SELECT COUNT(*) AS runs FROM ({done}) of GROUP BY of.payments) same"
    );
    assert!(
        server.database.count(OTHER, &sql, Vec::new()) > 1,
        "no two runs that came to their end count the same payments"
    );
    let sql = format!(
        "SELECT COUNT(*) AS number FROM (
           SELECT of.payments FROM ({done}) of
           GROUP BY of.payments HAVING COUNT(DISTINCT of.result_hash) > 1) differing"
    );
    assert_eq!(
        server.database.count(OTHER, &sql, Vec::new()),
        0,
        "the same month with the same payments has two results"
    );
    let sql = "SELECT COUNT(*) AS number FROM billing_run WHERE tenant_id = $1 AND state = 'failed'";
    assert_eq!(server.database.count(OTHER, sql, Vec::new()), 0);
}

fn chain_holds(server: &Server, slug: &str) {
    let output = server.command().args(["audit", "verify", slug]).output().expect("kabinet");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
