//! The audit log's proof: each company's entries form a chain of hashes, and its head is also written outside the
//! database. Whoever changes the database past the platform cannot edit, remove, reorder or cut off entries unseen.
//!
//! Entries are written in the transaction of the deed ([`Tx::audit`]) and chained a moment later ([`Sealer`]): a chain
//! kept inside those transactions would let a company do one deed at a time.

mod anchors;
mod sealer;

use sea_orm::{FromQueryResult, Set};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::Tx;
use crate::entity::{audit, audit_link};
use crate::error::DbError;
use crate::tenancy::TenantId;
use crate::values::Timestamp;

pub use anchors::{Anchor, AnchorError, Anchors, Heads};
pub use sealer::Sealer;
pub(crate) use sealer::Unsealed;

/// Entries that one transaction chains.
const BATCH: i64 = 1000;
/// An entry that is older than so many seconds has a head behind it outside the database: twice the pause between two
/// looks of a server ([`Sealer`]).
const ANCHORED_WITHIN: i64 = 600;
/// What the first entry follows.
const BEGINNING: Hash = [0; 32];

/// SHA-256.
pub type Hash = [u8; 32];

/// The end of a company's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many entries are chained.
    pub seq: i64,
    /// Hash of the last one, and so of all.
    pub hash: Hash,
}

impl Head {
    const NONE: Self = Self { seq: 0, hash: BEGINNING };
}

/// Chains the company's entries with identifiers from `since` on that are in no chain yet, at most a thousand; the
/// head before and after. Two servers at once: [`DbError::Duplicate`] for the later one.
pub(crate) async fn seal(tx: &Tx, since: Uuid) -> Result<(Head, Head), DbError> {
    let sql = unsealed("*", "ORDER BY a.id LIMIT $3");
    let entries: Vec<audit::Model> = tx.rows(&sql, vec![since.into(), BATCH.into()]).await?;
    let before = stored_head(tx).await?;
    let mut head = before;
    let mut links = Vec::with_capacity(entries.len());
    for entry in &entries {
        head = Head { seq: head.seq + 1, hash: digest(&head.hash, entry) };
        links.push(audit_link::ActiveModel {
            tenant_id: Set(tx.tenant_id()),
            seq: Set(head.seq),
            audit_id: Set(entry.id),
            hash: Set(head.hash.to_vec()),
        });
    }
    tx.insert_many(links).await?;
    Ok((before, head))
}

/// Whether no entry from `since` on waits to be chained.
pub(crate) async fn none_waits(tx: &Tx, since: Uuid) -> Result<bool, DbError> {
    #[derive(FromQueryResult)]
    struct Waiting {
        #[expect(dead_code, reason = "that there is one says it all")]
        id: Uuid,
    }
    let waiting: Vec<Waiting> = tx.rows(&unsealed("id", "LIMIT 1"), vec![since.into()]).await?;
    Ok(waiting.is_empty())
}

/// Entries from `$2` on that no link of the chain names.
fn unsealed(columns: &str, order: &str) -> String {
    format!(
        "SELECT a.{columns} FROM audit a WHERE a.tenant_id = $1 AND a.id >= $2 AND NOT EXISTS (
           SELECT 1 FROM audit_link l WHERE l.tenant_id = a.tenant_id AND l.audit_id = a.id) {order}"
    )
}

/// The end of the company's chain as it is stored.
async fn stored_head(tx: &Tx) -> Result<Head, DbError> {
    let sql = "SELECT seq, hash FROM audit_link WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1";
    let last: Option<StoredHead> = tx.rows(sql, Vec::new()).await?.pop();
    let stored = |last: StoredHead| Head { seq: last.seq, hash: last.hash.try_into().unwrap_or(BEGINNING) };
    Ok(last.map_or(Head::NONE, stored))
}

#[derive(FromQueryResult)]
struct StoredHead {
    seq: i64,
    hash: Vec<u8>,
}

/// What a check of a company's chain found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Entries in the chain.
    pub sealed: i64,
    /// Entries that wait to be chained, and the moment of the oldest of them.
    pub waiting: (i64, Option<Timestamp>),
    /// What is wrong, in the order of the chain; nothing when it holds.
    pub faults: Vec<Fault>,
}

/// Something that the platform never does to its audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The entry at this place is not the one that was chained: it was edited, or changed places.
    Changed(i64),
    /// The entry at this place is gone.
    Removed(i64),
    /// These places are not in the chain, though later ones are.
    Missing(i64, i64),
    /// The chain at this place is not the one that was written down outside the database: it was made anew.
    Replaced(i64),
    /// Outside the database stands a head at this place, and the chain ends before it.
    CutOff(i64),
    /// From this place on, whose entry is of this moment, the chain has no head outside the database, though a server
    /// would have written one long ago.
    Unanchored(i64, Timestamp),
    /// Heads that were written outside the database are there no more.
    HeadsGone {
        /// The number of the first of them.
        from: i64,
        /// The number of the last.
        to: i64,
        /// When the head before them was written; none where they are the first.
        after: Option<Timestamp>,
    },
}

