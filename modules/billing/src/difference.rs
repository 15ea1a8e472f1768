//! «Почему счёт изменился»: the difference between two months, split into its causes to the kopeck.
//!
//! Causes are taken one after the other, each at the new values of those before it: what was consumed; people, area and
//! days; the norm; the tariff; the coefficient. So the parts of a service sum to its difference, and a month that differs
//! in one of them alone shows this one alone. A volume that is made of others has their causes: wastewater changes with
//! the people where its water is by norm.

use kabinet_contracts::AccountId;
use kabinet_core::{Money, Period, Tx};
use kabinet_plugin_host::words;
use rust_decimal::Decimal;

use crate::catalog;
use crate::charges::{self, FrozenMonth, tariff_unit};
use crate::error::Error;

mod charged;
mod volume;

use charged::{Charged, charged_in};
pub(crate) use volume::Share;

/// Kopecks that rounding may leave over: two sums on either side, and up to five causes.
const ROUNDING: i64 = 5;

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
        let of = |month: &FrozenMonth| {
            charged_in(&month.snapshot.services, catalog::premises(&month.facts.kind), &month.charges)
        };
        let (old, new) = (of(before), of(after));
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

/// The causes of a difference between two charges of one service, in whole kopecks.
fn of_charge(before: &Charged, after: &Charged) -> Vec<(Cause, Money, String)> {
    let difference = after.charged - before.charged;
    let exact = exact_causes(before, after).unwrap_or_default();
    let mut causes: Vec<(Cause, Money)> = exact.iter().map(|(cause, sum)| (*cause, kopecks(*sum))).collect();
    let rest = difference - causes.iter().map(|(_, sum)| *sum).sum::<Money>();
    // What rounding left over belongs to what changed, and mostly to what changed most.
    let largest = (0..exact.len()).max_by_key(|at| exact[*at].1.abs());
    match largest.filter(|_| rest.0.abs() <= ROUNDING) {
        Some(at) => causes[at].1 += rest,
        None => causes.push((Cause::Charge, rest)),
    }
    let worded = |(at, (cause, sum)): (usize, (Cause, Money))| (cause, sum, detail(cause, at == 0, before, after));
    causes.into_iter().enumerate().map(worded).collect()
}

/// The causes in roubles before rounding, those alone that have a part in it; none where nothing is known of them.
fn exact_causes(before: &Charged, after: &Charged) -> Option<Vec<(Cause, Decimal)>> {
    let at_old_prices = after.cost_at(before)?;
    let (k0, k1) = (before.raised(), after.raised());
    let quantities = quantities(before, after, at_old_prices).into_iter().map(|(cause, sum)| (cause, sum * k0));
    let tariff = (Cause::Tariff, (after.plain() - at_old_prices) * k0);
    let coefficient = (Cause::Coefficient, after.plain() * (k1 - k0));
    let all = quantities.chain([tariff, coefficient]);
    Some(all.filter(|(_, sum)| !sum.is_zero()).collect())
}

/// What the other volume costs more at the old prices, by its causes: the first of them bears what is left over.
fn quantities(before: &Charged, after: &Charged, at_old_prices: Decimal) -> Vec<(Cause, Decimal)> {
    let more = at_old_prices - before.plain();
    let mut causes = volume::changes(&before.made, &after.made).unwrap_or_default();
    if causes.is_empty() {
        // As much as before, at other times of the day.
        return vec![(Cause::Volume, more)];
    }
    let unit = |sum: Decimal, volume: Option<Decimal>| sum.checked_div(volume?);
    let price = unit(at_old_prices, after.volume).or_else(|| unit(before.plain(), before.volume)).unwrap_or_default();
    let mut others = Decimal::ZERO;
    for (_, change) in causes.iter_mut().skip(1) {
        *change = change.checked_mul(price).unwrap_or_default();
        others += *change;
    }
    causes[0].1 = more - others;
    causes
}

/// What changed in figures.
fn detail(cause: Cause, first: bool, before: &Charged, after: &Charged) -> String {
    match cause {
        Cause::Charge => sums(before.charged, after.charged),
        Cause::Tariff => tariffs(before, after),
        Cause::Coefficient => numbers(before.coefficient, after.coefficient, ""),
        Cause::Norm if before.norm != after.norm => numbers(before.norm, after.norm, ""),
        _ if first => volumes(before, after),
        _ => String::new(),
    }
}

fn kopecks(roubles: Decimal) -> Money {
    Money::from_roubles(roubles).unwrap_or_default()
}

fn sums(before: Money, after: Money) -> String {
    format!("{} → {}", words::money(before.roubles()), words::money(after.roubles()))
}

fn volumes(before: &Charged, after: &Charged) -> String {
    let (Some(v0), Some(v1), Some(unit)) = (before.volume, after.volume, after.unit) else { return String::new() };
    let mut text = format!("{} → {}", words::quantity(v0, unit), words::quantity(v1, unit));
    match (before.method, after.method) {
        (Some(was), Some(is)) if was != is => {
            text.push_str(&format!(", {} вместо «{}»", words::method(is), words::method(was)));
            text
        }
        _ if v0 == v1 => String::new(),
        _ => text,
    }
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
