//! What billing knows of an account in a month.

use std::collections::HashMap;

use kabinet_contracts::AccountId;
use kabinet_core::text::search_key;
use kabinet_core::{Day, DbError, Period, Quantity, Tx};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

/// An account as it was in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// Identifier.
    pub id: AccountId,
    /// Number as printed.
    pub number: String,
    /// ЕЛС; may be empty.
    pub els: String,
    /// ИЖКУ; may be empty.
    pub izhku: String,
    /// Display name of the holder: «Иванова Н. П.» or an organisation's name.
    pub holder: String,
    /// Address of the premises in one line.
    pub address: String,
    /// The house.
    pub house_id: Uuid,
    /// The premises, which several accounts may share.
    pub premises_id: Uuid,
    /// Flat number; empty for a private house.
    pub flat: String,
    /// Kind of premises: `flat`, `room`, `private_house`, `non_residential`, `parking`.
    pub kind: String,
    /// Area, m².
    pub area: Quantity,
    /// Permanently registered residents at the end of the period.
    pub registered: u32,
    /// Temporarily registered residents.
    pub temporary: u32,
    /// Owners, who count where nobody is registered.
    pub owners: u32,
    /// The first day of the account.
    pub opened_on: Day,
    /// The last day of a closed account.
    pub closed_on: Option<Day>,
}

impl AccountFacts {
    /// The first and the last day of a month on which the account was open; the first after the last where it was not.
    #[must_use]
    pub fn open_in(&self, month: Period) -> (Day, Day) {
        let (first, last) = (month.first_day(), month.last_day());
        (self.opened_on.max(first), self.closed_on.map_or(last, |closed| closed.min(last)))
    }
}

/// How many people count from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct People {
    /// The first day.
    pub from: Day,
    /// Registered residents, permanent and temporary.
    pub residents: u32,
    /// Owners, who count where nobody is registered.
    pub owners: u32,
}

/// By how many places neighbours of one house may lie apart to be read together.
const MOST_BETWEEN: i64 = 10;

#[derive(FromQueryResult)]
struct Row {
    id: AccountId,
    number: String,
    els: String,
    izhku: String,
    kind: String,
    area: Quantity,
    flat: String,
    house_id: Uuid,
    premises_id: Uuid,
    address: String,
    opened_on: Day,
    closed_on: Option<Day>,
}

/// $1 the company, $2 the first and $3 the last day of the period; `{which}` narrows the accounts before anything
/// is joined to them. Holders and residents are asked apart, by the accounts' range: joined to "the latest one" of
/// each account, PostgreSQL reads the whole company's for every thousand accounts.
const SELECT: &str = "
SELECT a.id, a.number, a.els, a.izhku, p.kind, p.area, p.flat, p.house_id, a.premises_id, h.address, a.opened_on, a.closed_on
FROM (SELECT * FROM account WHERE tenant_id = $1 AND opened_on <= $3
      AND (closed_on IS NULL OR closed_on >= $2) AND {which}) a
JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
ORDER BY a.id";

/// Up to `limit` accounts that were open in `period`, in the order of their identifiers, after `after`.
pub async fn batch(
    tx: &Tx,
    period: Period,
    after: Option<AccountId>,
    limit: u64,
) -> Result<Vec<AccountFacts>, DbError> {
    let from = after.unwrap_or(AccountId(Uuid::nil()));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    found(tx, period, "id > $4 ORDER BY id LIMIT $5", vec![from.into(), limit.into()]).await
}

/// One account as it was in `period`; `None` when it was not open then.
pub async fn one(tx: &Tx, period: Period, account: AccountId) -> Result<Option<AccountFacts>, DbError> {
    Ok(found(tx, period, "id = $4", vec![account.into()]).await?.pop())
}

/// The accounts of a house that were open in `period`, in the order of their identifiers; by its [`stretches`], so that
/// nothing is read of the whole company.
pub async fn in_house(
    tx: &Tx,
    period: Period,
    house: Uuid,
    stretches: &[(AccountId, AccountId)],
) -> Result<Vec<Vec<AccountFacts>>, DbError> {
    let here = "premises_id IN (SELECT r.id FROM premises r WHERE r.tenant_id = $1 AND r.house_id = $4)
                AND id BETWEEN $5 AND $6";
    let mut accounts = Vec::with_capacity(stretches.len());
    for (first, last) in stretches {
        accounts.push(found(tx, period, here, vec![house.into(), (*first).into(), (*last).into()]).await?);
    }
    Ok(accounts)
}