/// Checks the company's chain entry by entry, and against the heads that stand outside the database.
pub async fn verify(tx: &Tx, heads: &Heads) -> Result<Findings, DbError> {
    let mut findings = Findings::default();
    let mut before = Head::NONE;
    let mut anchors: Vec<&Anchor> = heads.anchors.iter().collect();
    anchors.sort_by_key(|anchor| anchor.head.seq);
    let anchored = anchors.last().map_or(0, |last| last.head.seq);
    let recent = tx.now().plus_seconds(-ANCHORED_WITHIN);
    let mut unanchored = None;
    let mut anchors = anchors.into_iter().peekable();
    loop {
        let page: Vec<Chained> = tx.rows(CHAIN, vec![before.seq.into(), BATCH.into()]).await?;
        let Some(last) = page.last().map(|link| link.seq) else { break };
        for link in page {
            if link.seq != before.seq + 1 {
                findings.faults.push(Fault::Missing(before.seq + 1, link.seq - 1));
            }
            let hash: Hash = link.hash.clone().try_into().unwrap_or(BEGINNING);
            let (seq, gap) = (link.seq, link.seq != before.seq + 1);
            if unanchored.is_none() {
                unanchored = link.at.filter(|at| seq > anchored && *at < recent).map(|at| Fault::Unanchored(seq, at));
            }
            match link.entry() {
                None => findings.faults.push(Fault::Removed(seq)),
                // Behind a gap the hash before is not known: the gap is the finding.
                Some(entry) if !gap && digest(&before.hash, &entry) != hash => {
                    findings.faults.push(Fault::Changed(seq))
                }
                Some(_) => {}
            }
            while let Some(anchor) = anchors.next_if(|anchor| anchor.head.seq <= seq) {
                if anchor.head.seq == seq && anchor.head.hash != hash {
                    findings.faults.push(Fault::Replaced(seq));
                }
            }
            before = Head { seq, hash };
        }
        findings.sealed = last;
    }
    if let Some(beyond) = anchors.last() {
        findings.faults.push(Fault::CutOff(beyond.head.seq));
    }
    findings.faults.dedup();
    findings.faults.extend(unanchored);
    findings.faults.extend(heads.gone());
    findings.waiting = waiting(tx).await?;
    Ok(findings)
}

const CHAIN: &str = "SELECT l.seq, l.hash, a.tenant_id, a.id, a.at, a.actor, a.actor_id, a.action, a.subject, a.detail
    FROM audit_link l LEFT JOIN audit a ON a.tenant_id = l.tenant_id AND a.id = l.audit_id
    WHERE l.tenant_id = $1 AND l.seq > $2 ORDER BY l.seq LIMIT $3";

/// A link of the chain with its entry, where that is there.
#[derive(FromQueryResult)]
struct Chained {
    seq: i64,
    hash: Vec<u8>,
    tenant_id: Option<TenantId>,
    id: Option<Uuid>,
    at: Option<Timestamp>,
    actor: Option<String>,
    actor_id: Option<Uuid>,
    action: Option<String>,
    subject: Option<String>,
    detail: Option<String>,
}

impl Chained {
    fn entry(self) -> Option<audit::Model> {
        Some(audit::Model {
            tenant_id: self.tenant_id?,
            id: self.id?,
            at: self.at?,
            actor: self.actor?,
            actor_id: self.actor_id,
            action: self.action?,
            subject: self.subject?,
            detail: self.detail?,
        })
    }
}

async fn waiting(tx: &Tx) -> Result<(i64, Option<Timestamp>), DbError> {
    #[derive(FromQueryResult)]
    struct Waiting {
        number: i64,
        oldest: Option<Timestamp>,
    }
    let sql = unsealed("tenant_id, COUNT(*) AS number, MIN(a.at) AS oldest", "GROUP BY a.tenant_id");
    let found: Option<Waiting> = tx.rows(&sql, vec![Uuid::nil().into()]).await?.pop();
    Ok(found.map_or((0, None), |found| (found.number, found.oldest)))
}

/// The hash of an entry that follows the one with the hash `before`: over its fields in the order of the table, each
/// text with its length before it, so that no two entries look alike.
fn digest(before: &Hash, entry: &audit::Model) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"kabinet audit 1\0");
    hash.update(before);
    hash.update(entry.tenant_id.0.as_bytes());
    hash.update(entry.id.as_bytes());
    hash.update(entry.at.0.to_be_bytes());
    hash.update(entry.actor_id.unwrap_or_default().as_bytes());
    for text in [&entry.actor, &entry.action, &entry.subject, &entry.detail] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}
