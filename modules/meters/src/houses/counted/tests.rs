//! House meters that are read, and those that are not.

use kabinet_core::TenantId;
use uuid::Uuid;

use super::*;
use crate::faults::FaultKind;

/// As rule 59(1) has it.
const USUAL: Averages = Averages { periods: 3, months: 6, months_when_new: 3 };

fn row(serial: &str, resource: Resource, installed: i32, removed: Option<i32>) -> house_meter::Model {
    house_meter::Model {
        tenant_id: TenantId(Uuid::nil()),
        id: Uuid::nil(),
        house_id: Uuid::nil(),
        service_code: resource.code().to_owned(),
        serial: serial.to_owned(),
        place: String::new(),
        model: String::new(),
        digits: 6,
        factor: 1,
        installed_on: Day(installed),
        removed_on: removed.map(Day),
        verified_until: None,
    }
}

fn figures(readings: &[(i32, i64)]) -> Vec<Figures> {
    let read = |(day, value): &(i32, i64)| {
        crate::houses::figures(Day(*day), Day(*day).period(), Quantity::whole(*value), false)
    };
    readings.iter().map(read).collect()
}

fn meter(serial: &str, installed: i32, removed: Option<i32>, readings: &[(i32, i64)]) -> Metered {
    Metered::of(row(serial, Resource::ColdWater, installed, removed), figures(readings), Vec::new())
}

fn volume(group: &[Metered], period: i32) -> Option<i64> {
    together(group, Period(period)).map(|(volume, ..)| volume.0 / 10_000_000)
}

/// What stands in for a month by the usual rule: why, and the whole units of an average.
fn stands_in(group: &[Metered], period: i32) -> Option<(Unread, Option<i64>)> {
    let (why, _, instead) = instead(group, Period(period), USUAL)?;
    Some((why, average(instead).map(|volume| volume.0 / 10_000_000)))
}

fn average(instead: Instead) -> Option<Quantity> {
    match instead {
        Instead::Average(volume) => Some(volume),
        Instead::OffSeason | Instead::Norm => None,
    }
}

/// Readings on the last day of each month that measured `volumes`, from `from` on.
fn monthly(from: i32, volumes: &[i64]) -> Vec<(i32, i64)> {
    let (mut value, mut read) = (1_000, vec![(Period(from).previous().last_day().0, 1_000)]);
    for (at, volume) in (0..).zip(volumes) {
        value += volume;
        read.push((Period(from).plus(at).last_day().0, value));
    }
    read.reverse();
    read
}

#[test]
fn a_month_counts_where_every_meter_was_read() {
    let one = meter("1", 20_250_101, None, &[(20_261_025, 1300), (20_260_925, 1200), (20_260_825, 1100)]);
    let two = meter("2", 20_250_101, None, &[(20_260_925, 70), (20_260_825, 50)]);
    assert_eq!(volume(std::slice::from_ref(&one), 202_610), Some(100));
    assert_eq!(
        together(std::slice::from_ref(&one), Period(202_610)).and_then(|(.., read)| read),
        Some((Quantity::whole(1200), Quantity::whole(1300)))
    );
    let both = [one, two];
    assert_eq!(volume(&both, 202_609), Some(120));
    assert_eq!(volume(&both, 202_610), None);
}

#[test]
fn a_gap_counts_in_equal_parts() {
    let one = meter("1", 20_250_101, None, &[(20_261_025, 1300), (20_260_825, 1100)]);
    assert_eq!(volume(std::slice::from_ref(&one), 202_610), Some(100));
    assert_eq!(volume(std::slice::from_ref(&one), 202_609), Some(100));
}

