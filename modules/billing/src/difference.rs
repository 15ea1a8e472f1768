//! «Почему счёт изменился»: the difference between two months, split into its causes to the kopeck.
//!
//! Causes are taken one after the other, each at the new values of those before it: the coefficient, the
//! tariff, the norm; what remains is the quantity. So the parts of a service always sum to its difference.

use kabinet_contracts::AccountId;
use kabinet_core::{Money, Period, Quantity, Tx};
use kabinet_plugin_host::api::{Method, Part, Unit, Zone};
use kabinet_plugin_host::words;
use rust_decimal::Decimal;

use crate::calculation::method;
use crate::charges::{self, FrozenMonth, tariff_unit};
use crate::entity::charge;
use crate::error::Error;
use crate::trace;

/// Kopecks that rounding each cause by itself may leave over.
const ROUNDING: i64 = 2;

/// Why a sum differs from the month before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// More or less was consumed.
    Volume,
    /// Another price.
    Tariff,
    /// Other residents, area, or days of the month.
    People,
    /// Another norm.
    Norm,
    /// Another raising coefficient.
    Coefficient,
    /// Corrections of earlier months.
    Recalculation,
    /// Penalty.
    Penalty,
    /// The service was not charged the month before.
    Added,
    /// The service is not charged any more.
    Removed,
    /// The charge itself: nothing is known of how it came about.
    Charge,
}

impl Cause {
    /// The cause in words for residents.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Volume => "объём",
            Self::Tariff => "тариф",
            Self::People => "число проживающих, площадь или дни",
            Self::Norm => "норматив",
            Self::Coefficient => "повышающий коэффициент",
            Self::Recalculation => "перерасчёт",
            Self::Penalty => "пени",
            Self::Added => "новая услуга",
            Self::Removed => "больше не начисляется",
            Self::Charge => "начисление",
        }
    }
}

/// One cause of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Name of the service.
    pub service: String,
    /// The cause.
    pub cause: Cause,
    /// What it adds, kopecks; negative when it makes the bill smaller.
    pub amount: Money,
    /// «4 м³ → 6 м³»; empty where there is nothing to compare.
    pub detail: String,
}

/// Two months and what lies between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The earlier month.
    pub before: Period,
    /// The later one.
    pub after: Period,
    /// What the earlier month added: charges, recalculations, penalty.
    pub from: Money,
    /// What the later one added.
    pub to: Money,
    /// The causes, in the order of the services; they sum to `to` − `from`.
    pub steps: Vec<Step>,
}

impl Difference {
    /// The difference between two billed months of one account.
    #[must_use]
    pub fn between(before: &FrozenMonth, after: &FrozenMonth) -> Self {
        let (old, new) = (charged_in(before), charged_in(after));
        let sum = |lines: &[Charged]| lines.iter().map(Charged::added).sum();
        Self {
            before: before.run.period,
            after: after.run.period,
            from: sum(&old),
            to: sum(&new),
            steps: steps(&old, &new),
        }
    }

    /// What each cause adds over all services, in the order of [`Cause`].
    #[must_use]
    pub fn by_cause(&self) -> Vec<(Cause, Money)> {
        let mut sums: Vec<(Cause, Money)> = Vec::new();
        for step in &self.steps {
            match sums.iter_mut().find(|(cause, _)| *cause == step.cause) {
                Some((_, sum)) => *sum += step.amount,
                None => sums.push((step.cause, step.amount)),
            }
        }
        sums.sort_by_key(|(cause, _)| *cause);
        sums
    }
}

/// The account's month `asked` (the latest without one) beside the month before it; [`Error::NoSuchReceipt`]
/// where one of them has no receipt.
pub(crate) async fn of_month(tx: &Tx, account: AccountId, asked: Option<&str>) -> Result<Difference, Error> {
    let months = charges::months(tx, account).await?;
    let after = charges::chosen(&months, asked)?.ok_or(Error::NoSuchReceipt)?;
    let before = months.iter().find(|month| month.period == after.period.previous()).ok_or(Error::NoSuchReceipt)?;
    let before = charges::frozen(tx, account, before.run_id).await?;
    let after = charges::frozen(tx, account, after.run_id).await?;
    Ok(Difference::between(&before, &after))
}

