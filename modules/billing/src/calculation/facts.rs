//! What a receipt says beside its sums, frozen with the run. Field names are short: there is one such
//! text for each account and month.

use kabinet_core::{Day, Money, Quantity};
use kabinet_meters::consumption::MeterMonth;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AccountCase, PaymentFact};
use crate::awards::Award;
use crate::instalments::DuePart;
use crate::plan::Plan;

/// The account as it was when its bill was calculated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Account number.
    #[serde(rename = "n")]
    pub number: String,
    /// ЕЛС; may be empty.
    #[serde(rename = "e", default, skip_serializing_if = "String::is_empty")]
    pub els: String,
    /// ИЖКУ; may be empty.
    #[serde(rename = "i", default, skip_serializing_if = "String::is_empty")]
    pub izhku: String,
    /// The holder as printed.
    #[serde(rename = "h")]
    pub holder: String,
    /// Address of the premises in one line.
    #[serde(rename = "a")]
    pub address: String,
    /// Kind of premises.
    #[serde(rename = "k")]
    pub kind: String,
    /// The house, where the run knows figures of it.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub house: Option<Uuid>,
    /// Area, m².
    #[serde(rename = "s")]
    pub area: Quantity,
    /// Registered residents, permanent and temporary.
    #[serde(rename = "r")]
    pub residents: u32,
    /// Owners.
    #[serde(rename = "o")]
    pub owners: u32,
    /// Meters, one entry a zone.
    #[serde(rename = "m", default, skip_serializing_if = "Vec::is_empty")]
    pub meters: Vec<FrozenMeter>,
    /// The last payment of each receipt kind: kind, day, sum.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub last_payments: Vec<(String, Day, Money)>,
    /// Parts of instalments.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub instalments: Vec<FrozenInstalment>,
    /// What is left of courts' awards.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub awards: Vec<FrozenAward>,
}

/// A part of instalments that the bill asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenInstalment {
    /// Code of the service.
    #[serde(rename = "c")]
    pub service: String,
    /// The part.
    #[serde(rename = "a")]
    pub amount: Money,
    /// Interest of the month.
    #[serde(rename = "i")]
    pub interest: Money,
    /// Interest, per cent a year.
    #[serde(rename = "p")]
    pub percent: Quantity,
}

/// What is left of a court's award.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenAward {
    /// Code of the receipt kind.
    #[serde(rename = "k")]
    pub kind: String,
    /// The decision in words.
    #[serde(rename = "b")]
    pub basis: String,
    /// What is not paid of it.
    #[serde(rename = "a")]
    pub remaining: Money,
}

/// One zone of a meter in the month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenMeter {
    /// Code of the service it measures.
    #[serde(rename = "c")]
    pub service: String,
    /// Serial number.
    #[serde(rename = "n")]
    pub serial: String,
    /// Where it hangs; may be empty.
    #[serde(rename = "p", default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Which zone, counted from one; 0 for a meter with one.
    #[serde(rename = "z", default, skip_serializing_if = "is_zero")]
    pub zone: u8,
    /// How many zones the meter has.
    #[serde(rename = "q", default, skip_serializing_if = "is_zero")]
    pub zones: u8,
    /// Reading at the start.
    #[serde(rename = "b")]
    pub previous: Quantity,
    /// Reading at the end; none when none came.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Quantity>,
    /// What it measured in between.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Quantity>,
    /// Last day of its verification.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub verified_until: Option<Day>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(number: &u8) -> bool {
    *number == 0
}

/// What is frozen of a case.
pub(super) fn freeze(plan: &Plan, case: &AccountCase) -> Facts {
    let account = &case.facts;
    Facts {
        number: account.number.clone(),
        els: account.els.clone(),
        izhku: account.izhku.clone(),
        holder: account.holder.clone(),
        address: account.address.clone(),
        kind: account.kind.clone(),
        house: plan.houses().position(account.house_id).map(|_| account.house_id),
        area: account.area,
        residents: account.registered + account.temporary,
        owners: account.owners,
        meters: case.meters.iter().flat_map(zones).collect(),
        last_payments: last_payments(&case.standing.payments),
        instalments: case.instalments.iter().map(part).collect(),
        awards: case.awards.iter().map(award).collect(),
    }
}

fn part(part: &DuePart) -> FrozenInstalment {
    let (service, percent) = (part.service_code.clone(), part.percent);
    FrozenInstalment { service, amount: part.amount, interest: part.interest, percent }
}

fn award(award: &Award) -> FrozenAward {
    FrozenAward { kind: award.kind_code.clone(), basis: award.basis.clone(), remaining: award.remaining }
}

fn zones(meter: &MeterMonth) -> impl Iterator<Item = FrozenMeter> + '_ {
    let count = u8::try_from(meter.zones.len()).unwrap_or(u8::MAX);
    (1_u8..).zip(&meter.zones).map(move |(number, zone)| FrozenMeter {
        service: meter.service_code.clone(),
        serial: meter.serial.clone(),
        place: meter.place.clone(),
        zone: if count > 1 { number } else { 0 },
        zones: if count > 1 { count } else { 0 },
        previous: zone.previous,
        current: zone.current,
        volume: zone.volume,
        verified_until: meter.verified_until,
    })
}

fn last_payments(payments: &[PaymentFact]) -> Vec<(String, Day, Money)> {
    let mut last: Vec<(String, Day, Money)> = Vec::new();
    for payment in payments {
        match last.iter_mut().find(|(kind, ..)| *kind == payment.kind) {
            Some(entry) => (entry.1, entry.2) = (payment.paid_on, payment.amount),
            None => last.push((payment.kind.clone(), payment.paid_on, payment.amount)),
        }
    }
    last
}
