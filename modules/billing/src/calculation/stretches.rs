//! A month in which terms change: charged by the terms of each stretch of days as if they held all month, and put
//! together by days.

use kabinet_core::Money;
use kabinet_core::values::round_half_up;
use kabinet_plugin_host::api::{
    Account, AccountCharges, Line, Operation, Part, Recalculation, Role, ServiceTable, Term, Unit,
};
use rust_decimal::Decimal;

/// Places that a volume is rounded to before it meets a tariff.
const VOLUME_PLACES: u32 = 7;
/// Places of a coefficient in the state's own format.
const COEFFICIENT_PLACES: u32 = 2;

/// Days of a month in which the same terms hold, numbered from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The first day.
    pub(crate) first: u8,
    /// The last day.
    pub(crate) last: u8,
}

impl Stretch {
    /// How many days.
    pub(crate) const fn days(self) -> u32 {
        (self.last - self.first + 1) as u32
    }

    /// On how many of its days the account was open.
    fn days_of(self, account: &Account) -> u32 {
        if account.spans.is_empty() {
            return self.days();
        }
        let within = |from: u8, to: u8| (to.min(self.last) + 1).saturating_sub(from.max(self.first));
        account.spans.iter().map(|span| u32::from(within(span.from_day, span.to_day))).sum()
    }
}

/// The month's charges of accounts for the services of `tables`; `charged` is what each stretch would make of the whole
/// month, in the order of its days. None where it is not the same accounts and services in each.
pub(super) fn put_together(
    tables: &[ServiceTable],
    accounts: &[Account],
    charged: &[(Stretch, Vec<AccountCharges>)],
) -> Option<Vec<AccountCharges>> {
    let of_account = |(at, account): (usize, &Account)| {
        let days = charged.iter().map(|(stretch, _)| stretch.days_of(account));
        let answers = charged.iter().map(|(_, answers)| answers.get(at));
        let shares: Vec<_> = days.zip(answers).map(|(days, answer)| Some((days, answer?))).collect::<Option<_>>()?;
        let open: Vec<_> = shares.iter().filter(|(days, _)| *days > 0).copied().collect();
        by_days(tables, if open.is_empty() { &shares[shares.len().checked_sub(1)?..] } else { &open })
    };
    accounts.iter().enumerate().map(of_account).collect()
}

fn by_days(tables: &[ServiceTable], shares: &[(u32, &AccountCharges)]) -> Option<AccountCharges> {
    let (_, last) = shares.last()?;
    if shares.len() == 1 {
        return Some((*last).clone());
    }
    let line = |(at, last): (usize, &Line)| {
        let lines = shares.iter().map(|(days, answer)| Some((Decimal::from(*days), answer.lines.get(at)?)));
        let lines: Vec<_> = lines.collect::<Option<_>>()?;
        let unit = tables.get(usize::from(last.service))?.unit;
        let same = lines.iter().all(|(_, line)| line.service == last.service);
        same.then(|| Shares { days: lines.iter().map(|(days, _)| days).sum(), lines, last, unit }.line())
    };
    let lines = last.lines.iter().enumerate().map(line).collect::<Option<_>>()?;
    Some(AccountCharges { index: last.index, lines })
}

/// The lines of one service, each with the days that it counts for.
struct Shares<'a> {
    lines: Vec<(Decimal, &'a Line)>,
    /// All their days.
    days: Decimal,
    /// The line of the last days.
    last: &'a Line,
    /// Of the volumes.
    unit: Unit,
}

