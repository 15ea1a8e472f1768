//! Answering what a resident wrote to a bot: readings go through the meters' own door and come back with its
//! verdict, appeals become requests where the company has that module.

use kabinet_accounts::links::{self, Linked};
use kabinet_contracts::{Appeals, Estimates, ResidentId};
use kabinet_core::{DbError, Tx};
use kabinet_meters::overview::{self, OverviewMeter};
use kabinet_meters::{Error as MetersError, Resource, Row, Source, Submission, readings};
use kabinet_render::format;
use kabinet_residents::people;

use crate::saying::{self, Reading, Saying};

/// What the bot says when it did not understand, and to whoever has just come.
pub(crate) const HELP: &str = "Отправьте показание, например «хвс 123,4», «гвс 88» или «свет 4865 2310» (день и ночь). \
Счётчик можно назвать по номеру: «хвс №4471 123,4». Чтобы написать в компанию, начните со слова «обращение»: \
«обращение: не горит свет в подъезде».";
/// What the bot says to a stranger.
pub(crate) const STRANGER: &str = "Этот чат не привязан к личному кабинету. Откройте в кабинете «Уведомления», \
«Настройки уведомлений», получите код и отправьте его сюда.";

/// What the bot answers.
pub(crate) enum Heard {
    /// It was done; these words are the answer.
    Done(String),
    /// It was refused, and nothing of it may stay.
    Refused(String),
}

/// Does what a resident wrote.
pub(crate) async fn hear(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    appeals: Option<&dyn Appeals>,
    resident: ResidentId,
    text: &str,
) -> Result<Heard, DbError> {
    let said = saying::read(text);
    if said == Saying::Other {
        return Ok(Heard::Done(HELP.to_owned()));
    }
    let Some(account) = account(tx, resident).await? else {
        return Ok(Heard::Refused("В личном кабинете нет действующего лицевого счёта: привяжите его.".to_owned()));
    };
    match said {
        Saying::Readings(lines) => take_readings(tx, estimates, &account, &lines).await,
        Saying::Appeal(text) => file_appeal(tx, appeals, resident, &account, &text).await,
        Saying::Other => Ok(Heard::Done(HELP.to_owned())),
    }
}

/// The account that the resident chose in the portal, or the first one; none that is closed.
async fn account(tx: &Tx, resident: ResidentId) -> Result<Option<Linked>, DbError> {
    let today = tx.today();
    let chosen = people::resident(tx, resident).await?.and_then(|visitor| visitor.active_account);
    let linked = links::of(tx, resident).await?.into_iter();
    let mut open: Vec<Linked> =
        linked.filter(|account| account.closed_on.is_none_or(|closed| closed > today)).collect();
    let index = open.iter().position(|account| Some(account.id) == chosen).unwrap_or_default();
    Ok((index < open.len()).then(|| open.swap_remove(index)))
}

async fn file_appeal(
    tx: &mut Tx,
    appeals: Option<&dyn Appeals>,
    resident: ResidentId,
    account: &Linked,
    text: &str,
) -> Result<Heard, DbError> {
    let Some(appeals) = appeals else {
        return Ok(Heard::Refused(
            "Обращения через бот не принимаются: позвоните в компанию или напишите ей.".to_owned(),
        ));
    };
    if !account.access.is_full() {
        let words = "Обращения подаёт только собственник или наниматель лицевого счёта.";
        return Ok(Heard::Refused(words.to_owned()));
    }
    Ok(match appeals.file(tx, resident, account.id, text).await? {
        Ok(number) => Heard::Done(format!("Заявка № {number} отправлена. Ответ придёт сюда и в личный кабинет.")),
        Err(why) => Heard::Refused(why),
    })
}

async fn take_readings(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    account: &Linked,
    lines: &[Reading],
) -> Result<Heard, DbError> {
    let meters = overview::meters(tx, account.id).await?;
    let mut submission = Submission { date: tx.today().to_string(), ..Submission::default() };
    let mut said = Vec::new();
    for line in lines {
        let meter = match meant(&meters, line) {
            Ok(meter) => meter,
            Err(why) => return Ok(Heard::Refused(why)),
        };
        let mut row = Row { confirmed: line.confirmed, ..Row::default() };
        for (place, value) in row.values.iter_mut().zip(&line.values) {
            value.clone_into(place);
        }
        submission.rows.insert(meter.id, row);
        said.push(format!("{} № {}: {}", meter.service, meter.serial, line.values.join(" и ")));
    }
    match readings::submit(tx, estimates, account.id, &submission, Source::Messenger).await {
        Ok(taken) => {
            let (date, number, said) = (taken.date, &account.number, said.join("\n"));
            let later = taken.period > date.period() && taken.uncounted.len() < taken.meters.len();
            let counts = if later {
                format!("\nОни войдут в квитанцию за {}.", format::period(taken.period.0.unsigned_abs()))
            } else {
                String::new()
            };
            let uncounted: String = taken.uncounted.iter().map(|line| format!("\n{line}.")).collect();
            Ok(Heard::Done(format!("Показания приняты {date}, лицевой счёт {number}.\n{said}{counts}{uncounted}")))
        }
        Err(MetersError::Refused(refusal)) => {
            let doubts = refusal.doubts.values().filter(|doubt| !doubt.confirmed).map(|doubt| {
                format!("{} Если показание верное, отправьте его ещё раз со словом «верно» в конце строки.", doubt.text)
            });
            let doubted = |field: &str| field.ends_with("_confirm");
            let verdicts = refusal.verdicts.iter().filter(|verdict| !doubted(&verdict.field)).map(|v| v.text.clone());
            let words: Vec<String> = verdicts.chain(doubts).collect();
            Ok(Heard::Refused(format!("Показания не приняты. {}", words.join(" "))))
        }
        Err(MetersError::Db(error)) => Err(error),
        Err(error) => Ok(Heard::Refused(format!("Показания не приняты. {error}"))),
    }
}

/// The meter that a line means: the only one of its resource, or the only one at all; else its number is needed.
fn meant<'m>(meters: &'m [OverviewMeter], line: &Reading) -> Result<&'m OverviewMeter, String> {
    let of_resource =
        |meter: &&OverviewMeter| line.resource.is_none_or(|resource: Resource| meter.service == resource.title());
    let of_serial = |meter: &&OverviewMeter| line.serial.as_ref().is_none_or(|serial| meter.serial.ends_with(serial));
    let found: Vec<&OverviewMeter> = meters.iter().filter(of_resource).filter(of_serial).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] if meters.is_empty() => Err("На этом лицевом счёте нет счётчиков.".to_owned()),
        [] => Err("Такого счётчика на этом лицевом счёте нет. ".to_owned() + list(meters).as_str()),
        _ => Err("Назовите счётчик по номеру, например «хвс №4471 123,4». ".to_owned() + list(meters).as_str()),
    }
}

fn list(meters: &[OverviewMeter]) -> String {
    let names: Vec<String> = meters.iter().map(|meter| format!("{} № {}", meter.service, meter.serial)).collect();
    format!("Счётчики: {}.", names.join("; "))
}
