//! What a meter counted month by month, with the conclusion in words, and how long its verification holds.

use kabinet_core::{Day, Period, Quantity};
use kabinet_render::format;
use serde::Serialize;

use crate::replacement::{Counted, volumes};
use crate::store::MeterState;
use crate::verdict::rough;
use crate::view::unit;
use crate::volume::{Figures, mean, months_between};

/// Months that are shown.
const MONTHS: usize = 24;
/// Months of which the conclusion speaks.
const YEAR: usize = 12;
/// A month differs from the usual when it does by more than one part in so many.
const DIFFERS: i64 = 10;

/// Months in the case that follows «в».
const IN_MONTH: [&str; 12] = [
    "январе",
    "феврале",
    "марте",
    "апреле",
    "мае",
    "июне",
    "июле",
    "августе",
    "сентябре",
    "октябре",
    "ноябре",
    "декабре",
];

/// A month's volumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Month {
    pub(crate) period: Period,
    /// By zone.
    pub(crate) volumes: Vec<Quantity>,
    /// All zones together.
    pub(crate) total: Quantity,
}

/// Months that a meter counted, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct History {
    pub(crate) months: Vec<Month>,
    /// What they come to, in a sentence.
    pub(crate) sentence: String,
}

impl History {
    /// The months of `meter`, with those of the meter whose place it took; none of a meter without two readings.
    pub(crate) fn of(meter: &MeterState, before: Option<&MeterState>) -> Option<Self> {
        let figures = |meter: &MeterState| -> Vec<Figures> { meter.readings.iter().map(Figures::from).collect() };
        let own = figures(meter);
        let old = before.filter(|old| old.zones == meter.zones).map(|old| (figures(old), old.digits));
        let old = old.as_ref().map(|(readings, digits)| Counted { readings, digits: *digits });
        let zone = |index: usize| {
            let own = Counted { readings: &own, digits: meter.digits };
            volumes(own, old.map(|old| (old, meter.installed_on)), index)
        };
        let zones: Vec<Vec<(Period, Quantity)>> = (0..meter.zones).map(zone).collect();
        let mut months: Vec<Month> = zones
            .first()?
            .iter()
            .enumerate()
            .map(|(at, (period, _))| {
                let volumes: Vec<Quantity> = zones.iter().map(|zone| zone[at].1).collect();
                let total = volumes.iter().fold(Quantity::ZERO, |sum, volume| sum + *volume);
                Month { period: *period, volumes, total }
            })
            .take(MONTHS)
            .collect();
        months.reverse();
        let sentence = conclusion(&months, unit(&meter.service_code))?;
        Some(Self { months, sentence })
    }
}

/// «За последние 12 месяцев в среднем 3,2 м³ в месяц, в октябре больше обычного на 1,1 м³.»
fn conclusion(months: &[Month], unit: &str) -> Option<String> {
    let year = &months[months.len().saturating_sub(YEAR)..];
    let last = year.last()?;
    let usual = mean(&year.iter().map(|month| month.total).collect::<Vec<_>>())?;
    let amount = |volume: Quantity| {
        let volume = rough(volume).unwrap_or_default();
        format!("{}\u{a0}{unit}", format::quantity(volume.0))
    };
    let span = match year.len() {
        1 => "За один месяц".to_owned(),
        many => format!("За последние {many} {}", plural(many, ["месяц", "месяца", "месяцев"])),
    };
    let name = usize::try_from(last.period.month()).ok().and_then(|month| IN_MONTH.get(month - 1)).copied()?;
    let more = last.total - usual;
    let compared = if year.len() == 1 {
        String::new()
    } else if more.0.abs() <= usual.0.abs() / DIFFERS {
        format!(", в {name} как обычно")
    } else if more.0 > 0 {
        format!(", в {name} больше обычного на {}", amount(more))
    } else {
        format!(", в {name} меньше обычного на {}", amount(Quantity(-more.0)))
    };
    Some(format!("{span} в среднем {} в месяц{compared}.", amount(usual)))
}

/// How long a verification until `until` holds from `today` on, or how long it has been over, in words.
pub(crate) fn countdown(until: Day, today: Day) -> String {
    if until < today {
        return format!("истекла {} назад", span(until, today).1);
    }
    if until == today {
        return "истекает сегодня".to_owned();
    }
    let (first, span) = span(today, until);
    format!("{} {span}", plural(first, ["остался", "осталось", "осталось"]))
}

