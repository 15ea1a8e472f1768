//! What was charged in a month and why, from the frozen rows of its published run.

use std::collections::HashMap;

use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{DbError, Money, Period, Quantity, Tx};
use kabinet_plugin_host::api::{Method, Part, Unit};
use kabinet_plugin_host::words;
use kabinet_render::format;
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter};

use crate::calculation::{CARRIED, Facts, FrozenMeter, measured, method, zone_of};
use crate::catalog::Service;
use crate::entity::{charge, receipt_facts};
use crate::error::Error;
use crate::houses::{HouseFigures, Houses};
use crate::penalty::Interval;
use crate::plan::Snapshot;
use crate::recalculations::house::BASIS;
use crate::trace::{self, Reasons};

/// A month that an account was billed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct BilledMonth {
    /// The period.
    pub period: Period,
    /// Its published run.
    pub run_id: RunId,
}

/// The months with a receipt of the account, newest first.
pub async fn months(tx: &Tx, account: AccountId) -> Result<Vec<BilledMonth>, DbError> {
    tx.rows(
        "SELECT DISTINCT r.period, r.id AS run_id
         FROM receipt c JOIN billing_run r ON r.tenant_id = c.tenant_id AND r.id = c.run_id
         WHERE c.tenant_id = $1 AND c.account_id = $2 AND r.state = 'published' ORDER BY r.period DESC",
        vec![account.0.into()],
    )
    .await
}

/// The one of `months` that is asked for by its text, the latest without one; [`Error::NoSuchReceipt`] when the text
/// is none of them.
pub(crate) fn chosen(months: &[BilledMonth], asked: Option<&str>) -> Result<Option<BilledMonth>, Error> {
    let Some(text) = asked.filter(|text| !text.is_empty()) else { return Ok(months.first().copied()) };
    let period: Period = text.parse().map_err(|_| Error::NoSuchReceipt)?;
    months.iter().find(|month| month.period == period).copied().map(Some).ok_or(Error::NoSuchReceipt)
}

/// An account's frozen rows of one published month.
#[derive(Clone, Debug)]
pub struct FrozenMonth {
    /// The run.
    pub run: crate::entity::billing_run::Model,
    /// What it was calculated with.
    pub snapshot: Snapshot,
    /// The charges, in the order of the services.
    pub charges: Vec<charge::Model>,
    /// What else the receipt says.
    pub facts: Facts,
    /// What the run knows of the house.
    pub house: Option<HouseFigures>,
}

/// The frozen rows of the account in `run`.
pub async fn frozen(tx: &Tx, account: AccountId, run: RunId) -> Result<FrozenMonth, Error> {
    let run = crate::store::run(tx, run).await?.ok_or(Error::NoSuchRun)?;
    let snapshot: Snapshot = serde_json::from_str(&run.snapshot)?;
    let mine =
        charge::Entity::find().filter(charge::Column::RunId.eq(run.id)).filter(charge::Column::AccountId.eq(account));
    let mut charges = tx.all(mine).await?;
    charges.sort_by_key(|row| snapshot.position(&row.service_code));
    let facts = receipt_facts::Entity::find()
        .filter(receipt_facts::Column::RunId.eq(run.id))
        .filter(receipt_facts::Column::AccountId.eq(account));
    let facts = tx.one(facts).await?.ok_or(Error::NoSuchReceipt)?;
    let facts: Facts = serde_json::from_str(&facts.facts)?;
    let house = match facts.house {
        Some(house) => Houses::one(tx, run.id, house).await?,
        None => None,
    };
    Ok(FrozenMonth { facts, run, snapshot, charges, house })
}

