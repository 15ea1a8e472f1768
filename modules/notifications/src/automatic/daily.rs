//! What the calendar brings, looked at once a day in the morning of the company's zone. Each occasion has a key,
//! so that a second look changes nothing; a look that was missed is made up for where the occasion still holds.

use std::collections::BTreeSet;

use async_trait::async_trait;
use kabinet_billing::overview as bills;
use kabinet_contracts::AccountId;
use kabinet_core::jobs::{JobContext, JobError, JobHandler};
use kabinet_core::{Day, DbError, Money, Period, Tx};
use kabinet_meters::overview as readings;
use kabinet_render::format::day_words;

use crate::audience::Audience;
use crate::kind::Kind;
use crate::messages::{self, Occasion};
use crate::settings::NotificationsSettings;
use crate::store::{self, chats, people, state};
use crate::{addressing, delivery, webhooks};

/// From which hour the day's occasions are looked at: when most quiet hours are over.
const HOUR: u32 = 10;
/// Accounts or meters looked at in a transaction.
const BATCH: u32 = 500;

/// Looks at the day's occasions.
pub(crate) struct Daily;

#[async_trait]
impl JobHandler for Daily {
    fn kind(&self) -> &'static str {
        "daily"
    }

    fn daily_from(&self) -> Option<u32> {
        Some(HOUR)
    }

    async fn run(&self, context: JobContext, _: serde_json::Value) -> Result<(), JobError> {
        let settings = NotificationsSettings::of(&context.tenant)?;
        let mut tx = context.begin().await?;
        window(&mut tx).await?;
        outages(&mut tx).await?;
        resume(&mut tx).await?;
        webhooks::subscribe_again(&mut tx).await?;
        chats::sweep(&tx).await?;
        tx.commit().await?;
        if settings.automatic.verification {
            verifications(&context).await?;
        }
        if let Some(over) = settings.automatic.debt_over {
            debts(&context, over).await?;
        }
        Ok(())
    }
}

/// Goes on with what was begun: jobs are dropped while a company has the module off.
async fn resume(tx: &mut Tx) -> Result<(), DbError> {
    for message in store::messages::unfinished(tx).await? {
        addressing::enqueue(tx, message).await?;
    }
    delivery::enqueue(tx, tx.now()).await
}

/// Readings are taken from today; or until tomorrow, and some have sent none.
async fn window(tx: &mut Tx) -> Result<(), DbError> {
    let today = tx.today();
    let window = readings::window(tx.tenant(), today)?;
    let (from, until) = (window.from, window.until);
    if !window.open {
        return Ok(());
    }
    let over = Some(until.plus_days(1).start(tx.tenant().zone));
    // The second day makes up for a first on which no server ran. All month nothing opens.
    if !window.always && (today == from || today == from.plus_days(1)) {
        let (first, last) = (day_words(from.0.unsigned_abs()), day_words(until.0.unsigned_abs()));
        let body = format!("Показания счётчиков принимаются с {first} по {last}.");
        let occasion = Occasion {
            kind: Kind::WindowOpens,
            key: format!("window_opens:{}", from.0),
            title: "Пора передать показания".to_owned(),
            body,
            link: "/meters/readings".to_owned(),
            audience: Audience::Readers,
            valid_until: over,
        };
        messages::announce(tx, occasion).await?;
    }
    if today.plus_days(1) == until {
        let occasion = Occasion {
            kind: Kind::WindowCloses,
            key: format!("window_closes:{}", until.0),
            title: "Завтра приём показаний закрывается".to_owned(),
            body: format!(
                "Показания за этот месяц ещё не переданы. Они принимаются до {} включительно.",
                day_words(until.0.unsigned_abs())
            ),
            link: "/meters/readings".to_owned(),
            audience: Audience::Unread { since: from },
            valid_until: over,
        };
        messages::announce(tx, occasion).await?;
    }
    Ok(())
}

/// Outages begin tomorrow that were announced on a former day.
async fn outages(tx: &mut Tx) -> Result<(), DbError> {
    let (today, zone) = (tx.today(), tx.tenant().zone);
    let tomorrow = (today.plus_days(1).start(zone), today.plus_days(2).start(zone));
    for outage in store::messages::outages(tx, tomorrow, today.start(zone)).await? {
        messages::remind(tx, outage).await?;
    }
    Ok(())
}

