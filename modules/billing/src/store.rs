//! Queries that several parts of the module share.

use std::collections::HashMap;

use kabinet_accounts::registry;
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Day, DbError, Period, Timestamp, Tx};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder};

use crate::catalog::ALWAYS;
use crate::entity::{billing_run, estimate, penalty_rate, plugin, plugin_activation, receipt_template, tariff};
use crate::error::Error;
use crate::estimate::NewEstimate;
use crate::penalty::{PenaltyRate, PenaltyRates};

/// Months of which a run knows the due days: debts are older only where nobody can claim them.
const DUE_MONTHS: i32 = 60;
/// Accounts whose estimates go out of date in one statement.
const MOST_OUTDATED: usize = 500;

/// The state of a published run.
pub(crate) const PUBLISHED: &str = "published";
/// The state of a run that was given up.
pub(crate) const FAILED: &str = "failed";

/// [`Error::NoSuchAccount`] where the company has no such account.
pub(crate) async fn account_exists(tx: &Tx, account: AccountId) -> Result<(), Error> {
    registry::must_exist(tx, account).await.map_err(|error| match error {
        kabinet_accounts::Error::Db(error) => Error::Db(error),
        _ => Error::NoSuchAccount,
    })
}

/// The latest published run.
pub(crate) async fn latest_run(tx: &Tx) -> Result<Option<billing_run::Model>, DbError> {
    let published = billing_run::Entity::find().filter(billing_run::Column::State.eq(PUBLISHED));
    tx.one(published.order_by_desc(billing_run::Column::Period)).await
}

/// The latest published period.
pub(crate) async fn latest_period(tx: &Tx) -> Result<Option<Period>, DbError> {
    Ok(latest_run(tx).await?.map(|run| run.period))
}

/// The latest month with a run that is not given up.
pub(crate) async fn latest_calculated(tx: &Tx) -> Result<Option<Period>, DbError> {
    let living = billing_run::Entity::find().filter(billing_run::Column::State.ne(FAILED));
    Ok(tx.one(living.order_by_desc(billing_run::Column::Period)).await?.map(|run| run.period))
}

/// The published run of a period.
pub(crate) async fn published(tx: &Tx, period: Period) -> Result<Option<billing_run::Model>, DbError> {
    let published = billing_run::Entity::find().filter(billing_run::Column::State.eq(PUBLISHED));
    tx.one(published.filter(billing_run::Column::Period.eq(period))).await
}

/// A run.
pub(crate) async fn run(tx: &Tx, id: RunId) -> Result<Option<billing_run::Model>, DbError> {
    tx.one(billing_run::Entity::find().filter(billing_run::Column::Id.eq(id))).await
}

/// The run of an account's newest published receipt, and when it was published.
pub(crate) async fn newest_receipt(tx: &Tx, account: AccountId) -> Result<Option<(RunId, Timestamp)>, DbError> {
    #[derive(FromQueryResult)]
    struct Newest {
        id: RunId,
        published_at: Timestamp,
    }
    let sql = "SELECT r.id, r.published_at FROM receipt c
               JOIN billing_run r ON r.tenant_id = c.tenant_id AND r.id = c.run_id
               WHERE c.tenant_id = $1 AND c.account_id = $2 AND r.state = 'published'
               ORDER BY c.period DESC LIMIT 1";
    let rows: Vec<Newest> = tx.rows(sql, vec![account.into()]).await?;
    Ok(rows.first().map(|row| (row.id, row.published_at)))
}

/// Which plugin calculates from which period, ascending.
pub(crate) async fn activations(tx: &Tx) -> Result<Vec<plugin_activation::Model>, DbError> {
    tx.all(plugin_activation::Entity::find().order_by_asc(plugin_activation::Column::FromPeriod)).await
}

/// All tariffs.
pub(crate) async fn tariffs(tx: &Tx) -> Result<Vec<tariff::Model>, DbError> {
    tx.all(tariff::Entity::find()).await
}

/// The first month that is not published; before any is, that of the beginning.
pub(crate) async fn open_period(tx: &Tx) -> Result<Period, DbError> {
    Ok(latest_period(tx).await?.map_or(ALWAYS, Period::next))
}

/// The company's rates of penalty.
pub(crate) async fn penalty_rates(tx: &Tx) -> Result<PenaltyRates, DbError> {
    let rows = tx.all(penalty_rate::Entity::find()).await?;
    let rate = |row: penalty_rate::Model| PenaltyRate {
        from: row.from_on,
        until: row.until_on,
        percent: row.percent.decimal(),
        note: row.note,
    };
    Ok(PenaltyRates::new(rows.into_iter().map(rate).collect()).unwrap_or_default())
}

/// The last days to pay of the published months before `period` that are not past all limitation.
pub(crate) async fn due_days(tx: &Tx, period: Period) -> Result<Vec<(Period, Day)>, DbError> {
    #[derive(FromQueryResult)]
    struct Due {
        period: Period,
        due_on: Day,
    }
    let sql = "SELECT period, due_on FROM billing_run
               WHERE tenant_id = $1 AND state = 'published' AND period >= $2 AND period < $3 ORDER BY period";
    let rows: Vec<Due> = tx.rows(sql, vec![period.plus(-DUE_MONTHS).into(), period.into()]).await?;
    Ok(rows.into_iter().map(|row| (row.period, row.due_on)).collect())
}