impl Shares<'_> {
    fn line(&self) -> Line {
        // Where only some days are raised, the line is one that is.
        let raised = self.lines.iter().rev().find(|(_, line)| line.coefficient.is_some());
        let usual = raised.map_or(self.last, |(_, line)| *line);
        let parts = self.parts();
        let exact_amount = parts.iter().map(|part| part.exact_amount).sum();
        let exact_excess = self.weighted(|line| line.exact_excess);
        let norm = usual.norm.map(|norm| self.weighted(|line| line.norm.unwrap_or(norm)));
        let coefficient = usual.coefficient.map(|_| self.weighted(|line| line.coefficient.unwrap_or(Decimal::ONE)));
        Line {
            volume: round_half_up(self.weighted(|line| line.volume), VOLUME_PLACES),
            norm: norm.map(|norm| round_half_up(norm, VOLUME_PLACES)),
            coefficient: coefficient.map(|coefficient| round_half_up(coefficient, COEFFICIENT_PLACES)),
            amount: kopecks(exact_amount),
            excess: kopecks(exact_excess),
            exact_amount,
            exact_excess,
            recalculations: self.recalculations(),
            trace: self.trace(&parts, exact_amount, exact_excess),
            parts,
            ..usual.clone()
        }
    }

    /// The figure by days; itself where it is the same on all.
    fn weighted(&self, of: impl Fn(&Line) -> Decimal) -> Decimal {
        if self.is_same(&of) {
            return of(self.last);
        }
        self.lines.iter().map(|(days, line)| of(line) * days).sum::<Decimal>() / self.days
    }

    fn is_same<T: PartialEq>(&self, of: impl Fn(&Line) -> T) -> bool {
        self.lines.iter().all(|(_, line)| of(line) == of(self.last))
    }

    /// The volume of each stretch, rounded before it meets its tariffs; what met the same tariff is one part.
    fn parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for (days, part) in self.shared_parts() {
            let volume = part.volume * days / self.days;
            let met = |part: &Part| (part.zone, part.above, part.tariff);
            match parts.iter_mut().find(|known| met(known) == met(part)) {
                Some(known) => known.volume += volume,
                None => parts.push(Part { volume, ..part.clone() }),
            }
        }
        for part in &mut parts {
            part.volume = round_half_up(part.volume, VOLUME_PLACES);
            part.exact_amount = part.volume * part.tariff;
        }
        parts
    }

    fn shared_parts(&self) -> impl Iterator<Item = (Decimal, &Part)> {
        self.lines.iter().flat_map(|(days, line)| line.parts.iter().map(|part| (*days, part)))
    }

    fn recalculations(&self) -> Vec<Recalculation> {
        let of = |known: &Recalculation| (known.basis, known.period);
        let mut all: Vec<Recalculation> = Vec::new();
        for given in self.lines.iter().flat_map(|(_, line)| &line.recalculations) {
            if all.iter().any(|known| of(known) == of(given)) {
                continue;
            }
            let alike = |line: &Line| -> Decimal {
                let alike = line.recalculations.iter().filter(|other| of(other) == of(given));
                alike.map(|other| other.exact_amount).sum()
            };
            let exact_amount = self.weighted(alike);
            all.push(Recalculation { amount: kopecks(exact_amount), exact_amount, ..given.clone() });
        }
        all
    }

    /// How each stretch came to its volume, the days, the sums, and what each stretch adds to them.
    fn trace(&self, parts: &[Part], amount: Decimal, excess: Decimal) -> Vec<Term> {
        let mut trace = Vec::new();
        self.each_once(&mut trace, |(before, _)| before);
        if !self.is_same(|line| line.parts.clone()) {
            for (days, part) in self.shared_parts() {
                trace.push(term(Operation::Start, Role::Volume, part.volume, self.unit));
                trace.extend(self.times(days));
                let volume = round_half_up(part.volume * days / self.days, VOLUME_PLACES);
                trace.push(term(Operation::Equals, Role::Volume, volume, self.unit));
            }
        }
        let operations = std::iter::once(Operation::Start).chain(std::iter::repeat(Operation::Plus));
        for (part, operation) in parts.iter().zip(operations.clone()) {
            trace.push(term(operation, Role::Volume, part.volume, self.unit));
            trace.push(term(Operation::Times, Role::Tariff, part.tariff, Unit::Rouble));
        }
        trace.extend((!parts.is_empty()).then(|| term(Operation::Equals, Role::Amount, amount, Unit::Rouble)));
        self.each_once(&mut trace, |(_, after)| after);
        if !self.is_same(|line| line.exact_excess) {
            for ((days, line), operation) in self.lines.iter().zip(operations) {
                trace.push(term(operation, Role::Excess, line.exact_excess, Unit::Rouble));
                trace.extend(self.times(*days));
            }
            trace.push(term(Operation::Equals, Role::Excess, excess, Unit::Rouble));
        }
        trace
    }

    /// Adds the steps of all formulas before or after their amount, those that are alike once.
    fn each_once<'t>(&'t self, trace: &mut Vec<Term>, part: impl Fn((&'t [Term], &'t [Term])) -> &'t [Term]) {
        let mut known: Vec<&[Term]> = Vec::new();
        for step in self.lines.iter().flat_map(|(_, line)| steps(part(around_amount(&line.trace)))) {
            if !known.contains(&step) {
                known.push(step);
                trace.extend_from_slice(step);
            }
        }
    }

    /// × days ÷ all days.
    fn times(&self, days: Decimal) -> [Term; 2] {
        [
            term(Operation::Times, Role::DaysCharged, days, Unit::Day),
            term(Operation::Divide, Role::DaysInMonth, self.days, Unit::Day),
        ]
    }
}

/// The steps that lead to the amount of a formula, without the one that ends in it, and those behind it.
fn around_amount(trace: &[Term]) -> (&[Term], &[Term]) {
    let is_amount = |term: &Term| term.operation == Operation::Equals && term.role == Role::Amount;
    let Some(end) = trace.iter().rposition(is_amount) else { return (trace, &[]) };
    let begin = trace[..end].iter().rposition(|term| term.operation == Operation::Start).unwrap_or_default();
    (&trace[..begin], &trace[end + 1..])
}

/// The steps of a formula, each with its result.
fn steps(trace: &[Term]) -> impl Iterator<Item = &[Term]> {
    trace.split_inclusive(|term| term.operation == Operation::Equals)
}

fn term(operation: Operation, role: Role, value: Decimal, unit: Unit) -> Term {
    Term { operation, role, value, unit }
}

fn kopecks(roubles: Decimal) -> i64 {
    Money::from_roubles(roubles).unwrap_or_default().0
}

