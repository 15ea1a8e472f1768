//! What people type, and what they are told.

use kabinet_contracts::MeterId;
use kabinet_core::{Day, Quantity, Timestamp};
use uuid::Uuid;

use super::*;
use crate::settings::MetersSettings;
use crate::window::ReadingsWindow;

const TODAY: Day = Day(20_261_122);

fn id(last: u128) -> MeterId {
    MeterId(Uuid::from_u128(0x0193_a1c0_0000_7000_8000_0000_0000_0000 + last))
}

fn read(day: i32, values: &[i64]) -> StoredReading {
    let mut stored = StoredReading {
        period: Day(day).period(),
        taken_on: Day(day),
        values: [Quantity::ZERO; 3],
        source: "portal".to_owned(),
        created_at: Timestamp(0),
        id: Uuid::from_u128(0),
        rollover: false,
    };
    for (slot, value) in stored.values.iter_mut().zip(values) {
        *slot = Quantity::whole(*value);
    }
    stored
}

fn meter(last: u128, zones: usize, readings: Vec<StoredReading>) -> MeterState {
    MeterState {
        id: id(last),
        service_code: if zones > 1 { "electricity" } else { "cold_water" }.to_owned(),
        serial: format!("18-{last}"),
        place: String::new(),
        model: String::new(),
        zones,
        digits: 5,
        automatic: false,
        installed_on: Day(20_230_415),
        removed_on: None,
        verified_until: None,
        replaces: None,
        fault: None,
        readings,
    }
}

/// Three cubic metres a month, 128 at the end of October.
fn water() -> MeterState {
    let months = [(20_261_024, 128), (20_260_923, 125), (20_260_824, 122), (20_260_724, 119)];
    meter(1, 1, months.into_iter().map(|(day, value)| read(day, &[value])).collect())
}

fn light() -> MeterState {
    meter(3, 2, vec![read(20_261_024, &[10_431, 4802]), read(20_260_923, &[10_311, 4742])])
}

fn sent(date: &str, fields: &[(&MeterState, &str, &str)]) -> Submission {
    let mut form: BTreeMap<String, String> =
        fields.iter().map(|(meter, field, text)| (format!("meter_{}_{field}", meter.id), (*text).to_owned())).collect();
    form.insert("date".to_owned(), date.to_owned());
    Submission::from_form(&form)
}

fn always() -> Window {
    Window::on(&MetersSettings { window: ReadingsWindow::ALL_MONTH, ..Default::default() }, TODAY)
}

/// What people are judged by where the company says nothing.
fn usual(window: &Window) -> Terms {
    let policy = Policy::usual(Source::Portal);
    Terms { today: TODAY, window: *window, source: Source::Portal, policy, charged: None }
}

fn verdict(meter: &MeterState, fields: &[(&MeterState, &str, &str)]) -> Result<Values, String> {
    let meters = [meter.clone()];
    match judge(&meters, &sent("22.11.2026", fields), usual(&always())) {
        Ok(judged) => Ok(judged.values.first().map(|read| read.values).unwrap_or_default()),
        Err(refusal) => {
            let first = refusal.verdicts.first().cloned();
            Err(first
                .map(|v| format!("{}: {}", v.field.replace(&meter.id.to_string(), "X"), v.text))
                .unwrap_or_default())
        }
    }
}

fn one(value: i64) -> Result<Values, String> {
    Ok([Quantity::whole(value), Quantity::ZERO, Quantity::ZERO])
}

fn refused(result: Result<Values, String>, field: &str, words: &str) {
    let text = result.expect_err("a refusal");
    assert!(text.starts_with(&format!("{field}: ")) && text.contains(words), "{text}");
}

#[test]
fn a_value_or_a_volume_or_both_when_they_agree() {
    let water = water();
    assert_eq!(verdict(&water, &[(&water, "value", "131")]), one(131));
    assert_eq!(verdict(&water, &[(&water, "delta", "3,0")]), one(131));
    assert_eq!(verdict(&water, &[(&water, "value", "131"), (&water, "delta", "3")]), one(131));
    assert_eq!(verdict(&water, &[(&water, "value", "128")]), one(128));
    refused(
        verdict(&water, &[(&water, "value", "131"), (&water, "delta", "4")]),
        "meter_X_delta",
        "показание было бы 132",
    );
}