/// The frozen rows of many accounts in a run whose snapshot is read, in the order of `accounts`.
pub(crate) async fn frozen_all(
    tx: &Tx,
    run: &crate::entity::billing_run::Model,
    snapshot: &Snapshot,
    accounts: &[AccountId],
) -> Result<Vec<FrozenMonth>, Error> {
    let theirs = accounts.iter().copied();
    let charges = charge::Entity::find()
        .filter(charge::Column::RunId.eq(run.id))
        .filter(charge::Column::AccountId.is_in(theirs.clone()));
    let mut charges_of: HashMap<AccountId, Vec<charge::Model>> = HashMap::with_capacity(accounts.len());
    for row in tx.all(charges).await? {
        charges_of.entry(row.account_id).or_default().push(row);
    }
    let facts = receipt_facts::Entity::find()
        .filter(receipt_facts::Column::RunId.eq(run.id))
        .filter(receipt_facts::Column::AccountId.is_in(theirs));
    let facts = tx.all(facts).await?;
    let mut facts_of: HashMap<AccountId, String> = facts.into_iter().map(|row| (row.account_id, row.facts)).collect();
    let houses = Houses::of(tx, run.id).await?;
    let month = |account: &AccountId| {
        let mut charges = charges_of.remove(account).unwrap_or_default();
        charges.sort_by_key(|row| snapshot.position(&row.service_code));
        let facts = facts_of.remove(account).ok_or(Error::NoSuchReceipt)?;
        let facts: Facts = serde_json::from_str(&facts)?;
        let house = facts.house.and_then(|house| houses.get(house)).cloned();
        Ok(FrozenMonth { facts, run: run.clone(), snapshot: snapshot.clone(), charges, house })
    };
    accounts.iter().map(month).collect()
}

/// One service of a month with its reasons in words. Money in kopecks, quantities scaled by 10^7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeLine {
    /// Name of the service.
    pub service: String,
    /// Unit of the volume: «м³».
    pub unit: String,
    /// Roubles a unit; none for zones and ranges.
    pub tariff: Option<Quantity>,
    /// «₽ за м³».
    pub tariff_unit: Option<String>,
    /// The norm.
    pub norm: Option<Quantity>,
    /// «м³ на человека».
    pub norm_unit: Option<String>,
    /// The volume.
    pub volume: Option<Quantity>,
    /// How it was determined.
    pub method: Option<String>,
    /// The formula in words.
    pub formula: Option<String>,
    /// Zones and ranges.
    pub parts: Vec<ChargePart>,
    /// The raising coefficient.
    pub coefficient: Option<Quantity>,
    /// What it adds, part of `amount`.
    pub excess: Option<Money>,
    /// The month's charge with the excess.
    pub amount: Money,
    /// Corrections of earlier months.
    pub recalculation: Money,
    /// Their basis.
    pub recalculation_reason: Option<String>,
    /// Penalty.
    pub penalty: Money,
    /// How it came about: one entry an interval of days.
    pub penalty_reasons: Vec<String>,
}

/// A zone or range of a month's volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargePart {
    /// «Т1, день», «свыше 3 900 кВт·ч».
    pub label: String,
    /// Volume.
    pub volume: Quantity,
    /// Roubles a unit.
    pub tariff: Quantity,
    /// Kopecks.
    pub amount: Money,
}

/// The month's lines in words: what was charged or corrected, carried balances left out.
#[must_use]
pub fn lines(month: &FrozenMonth) -> Vec<ChargeLine> {
    let charged = month
        .charges
        .iter()
        .filter(|row| row.method != CARRIED || row.penalty != Money::ZERO || row.recalculation != Money::ZERO);
    charged.filter_map(|row| Some(line(month, month.snapshot.service(&row.service_code)?, row))).collect()
}

fn line(month: &FrozenMonth, service: &Service, row: &charge::Model) -> ChargeLine {
    let reasons = trace::decode(&row.trace);
    let unit = words::unit(service.unit);
    let formula = words::formula(&reasons.terms);
    let parts = charge_parts(&reasons, service.unit, row.charged - row.excess);
    ChargeLine {
        service: service.title.clone(),
        unit: unit.to_owned(),
        tariff: row.tariff.filter(|_| parts.is_empty()),
        tariff_unit: row.tariff.filter(|_| parts.is_empty()).map(|_| tariff_unit(service.unit)),
        norm: row.norm,
        norm_unit: row.norm.map(|_| norm_unit(service)),
        volume: row.volume,
        method: method_words(row, &reasons, service, &month.facts.meters).map(|words| of_house(month, service, words)),
        formula: Some(formula).filter(|text| !text.is_empty()),
        parts,
        coefficient: row.coefficient,
        excess: Some(row.excess).filter(|sum| *sum != Money::ZERO),
        amount: row.charged,
        recalculation: row.recalculation,
        recalculation_reason: recalculation_reason(&reasons),
        penalty: row.penalty,
        penalty_reasons: reasons.penalty.iter().map(penalty_reason).collect(),
    }
}