#[cfg(test)]
mod tests {
    use kabinet_plugin_host::api::{Method, ServiceKind, Span, Zone};
    use proptest::prelude::*;

    use super::*;
    use crate::calculation::of_a_flat;

    fn table() -> ServiceTable {
        ServiceTable {
            code: "cold_water".into(),
            kind: ServiceKind::ColdWater,
            rule: "metered".into(),
            unit: Unit::CubicMetre,
            prices: Vec::new(),
            norm: None,
            coefficient: None,
            parameters: Vec::new(),
        }
    }

    fn line(volume: Decimal, tariff: Decimal, coefficient: Option<Decimal>) -> Line {
        let exact_amount = volume * tariff;
        let exact_excess = exact_amount * coefficient.map_or(Decimal::ZERO, |coefficient| coefficient - Decimal::ONE);
        let part = Part { zone: Zone::WholeDay, above: Decimal::ZERO, volume, tariff, exact_amount };
        Line {
            service: 0,
            method: Method::Meter,
            reason: None,
            volume,
            parts: vec![part],
            norm: None,
            coefficient,
            amount: kopecks(exact_amount),
            excess: kopecks(exact_excess),
            exact_amount,
            exact_excess,
            recalculations: Vec::new(),
            trace: vec![
                term(Operation::Start, Role::Volume, volume, Unit::CubicMetre),
                term(Operation::Times, Role::Tariff, tariff, Unit::Rouble),
                term(Operation::Equals, Role::Amount, exact_amount, Unit::Rouble),
            ],
        }
    }

    /// An account that was open on these days.
    fn account(open: Option<(u8, u8)>) -> Account {
        let span = |(from_day, to_day)| Span { from_day, to_day, residents: 1, owners: 1, area: Decimal::ONE };
        Account { spans: open.map(span).into_iter().collect(), ..of_a_flat() }
    }

    fn together(open: Option<(u8, u8)>, last_day: u8, lines: [Line; 2]) -> Line {
        let [before, after] = lines.map(|line| vec![AccountCharges { index: 0, lines: vec![line] }]);
        let stretches =
            [(Stretch { first: 1, last: last_day }, before), (Stretch { first: last_day + 1, last: 31 }, after)];
        let mut charges = put_together(&[table()], &[account(open)], &stretches).expect("the same services");
        charges.remove(0).lines.remove(0)
    }

    /// 4 m³: 15 days at 39.56 and 16 at 45.00.
    #[test]
    fn each_day_has_its_tariff() {
        let number = |text: &str| text.parse::<Decimal>().expect("a number");
        let lines = || [line(4.into(), number("39.56"), None), line(4.into(), number("45"), None)];
        let month = together(None, 15, lines());
        assert_eq!((month.amount, month.volume, month.tariff()), (16_947, 4.into(), None));
        assert_eq!(month.exact_amount, number("169.470967584"));
        assert_eq!(together(Some((16, 31)), 15, lines()), lines()[1], "none of the days before");
        assert_eq!(together(Some((1, 15)), 15, lines()), lines()[0]);
        assert_eq!(together(Some((11, 31)), 15, lines()).parts[0].volume, number("0.952381"), "5 of 21 days");
    }

    proptest! {
        #[test]
        fn a_month_whose_terms_stay_the_same_costs_what_it_costs(
            volume in 0_i64..100_000_000_000, tariff in 0_i64..10_000_000, raised in proptest::option::of(100_i64..500), day in 1_u8..31,
        ) {
            let same = line(Decimal::new(volume, 7), Decimal::new(tariff, 2), raised.map(|raised| Decimal::new(raised, 2)));
            let month = together(None, day, [same.clone(), same.clone()]);
            prop_assert_eq!((month.amount, month.excess, month.volume), (same.amount, same.excess, same.volume));
            prop_assert_eq!((month.tariff(), month.coefficient), (same.tariff(), same.coefficient));
        }

        #[test]
        fn a_month_costs_no_less_than_the_lower_and_no_more_than_the_higher_tariff(
            volume in 0_i64..100_000_000_000, tariffs in (0_i64..10_000_000, 0_i64..10_000_000), day in 1_u8..31,
        ) {
            let of = |tariff| line(Decimal::new(volume, 7), Decimal::new(tariff, 2), None);
            let (before, after) = (of(tariffs.0), of(tariffs.1));
            let (least, most) = (before.amount.min(after.amount), before.amount.max(after.amount));
            let month = together(None, day, [before, after]);
            let volumes: Decimal = month.parts.iter().map(|part| part.volume).sum();
            prop_assert!((volumes - month.volume).abs() <= Decimal::new(1, 7), "{} of {}", volumes, month.volume);
            // A volume is rounded to seven places for each tariff.
            prop_assert!(least - 1 <= month.amount && month.amount <= most + 1, "{} {} {}", least, month.amount, most);
            let end = month.trace.last().map(|term| term.value);
            prop_assert_eq!(end, Some(month.exact_amount), "the formula ends in the amount");
        }
    }
}