#[test]
fn a_wrong_number_is_named() {
    let water = water();
    refused(verdict(&water, &[(&water, "value", "12а")]), "meter_X_value", "Введите число");
    refused(verdict(&water, &[(&water, "value", "-5")]), "meter_X_value", "отрицательным");
    refused(verdict(&water, &[(&water, "delta", "-1")]), "meter_X_delta", "отрицательным");
    refused(verdict(&water, &[(&water, "value", "131,1234")]), "meter_X_value", "трёх знаков");
    refused(verdict(&water, &[(&water, "value", "100000")]), "meter_X_value", "5 знаков до запятой");
    refused(verdict(&water, &[(&water, "value", "99999999999999")]), "meter_X_value", "5 знаков до запятой");
    refused(
        verdict(&water, &[(&water, "value", "131"), (&water, "value_t2", "5")]),
        "meter_X_value_t2",
        "нет такой зоны",
    );
}

#[test]
fn a_lower_value_names_the_last_one() {
    let (water, light) = (water(), light());
    refused(verdict(&water, &[(&water, "value", "120")]), "meter_X_value", "(128 от 24.10.2026)");
    let fields = [(&light, "value_t1", "4865"), (&light, "value_t2", "10560")];
    refused(verdict(&light, &fields), "meter_X_value_t1", "не перепутаны ли Т1 и Т2");
}

#[test]
fn every_zone_is_needed() {
    let light = light();
    refused(verdict(&light, &[(&light, "value_t1", "10560")]), "meter_X_value_t2", "Т2, ночь");
    let read = verdict(&light, &[(&light, "value_t1", "10560"), (&light, "delta_t2", "63")]);
    assert_eq!(read, Ok([Quantity::whole(10_560), Quantity::whole(4865), Quantity::ZERO]));
}

#[test]
fn a_meter_of_three_zones_is_read_zone_by_zone() {
    let light = meter(3, 3, vec![read(20_261_024, &[500, 800, 900]), read(20_260_923, &[480, 790, 880])]);
    let two = [(&light, "value_t1", "510"), (&light, "value_t2", "805")];
    refused(verdict(&light, &two), "meter_X_value_t3", "Т3, полупик");
    let all = [two[0], two[1], (&light, "delta_t3", "12,5")];
    let half = Quantity::from_decimal("912.5".parse().expect("a number")).expect("a quantity");
    assert_eq!(verdict(&light, &all), Ok([Quantity::whole(510), Quantity::whole(805), half]));
    let mixed = [two[0], two[1], (&light, "value_t3", "805")];
    refused(verdict(&light, &mixed), "meter_X_value_t3", "не перепутаны ли зоны");
}

#[test]
fn a_meter_that_is_read_every_week_has_six_usual_months_too() {
    // 10 m³ a month in four readings from May on, nothing in October: 12 m³ in November are usual.
    let weeks = (5..=9).flat_map(|month| (0..4).map(move |week| (month, week)));
    let mut readings: Vec<StoredReading> = weeks
        .map(|(month, week)| {
            read(20_260_000 + month * 100 + 5 + week * 7, &[i64::from((month - 5) * 10 + week * 10 / 3)])
        })
        .collect();
    readings.push(read(20_261_026, &[50]));
    readings.reverse();
    let water = meter(1, 1, readings);
    assert_eq!(verdict(&water, &[(&water, "value", "62")]), one(62));
    refused(verdict(&water, &[(&water, "value", "150")]), "meter_X_confirm", "если оно верное");
}

#[test]
fn a_dial_that_starts_again_is_no_mistake() {
    let old = meter(5, 1, vec![read(20_261_024, &[99_990]), read(20_260_923, &[99_970])]);
    assert_eq!(verdict(&old, &[(&old, "value", "10")]), one(10));
    assert_eq!(verdict(&old, &[(&old, "delta", "20")]), one(10));
    refused(verdict(&old, &[(&old, "value", "50000")]), "meter_X_value", "меньше предыдущего");
    let young = water();
    refused(verdict(&young, &[(&young, "delta", "99999")]), "meter_X_delta", "Слишком большой объем");
}

#[test]
fn four_times_the_usual_is_asked_about() {
    let water = water();
    assert_eq!(verdict(&water, &[(&water, "value", "140")]), one(140));
    refused(verdict(&water, &[(&water, "value", "140,001")]), "meter_X_confirm", "140,001");
    let confirmed = [(&water, "value", "628"), (&water, "confirm", "on")];
    assert_eq!(verdict(&water, &confirmed), one(628));
    let meters = [water.clone()];
    let refusal = judge(&meters, &sent("22.11.2026", &[(&water, "value", "628")]), usual(&always()));
    let doubt = refusal.expect_err("a doubt").doubts.remove(&water.id).expect("a doubt");
    assert_eq!(doubt.text, "Расход 500 м³ с 24.10.2026 больше обычного (обычно около 3 м³ в месяц).");
    assert!(!doubt.confirmed);
}

