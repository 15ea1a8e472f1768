//! Meters: putting them into service, in bulk as files and the demo do. What staff do with one is in
//! [`crate::service`].

use std::collections::{BTreeSet, HashMap};

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, Quantity, Tx};
use sea_orm::Set;

use crate::entity::meter;
use crate::error::Error;
use crate::readings::{NewReading, check_values, keep};
use crate::resource::{Resource, Source};
use crate::store;

/// A meter to be put into service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMeter {
    /// The account it belongs to.
    pub account: AccountId,
    /// What it measures.
    pub resource: Resource,
    /// Serial number.
    pub serial: String,
    /// Where it hangs; may be empty.
    pub place: String,
    /// Maker's model; may be empty.
    pub model: String,
    /// Whole digits of its dial, 1 to 9.
    pub digits: i32,
    /// Whether it reports by itself.
    pub automatic: bool,
    /// Day of installation.
    pub installed_on: Day,
    /// Last day of its verification.
    pub verified_until: Option<Day>,
    /// What it showed on that day: one value a zone, so their number is the number of zones (1 to 3).
    pub initial: Vec<Quantity>,
}

/// Puts meters into service with their first readings; their identifiers in the order given. A meter of
/// the same account, resource and serial number that is there already keeps its row, so that an import
/// can be repeated.
pub async fn install_many(tx: &Tx, meters: Vec<NewMeter>) -> Result<Vec<MeterId>, Error> {
    let accounts: Vec<AccountId> = meters.iter().map(|m| m.account).collect::<BTreeSet<_>>().into_iter().collect();
    let there = store::meters_of(tx, &accounts).await?;
    let mut known: HashMap<(AccountId, String, String), MeterId> =
        there.into_iter().map(|m| ((m.account_id, m.service_code, m.serial), m.id)).collect();
    let (mut ids, mut rows, mut first) = (Vec::with_capacity(meters.len()), Vec::new(), Vec::new());
    for meter in meters {
        let zones = check(&meter)?;
        let key = (meter.account, meter.resource.code().to_owned(), meter.serial.clone());
        if let Some(id) = known.get(&key) {
            ids.push(*id);
            continue;
        }
        let id: MeterId = tx.new_id();
        known.insert(key, id);
        ids.push(id);
        rows.push(row(tx, id, zones, &meter));
        let (taken_on, values) = (meter.installed_on, meter.initial);
        first.push(NewReading { meter: id, taken_on, values, source: Source::Installation });
    }
    tx.insert_many(rows).await?;
    keep(tx, first).await?;
    Ok(ids)
}

/// The number of zones of a description that makes sense.
pub(crate) fn check(meter: &NewMeter) -> Result<i32, Error> {
    let zones = i32::try_from(meter.initial.len()).unwrap_or(i32::MAX);
    if !(1..=3).contains(&zones) {
        return Err(Error::Invalid(format!("meter {}: {zones} initial values, 1 to 3 are possible", meter.serial)));
    }
    if !(1..=9).contains(&meter.digits) {
        return Err(Error::Invalid(format!("meter {}: {} digits, 1 to 9 are possible", meter.serial, meter.digits)));
    }
    check_values(&meter.initial, zones, &meter.serial)?;
    Ok(zones)
}

pub(crate) fn row(tx: &Tx, id: MeterId, zones: i32, meter: &NewMeter) -> meter::ActiveModel {
    meter::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(id),
        account_id: Set(meter.account),
        service_code: Set(meter.resource.code().to_owned()),
        serial: Set(meter.serial.clone()),
        place: Set(meter.place.clone()),
        model: Set(meter.model.clone()),
        zones: Set(zones),
        digits: Set(meter.digits),
        automatic: Set(meter.automatic),
        installed_on: Set(meter.installed_on),
        removed_on: Set(None),
        verified_until: Set(meter.verified_until),
        replaces: Set(None),
    }
}