/// Forgets terms of months to come.
pub(crate) async fn delete_tariff(tx: &Tx, row: &tariff::Model) -> Result<(), DbError> {
    let this = tariff::Entity::delete_many()
        .filter(tariff::Column::ServiceCode.eq(&row.service_code))
        .filter(tariff::Column::FromOn.eq(row.from_on));
    tx.delete_where(this).await.map(drop)
}

/// The component of a plugin.
pub(crate) async fn component(tx: &Tx, hash: &str) -> Result<Option<Vec<u8>>, DbError> {
    let row = tx.one(plugin::Entity::find().filter(plugin::Column::Hash.eq(hash))).await?;
    Ok(row.map(|row| row.component))
}

/// The source of a company's receipt template.
pub(crate) async fn template(tx: &Tx, hash: &str) -> Result<Option<String>, DbError> {
    let row = tx.one(receipt_template::Entity::find().filter(receipt_template::Column::Hash.eq(hash))).await?;
    Ok(row.map(|row| row.source))
}

/// The estimates of accounts `first` to `last`.
pub(crate) async fn estimates_between(
    tx: &Tx,
    first: AccountId,
    last: AccountId,
) -> Result<HashMap<AccountId, estimate::Model>, DbError> {
    let these = estimate::Column::AccountId.between(first, last);
    let rows = tx.all(estimate::Entity::find().filter(these)).await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row)).collect())
}

/// How often readings of accounts `first` to `last` were submitted, of those where any were.
pub(crate) async fn submissions_between(
    tx: &Tx,
    first: AccountId,
    last: AccountId,
) -> Result<HashMap<AccountId, i64>, DbError> {
    Ok(estimates_between(tx, first, last).await?.into_iter().map(|(account, row)| (account, row.wanted)).collect())
}

/// The accounts of which readings were submitted that their bill in `run` may not be made of, or that have no bill in
/// it. Bills of earlier releases did not count submissions: nothing is said of them.
pub(crate) async fn submitted_beside_bills(tx: &Tx, run: RunId) -> Result<Vec<AccountId>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        account_id: AccountId,
    }
    let sql = "SELECT e.account_id FROM estimate e
               LEFT JOIN receipt_facts f ON f.tenant_id = e.tenant_id AND f.run_id = $2 AND f.account_id = e.account_id
               WHERE e.tenant_id = $1 AND (f.account_id IS NULL OR e.wanted <> f.submissions)
               ORDER BY e.account_id";
    let rows: Vec<Row> = tx.rows(sql, vec![run.into()]).await?;
    Ok(rows.into_iter().map(|row| row.account_id).collect())
}

/// Stores estimates, each in the place of the one before; the count of submissions stays.
pub(crate) async fn save_estimates(tx: &Tx, new: &[NewEstimate]) -> Result<(), DbError> {
    if new.is_empty() {
        return Ok(());
    }
    let rows: Vec<String> = (0..new.len())
        .map(|row| row * 6 + 3)
        .map(|n| format!("($1, ${n}, ${}, ${}, ${}, ${}, $2, ${})", n + 1, n + 2, n + 3, n + 4, n + 5))
        .collect();
    let sql = format!(
        "INSERT INTO estimate (tenant_id, account_id, period, total, change, problem, computed_at, computed)
         VALUES {}
         ON CONFLICT (tenant_id, account_id) DO UPDATE SET period = excluded.period, total = excluded.total,
           change = excluded.change, problem = excluded.problem, computed_at = excluded.computed_at,
           computed = excluded.computed
         WHERE estimate.tenant_id = $1",
        rows.join(", ")
    );
    let mut values = vec![tx.now().into()];
    for new in new {
        let figure = [new.account.into(), new.period.into(), new.total.into(), new.change.into()];
        values.extend(figure);
        values.extend([new.problem.clone().into(), new.computed.into()]);
    }
    tx.execute(&sql, values).await.map(drop)
}

/// Counts a submission of readings for each account: their estimates do not know it. The rows stay locked
/// until the transaction ends; always in one order, so that two imports cannot wait for each other.
pub(crate) async fn outdate_estimates(tx: &Tx, accounts: &[AccountId]) -> Result<Option<Period>, DbError> {
    #[derive(FromQueryResult)]
    struct Until {
        published: Option<Period>,
    }
    let mut published = None;
    let mut accounts = accounts.to_vec();
    accounts.sort_unstable();
    accounts.dedup();
    for some in accounts.chunks(MOST_OUTDATED) {
        let rows: Vec<String> = (2..some.len() + 2).map(|n| format!("($1, ${n}, 0, '', 0, 1)")).collect();
        let sql = format!(
            "INSERT INTO estimate (tenant_id, account_id, period, problem, computed_at, wanted) VALUES {}
             ON CONFLICT (tenant_id, account_id) DO UPDATE SET wanted = estimate.wanted + 1
             WHERE estimate.tenant_id = $1
             RETURNING (SELECT MAX(r.period) FROM billing_run r
                        WHERE r.tenant_id = $1 AND r.state = 'published') AS published",
            rows.join(", ")
        );
        let until: Vec<Until> = tx.rows(&sql, some.iter().map(|account| (*account).into()).collect()).await?;
        published = until.first().and_then(|until| until.published);
    }
    Ok(published)
}