#[test]
fn a_new_meter_counts_its_first_month_only_in_anothers_place() {
    let new = || meter("2", 20_261_010, None, &[(20_261_025, 60), (20_261_010, 0)]);
    assert_eq!(volume(&[new()], 202_610), None);
    assert_eq!(stands_in(&[new()], 202_610), None, "it is no meter of a whole month yet");
    let old = meter("1", 20_250_101, Some(20_261_010), &[(20_261_010, 1240), (20_260_925, 1200)]);
    assert_eq!(volume(&[old, new()], 202_610), Some(40 + 60));
}

#[test]
fn current_transformers_multiply() {
    let one = house_meter::Model { factor: 40, ..row("1", Resource::Electricity, 20_250_101, None) };
    let one = [Metered::of(one, figures(&[(20_261_025, 130), (20_260_925, 120)]), Vec::new())];
    let (volume, _, readings) = together(&one, Period(202_610)).expect("a volume");
    assert_eq!((volume, readings), (Quantity::whole(400), None));
}

#[test]
fn an_unread_meter_counts_by_the_last_six_months_for_three_and_by_norm_after_them() {
    // The first of seven months is none of the last six.
    let one = [meter("1", 20_250_101, None, &monthly(202_601, &[9_000, 10, 20, 30, 40, 50, 60]))];
    assert_eq!(stands_in(&one, 202_607), None, "it was read");
    for month in [202_608, 202_609, 202_610] {
        assert_eq!(volume(&one, month), None);
        assert_eq!(stands_in(&one, month), Some((Unread::NoReading, Some(35))), "{month}");
    }
    assert_eq!(stands_in(&one, 202_611), Some((Unread::NoReading, None)));
    // As many months as the company says.
    let once = Averages { periods: 1, ..USUAL };
    assert_eq!(instead(&one, Period(202_609), once).map(|(.., instead)| instead), Some(Instead::Norm));
}

#[test]
fn a_meter_of_half_a_year_must_be_known_for_as_long_and_a_newer_one_for_three_months() {
    let old = |months: &[i64]| [meter("1", 20_250_101, None, &monthly(202_601, months))];
    assert_eq!(stands_in(&old(&[10, 20, 30, 40, 50]), 202_606), Some((Unread::NoReading, None)));
    assert_eq!(stands_in(&old(&[10, 20, 30, 40, 50, 60]), 202_607), Some((Unread::NoReading, Some(35))));
    let new = |months: &[i64]| [meter("1", 20_251_231, None, &monthly(202_601, months))];
    assert_eq!(stands_in(&new(&[10, 20]), 202_603), Some((Unread::NoReading, None)));
    assert_eq!(stands_in(&new(&[10, 20, 30]), 202_604), Some((Unread::NoReading, Some(20))));
}

#[test]
fn what_is_read_after_the_verification_ended_is_kept_and_not_counted() {
    let read = figures(&monthly(202_601, &[10, 20, 30, 40, 50, 60, 7_000]));
    let until = |day: i32| {
        let one = row("1", Resource::ColdWater, 20_250_101, None);
        [Metered::of(house_meter::Model { verified_until: Some(Day(day)), ..one }, read.clone(), Vec::new())]
    };
    // The last day of the verification is a good day.
    assert_eq!((volume(&until(20_260_731), 202_607), stands_in(&until(20_260_731), 202_607)), (Some(7_000), None));
    assert_eq!(stands_in(&until(20_260_730), 202_607), Some((Unread::Expired, Some(35))));
}

#[test]
fn a_broken_meter_counts_by_average_until_it_is_mended_or_replaced() {
    let broken = |ended_on: Option<i32>| {
        let fault = Fault { kind: FaultKind::Failed, since: Day(20_260_710), ended_on: ended_on.map(Day) };
        let read = figures(&monthly(202_601, &[10, 20, 30, 40, 50, 60, 7_000, 8_000, 80]));
        [Metered::of(row("1", Resource::ColdWater, 20_250_101, None), read, vec![fault])]
    };
    let (lasting, mended) = (broken(None), broken(Some(20_260_820)));
    assert_eq!(stands_in(&lasting, 202_607), Some((Unread::Failed, Some(35))));
    assert_eq!(stands_in(&lasting, 202_610), Some((Unread::Failed, None)));
    // Mended in August: what it showed before tells nothing, and September counts from August's reading.
    assert_eq!(stands_in(&mended, 202_608), Some((Unread::Failed, Some(35))));
    assert_eq!(volume(&mended, 202_609), Some(80));
}

