//! Benefits (льготы): a part of a service's charge that goes back to the account, from a month on.

use std::collections::HashMap;

use kabinet_contracts::AccountId;
use kabinet_core::{DbError, Money, Period, Quantity, Tx, id_type};
use kabinet_plugin_host::api::{Basis, Parameter};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Unchanged, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Set,
};

use crate::calculation::api_period;
use crate::entity::{benefit, service};
use crate::error::Error;
use crate::store;
use crate::trace;

/// The longest name of a document, characters.
const LONGEST_DOCUMENT: usize = 200;
/// Names under which plugins know a benefit (docs/plugins.md).
const SHARE: &str = "benefit_share";
const VOLUME: &str = "benefit_volume";

id_type! {
    /// The identifier of a benefit.
    BenefitId
}

/// A benefit to be granted.
#[derive(Clone, Debug)]
pub struct NewBenefit {
    /// Code of the service.
    pub service: String,
    /// The first month; not published yet.
    pub from: Period,
    /// The last month; none while it lasts.
    pub to: Option<Period>,
    /// The part of the charge that goes back, above 0 and at most 1.
    pub share: Decimal,
    /// Only the first so many units a month have the benefit; none for all.
    pub volume: Option<Decimal>,
    /// The document that grants it.
    pub document: String,
}

/// A benefit of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Benefit {
    /// Identifier.
    pub id: BenefitId,
    /// Code of the service.
    pub service: String,
    /// The first month.
    pub from: Period,
    /// The last month; none while it lasts.
    pub to: Option<Period>,
    /// The part of the charge that goes back.
    pub share: Decimal,
    /// Only the first so many units a month have the benefit.
    pub volume: Option<Decimal>,
    /// The document that grants it.
    pub document: String,
}

impl From<benefit::Model> for Benefit {
    fn from(row: benefit::Model) -> Self {
        Self {
            id: row.id,
            service: row.service_code,
            from: row.from_period,
            to: row.to_period,
            share: row.share.decimal().normalize(),
            volume: row.volume.map(|volume| volume.decimal().normalize()),
            document: row.document,
        }
    }
}

/// Grants a benefit. Published months are not touched: they are corrected by a recalculation.
pub async fn grant(tx: &mut Tx, account: AccountId, new: &NewBenefit) -> Result<Benefit, Error> {
    store::account_exists(tx, account).await?;
    let (share, volume) = figures(new)?;
    refuse_published(tx, new.from, "from").await?;
    if new.to.is_some_and(|to| to < new.from) {
        return Err(Error::Field("to", "Последний месяц льготы раньше первого"));
    }
    if tx.one(service::Entity::find().filter(service::Column::Code.eq(&new.service))).await?.is_none() {
        return Err(Error::Field("service", "Такой услуги нет"));
    }
    // Two at once wait for each other here, and the second one sees what the first granted.
    store::outdate_estimates(tx, &[account]).await?;
    if overlaps(tx, account, new).await? {
        return Err(Error::Field("from", "В эти месяцы по этой услуге уже есть льгота: сначала завершите её"));
    }
    let row = benefit::Model {
        tenant_id: tx.tenant_id(),
        id: tx.new_id(),
        account_id: account,
        service_code: new.service.clone(),
        from_period: new.from,
        to_period: new.to,
        share,
        volume,
        document: new.document.trim().to_owned(),
        recorded_at: tx.now(),
    };
    tx.insert(benefit::ActiveModel::from(row.clone()).reset_all()).await?;
    let detail = serde_json::json!({ "service": new.service, "from": new.from, "share": new.share.to_string() });
    tx.audit("billing.benefit_granted", account, detail).await?;
    Ok(row.into())
}

fn figures(new: &NewBenefit) -> Result<(Quantity, Option<Quantity>), Error> {
    let document = new.document.trim();
    if document.is_empty() || document.chars().count() > LONGEST_DOCUMENT {
        return Err(Error::Field("document", "Укажите документ о льготе, не длиннее 200 знаков"));
    }
    let share = Some(new.share).filter(|share| *share > Decimal::ZERO && *share <= Decimal::ONE);
    let share = share.and_then(Quantity::from_decimal).filter(|share| share.0 > 0);
    let share = share.ok_or(Error::Field("share", "Доля льготы – число больше 0 и не больше 1"))?;
    let wrong = Error::Field("volume", "Объем льготы – число больше 0");
    let volume = match new.volume {
        None => None,
        Some(volume) => Some(Quantity::from_decimal(volume).filter(|volume| volume.0 > 0).ok_or(wrong)?),
    };
    Ok((share, volume))
}

async fn refuse_published(tx: &Tx, period: Period, field: &'static str) -> Result<(), Error> {
    let published = store::latest_period(tx).await?.is_some_and(|latest| period <= latest);
    if published {
        Err(Error::Field(field, "Этот месяц уже опубликован: сделайте перерасчёт"))
    } else {
        Ok(())
    }
}

