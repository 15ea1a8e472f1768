//! Who was away, as the plugin is given it: on no day more people than count.

use kabinet_accounts::absences::Away;
use kabinet_accounts::roster::{AccountFacts, People};
use kabinet_core::{Day, Period};
use kabinet_plugin_host::api::Absence;

use super::{input, spans};

/// The days of the month on which people were away, added up by how many. People come and go after an absence was
/// recorded: nobody is given back more than was charged.
pub(super) fn absences(period: Period, facts: &AccountFacts, people: &[People], all: &[Away]) -> Vec<Absence> {
    let mut added: Vec<Absence> = Vec::new();
    let Some(first) = all.iter().map(|away| away.first).min() else { return added };
    let first = first.max(facts.opened_on);
    let last = facts.closed_on.unwrap_or(period.last_day()).min(period.last_day());
    for number in first.day_of_month()..=last.day_of_month() {
        let day = Day(period.0 * 100 + number.cast_signed());
        let away: u32 =
            all.iter().filter(|away| away.first <= day && day <= away.last).map(|away| away.residents).sum();
        let residents = input::people(away.min(living(day, facts, people)));
        if residents == 0 {
            continue;
        }
        match added.iter_mut().find(|known| known.residents == residents) {
            Some(known) => known.days += 1,
            None => added.push(Absence { residents, days: 1 }),
        }
    }
    added
}

/// How many people are charged for on a day: the registered ones, or the owners where nobody is registered.
fn living(day: Day, facts: &AccountFacts, people: &[People]) -> u32 {
    match spans::counted_on(day, facts, people) {
        (0, owners) => owners,
        (residents, _) => residents,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OCTOBER: Period = Period(202_610);

    /// One registered, one temporary resident, one owner.
    fn facts() -> AccountFacts {
        AccountFacts { registered: 1, ..spans::tests::facts(20_200_101, None) }
    }

    fn away(residents: u32, first: i32, last: i32) -> Away {
        Away { residents, first: Day(20_261_000 + first), last: Day(20_261_000 + last), in_a_row: 10 }
    }

    fn given(facts: &AccountFacts, people: &[People], all: &[Away]) -> Vec<(u16, u8)> {
        let given = absences(OCTOBER, facts, people, all);
        given.iter().map(|absence| (absence.residents, absence.days)).collect()
    }

    #[test]
    fn one_absence_is_its_days() {
        assert_eq!(given(&facts(), &[], &[]), []);
        assert_eq!(given(&facts(), &[], &[away(2, 6, 19)]), [(2, 14)]);
        assert_eq!(given(&facts(), &[], &[away(5, 6, 19)]), [(2, 14)], "no more than live there");
    }

    #[test]
    fn two_who_were_away_at_once_are_two_on_the_days_of_both() {
        // 6 to 10 and 16 to 20 October one, 11 to 15 both.
        assert_eq!(given(&facts(), &[], &[away(1, 6, 15), away(1, 11, 20)]), [(1, 10), (2, 5)]);
        // Of three who would be away two live there.
        let three = [away(1, 6, 15), away(1, 6, 15), away(1, 6, 15)];
        assert_eq!(given(&facts(), &[], &three), [(2, 10)]);
    }

    #[test]
    fn who_moved_out_is_not_away_any_more() {
        let since = |day: i32, residents| People { from: Day(day), residents, owners: 1 };
        let people = [since(20_200_101, 2), since(20_261_011, 1)];
        assert_eq!(given(&facts(), &people, &[away(2, 6, 15)]), [(2, 5), (1, 5)]);
        // Where nobody is registered the owner counts, and before the first entry nobody does.
        assert_eq!(given(&facts(), &[since(20_261_011, 0)], &[away(2, 6, 15)]), [(1, 5)]);
        let closed = AccountFacts { opened_on: Day(20_261_008), closed_on: Some(Day(20_261_012)), ..facts() };
        assert_eq!(given(&closed, &[], &[away(1, 6, 15)]), [(1, 5)]);
    }
}