/// The time between two days, days up to three months, then months, then years and months: the first number of it, and
/// the words.
fn span(from: Day, to: Day) -> (usize, String) {
    let begun = months_between(from.period(), to.period());
    let months = begun - i32::from(to.day_of_month() < from.day_of_month());
    let count = |number: usize, words: [&str; 3]| (number, format!("{number} {}", plural(number, words)));
    if months < 3 {
        let days = (to.date() - from.date()).num_days();
        return count(usize::try_from(days).unwrap_or_default(), ["день", "дня", "дней"]);
    }
    let months = usize::try_from(months).unwrap_or_default();
    let (years, rest) =
        (count(months / 12, ["год", "года", "лет"]), count(months % 12, ["месяц", "месяца", "месяцев"]));
    match (years.0, rest.0) {
        (0, _) => rest,
        (_, 0) => years,
        _ => (years.0, format!("{} и {}", years.1, rest.1)),
    }
}

/// The form of a noun behind a number.
const fn plural(number: usize, [one, few, many]: [&str; 3]) -> &str {
    match (number % 10, number % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months(totals: &[i64]) -> Vec<Month> {
        let first = Period(202_611).plus(1 - i32::try_from(totals.len()).expect("few"));
        let month = |(at, total): (i32, &i64)| {
            let total = Quantity(total * 1_000_000);
            Month { period: first.plus(at), volumes: vec![total], total }
        };
        (0..).zip(totals).map(month).collect()
    }

    fn said(totals: &[i64]) -> String {
        conclusion(&months(totals), "м³").unwrap_or_default().replace('\u{a0}', " ")
    }

    #[test]
    fn the_conclusion_says_the_mean_and_how_the_last_month_differs() {
        let mut year = vec![30; 11];
        year.push(54);
        assert_eq!(
            said(&year),
            "За последние 12 месяцев в среднем 3,2 м³ в месяц, в ноябре больше обычного на 2,2 м³."
        );
        // Older months are drawn, but the sentence speaks of a year.
        let older = [vec![900; 6], year].concat();
        assert!(said(&older).starts_with("За последние 12 месяцев в среднем 3,2"), "{}", said(&older));
        assert_eq!(said(&[30, 31, 29]), "За последние 3 месяца в среднем 3 м³ в месяц, в ноябре как обычно.");
        assert_eq!(said(&[30, 10]), "За последние 2 месяца в среднем 2 м³ в месяц, в ноябре меньше обычного на 1 м³.");
        assert_eq!(said(&[25]), "За один месяц в среднем 2,5 м³ в месяц.");
        assert_eq!(said(&[0, 0]), "За последние 2 месяца в среднем 0 м³ в месяц, в ноябре как обычно.");
        assert_eq!(said(&[]), "");
    }

    #[test]
    fn a_verification_is_counted_down_in_words() {
        let on = |until: i32, today: i32| countdown(Day(until), Day(today));
        assert_eq!(on(20_261_231, 20_261_122), "осталось 39 дней");
        assert_eq!(on(20_261_123, 20_261_122), "остался 1 день");
        assert_eq!(on(20_261_213, 20_261_122), "остался 21 день");
        assert_eq!(on(20_261_203, 20_261_122), "осталось 11 дней");
        assert_eq!(on(20_280_122, 20_261_122), "остался 1 год и 2 месяца");
        assert_eq!(on(20_261_122, 20_261_122), "истекает сегодня");
        assert_eq!(on(20_261_121, 20_261_122), "истекла 1 день назад");
        assert_eq!(on(20_290_414, 20_261_122), "осталось 2 года и 4 месяца");
        assert_eq!(on(20_270_422, 20_261_122), "осталось 5 месяцев");
        assert_eq!(on(20_311_122, 20_261_122), "осталось 5 лет");
        assert_eq!(on(20_250_101, 20_261_122), "истекла 1 год и 10 месяцев назад");
        // Over the end of February, in a leap year and in a plain one.
        assert_eq!(on(20_280_301, 20_280_228), "осталось 2 дня");
        assert_eq!(on(20_270_301, 20_270_228), "остался 1 день");
        assert_eq!(on(20_290_228, 20_280_229), "осталось 11 месяцев");
    }
}
