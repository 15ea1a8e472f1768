//! Residents: who they are, how they are reached, what they want.

use std::collections::{BTreeMap, HashMap};

use kabinet_contracts::{AccountId, ResidentId, RunId};
use kabinet_core::{Day, DbError, Tx};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, Set, Value};
use uuid::Uuid;

use super::{COUNTING, READ, list};
use crate::channel::Channel;
use crate::choices::Choices;
use crate::entity::{chat, notice_choices};
use crate::plan::Addressee;

/// Which residents are looked at.
#[derive(Clone, Debug)]
pub(crate) enum Narrowed {
    /// All of them.
    Nobody,
    /// Who holds an account.
    Holders,
    Houses(Vec<Uuid>),
    Accounts(Vec<AccountId>),
    Receipt(RunId),
    Readers,
    Unread(Day),
    One(ResidentId),
}

impl Narrowed {
    /// The condition on the resident `r`, with its values; the first of them is `$first`.
    fn condition(&self, tx: &Tx, first: usize) -> (String, Vec<Value>) {
        let link = |access: &str, more: &str| {
            format!(
                "EXISTS (SELECT 1 FROM account_link l
                   JOIN account a ON a.tenant_id = l.tenant_id AND a.id = l.account_id
                   JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
                 WHERE l.tenant_id = $1 AND l.resident_id = r.id AND l.ended_at IS NULL
                   AND (l.until_on IS NULL OR l.until_on >= ${first}) AND (a.closed_on IS NULL OR a.closed_on > ${first})
                   {access} {more})"
            )
        };
        const HELD: &str = "AND l.access = 'full'";
        let next = first + 1;
        let today: Value = tx.today().into();
        let meter = format!("m.tenant_id = $1 AND m.account_id = l.account_id AND NOT m.automatic AND {COUNTING}");
        match self {
            Self::Nobody => ("1 = 1".to_owned(), Vec::new()),
            Self::Holders => (link(HELD, ""), vec![today]),
            Self::Houses(houses) => {
                let (names, values) = list(next, houses);
                let more =
                    if houses.is_empty() { "AND 1 = 0".to_owned() } else { format!("AND p.house_id IN ({names})") };
                (link(HELD, &more), [vec![today], values].concat())
            }
            Self::Accounts(accounts) => {
                let (names, values) = list(next, accounts);
                let more = if accounts.is_empty() { "AND 1 = 0".to_owned() } else { format!("AND a.id IN ({names})") };
                (link(HELD, &more), [vec![today], values].concat())
            }
            Self::Receipt(run) => {
                let more = format!(
                    "AND EXISTS (SELECT 1 FROM receipt c WHERE c.tenant_id = $1 AND c.run_id = ${next} AND c.account_id = l.account_id)"
                );
                (link(HELD, &more), vec![today, (*run).into()])
            }
            Self::Readers => (link("", &format!("AND EXISTS (SELECT 1 FROM meter m WHERE {meter})")), vec![today]),
            Self::Unread(since) => {
                let more = format!("AND EXISTS (SELECT 1 FROM meter m WHERE {meter} AND NOT EXISTS ({READ} ${next}))");
                (link("", &more), vec![today, since.period().into()])
            }
            Self::One(resident) => (format!("r.id = ${first}"), vec![(*resident).into()]),
        }
    }
}

#[derive(FromQueryResult)]
struct Found {
    id: ResidentId,
}

