//! Which accounts get no paper in a month: for the printing house and for the company.

use std::collections::HashSet;

use async_trait::async_trait;
use kabinet_accounts::roster::address;
use kabinet_contracts::{AccountId, PaperRefusals, ResidentId, RunId};
use kabinet_core::{Day, DbError, Period, Tenant, Timestamp, Tx};
use kabinet_render::table::Table;

use crate::store;

/// Rows read in one statement when a whole list is written.
const CHUNK: u16 = 1000;
/// What is on its way at a moment is not there yet: an answer for a moment never changes.
const IN_FLIGHT_SECONDS: i64 = 60;

/// An account without paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithoutPaper {
    /// Identifier.
    pub account: AccountId,
    /// Number as printed.
    pub number: String,
    /// The company's code of the house.
    pub house: String,
    /// Address in one line.
    pub address: String,
    /// The day of the first application that holds.
    pub since: Day,
    /// How many residents get the receipts.
    pub applications: u32,
    /// When the receipts left; none where the month is not published.
    pub sent_at: Option<Timestamp>,
}

/// Up to `limit` accounts behind `after` that get no paper for `period`, by identifier. For a published month those
/// whose receipts left and did not come back; for one to come those who would get none as it stands now.
pub async fn of_period(
    tx: &Tx,
    period: Period,
    after: Option<AccountId>,
    limit: u16,
) -> Result<Vec<WithoutPaper>, DbError> {
    let run = store::published(tx, period).await?;
    let rows = store::listed(tx, run, after, i64::from(limit)).await?;
    let account = |row: store::Listed| WithoutPaper {
        address: address(&row.house, &row.flat, &row.kind),
        account: row.account_id,
        number: row.number,
        house: row.house_code,
        since: row.made_on,
        applications: u32::try_from(row.applications).unwrap_or(u32::MAX),
        sent_at: row.sent_at,
    };
    Ok(rows.into_iter().map(account).collect())
}

/// The whole list of a month for a spreadsheet, by house and number.
pub async fn table(tx: &Tx, period: Period) -> Result<Table, DbError> {
    let mut all: Vec<WithoutPaper> = Vec::new();
    loop {
        let some = of_period(tx, period, all.last().map(|last| last.account), CHUNK).await?;
        let complete = some.len() < usize::from(CHUNK);
        all.extend(some);
        if complete {
            break;
        }
    }
    all.sort_by(|a, b| (&a.house, &a.number).cmp(&(&b.house, &b.number)));
    let columns = ["Лицевой счет", "Код дома", "Адрес", "Заявление от", "Получателей", "Отправлено"];
    let tenant = tx.tenant();
    Ok(Table {
        name: format!("Без бумаги {period}"),
        columns: columns.map(str::to_owned).to_vec(),
        rows: all.iter().map(|account| row(tenant, account)).collect(),
    })
}

fn row(tenant: &Tenant, account: &WithoutPaper) -> Vec<String> {
    vec![
        account.number.clone(),
        account.house.clone(),
        account.address.replace('\u{a0}', " "),
        account.since.to_string(),
        account.applications.to_string(),
        account.sent_at.map(|at| at.day(tenant.zone).to_string()).unwrap_or_default(),
    ]
}

/// Tells billing whom to leave out of what is printed, and notices whom a receipt reaches by itself.
pub(crate) struct Refusals;

#[async_trait]
impl PaperRefusals for Refusals {
    async fn without_paper(&self, tx: &Tx, run: RunId, at: Timestamp) -> Result<HashSet<AccountId>, DbError> {
        store::delivered(tx, run, at.plus_seconds(-IN_FLIGHT_SECONDS)).await
    }

    async fn by_letter(&self, tx: &Tx, residents: &[ResidentId]) -> Result<HashSet<(ResidentId, AccountId)>, DbError> {
        let refusals = store::in_force_of_residents(tx, residents).await?;
        Ok(refusals.into_iter().map(|row| (row.resident_id, row.account_id)).collect())
    }
}
