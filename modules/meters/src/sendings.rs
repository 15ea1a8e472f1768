//! Readings sent twice are stored once: a browser that typed them without a network, or that got no answer, sends
//! them again under the same mark.

use kabinet_contracts::Estimates;
use kabinet_core::{Day, DbError, Timestamp, Tx};
use sea_orm::Set;
use uuid::Uuid;

use crate::entity::reading_sending;
use crate::store;

/// Days after which a mark is forgotten: longer than a browser keeps what it did not send.
const KEPT_DAYS: i64 = 60;
/// Days that readings may be on their way: longer than most are without a network, and sooner than bills are made.
const LATE_DAYS: i64 = 3;
/// Days that a browser keeps what it did not send (`portal.js`).
const WAITING_DAYS: i64 = 40;
/// Seconds that the clock of a device may be ahead.
const AHEAD_SECONDS: i64 = 5 * 60;
/// Milliseconds since 1970 to the year 2100: a device whose clock says more is not believed.
const LATEST: i64 = 4_102_444_800_000;
/// Characters of the longest mark.
const LONGEST: usize = 64;

/// The mark that a form carries, if it may be one.
pub(crate) fn mark(text: Option<&String>) -> Option<&str> {
    let fits = |text: &&str| {
        (16..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.map(String::as_str).filter(fits)
}

/// When the browser says that the readings of a form were typed.
pub(crate) fn captured(text: Option<&String>) -> Option<Timestamp> {
    text.and_then(|text| text.parse().ok()).filter(|at| (0..LATEST).contains(at)).map(Timestamp)
}

/// The moment at which a browser took readings down that come at `now`: what it says, where that may be. None where it
/// would be later than now, or longer ago than a browser keeps them.
pub(crate) fn captured_at(captured: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let kept_since = now.plus_seconds(-WAITING_DAYS * 24 * 3600);
    let may_be = |at: &Timestamp| (kept_since..=now.plus_seconds(AHEAD_SECONDS)).contains(at);
    captured.filter(may_be).map(|at| at.min(now))
}

/// The day on which readings were typed that come now, to be judged by it: a window that has closed since was open
/// then. None for today, for readings of a later `date`, for what was longer on its way than [`LATE_DAYS`], and for a
/// month that was charged since.
pub(crate) async fn typed_on(
    tx: &Tx,
    estimates: &dyn Estimates,
    captured: Option<Timestamp>,
    date: &str,
) -> Result<Option<Day>, DbError> {
    let today = tx.today();
    let day = captured.map(|at| at.day(tx.tenant().zone));
    let on_time = |day: &Day| *day < today && day.plus_days(LATE_DAYS) >= today;
    let taken = Day::parse(date).ok();
    let Some(day) = day.filter(on_time).filter(|day| taken.is_none_or(|taken| taken <= *day)) else { return Ok(None) };
    let charged = estimates.published_until(tx).await?;
    Ok(Some(day).filter(|day| charged.is_none_or(|latest| day.period() > latest)))
}

/// Begins the sending under `mark` in the transaction that stores its readings; or when they were stored already.
/// Two that come at once wait for each other here.
pub(crate) async fn begin(tx: &Tx, resident: Uuid, mark: &str) -> Result<Option<Timestamp>, DbError> {
    let row = reading_sending::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        resident_id: Set(resident),
        mark: Set(mark.to_owned()),
        stored_at: Set(tx.now()),
    };
    if tx.insert_if_absent(row).await? {
        store::forget_sendings(tx, resident, tx.now().plus_seconds(-KEPT_DAYS * 24 * 3600)).await?;
        return Ok(None);
    }
    store::sending(tx, resident, mark).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_a_long_plain_word() {
        let of = |text: &str| mark(Some(&text.to_owned())).map(str::to_owned);
        let usual = "5f0c1c0e-7a7b-4c3e-9a55-0b6c7a1d2e3f";
        assert_eq!(of(usual).as_deref(), Some(usual));
        for odd in
            ["", "1", "a b c d e f g h i j k", "0123456789abcdef&sent=1", "марка марка марка марка", &"a".repeat(65)]
        {
            assert_eq!(of(odd), None, "{odd}");
        }
        assert_eq!(mark(None), None);
    }

    #[test]
    fn a_moment_is_kept_that_may_be_and_is_never_later_than_the_sending() {
        let now = Timestamp(1_795_330_800_000);
        let minutes = |minutes: i64| now.plus_seconds(minutes * 60);
        for (said, kept) in [
            (0, Some(0)),
            (-14 * 60, Some(-14 * 60)),
            (-40 * 24 * 60, Some(-40 * 24 * 60)),
            (-40 * 24 * 60 - 1, None),
            (5, Some(0)),
            (6, None),
        ] {
            assert_eq!(captured_at(Some(minutes(said)), now), kept.map(minutes), "{said} minutes");
        }
        assert_eq!(captured_at(None, now), None);
    }
}