#[test]
fn one_of_two_meters_that_is_unread_counts_by_its_own_average() {
    let read = meter("1", 20_250_101, None, &monthly(202_601, &[10, 20, 30, 40, 50, 60, 77]));
    let unread = meter("2", 20_250_101, None, &monthly(202_601, &[1, 1, 1, 1, 1, 1]));
    let both = [read, unread];
    assert_eq!(stands_in(&both, 202_607), Some((Unread::NoReading, Some(77 + 1))));
    assert_eq!(instead(&both, Period(202_607), USUAL).map(|(_, serials, _)| serials), Some("1, 2".to_owned()));
}

#[test]
fn a_meter_in_anothers_place_has_its_months() {
    // Broken since June, replaced in the middle of July: 15 of 31 days by average, and what the new one counted.
    let fault = Fault { kind: FaultKind::Failed, since: Day(20_260_601), ended_on: None };
    let read = figures(&monthly(202_512, &[31, 31, 31, 31, 31, 31]));
    let old = Metered::of(row("1", Resource::ColdWater, 20_250_101, Some(20_260_716)), read, vec![fault]);
    let new = meter("2", 20_260_716, None, &[(20_260_831, 130), (20_260_731, 40), (20_260_716, 0)]);
    let group = [old, new];
    assert_eq!(stands_in(&group, 202_606), Some((Unread::Failed, Some(31))));
    assert_eq!(stands_in(&group, 202_607), Some((Unread::Failed, Some(15 + 40))));
    assert_eq!(volume(&group, 202_608), Some(90));
    // Known are August and five of the six months before June: (90 + 5 × 31) ÷ 6.
    let mean = instead(&group, Period(202_609), USUAL).map(|(.., instead)| instead);
    assert_eq!(mean, Some(Instead::Average(Quantity(408_333_333))));
}

#[test]
fn days_on_which_a_place_was_empty_count_by_average() {
    // Broken since October, taken away on the 10th of November; the new one came on the 12th and counted 36 and 34.
    let fault = Fault { kind: FaultKind::Failed, since: Day(20_261_001), ended_on: None };
    let old = || {
        let row = row("1", Resource::ColdWater, 20_250_101, Some(20_261_110));
        Metered::of(row, figures(&monthly(202_604, &[30, 30, 30, 30, 30, 30])), vec![fault])
    };
    let new = |read: &[(i32, i64)]| meter("2", 20_261_112, None, read);
    let group = [old(), new(&[(20_261_231, 70), (20_261_130, 36), (20_261_112, 0)])];
    assert_eq!(stands_in(&group, 202_610), Some((Unread::Failed, Some(30))));
    // Nine of 30 days of the old one, two of the empty place.
    assert_eq!((volume(&group, 202_611), stands_in(&group, 202_611)), (None, Some((Unread::Failed, Some(9 + 2 + 36)))));
    assert_eq!(volume(&group, 202_612), Some(34));
    // Taken away with October, the whole of November until the 12th.
    let row = row("1", Resource::ColdWater, 20_250_101, Some(20_261_031));
    let gone = Metered::of(row, figures(&monthly(202_604, &[30, 30, 30, 30, 30, 30])), vec![fault]);
    let group = [gone, new(&[(20_261_130, 36), (20_261_112, 0)])];
    assert_eq!(stands_in(&group, 202_611), Some((Unread::Failed, Some(11 + 36))));
    // What comes more than a month later is a meter of its own.
    let group = [old(), meter("2", 20_261_212, None, &[(20_261_231, 36), (20_261_212, 0)])];
    assert_eq!((volume(&group, 202_612), stands_in(&group, 202_612)), (None, None));
}