/// Whether the account has a benefit of the service in one of the months.
async fn overlaps(tx: &Tx, account: AccountId, new: &NewBenefit) -> Result<bool, DbError> {
    let same = benefit::Entity::find()
        .filter(benefit::Column::AccountId.eq(account))
        .filter(benefit::Column::ServiceCode.eq(&new.service));
    let open = |row: &benefit::Model| {
        row.to_period.is_none_or(|to| to >= new.from) && new.to.is_none_or(|to| row.from_period <= to)
    };
    Ok(tx.all(same).await?.iter().any(open))
}

/// The account's benefits, the latest first.
pub async fn list(tx: &Tx, account: AccountId) -> Result<Vec<Benefit>, Error> {
    store::account_exists(tx, account).await?;
    let mine = benefit::Entity::find().filter(benefit::Column::AccountId.eq(account));
    let rows = tx.all(mine.order_by_desc(benefit::Column::FromPeriod).order_by_desc(benefit::Column::Id)).await?;
    Ok(rows.into_iter().map(Benefit::from).collect())
}

/// Ends a benefit with `last`, which is the latest published month or a later one.
pub async fn end(tx: &mut Tx, id: BenefitId, last: Period) -> Result<Benefit, Error> {
    let one = benefit::Entity::find().filter(benefit::Column::Id.eq(id));
    let row = tx.one(one).await?.ok_or(Error::NoSuchBenefit)?;
    refuse_published(tx, last.next(), "to").await?;
    if last < row.from_period.previous() {
        return Err(Error::Field("to", "Последний месяц льготы раньше первого"));
    }
    tx.update(benefit::ActiveModel {
        tenant_id: Unchanged(tx.tenant_id()),
        id: Unchanged(id),
        to_period: Set(Some(last)),
        ..Default::default()
    })
    .await?;
    store::outdate_estimates(tx, &[row.account_id]).await?;
    let detail = serde_json::json!({ "benefit": id, "to": last });
    tx.audit("billing.benefit_ended", row.account_id, detail).await?;
    Ok(Benefit { to: Some(last), ..row.into() })
}

#[derive(FromQueryResult)]
struct InForce {
    account_id: AccountId,
    service_code: String,
    share: Quantity,
    volume: Option<Quantity>,
}

/// The benefits in force in `period` of the accounts `first` to `last`: the numbers that the plugin is given, with
/// the account and the code of the service.
pub(crate) async fn in_month(
    tx: &Tx,
    period: Period,
    first: AccountId,
    last: AccountId,
) -> Result<Vec<(AccountId, String, Vec<Parameter>)>, DbError> {
    let rows: Vec<InForce> = tx
        .rows(
            "SELECT account_id, service_code, share, volume FROM benefit
             WHERE tenant_id = $1 AND account_id BETWEEN $2 AND $3 AND from_period <= $4
               AND (to_period IS NULL OR to_period >= $4)
             ORDER BY account_id, service_code",
            vec![first.into(), last.into(), period.into()],
        )
        .await?;
    let number = |name: &str, value: Quantity| Parameter { name: name.to_owned(), value: value.decimal() };
    let numbers = |row: InForce| {
        let share = std::iter::once(number(SHARE, row.share));
        let numbers = share.chain(row.volume.map(|volume| number(VOLUME, volume))).collect();
        (row.account_id, row.service_code, numbers)
    };
    Ok(rows.into_iter().map(numbers).collect())
}

#[derive(FromQueryResult)]
struct Lowered {
    account_id: AccountId,
    period: Period,
    trace: String,
}

/// What benefits of a service gave back over the months from `from` to `to` to the accounts `first` to `last`, as it
/// was billed with those months themselves.
pub(crate) async fn given_back(
    tx: &Tx,
    service: &str,
    (from, to): (Period, Period),
    (first, last): (AccountId, AccountId),
) -> Result<HashMap<AccountId, Money>, DbError> {
    let rows: Vec<Lowered> = tx
        .rows(
            "SELECT c.account_id, r.period, c.trace FROM benefit b
             JOIN billing_run r ON r.tenant_id = b.tenant_id AND r.state = 'published' AND r.period BETWEEN $3 AND $4
              AND b.from_period <= r.period AND (b.to_period IS NULL OR b.to_period >= r.period)
             JOIN charge c ON c.tenant_id = r.tenant_id AND c.run_id = r.id AND c.account_id = b.account_id
              AND c.service_code = b.service_code
             WHERE b.tenant_id = $1 AND b.service_code = $2 AND b.account_id BETWEEN $5 AND $6",
            vec![service.into(), from.into(), to.into(), first.into(), last.into()],
        )
        .await?;
    let mut sums: HashMap<AccountId, Money> = HashMap::new();
    for row in rows {
        // A January's line corrects the year before it as well.
        let month = api_period(row.period);
        let benefits = trace::decode(&row.trace).recalculations.into_iter().filter(|of| of.basis == Basis::Benefit);
        let of_month: Money = benefits.filter(|of| of.period == month).map(|of| Money(of.amount)).sum();
        *sums.entry(row.account_id).or_default() -= of_month;
    }
    Ok(sums)
}