/// «долг за август 2026: 1 000,00 ₽ × 16 дн. × 9,5 % ÷ 300».
fn penalty_reason(interval: &Interval) -> String {
    let debt = format::period(interval.debt.0.unsigned_abs());
    let what = if interval.principal < Money::ZERO {
        "возврат пеней с оплаченного или снятого долга"
    } else {
        "долг"
    };
    let principal = format::rub_sign(interval.principal.0.abs());
    let percent = Quantity::from_decimal(interval.percent).unwrap_or_default();
    let (days, divisor) = (interval.days, interval.divisor);
    format!("{what} за {debt}: {principal} × {days}\u{a0}дн. × {}\u{a0}% ÷ {divisor}", format::quantity(percent.0))
}

/// Zones and ranges of a charge without its excess. It was rounded once, as a whole: each part is what its own sum
/// adds to the rounded sum of those before it, so that together they are the charge.
pub(crate) fn charge_parts(reasons: &Reasons, unit: Unit, charged: Money) -> Vec<ChargePart> {
    let (mut exact, mut before) = (Decimal::ZERO, Money::ZERO);
    let last = reasons.parts.len().saturating_sub(1);
    let part = |(at, part): (usize, &Part)| {
        exact += part.exact_amount;
        let sum = if at == last { charged } else { Money::from_roubles(exact).unwrap_or_default() };
        let amount = sum - std::mem::replace(&mut before, sum);
        ChargePart { label: label(&reasons.parts, at, unit), ..charge_part(part, amount) }
    };
    reasons.parts.iter().enumerate().map(part).collect()
}

fn charge_part(part: &Part, amount: Money) -> ChargePart {
    ChargePart {
        label: String::new(),
        volume: Quantity::from_decimal(part.volume).unwrap_or_default(),
        tariff: Quantity::from_decimal(part.tariff).unwrap_or_default(),
        amount,
    }
}

/// «Т1, день, свыше 3 900 кВт·ч»; where the tariff changed within the month, which of them it is.
fn label(parts: &[Part], at: usize, unit: Unit) -> String {
    let Some(part) = parts.get(at) else { return String::new() };
    let alike = |(_, other): &(usize, &Part)| (other.zone, other.above) == (part.zone, part.above);
    let alike: Vec<usize> = parts.iter().enumerate().filter(alike).map(|(at, _)| at).collect();
    let tariff = match alike.as_slice() {
        [_] => "",
        [first, ..] if *first == at => "прежний тариф",
        _ => "новый тариф",
    };
    let zone = match words::zone(part.zone) {
        "" => String::new(),
        name => format!("{}{}", zone_number(part.zone), name),
    };
    let range = if part.above > Decimal::ZERO {
        format!("свыше {}", words::quantity(part.above, unit))
    } else {
        String::new()
    };
    let words: Vec<&str> = [&zone, &range, tariff].into_iter().filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "начальный объём".to_owned() } else { words.join(", ") }
}

/// Т1 is the day of two zones and the peak of three, Т2 the night, Т3 the half-peak.
fn zone_number(zone: kabinet_plugin_host::api::Zone) -> &'static str {
    use kabinet_plugin_host::api::Zone;
    match zone {
        Zone::Day | Zone::Peak => "Т1, ",
        Zone::Night => "Т2, ",
        Zone::HalfPeak => "Т3, ",
        Zone::WholeDay => "",
    }
}

pub(crate) fn tariff_unit(unit: Unit) -> String {
    match unit {
        Unit::Person => "₽ с человека".to_owned(),
        Unit::One | Unit::Rouble => "₽".to_owned(),
        other => format!("₽ за {}", words::unit(other)),
    }
}

/// «м³ на человека»; a norm of heating is for a square metre.
pub(crate) fn norm_unit(service: &Service) -> String {
    use kabinet_plugin_host::api::ServiceKind;
    let of = match (service.resource, service.unit) {
        (ServiceKind::Heating, _) => "м²",
        (ServiceKind::CommonProperty, _) => "м² общего имущества",
        // The heat in hot water.
        (_, Unit::Gigacalorie) => "м³",
        _ => "человека",
    };
    format!("{} на {of}", words::unit(service.unit))
}

