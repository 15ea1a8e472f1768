//! The days of a month that count apart: people who moved, accounts that began or ended.

use kabinet_accounts::roster::{AccountFacts, People};
use kabinet_core::{Day, Period};
use kabinet_plugin_host::api::Span;

use super::input;

/// The parts of the month with figures of their own; none where nothing changed in it. Days on which the account
/// was not open are in no part. `people` are the account's, oldest first, where they changed within the month.
pub(super) fn spans(period: Period, facts: &AccountFacts, people: &[People]) -> Vec<Span> {
    let (first, last) = facts.open_in(period);
    let whole = first == period.first_day() && last == period.last_day();
    let mut starts: Vec<Day> = people.iter().map(|people| people.from).filter(|day| *day > first).collect();
    starts.insert(0, first);
    let mut parts: Vec<(Day, u32, u32)> = Vec::new();
    for start in starts.into_iter().filter(|start| *start <= last) {
        let counted = counted_on(start, facts, people);
        if parts.last().is_none_or(|(_, residents, owners)| (*residents, *owners) != counted) {
            parts.push((start, counted.0, counted.1));
        }
    }
    if whole && parts.len() < 2 {
        return Vec::new();
    }
    let ends = parts.iter().skip(1).map(|(next, ..)| next.plus_days(-1)).chain([last]);
    let span = |((start, residents, owners), end): (&(Day, u32, u32), Day)| Span {
        from_day: day_of_month(*start),
        to_day: day_of_month(end),
        residents: input::people(*residents),
        owners: input::people(*owners),
        area: facts.area.decimal(),
    };
    parts.iter().zip(ends).map(span).collect()
}

/// Residents and owners who count on a day: nobody before the first entry, the account's where none changed.
pub(super) fn counted_on(day: Day, facts: &AccountFacts, people: &[People]) -> (u32, u32) {
    if people.is_empty() {
        return (facts.registered + facts.temporary, facts.owners);
    }
    let last = people.iter().rev().find(|people| people.from <= day);
    last.map_or((0, 0), |people| (people.residents, people.owners))
}

fn day_of_month(day: Day) -> u8 {
    u8::try_from(day.0 % 100).unwrap_or(1)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use kabinet_contracts::AccountId;
    use kabinet_core::Quantity;
    use uuid::Uuid;

    /// Three people in a flat of 50 m².
    pub(crate) fn facts(opened_on: i32, closed_on: Option<i32>) -> AccountFacts {
        AccountFacts {
            id: AccountId(Uuid::nil()),
            number: String::new(),
            els: String::new(),
            izhku: String::new(),
            holder: String::new(),
            address: String::new(),
            house_id: Uuid::nil(),
            premises_id: Uuid::nil(),
            flat: String::new(),
            kind: "flat".to_owned(),
            area: Quantity(500_000_000),
            registered: 2,
            temporary: 1,
            owners: 1,
            opened_on: Day(opened_on),
            closed_on: closed_on.map(Day),
        }
    }

    fn since(day: i32, residents: u32) -> People {
        People { from: Day(day), residents, owners: 1 }
    }

    fn parts(facts: &AccountFacts, people: &[People]) -> Vec<(u8, u8, u16)> {
        let spans = spans(Period(202_610), facts, people);
        spans.iter().map(|span| (span.from_day, span.to_day, span.residents)).collect()
    }

    #[test]
    fn a_month_without_changes_has_no_parts() {
        assert_eq!(parts(&facts(20_200_101, None), &[]), []);
        // An entry that changes nothing is no change, nor is one on the first day.
        assert_eq!(parts(&facts(20_200_101, None), &[since(20_200_101, 3), since(20_261_015, 3)]), []);
        assert_eq!(parts(&facts(20_261_001, Some(20_261_031)), &[since(20_261_001, 3)]), []);
    }

    #[test]
    fn who_moves_in_on_the_eleventh_counts_from_then_on() {
        let people = [since(20_200_101, 2), since(20_261_011, 3)];
        assert_eq!(parts(&facts(20_200_101, None), &people), [(1, 10, 2), (11, 31, 3)]);
    }

    #[test]
    fn days_before_the_account_began_and_after_its_end_are_in_no_part() {
        assert_eq!(parts(&facts(20_261_020, None), &[]), [(20, 31, 3)]);
        assert_eq!(parts(&facts(20_200_101, Some(20_261_005)), &[]), [(1, 5, 3)]);
        // Both at once, with people who came on the second day and left after the end.
        let people = [since(20_261_010, 1), since(20_261_011, 4), since(20_261_025, 0)];
        assert_eq!(parts(&facts(20_261_010, Some(20_261_020)), &people), [(10, 10, 1), (11, 20, 4)]);
    }

    #[test]
    fn nobody_counts_before_the_first_entry() {
        assert_eq!(parts(&facts(20_200_101, None), &[since(20_261_016, 2)]), [(1, 15, 0), (16, 31, 2)]);
    }
}