#[test]
fn missed_months_make_a_larger_volume_usual() {
    let months = [(20_260_824, 122), (20_260_724, 119), (20_260_624, 116)];
    let meter = meter(1, 1, months.into_iter().map(|(day, value)| read(day, &[value])).collect());
    // Three months at up to four times three cubic metres.
    assert_eq!(verdict(&meter, &[(&meter, "value", "158")]), one(158));
    refused(verdict(&meter, &[(&meter, "value", "159")]), "meter_X_confirm", "159");
}

#[test]
fn without_history_nothing_is_doubted() {
    let new = meter(7, 1, Vec::new());
    assert_eq!(verdict(&new, &[(&new, "value", "9000")]), one(9000));
    refused(verdict(&new, &[(&new, "delta", "3")]), "meter_X_delta", "введите показание");
}

#[test]
fn dates_stay_within_the_month_and_after_the_last_reading() {
    let mut water = water();
    let say = |water: &MeterState, date: &str| {
        let meters = [water.clone()];
        let refusal = judge(&meters, &sent(date, &[(water, "value", "131")]), usual(&always())).err();
        refusal.and_then(|r| r.verdicts.into_iter().find(|v| v.field == "date")).map(|v| v.text).unwrap_or_default()
    };
    assert!(say(&water, "23.11.2026").contains("в будущем: укажите 22.11.2026"));
    assert!(say(&water, "31.10.2026").contains("с 01.11.2026 по 22.11.2026"));
    assert!(say(&water, "").contains("Введите дату"));
    assert_eq!(say(&water, "2026-11-01"), "");
    water.readings.insert(0, read(20_261_120, &[130]));
    assert!(say(&water, "19.11.2026").contains("№ 18-1 (20.11.2026)"));
    assert_eq!(say(&water, "20.11.2026"), "");
    water.readings.clear();
    water.installed_on = Day(20_261_110);
    assert!(say(&water, "09.11.2026").contains("установки"));
}

#[test]
fn removed_and_automatic_meters_take_nothing() {
    let mut gone = water();
    gone.removed_on = Some(Day(20_261_101));
    refused(verdict(&gone, &[(&gone, "value", "131")]), "meter_X_value", "снят 01.11.2026");
    let mut clever = water();
    clever.automatic = true;
    refused(verdict(&clever, &[(&clever, "value", "131")]), "meter_X_value", "сам");
    // What it sends itself is judged by the rules for its source.
    let window = always();
    let sent = sent("22.11.2026", &[(&clever, "value", "131")]);
    let terms = Terms { source: Source::Automatic, policy: Policy::usual(Source::Automatic), ..usual(&window) };
    assert!(judge(std::slice::from_ref(&clever), &sent, terms).is_ok());
}

#[test]
fn nothing_filled_points_at_the_first_field() {
    let water = water();
    refused(verdict(&water, &[]), "meter_X_value", "хотя бы одного");
    let light = light();
    refused(verdict(&light, &[(&light, "value_t1", " ")]), "meter_X_value_t1", "хотя бы одного");
}

#[test]
fn another_s_meter_looks_like_none() {
    let (water, light) = (water(), light());
    let text = verdict(&water, &[(&light, "value_t1", "10560")]).expect_err("a refusal");
    assert!(text.contains("нет такого прибора"), "{text}");
}

#[test]
fn a_closed_window_names_the_next_one() {
    let settings = MetersSettings { window: ReadingsWindow { from_day: 15, to_day: 20 }, ..Default::default() };
    let (water, window) = (water(), Window::on(&settings, TODAY));
    let meters = [water.clone()];
    let refusal = judge(&meters, &sent("22.11.2026", &[(&water, "value", "12а")]), usual(&window));
    let refusal = refusal.expect_err("a refusal");
    assert_eq!(refusal.code(), "meters.window_closed");
    assert_eq!(refusal.verdicts.len(), 1);
    assert!(refusal.verdicts[0].text.contains("15\u{a0}декабря"), "{}", refusal.verdicts[0].text);
}

#[test]
fn one_wrong_row_stores_nothing() {
    let (water, light) = (water(), light());
    let meters = [water.clone(), light.clone()];
    let fields = [(&water, "value", "131"), (&light, "value_t1", "x"), (&light, "value_t2", "4865")];
    let refusal = judge(&meters, &sent("22.11.2026", &fields), usual(&always()));
    assert_eq!(refusal.expect_err("a refusal").verdicts.len(), 1);
    let judged = judge(&meters, &sent("22.11.2026", &fields[..1]), usual(&always()));
    assert_eq!(judged.map(|j| j.values.len()), Ok(1));
}