/// A service of one month, as far as it can be compared.
#[derive(Clone, Debug, Default)]
struct Charged {
    code: String,
    title: String,
    unit: Option<Unit>,
    charged: Money,
    excess: Money,
    recalculation: Money,
    penalty: Money,
    method: Option<Method>,
    volume: Option<Decimal>,
    parts: Vec<Part>,
    norm: Option<Decimal>,
    coefficient: Option<Decimal>,
}

impl Charged {
    fn added(&self) -> Money {
        self.charged + self.recalculation + self.penalty
    }

    /// Without the excess of the raising coefficient, roubles.
    fn plain(&self) -> Decimal {
        (self.charged - self.excess).roubles()
    }

    /// The price of a zone and range in this month: its own, or the zone's first, or what a unit cost on
    /// average.
    fn price(&self, part: &Part) -> Option<Decimal> {
        let of_zone = |old: &&Part| old.zone == part.zone;
        let same = self.parts.iter().filter(of_zone).find(|old| old.above == part.above);
        let known = same.or_else(|| self.parts.iter().find(of_zone)).map(|old| old.tariff);
        let volume = self.volume.filter(|volume| !volume.is_zero());
        known.or_else(|| volume.map(|volume| self.plain() / volume))
    }

    fn by_norm(&self) -> bool {
        matches!(self.method, Some(Method::Norm | Method::NormRaised))
    }
}

fn charged_in(month: &FrozenMonth) -> Vec<Charged> {
    let charged = |row: &charge::Model| {
        let service = month.snapshot.service(&row.service_code);
        let decimal = |value: Option<Quantity>| value.map(Quantity::decimal);
        let volume = decimal(row.volume);
        let mut parts = trace::decode(&row.trace).parts;
        if let (true, Some(volume), Some(tariff)) = (parts.is_empty(), volume, decimal(row.tariff)) {
            let (zone, above, exact_amount) = (Zone::WholeDay, Decimal::ZERO, volume * tariff);
            parts.push(Part { zone, above, volume, tariff, exact_amount });
        }
        Charged {
            code: row.service_code.clone(),
            title: service.map_or_else(|| row.service_code.clone(), |service| service.title.clone()),
            unit: service.map(|service| service.unit),
            charged: row.charged,
            excess: row.excess,
            recalculation: row.recalculation,
            penalty: row.penalty,
            method: method(&row.method),
            volume,
            parts,
            norm: decimal(row.norm),
            coefficient: decimal(row.coefficient),
        }
    };
    month.charges.iter().map(charged).collect()
}

/// The causes of all services; services of the later month first, in their order.
fn steps(old: &[Charged], new: &[Charged]) -> Vec<Step> {
    let mut steps = Vec::new();
    let nothing = Charged::default();
    for after in new {
        let before = old.iter().find(|before| before.code == after.code).unwrap_or(&nothing);
        of_service(before, after, &mut steps);
    }
    for before in old.iter().filter(|before| !new.iter().any(|after| after.code == before.code)) {
        let gone = Charged { code: before.code.clone(), title: before.title.clone(), ..Charged::default() };
        of_service(before, &gone, &mut steps);
    }
    steps.retain(|step| step.amount != Money::ZERO);
    steps
}

fn of_service(before: &Charged, after: &Charged, steps: &mut Vec<Step>) {
    let mut add = |cause, amount, detail| steps.push(Step { service: after.title.clone(), cause, amount, detail });
    match (before.method, after.method) {
        (None, Some(_)) if before.charged == Money::ZERO => add(Cause::Added, after.charged, String::new()),
        (Some(_), None) if after.charged == Money::ZERO => add(Cause::Removed, -before.charged, String::new()),
        _ => {
            for (cause, amount, detail) in of_charge(before, after) {
                add(cause, amount, detail);
            }
        }
    }
    add(Cause::Recalculation, after.recalculation - before.recalculation, String::new());
    add(Cause::Penalty, after.penalty - before.penalty, String::new());
}