/// The first and the last account of each stretch of a house, in the order of identifiers: within one, few accounts of
/// other houses lie between two of this one. What is asked of a range of accounts is asked of each stretch apart.
pub async fn stretches(tx: &Tx, house: Uuid) -> Result<Vec<(AccountId, AccountId)>, DbError> {
    #[derive(FromQueryResult)]
    struct Placed {
        id: AccountId,
        place: i64,
    }
    let sql = "SELECT o.id, o.place
               FROM (SELECT id, premises_id, row_number() OVER (ORDER BY id) AS place
                     FROM account WHERE tenant_id = $1) o
               JOIN premises p ON p.tenant_id = $1 AND p.id = o.premises_id
               WHERE p.house_id = $2 ORDER BY o.id";
    let rows: Vec<Placed> = tx.rows(sql, vec![house.into()]).await?;
    let near = rows.chunk_by(|one, next| next.place - one.place <= MOST_BETWEEN);
    Ok(near.filter_map(|some| Some((some.first()?.id, some.last()?.id))).collect())
}

/// All accounts that a house ever had, in the order of their identifiers.
pub async fn ever_in_house(tx: &Tx, house: Uuid) -> Result<Vec<AccountId>, DbError> {
    #[derive(FromQueryResult)]
    struct Neighbour {
        id: AccountId,
    }
    let sql = "SELECT a.id FROM account a JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               WHERE a.tenant_id = $1 AND p.house_id = $2 ORDER BY a.id";
    let rows: Vec<Neighbour> = tx.rows(sql, vec![house.into()]).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The accounts that `which` names, with who lives there and who holds them at the end of the period.
async fn found(tx: &Tx, period: Period, which: &str, named: Vec<Value>) -> Result<Vec<AccountFacts>, DbError> {
    let mut values = vec![period.first_day().into(), period.last_day().into()];
    values.extend(named);
    let rows: Vec<Row> = tx.rows(&SELECT.replace("{which}", which), values).await?;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let range = (first.id, last.id);
    let residents = residents(tx, period, range).await?;
    let mut holders = holders(tx, period, range).await?;
    let facts = |row: Row| {
        let (living, holding) = (residents.get(&row.id), holders.remove(&row.id).unwrap_or_default());
        facts(row, living, &holding)
    };
    Ok(rows.into_iter().map(facts).collect())
}

/// How many people count.
#[derive(FromQueryResult)]
struct Residents {
    account_id: AccountId,
    registered: i32,
    temporary: i32,
    owners: i32,
}

/// Those of the accounts in the range, as they were last told by the end of the period.
async fn residents(
    tx: &Tx,
    period: Period,
    (first, last): (AccountId, AccountId),
) -> Result<HashMap<AccountId, Residents>, DbError> {
    let sql = "SELECT account_id, registered, temporary, owners FROM occupancy
               WHERE tenant_id = $1 AND account_id BETWEEN $2 AND $3 AND from_on <= $4
               ORDER BY account_id, from_on";
    let rows: Vec<Residents> = tx.rows(sql, vec![first.into(), last.into(), period.last_day().into()]).await?;
    // Of an account's rows the last one stays.
    Ok(rows.into_iter().map(|row| (row.account_id, row)).collect())
}

/// A holder of an account.
#[derive(FromQueryResult)]
struct Holder {
    account_id: AccountId,
    kind: String,
    surname: String,
    given_name: String,
    patronymic: String,
    organisation: String,
}

/// The holders of the accounts in the range on the last day of the period, those with the largest shares first.
async fn holders(
    tx: &Tx,
    period: Period,
    (first, last): (AccountId, AccountId),
) -> Result<HashMap<AccountId, Vec<Holder>>, DbError> {
    let sql = "SELECT account_id, kind, surname, given_name, patronymic, organisation FROM holder
               WHERE tenant_id = $1 AND account_id BETWEEN $2 AND $3
                 AND from_on <= $4 AND (to_on IS NULL OR to_on >= $4)
               ORDER BY account_id, share_numerator * 1000 / share_denominator DESC, id";
    let rows: Vec<Holder> = tx.rows(sql, vec![first.into(), last.into(), period.last_day().into()]).await?;
    let mut found: HashMap<AccountId, Vec<Holder>> = HashMap::new();
    for row in rows {
        found.entry(row.account_id).or_default().push(row);
    }
    Ok(found)
}

/// Everybody who counted on those of the accounts `first` to `last` whose people changed within `period`, by
/// account and first day, up to the end of the period.
pub async fn changed_within(
    tx: &Tx,
    period: Period,
    first: AccountId,
    last: AccountId,
) -> Result<Vec<(AccountId, People)>, DbError> {
    #[derive(FromQueryResult)]
    struct Occupied {
        account_id: AccountId,
        from_on: Day,
        registered: i32,
        temporary: i32,
        owners: i32,
    }
    let sql = "SELECT o.account_id, o.from_on, o.registered, o.temporary, o.owners FROM occupancy o
               WHERE o.tenant_id = $1 AND o.from_on <= $5 AND o.account_id IN
                 (SELECT c.account_id FROM occupancy c WHERE c.tenant_id = $1 AND c.account_id BETWEEN $2 AND $3
                  AND c.from_on > $4 AND c.from_on <= $5)
               ORDER BY o.account_id, o.from_on";
    let values = vec![first.into(), last.into(), period.first_day().into(), period.last_day().into()];
    let rows: Vec<Occupied> = tx.rows(sql, values).await?;
    let people = |row: Occupied| {
        let residents = row.registered.unsigned_abs() + row.temporary.unsigned_abs();
        (row.account_id, People { from: row.from_on, residents, owners: row.owners.unsigned_abs() })
    };
    Ok(rows.into_iter().map(people).collect())
}

/// How many accounts were open in `period`.
pub async fn count(tx: &Tx, period: Period) -> Result<u64, DbError> {
    #[derive(FromQueryResult)]
    struct Count {
        accounts: i64,
    }
    let sql = "SELECT count(*) AS accounts FROM account
               WHERE tenant_id = $1 AND opened_on <= $3 AND (closed_on IS NULL OR closed_on >= $2)";
    let rows: Vec<Count> = tx.rows(sql, vec![period.first_day().into(), period.last_day().into()]).await?;
    Ok(rows.first().map_or(0, |row| row.accounts.unsigned_abs()))
}

/// The accounts of a house by the company's code of it, closed ones too, in the order of the flats;
/// `None` when there is no such house.
pub async fn of_house(tx: &Tx, code: &str) -> Result<Option<Vec<AccountId>>, DbError> {
    #[derive(FromQueryResult)]
    struct Neighbour {
        id: Option<AccountId>,
        number: Option<String>,
        flat: Option<String>,
    }
    let sql = "SELECT a.id, a.number, p.flat FROM house h
               LEFT JOIN premises p ON p.tenant_id = h.tenant_id AND p.house_id = h.id
               LEFT JOIN account a ON a.tenant_id = p.tenant_id AND a.premises_id = p.id
               WHERE h.tenant_id = $1 AND h.code = $2";
    let rows: Vec<Neighbour> = tx.rows(sql, vec![code.into()]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut doors: Vec<_> = rows
        .into_iter()
        .filter_map(|row| Some((door(&row.flat.unwrap_or_default()), row.number.unwrap_or_default(), row.id?)))
        .collect();
    doors.sort();
    Ok(Some(doors.into_iter().map(|(.., id)| id).collect()))
}

/// Sorts flats as one walks past them: 2 before 10, 12 before 12А, numbers before words.
fn door(flat: &str) -> (u64, String) {
    let key = search_key(flat);
    let digits = key.chars().take_while(char::is_ascii_digit).count();
    (key[..digits].parse().unwrap_or(u64::MAX), key[digits..].to_owned())
}

fn facts(row: Row, residents: Option<&Residents>, holders: &[Holder]) -> AccountFacts {
    let people = |count: fn(&Residents) -> i32| residents.map(count).unwrap_or_default().unsigned_abs();
    AccountFacts {
        holder: name(holders),
        id: row.id,
        number: row.number,
        els: row.els,
        izhku: row.izhku,
        address: address(&row.address, &row.flat, &row.kind),
        house_id: row.house_id,
        premises_id: row.premises_id,
        flat: row.flat,
        kind: row.kind,
        area: row.area,
        registered: people(|living| living.registered),
        temporary: people(|living| living.temporary),
        owners: people(|living| living.owners),
        opened_on: row.opened_on,
        closed_on: row.closed_on,
    }
}

/// The address of premises in one line.
#[must_use]
pub fn address(house: &str, flat: &str, kind: &str) -> String {
    if flat.is_empty() { house.to_owned() } else { format!("{house}, {}", door_words(flat, kind)) }
}

/// What stands on the door of premises, with its word: «кв. 12».
#[must_use]
pub fn door_words(flat: &str, kind: &str) -> String {
    let word = match kind {
        "room" => "комн.",
        "non_residential" => "пом.",
        "parking" => "м/м",
        _ => "кв.",
    };
    format!("{word}\u{a0}{flat}")
}

/// The name of the first holder, of whom there may be more.
fn name(holders: &[Holder]) -> String {
    let Some(holder) = holders.first() else { return String::new() };
    if holder.kind == "legal" {
        return holder.organisation.clone();
    }
    let initial = |name: &str| name.chars().next().map(|c| format!("\u{a0}{c}.")).unwrap_or_default();
    let name = format!("{}{}{}", holder.surname, initial(&holder.given_name), initial(&holder.patronymic));
    if holders.len() > 1 { format!("{name} и др.") } else { name }
}

#[cfg(test)]
mod tests {
    use super::{address, door};

    #[test]
    fn flats_are_sorted_as_one_walks_past_them() {
        let mut flats = ["10", "2", "12А", "12", "офис 1", "", "2/1", "100"];
        flats.sort_by_key(|flat| door(flat));
        assert_eq!(flats, ["2", "2/1", "10", "12", "12А", "100", "", "офис 1"]);
    }

    #[test]
    fn a_private_house_has_no_flat_in_its_address() {
        assert_eq!(address("ул. Береговая, д. 3", "", "private_house"), "ул. Береговая, д. 3");
        assert_eq!(address("ул. Береговая, д. 7", "24", "flat"), "ул. Береговая, д. 7, кв.\u{a0}24");
    }
}