proptest::proptest! {
    #[test]
    fn what_is_accepted_is_never_lower_and_fits_the_dial(value in "[0-9]{1,6}([,.][0-9]{0,4})?", confirm: bool) {
        let water = water();
        let mut fields = vec![(&water, "value", value.as_str())];
        if confirm {
            fields.push((&water, "confirm", "on"));
        }
        if let Ok(values) = verdict(&water, &fields) {
            proptest::prop_assert!(values[0] >= Quantity::whole(128) && values[0] < Quantity::whole(100_000));
            proptest::prop_assert!(confirm || values[0] <= Quantity::whole(140));
        }
    }

    #[test]
    fn no_text_makes_it_panic(value in "\\PC{0,20}", delta in "\\PC{0,20}", date in "\\PC{0,12}") {
        let light = light();
        let meters = [light.clone()];
        let fields = [(&light, "value_t1", value.as_str()), (&light, "delta_t2", delta.as_str())];
        let _ = judge(&meters, &sent(&date, &fields), usual(&always()));
    }
}

#[test]
fn a_window_over_the_turn_of_the_month_takes_the_dates_of_both() {
    let settings = MetersSettings { window: ReadingsWindow { from_day: 25, to_day: 5 }, ..Default::default() };
    let today = Day(20_261_103);
    let window = Window::on(&settings, today);
    let water = water();
    let judged = |date: &str| {
        let sent = sent(date, &[(&water, "value", "131")]);
        judge(std::slice::from_ref(&water), &sent, Terms { today, ..usual(&window) }).map(|judged| judged.date)
    };
    assert_eq!(judged("28.10.2026").ok(), Some(Day(20_261_028)));
    assert_eq!(judged("02.11.2026").ok(), Some(Day(20_261_102)));
    let refusal = judged("24.10.2026").expect_err("before the window");
    assert!(refusal.verdicts[0].text.contains("с 25.10.2026 по 03.11.2026"), "{}", refusal.verdicts[0].text);
}

/// What becomes of one value under a policy: the value and whether it is a new beginning, or the refusal.
fn under(policy: Policy, meter: &MeterState, fields: &[(&MeterState, &str, &str)]) -> Result<(i64, bool), Refusal> {
    let window = always();
    let judged = judge(std::slice::from_ref(meter), &sent("22.11.2026", fields), Terms { policy, ..usual(&window) })?;
    Ok((judged.values[0].values[0].0 / 10_000_000, judged.values[0].rollover))
}

#[test]
fn a_lower_value_is_what_the_company_says_it_is() {
    let (water, plain) = (water(), Policy::usual(Source::Portal));
    let lower: &[_] = &[(&water, "value", "3")];
    assert!(under(plain, &water, lower).is_err());
    let accepted = Policy { lower: Lower::Rollover, unusual: Unusual::Accept, ..plain };
    assert_eq!(under(accepted, &water, lower), Ok((3, true)));
    assert_eq!(under(accepted, &water, &[(&water, "value", "131")]), Ok((131, false)));
    let asked = Policy { lower: Lower::Ask, unusual: Unusual::Accept, ..plain };
    let refusal = under(asked, &water, lower).expect_err("a question");
    assert!(refusal.verdicts[0].field.ends_with("_confirm"), "{refusal:?}");
    let doubt = &refusal.doubts[&water.id];
    assert!(doubt.text.contains("меньше предыдущего (128 от 24.10.2026)"), "{}", doubt.text);
    assert!(doubt.text.contains("счёт сначала"), "{}", doubt.text);
    assert_eq!(under(asked, &water, &[(&water, "value", "3"), (&water, "confirm", "on")]), Ok((3, true)));
    // A new beginning from 128 is an unusual volume as well: both are said, one mark answers both.
    let both = under(Policy { lower: Lower::Ask, ..plain }, &water, lower).expect_err("a question");
    assert!(both.doubts[&water.id].text.contains("Расход 99875 м³"), "{both:?}");
}

#[test]
fn an_unusual_volume_is_what_the_company_says_it_is() {
    let (water, plain) = (water(), Policy::usual(Source::Portal));
    let much: &[_] = &[(&water, "value", "140,001")];
    assert!(under(Policy { unusual: Unusual::Accept, ..plain }, &water, much).is_ok());
    assert!(under(Policy { times: 5, ..plain }, &water, much).is_ok());
    let refusal = under(Policy { unusual: Unusual::Refuse, ..plain }, &water, much).expect_err("a refusal");
    assert!(refusal.verdicts[0].field.ends_with("_value") && refusal.doubts.is_empty(), "{refusal:?}");
    // A mark does not help.
    let marked = [(&water, "value", "140,001"), (&water, "confirm", "on")];
    assert!(under(Policy { unusual: Unusual::Refuse, ..plain }, &water, &marked).is_err());
}