/// The last of the thresholds that is reached: 90, 30 or 7 days to the end of a verification; none before and after.
fn threshold(until: Day, today: Day) -> Option<i64> {
    let left = (until.date() - today.date()).num_days();
    [7, 30, 90].into_iter().find(|days| (0..=*days).contains(&left))
}

async fn verifications(context: &JobContext) -> Result<(), DbError> {
    let mut after = None;
    loop {
        let mut tx = context.begin().await?;
        let today = tx.today();
        let ending = state::ending_verifications(&tx, today, today.plus_days(90), after, BATCH).await?;
        let Some(last) = ending.last() else { return Ok(()) };
        after = Some(last.id);
        for meter in &ending {
            let Some(days) = threshold(meter.verified_until, today) else { continue };
            let service = kabinet_meters::Resource::from_code(&meter.service_code).map_or("", |found| found.title());
            let body = format!(
                "Поверка счётчика «{service}» № {} действует до {}. Без неё показания не будут учитываться: закажите поверку \
                 или замену заранее.",
                meter.serial, meter.verified_until
            );
            let occasion = Occasion {
                kind: Kind::Verification,
                key: format!("verification:{}:{}:{days}", meter.id, meter.verified_until.0),
                title: format!("Поверка счётчика № {} заканчивается {}", meter.serial, meter.verified_until),
                body: escaped(&body),
                link: "/meters".to_owned(),
                audience: Audience::Accounts { accounts: vec![meter.account_id] },
                valid_until: None,
            };
            messages::announce(&mut tx, occasion).await?;
        }
        tx.commit().await?;
    }
}

/// Debts above the company's limit, once a bill and after its last day to pay.
async fn debts(context: &JobContext, over: Money) -> Result<(), DbError> {
    let mut after = None;
    loop {
        let mut tx = context.begin().await?;
        let Some((period, due)) = state::latest_bill(&tx).await? else { return Ok(()) };
        if tx.today() <= due {
            return Ok(());
        }
        let residents = people::residents(&tx, &people::Narrowed::Holders, after, BATCH).await?;
        let Some(last) = residents.last().copied() else { return Ok(()) };
        after = Some(last);
        let held = people::held(&tx, &residents).await?;
        let accounts: BTreeSet<AccountId> = held.into_iter().map(|(_, account)| account).collect();
        let accounts: Vec<AccountId> = accounts.into_iter().collect();
        let debts = bills::debts(&tx, &accounts).await?;
        let numbers = state::numbers(&tx, &accounts).await?;
        for (account, debt) in debts.iter().filter(|(_, debt)| **debt > over) {
            let number = numbers.get(account).map_or("", String::as_str);
            messages::announce(&mut tx, debt_of(*account, number, *debt, period)).await?;
        }
        tx.commit().await?;
    }
}

fn debt_of(account: AccountId, number: &str, debt: Money, period: Period) -> Occasion {
    let body = format!(
        "По лицевому счёту {number} задолженность {debt}\u{a0}₽. Если вы уже заплатили, оплата скоро поступит и сумма изменится."
    );
    Occasion {
        kind: Kind::Debt,
        key: format!("debt:{account}:{period}"),
        title: format!("Задолженность {debt}\u{a0}₽"),
        body: escaped(&body),
        link: "/overview".to_owned(),
        audience: Audience::Accounts { accounts: vec![account] },
        valid_until: None,
    }
}

/// Words that are no Markdown, as Markdown.
fn escaped(text: &str) -> String {
    let marks = ['\\', '*', '_', '`', '[', ']', '<', '>', '#', '|', '~', '&', '!'];
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if marks.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verification_is_announced_at_each_threshold() {
        let until = Day(20_280_529);
        let at = |today: i32| threshold(until, Day(today));
        assert_eq!(at(20_280_228), None, "91 days: 2028 has a 29 February");
        assert_eq!(at(20_280_229), Some(90));
        assert_eq!((at(20_280_428), at(20_280_429)), (Some(90), Some(30)));
        assert_eq!((at(20_280_521), at(20_280_522), at(20_280_529)), (Some(30), Some(7), Some(7)));
        assert_eq!(at(20_280_530), None, "it has ended");
    }

    #[test]
    fn numbers_of_meters_are_no_markup() {
        let text = "№ 12_34_56 *и* [x](https://e.example) <b>";
        assert_eq!(crate::words::plain(&crate::words::blocks(&escaped(text))), text);
    }
}