#[test]
fn two_meters_of_one_day_take_the_places_of_two_in_their_order() {
    let old = |serial: &str, used: i64| {
        meter(serial, 20_250_101, Some(20_261_016), &monthly(202_604, &[used, used, used, used, used, used]))
    };
    let new = |serial: &str| meter(serial, 20_261_016, None, &[(20_261_031, 5), (20_261_016, 0)]);
    let group = [old("1", 100), old("2", 10), new("3"), new("4")];
    assert_eq!(stands_in(&group, 202_611), Some((Unread::NoReading, Some(100 + 10))));
}

#[test]
fn heat_is_averaged_over_its_season_and_stands_in_within_it_alone() {
    // Read every month of a year from October on; nothing is used from May to September.
    let year = [40, 80, 100, 120, 100, 80, 40, 0, 0, 0, 0, 0];
    let heat = |months: &[i64]| {
        let row = row("1", Resource::Heat, 20_240_101, None);
        [Metered::of(row, figures(&monthly(202_510, months)), Vec::new())]
    };
    assert_eq!(stands_in(&heat(&year), 202_610), Some((Unread::NoReading, Some(80))));
    // Unread since the end of the season: the summer has no heat to be averaged.
    let until_april = heat(&year[..7]);
    assert_eq!(stands_in(&until_april, 202_605), Some((Unread::NoReading, Some(80))), "nobody knows of a May");
    let two_years: Vec<i64> = year.iter().chain(&year[..7]).copied().collect();
    assert_eq!(stands_in(&heat(&two_years), 202_705), Some((Unread::NoReading, None)));
    // Whoever was not read since the winter before knows of the summer all the same, and of nothing else.
    let without = |month: i32| instead(&heat(&year), Period(month), USUAL).map(|(.., instead)| instead);
    assert_eq!((without(202_701), without(202_705)), (Some(Instead::Norm), Some(Instead::OffSeason)));
    // Three months of the season are enough, whatever the meter's age.
    assert_eq!(stands_in(&heat(&year[..3]), 202_601), Some((Unread::NoReading, Some(73))));
    assert_eq!(stands_in(&heat(&year[..2]), 202_512), Some((Unread::NoReading, None)));
}

#[test]
fn heat_that_was_read_at_once_after_a_summer_was_used_in_the_months_of_the_season() {
    let read = |months: &[i64], last: i32| {
        let mut read = monthly(202_510, months);
        read.insert(0, (last, read[0].1 + 60));
        [Metered::of(row("1", Resource::Heat, 20_240_101, None), figures(&read), Vec::new())]
    };
    let two_years = [40, 80, 100, 120, 100, 80, 40, 0, 0, 0, 0, 0, 40, 80, 100, 120, 100, 80, 40];
    let (second, first) = (read(&two_years, 20_271_031), read(&two_years[..7], 20_261_031));
    assert_eq!(
        (volume(&second, 202_705), volume(&second, 202_709), volume(&second, 202_710)),
        (Some(0), Some(0), Some(60))
    );
    // Nobody knows yet which months are heated.
    assert_eq!((volume(&first, 202_605), volume(&first, 202_610)), (Some(10), Some(10)));
}

#[test]
fn of_two_heat_meters_out_of_season_both_used_nothing_or_nobody_knows() {
    let (off, none, some) =
        (Instead::OffSeason, Instead::Average(Quantity::ZERO), Instead::Average(Quantity::whole(3)));
    assert_eq!((off.and(off), off.and(none), none.and(off)), (off, off, off));
    assert_eq!((off.and(some), some.and(Instead::Norm)), (Instead::Norm, Instead::Norm));
    assert_eq!(some.and(some), Instead::Average(Quantity::whole(6)));
}