fn method_words(row: &charge::Model, reasons: &Reasons, service: &Service, meters: &[FrozenMeter]) -> Option<String> {
    let how = method(&row.method)?;
    if how == Method::Meter {
        return Some(meter_words(service, meters));
    }
    let words = match how {
        Method::Average => "по среднему за прошлые месяцы",
        Method::Norm => "по нормативу",
        Method::NormRaised => "по нормативу с повышающим коэффициентом",
        Method::Derived if service.unit == Unit::Gigacalorie => "по объёму горячей воды",
        Method::Derived => "сумма объёмов холодной и горячей воды",
        Method::Area => "по площади помещения",
        Method::Persons => "по числу человек",
        other => words::method(other),
    };
    Some(match reasons.reason {
        Some(reason) => format!("{words}: {}", words::reason(reason)),
        None => words.to_owned(),
    })
}

/// How a volume was determined, with what stands in for the meter of the house where it did not count the month.
fn of_house(month: &FrozenMonth, service: &Service, words: String) -> String {
    let house = month.house.as_ref();
    match house.and_then(|house| house.unread_for(&month.snapshot, &service.code)) {
        Some(unread) => format!("{words}; общедомовой прибор – {}", unread.words()),
        None => words,
    }
}

fn meter_words(service: &Service, meters: &[FrozenMeter]) -> String {
    let own: Vec<&FrozenMeter> =
        meters.iter().filter(|meter| measured(&meter.service) == Some(service.resource)).collect();
    let mut serials: Vec<&str> = own.iter().map(|meter| meter.serial.as_str()).collect();
    serials.dedup();
    if serials.len() < 2 {
        return "по показаниям прибора учёта".to_owned();
    }
    let each = own.iter().filter_map(|meter| {
        let place = if meter.place.is_empty() { format!("№\u{a0}{}", meter.serial) } else { meter.place.clone() };
        Some(format!("{place} {}\u{a0}{}", meter.volume?, words::unit(service.unit)))
    });
    format!("по показаниям приборов учёта: {}", each.collect::<Vec<_>>().join(", "))
}

/// Why earlier months are corrected, with their names.
pub(crate) fn recalculation_reason(reasons: &Reasons) -> Option<String> {
    let mut words_of: Vec<(String, Vec<String>)> = Vec::new();
    let computed = reasons.recalculations.iter().map(|correction| {
        let month = u32::from(correction.period.year) * 100 + u32::from(correction.period.month);
        (capitalised(words::basis(correction.basis)), month)
    });
    let recorded = reasons.corrections.iter();
    let recorded = recorded.map(|correction| (capitalised(&correction.basis), correction.period.0.unsigned_abs()));
    for (basis, month) in computed.chain(recorded) {
        let month = format::period(month);
        match words_of.iter_mut().find(|(known, _)| *known == basis) {
            // A house's month that was corrected twice is named once; what older bills say stays as it was printed.
            Some((known, months)) if known == BASIS && months.contains(&month) => {}
            Some((_, months)) => months.push(month),
            None => words_of.push((basis, vec![month])),
        }
    }
    let sentences: Vec<String> =
        words_of.into_iter().map(|(basis, months)| format!("{basis}: {}", months.join(", "))).collect();
    Some(sentences.join("; ")).filter(|text| !text.is_empty())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The zone's label of a frozen meter, empty for one zone.
pub(crate) fn zone_label(meter: &FrozenMeter) -> String {
    if meter.zone == 0 {
        return String::new();
    }
    let zone = zone_of(usize::from(meter.zone) - 1, usize::from(meter.zones));
    format!("{}{}", zone_number(zone), words::zone(zone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Book;
    use crate::trace::Correction;

    #[test]
    fn a_month_of_a_house_is_named_once_and_older_bills_are_printed_as_they_were() {
        let correction = |basis: &str| Correction {
            period: Period(202_610),
            amount: Money(100),
            basis: basis.to_owned(),
            book: Book::Revenue,
        };
        let twice = |basis| {
            let corrections = vec![correction(basis), correction(basis)];
            recalculation_reason(&Reasons { corrections, ..Reasons::default() })
        };
        let month = format::period(202_610);
        assert_eq!(twice(BASIS), Some(format!("{BASIS}: {month}")));
        assert_eq!(twice("По акту"), Some(format!("По акту: {month}, {month}")));
    }
}