/// The causes of a difference between two charges of one service.
fn of_charge(before: &Charged, after: &Charged) -> Vec<(Cause, Money, String)> {
    let difference = after.charged - before.charged;
    let Some(at_old_prices) = at_prices_of(before, after) else {
        return vec![(Cause::Charge, difference, String::new())];
    };
    let (k0, k1) = (raised(before), raised(after));
    let coefficient = kopecks(after.plain() * (k1 - k0));
    let exact: Decimal = after.parts.iter().map(|part| part.volume * part.tariff).sum();
    let tariff = kopecks((exact - at_old_prices) * k0);
    let norm = match (before.norm, after.norm) {
        (Some(n0), Some(n1)) if before.by_norm() && after.by_norm() && n0 != n1 && !n1.is_zero() => {
            kopecks((at_old_prices - at_old_prices * n0 / n1) * k0)
        }
        _ => Money::ZERO,
    };
    let mut rest = difference - coefficient - tariff - norm;
    let mut causes = vec![
        (Cause::Tariff, tariff, tariffs(before, after)),
        (Cause::Norm, norm, numbers(before.norm, after.norm, "")),
        (Cause::Coefficient, coefficient, numbers(before.coefficient, after.coefficient, "")),
    ];
    if before.volume == after.volume && rest.0.abs() <= ROUNDING {
        // Nothing else was consumed: what rounding left over belongs to what changed.
        let largest = causes.iter_mut().map(|(_, sum, _)| sum).max_by_key(|sum| sum.0.abs());
        if let Some(largest) = largest.filter(|sum| **sum != Money::ZERO) {
            *largest += std::mem::take(&mut rest);
        }
    }
    let by_people = |side: &Charged| side.by_norm() || matches!(side.method, Some(Method::Persons | Method::Area));
    let quantity = if by_people(before) && by_people(after) { Cause::People } else { Cause::Volume };
    causes.insert(0, (quantity, rest, volumes(before, after)));
    causes
}

/// What the later month's volume would have cost at the earlier month's prices, roubles; none where the
/// volumes or prices are not known.
fn at_prices_of(before: &Charged, after: &Charged) -> Option<Decimal> {
    (before.volume.is_some() && after.volume.is_some() && !after.parts.is_empty()).then_some(())?;
    after.parts.iter().map(|part| Some(part.volume * before.price(part)?)).sum()
}

/// How many times the plain charge was raised.
fn raised(charged: &Charged) -> Decimal {
    charged.coefficient.filter(|_| charged.excess != Money::ZERO).unwrap_or(Decimal::ONE)
}

fn kopecks(roubles: Decimal) -> Money {
    Money::from_roubles(roubles).unwrap_or_default()
}

fn volumes(before: &Charged, after: &Charged) -> String {
    let (Some(v0), Some(v1), Some(unit)) = (before.volume, after.volume, after.unit) else { return String::new() };
    let mut text = format!("{} → {}", words::quantity(v0, unit), words::quantity(v1, unit));
    if let (Some(was), Some(is)) = (before.method, after.method)
        && was != is
    {
        text.push_str(&format!(", {} вместо «{}»", words::method(is), words::method(was)));
    }
    text
}

fn tariffs(before: &Charged, after: &Charged) -> String {
    match (before.parts.as_slice(), after.parts.as_slice(), after.unit) {
        ([old], [new], Some(unit)) => numbers(Some(old.tariff), Some(new.tariff), &tariff_unit(unit)),
        _ => String::new(),
    }
}

fn numbers(before: Option<Decimal>, after: Option<Decimal>, unit: &str) -> String {
    let (Some(before), Some(after)) = (before, after) else { return String::new() };
    format!("{} → {} {unit}", words::number(before), words::number(after)).trim_end().to_owned()
}

#[cfg(test)]
mod tests;
