//! Bringing the catalogue to what a company's package says. Each function may be repeated; each
//! returns its changes in words, nothing when all was as asked.

use kabinet_core::{Day, Period, Quantity, Tx};
use sea_orm::{ActiveModelTrait, EntityTrait, Set};

use super::terms::{begins, refuse_within_months};
use super::{Tariff, announce};
use crate::entity::{penalty_rate, service, tariff};
use crate::error::Error;
use crate::penalty::{PenaltyRate, PenaltyRates};
use crate::store;

/// Stores the company's tariffs. Terms that a published month was calculated with are never changed:
/// asking for it is [`Error::TariffInUse`]. Terms of months to come that are not named are dropped.
/// Terms that begin within a month differ from those before by prices, norm and coefficient alone:
/// [`Error::WithinMonth`].
pub async fn set_tariffs(tx: &mut Tx, tariffs: &[Tariff]) -> Result<Vec<String>, Error> {
    let published = store::latest_period(tx).await?.unwrap_or(Period(0));
    let services = tx.all(service::Entity::find()).await?;
    let stored = tx.all(tariff::Entity::find()).await?;
    refuse_within_months(tariffs)?;
    let mut changes = Vec::new();
    for new in tariffs {
        if !services.iter().any(|known| known.code == new.service) {
            return Err(Error::Catalog(format!("тариф с {}: нет услуги {}", begins(new.from), new.service)));
        }
        let row = tariff::Model {
            tenant_id: tx.tenant_id(),
            service_code: new.service.clone(),
            from_on: new.from,
            terms: serde_json::to_string(&new.terms)?,
            note: new.note.clone(),
        };
        let before = stored.iter().find(|old| old.service_code == new.service && old.from_on == new.from);
        if before == Some(&row) {
            continue;
        }
        let same_terms = before.is_some_and(|old| old.terms == row.terms);
        if !same_terms && new.from.period() <= published {
            return Err(Error::TariffInUse { service: new.service.clone(), from: new.from, period: published });
        }
        let word = if before.is_some() { "изменён" } else { "добавлен" };
        changes.push(format!("тариф {} с {} {word}", new.service, begins(new.from)));
        let row = tariff::ActiveModel::from(row).reset_all();
        if before.is_some() { tx.update(row).await? } else { tx.insert(row).await? }
    }
    for old in stored.iter().filter(|old| old.from_on.period() > published) {
        if !tariffs.iter().any(|new| new.service == old.service_code && new.from == old.from_on) {
            store::delete_tariff(tx, old).await?;
            changes.push(format!("тариф {} с {} убран", old.service_code, begins(old.from_on)));
        }
    }
    announce(tx, &changes).await?;
    Ok(changes)
}

/// Stores the company's rates of penalty; none: it charges no penalty. Days of published months keep theirs.
pub async fn set_penalty_rates(tx: &mut Tx, wanted: &PenaltyRates) -> Result<Vec<String>, Error> {
    let stored = store::penalty_rates(tx).await?;
    let closed = store::latest_period(tx).await?.map_or(Day(0), Period::last_day);
    let rates = if closed == Day(0) { wanted.clone() } else { wanted.after(&stored, closed) };
    if rates == stored {
        return Ok(Vec::new());
    }
    tx.delete_where(penalty_rate::Entity::delete_many()).await?;
    let row = |rate: &PenaltyRate| penalty_rate::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        from_on: Set(rate.from),
        until_on: Set(rate.until),
        percent: Set(Quantity::from_decimal(rate.percent).unwrap_or_default()),
        note: Set(rate.note.clone()),
    };
    tx.insert_many(rates.as_slice().iter().map(row).collect()).await?;
    let changes = vec!["ставки пеней изменены".to_owned()];
    announce(tx, &changes).await?;
    Ok(changes)
}