#[test]
fn an_expired_verification_is_what_the_company_says_it_is() {
    let (mut water, plain) = (water(), Policy::usual(Source::Portal));
    water.verified_until = Some(Day(20_261_121));
    let fields = [(20_261_121, false), (20_261_122, true)].map(|(until, taken)| {
        let meter = MeterState { verified_until: Some(Day(until)), ..water.clone() };
        (meter, taken)
    });
    for (meter, taken) in fields {
        let value: &[_] = &[(&meter, "value", "131")];
        for expired in [Expired::Accept, Expired::Warn] {
            assert!(under(Policy { expired, ..plain }, &meter, value).is_ok());
        }
        // Its last day is a good day.
        assert_eq!(under(Policy { expired: Expired::Refuse, ..plain }, &meter, value).is_ok(), taken);
    }
}

#[test]
fn outside_the_window_a_reading_counts_for_the_next_month_where_the_company_says_so() {
    let settings = MetersSettings { window: ReadingsWindow { from_day: 15, to_day: 20 }, ..Default::default() };
    let plain = Policy::usual(Source::Portal);
    let period = |today: i32, closed: Closed| {
        let (today, water) = (Day(today), water());
        let window = Window::on(&settings, today);
        let sent = sent(&today.to_string(), &[(&water, "value", "131")]);
        let terms = Terms { today, window, source: Source::Portal, policy: Policy { closed, ..plain }, charged: None };
        judge(std::slice::from_ref(&water), &sent, terms).map(|judged| judged.period).ok()
    };
    assert_eq!(period(20_261_122, Closed::Refuse), None);
    assert_eq!(period(20_261_122, Closed::NextMonth), Some(Period(202_612)));
    assert_eq!(period(20_261_122, Closed::Accept), Some(Period(202_611)));
    assert_eq!(period(20_261_118, Closed::NextMonth), Some(Period(202_611)), "within the window");
    // Before it opens, it is the reading of this month.
    assert_eq!(period(20_261_105, Closed::NextMonth), Some(Period(202_611)));
    assert_eq!(period(20_261_231, Closed::NextMonth), Some(Period(202_701)));
}

#[test]
fn a_reading_that_comes_after_the_bills_of_its_month_counts_for_the_next() {
    let (water, window) = (water(), always());
    let period = |charged: Option<i32>| {
        let terms = Terms { charged: charged.map(Period), ..usual(&window) };
        let sent = sent("22.11.2026", &[(&water, "value", "131")]);
        judge(std::slice::from_ref(&water), &sent, terms).map(|judged| judged.period)
    };
    assert_eq!(period(None), Ok(Period(202_611)));
    assert_eq!(period(Some(202_610)), Ok(Period(202_611)));
    assert_eq!(period(Some(202_611)), Ok(Period(202_612)));
}

#[test]
fn a_new_meter_is_doubted_by_what_the_old_one_counted() {
    let mut old = water();
    old.removed_on = Some(Day(20_261_105));
    old.readings.insert(0, read(20_261_105, &[129]));
    let mut new = meter(9, 1, vec![read(20_261_105, &[0])]);
    (new.installed_on, new.replaces) = (Day(20_261_105), Some(old.id));
    let meters = [old, new.clone()];
    let say = |value: &str, date: &str, today: i32| {
        let window = always();
        let terms = Terms { today: Day(today), ..usual(&window) };
        judge(&meters, &sent(date, &[(&new, "value", value)]), terms).map(|judged| judged.values.len())
    };
    assert_eq!(say("10", "10.12.2026", 20_261_210), Ok(1));
    let refusal = say("40", "10.12.2026", 20_261_210).expect_err("a question");
    assert!(refusal.verdicts[0].field.ends_with("_confirm"), "{refusal:?}");
}

#[test]
fn staff_may_bring_a_reading_of_an_earlier_month() {
    let (water, window) = (water(), always());
    let terms = Terms { source: Source::Phone, policy: Policy::usual(Source::Phone), ..usual(&window) };
    let sent = sent("31.10.2026", &[(&water, "value", "131")]);
    let judged = judge(std::slice::from_ref(&water), &sent, terms);
    assert_eq!(judged.map(|judged| judged.period), Ok(Period(202_610)));
}