/// Active residents behind `after` in the order of their identifiers, up to `limit`.
pub(crate) async fn residents(
    tx: &Tx,
    narrowed: &Narrowed,
    after: Option<ResidentId>,
    limit: u32,
) -> Result<Vec<ResidentId>, DbError> {
    let (condition, values) = narrowed.condition(tx, 4);
    let sql = format!(
        "SELECT r.id FROM resident r WHERE r.tenant_id = $1 AND r.state = 'active' AND r.id > $2 AND {condition}
         ORDER BY r.id LIMIT $3"
    );
    let after = after.unwrap_or(ResidentId(Uuid::nil()));
    let bounds: Vec<Value> = vec![after.into(), i64::from(limit).into()];
    let rows: Vec<Found> = tx.rows(&sql, [bounds, values].concat()).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// How many active residents there are of them.
pub(crate) async fn count(tx: &Tx, narrowed: &Narrowed) -> Result<u64, DbError> {
    #[derive(FromQueryResult)]
    struct Count {
        number: i64,
    }
    let (condition, values) = narrowed.condition(tx, 2);
    let sql = format!(
        "SELECT COUNT(*) AS number FROM resident r WHERE r.tenant_id = $1 AND r.state = 'active' AND {condition}"
    );
    let rows: Vec<Count> = tx.rows(&sql, values).await?;
    Ok(rows.first().map_or(0, |row| row.number.unsigned_abs()))
}

/// The open accounts that these residents hold.
pub(crate) async fn held(tx: &Tx, residents: &[ResidentId]) -> Result<Vec<(ResidentId, AccountId)>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        resident_id: ResidentId,
        account_id: AccountId,
    }
    if residents.is_empty() {
        return Ok(Vec::new());
    }
    let (names, values) = list(2, residents);
    let sql = format!(
        "SELECT l.resident_id, l.account_id FROM account_link l
         WHERE l.tenant_id = $1 AND l.ended_at IS NULL AND l.access = 'full' AND l.resident_id IN ({names})
         ORDER BY l.resident_id, l.account_id"
    );
    let rows: Vec<Row> = tx.rows(&sql, values).await?;
    Ok(rows.into_iter().map(|row| (row.resident_id, row.account_id)).collect())
}

/// What these residents chose; those who chose nothing are left out.
pub(crate) async fn choices(tx: &Tx, residents: &[ResidentId]) -> Result<HashMap<ResidentId, Choices>, DbError> {
    let mine = tx.among(notice_choices::Column::ResidentId, residents.iter().copied());
    let rows = tx.all(notice_choices::Entity::find().filter(mine)).await?;
    let read = |row: notice_choices::Model| Ok((row.resident_id, serde_json::from_str(&row.choices)?));
    rows.into_iter().map(read).collect()
}

pub(crate) async fn save_choices(tx: &Tx, resident: ResidentId, choices: &Choices) -> Result<(), DbError> {
    let row = notice_choices::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        resident_id: Set(resident),
        choices: Set(serde_json::to_string(choices)?),
    };
    tx.put(row).await
}

pub(crate) async fn forget_choices(tx: &Tx, resident: ResidentId) -> Result<(), DbError> {
    let mine = notice_choices::Column::ResidentId.eq(resident);
    tx.delete_where(notice_choices::Entity::delete_many().filter(mine)).await.map(drop)
}

/// How these residents are reached; logins that are gone are left out. Three statements.
pub(crate) async fn addressees(tx: &Tx, residents: &[ResidentId]) -> Result<HashMap<ResidentId, Addressee>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: ResidentId,
        email: String,
        phone: String,
    }
    if residents.is_empty() {
        return Ok(HashMap::new());
    }
    let (names, values) = list(2, residents);
    let sql = format!(
        "SELECT r.id, r.email, r.phone FROM resident r WHERE r.tenant_id = $1 AND r.state = 'active' AND r.id IN ({names})"
    );
    let rows: Vec<Row> = tx.rows(&sql, values).await?;
    let mut choices = choices(tx, residents).await?;
    let mine = tx.among(chat::Column::ResidentId, residents.iter().copied());
    let mut chats: HashMap<ResidentId, BTreeMap<Channel, String>> = HashMap::new();
    for row in tx.all(chat::Entity::find().filter(mine)).await? {
        if let Some(channel) = Channel::of(&row.channel) {
            chats.entry(row.resident_id).or_default().insert(channel, row.chat);
        }
    }
    let addressee = |row: Row| {
        let choices = choices.remove(&row.id).unwrap_or_default();
        let chats = chats.remove(&row.id).unwrap_or_default();
        (row.id, Addressee { email: row.email, phone: row.phone, chats, choices })
    };
    Ok(rows.into_iter().map(addressee).collect())
}
