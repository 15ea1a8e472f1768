//! Automatic notices: each of its occasion, on the day of the company's calendar, and once.

use std::sync::Arc;

use kabinet_contracts::{AccountId, RequestChanged, RequestId, ResidentId, RunId, RunPublished};
use kabinet_core::jobs::NewJob;
use kabinet_core::{Actor, Day, Period, Tenant, Tx};
use kabinet_notifications::audience::Audience;
use kabinet_notifications::messages::{Outage, Written};
use kabinet_notifications::{inbox, messages};
use kabinet_server::App;
use kabinet_tests::server::NOW;
use kabinet_tests::world::{self, holder_of_flat, in_company};
use kabinet_tests::{Database, Kind, Letter, Server, block_on, on_both_databases, wait_until};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{COMPANY, WINDOWED, owing, titles};

on_both_databases![
    the_day_comes_by_itself_and_once,
    a_window_at_the_end_of_february_is_told_on_its_days,
    where_readings_are_taken_all_month_the_last_day_but_one_reminds_whoever_sent_none,
    a_verification_is_told_at_ninety_thirty_and_seven_days,
    a_debt_is_told_once_a_bill_after_its_last_day_to_pay,
    a_receipt_and_a_request_are_told_once_each,
    a_planned_outage_is_told_again_on_the_day_before_and_once,
];

/// The platform in this process over a database that a demo filled, its clock where a test wants it.
struct Days {
    server: Server,
    slug: &'static str,
}

impl Days {
    /// The titles of a resident's notices after the day's occasions were looked at, the newest first.
    fn on(&self, moment: &str, resident: ResidentId, work: impl AsyncFnOnce(&mut Tx)) -> Vec<String> {
        block_on(async {
            let app = App::open(self.server.database.config(moment)).await.expect("the platform");
            let mut tx = app.db.begin(&self.tenant(&app).await, Actor::System).await.expect("a transaction");
            work(&mut tx).await;
            tx.commit().await.expect("a commit");
            // The settings that were changed are read anew.
            let tenant = self.tenant(&app).await;
            let mut tx = app.db.begin(&tenant, Actor::System).await.expect("a transaction");
            tx.enqueue(NewJob::new("notifications", "daily", Value::Null)).await.expect("a job");
            tx.commit().await.expect("a commit");
            app.runner().drain().await.expect("the jobs");
            let tx = app.db.read(&tenant, Actor::System).await.expect("a transaction");
            let (found, _) = inbox::page(&tx, resident, None, 100).await.expect("notices");
            found.into_iter().map(|notice| notice.title.replace('\u{a0}', " ")).collect()
        })
    }

    async fn tenant(&self, app: &App) -> Arc<Tenant> {
        app.tenants.by_slug(self.slug).await.expect("companies").expect("the company")
    }
}

/// A demo that was filled on a day and ended, with a holder in it.
fn days(kind: Kind, slug: &'static str, now: &str) -> (Days, world::Person, world::Known) {
    let mut server = Server::demo(Database::new(kind), now);
    let (person, known) = holder_of_flat(&server, slug, 0);
    server.kill();
    (Days { server, slug }, person, known)
}

async fn decide(tx: &mut Tx, automatic: Value) {
    tx.set_settings("notifications", &json!({ "automatic": automatic })).await.expect("settings");
}

async fn nothing(_: &mut Tx) {}

fn the_day_comes_by_itself_and_once(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-11-14");
    let (mut diligent, _) = holder_of_flat(&server, WINDOWED, 0);
    let (mut late, _) = holder_of_flat(&server, WINDOWED, 1);
    let again = |person: &mut world::Person| {
        person.browser.cookies.clear();
        person.browser.log_in(&person.email, world::PASSWORD);
    };
    let opens = "Пора передать показания".to_owned();
    let closes = "Завтра приём показаний закрывается".to_owned();
    assert!(!titles(&mut late.browser).contains(&opens));
    for moment in ["2026-11-15T10:01:00+05:00", "2026-11-15T18:00:00+05:00", "2026-11-16T11:00:00+05:00"] {
        server.kill();
        server.start_at(moment);
        again(&mut late);
        wait_until("the day's notice", || titles(&mut late.browser).contains(&opens));
    }
    assert_eq!(titles(&mut late.browser).iter().filter(|title| **title == opens).count(), 1);
    // One of them sends all readings; the other one is reminded on the last day but one.
    again(&mut diligent);
    let form = diligent.browser.page("/meters/readings").form("/meters/readings");
    let form = form
        .names("meter_")
        .into_iter()
        .filter(|name| name.contains("_delta"))
        .fold(form.clone(), |form, name| form.with(&name, "0,5"));
    diligent.browser.submit(&form).expect(303);
    server.kill();
    server.start_at("2026-11-24T10:01:00+05:00");
    again(&mut late);
    again(&mut diligent);
    wait_until("the reminder", || titles(&mut late.browser).contains(&closes));
    the_letter_leads_to_each_meter(&server, &server.letter(&late.email, &closes));
    assert!(!titles(&mut diligent.browser).contains(&closes), "who has sent is not reminded");
    assert!(titles(&mut diligent.browser).contains(&opens));
}

/// Each meter that sent nothing has its link in the letter, which opens its form without a login.
fn the_letter_leads_to_each_meter(server: &Server, letter: &Letter) {
    let links: Vec<(&str, &str)> =
        letter.text.lines().filter_map(|line| line.find("/readings/link/").map(|at| line.split_at(at))).collect();
    assert!(!links.is_empty(), "{}", letter.text);
    let mut guest = server.browser(WINDOWED);
    for (title, link) in links {
        assert!(letter.html.replace("&#x2f;", "/").contains(link), "{}", letter.html);
        let page = guest.page(link);
        let (_, serial) = title.split_once("№ ").expect("a number");
        let serial = serial.split([',', ':']).next().expect("a number");
        // The page itself tells the end of the number alone.
        let end = &serial[serial.len() - 4..];
        assert!(page.text().contains(end) && page.has("main form"), "{serial}: {}", page.text());
    }
}

fn a_window_at_the_end_of_february_is_told_on_its_days(kind: Kind) {
    // 2028 has a 29 February: a window from the 25th to the 31st ends on it.
    let (days, person, _) = days(kind, COMPANY, NOW);
    let window = async |tx: &mut Tx| {
        tx.set_settings("meters", &json!({ "window": { "from_day": 25, "to_day": 31 } })).await.expect("settings");
    };
    let seen = days.on("2028-02-24T23:30:00+05:00", person.id, window).len();
    assert_eq!(days.on("2028-02-25T00:30:00+05:00", person.id, nothing).len(), seen + 1, "it opens at midnight there");
    assert_eq!(days.on("2028-02-25T10:30:00+05:00", person.id, nothing).len(), seen + 1);
    assert_eq!(days.on("2028-02-27T10:00:00+05:00", person.id, nothing).len(), seen + 1);
    let titles = days.on("2028-02-28T10:00:00+05:00", person.id, nothing);
    assert_eq!(titles[0], "Завтра приём показаний закрывается");
    // What was about February is not shown in March.
    let titles = days.on("2028-03-01T00:00:01+05:00", person.id, nothing);
    assert!(!titles.iter().any(|title| title.contains("показани")), "{titles:?}");
}

fn where_readings_are_taken_all_month_the_last_day_but_one_reminds_whoever_sent_none(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-11-22");
    let [(mut diligent, _), (late, _)] = [0, 1].map(|number| holder_of_flat(&server, COMPANY, number));
    let form = diligent.browser.page("/meters/readings").form("/meters/readings");
    let deltas = form.names("meter_").into_iter().filter(|name| name.contains("_delta"));
    let form = deltas.fold(form.clone(), |form, name| form.with(&name, "0,5"));
    diligent.browser.submit(&form).expect(303);
    server.kill();
    let days = Days { server, slug: COMPANY };
    let reminded = |titles: &[String]| titles.contains(&"Завтра приём показаний закрывается".to_owned());
    let opens = |titles: &[String]| titles.contains(&"Пора передать показания".to_owned());
    assert!(!reminded(&days.on("2026-11-28T10:00:00+05:00", late.id, nothing)));
    assert!(reminded(&days.on("2026-11-29T10:00:00+05:00", late.id, nothing)));
    assert!(!reminded(&days.on("2026-11-29T11:00:00+05:00", diligent.id, nothing)), "who has sent is not reminded");
    let titles = days.on("2026-12-01T10:00:00+05:00", late.id, nothing);
    assert!(!reminded(&titles) && !opens(&titles), "it is over, and no window opens: {titles:?}");
}

fn a_verification_is_told_at_ninety_thirty_and_seven_days(kind: Kind) {
    let (days, person, known) = days(kind, COMPANY, NOW);
    let until = async |tx: &mut Tx| {
        let sql = "UPDATE meter SET verified_until = 20280529 WHERE tenant_id = $1 AND account_id = $2";
        tx.execute(sql, vec![known.id.into()]).await.expect("meters");
        let none = "UPDATE meter SET verified_until = NULL WHERE tenant_id = $1 AND account_id <> $2";
        tx.execute(none, vec![known.id.into()]).await.expect("meters");
    };
    let sql = "SELECT COUNT(*) AS number FROM meter m
               WHERE m.tenant_id = $1 AND m.account_id = $2 AND m.removed_on IS NULL";
    let meters = days.server.database.count(COMPANY, sql, vec![known.id.into()]);
    let told = |titles: &[String]| titles.iter().filter(|title| title.contains("заканчивается 29.05.2028")).count();
    let meters = usize::try_from(meters).expect("a few");
    assert_eq!(told(&days.on("2028-02-28T23:30:00+05:00", person.id, until)), 0, "91 days before");
    // In UTC it is the 28th still.
    assert_eq!(told(&days.on("2028-02-29T00:30:00+05:00", person.id, nothing)), meters, "at midnight there");
    assert_eq!(told(&days.on("2028-03-01T10:00:00+05:00", person.id, nothing)), meters, "once");
    assert_eq!(told(&days.on("2028-04-30T10:00:00+05:00", person.id, nothing)), 2 * meters);
    assert_eq!(told(&days.on("2028-05-29T10:00:00+05:00", person.id, nothing)), 3 * meters);
    assert_eq!(told(&days.on("2028-05-30T10:00:00+05:00", person.id, nothing)), 3 * meters, "it is over");
}

fn a_debt_is_told_once_a_bill_after_its_last_day_to_pay(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-11-14");
    let (known, owes) = owing(&server, COMPANY);
    let person = world::holder(&server, COMPANY, &known);
    server.kill();
    let days = Days { server, slug: COMPANY };
    let told = |titles: &[String]| titles.iter().filter(|title| title.starts_with("Задолженность")).count();
    let over = |sum: i64| async move |tx: &mut Tx| decide(tx, json!({ "debt_over": sum })).await;
    assert_eq!(told(&days.on("2026-11-16T12:00:00+05:00", person.id, over(owes - 1))), 0, "the last day to pay");
    assert_eq!(told(&days.on("2026-11-17T10:00:00+05:00", person.id, over(owes))), 0, "not above the limit");
    assert_eq!(told(&days.on("2026-11-17T11:00:00+05:00", person.id, over(owes - 1))), 1);
    assert_eq!(told(&days.on("2026-11-18T10:00:00+05:00", person.id, nothing)), 1);
    let off = async |tx: &mut Tx| decide(tx, json!({ "debt_over": null })).await;
    assert_eq!(told(&days.on("2026-11-19T10:00:00+05:00", person.id, off)), 1);
}

fn a_receipt_and_a_request_are_told_once_each(kind: Kind) {
    let (days, person, known) = days(kind, COMPANY, "2026-11-22");
    #[derive(FromQueryResult)]
    struct Run {
        id: Uuid,
        period: i32,
    }
    let runs: Vec<Run> = in_company(&days.server, COMPANY, async |tx| {
        let sql = "SELECT b.id, b.period FROM billing_run b WHERE b.tenant_id = $1 AND b.state = 'published' ORDER BY b.period DESC";
        tx.rows(sql, Vec::new()).await.expect("runs")
    });
    let published = RunPublished { run: RunId(runs[0].id), period: Period(runs[0].period) };
    let changed = |by_resident: bool, moved: bool, state: &str| RequestChanged {
        request: RequestId(Uuid::from_u128(5)),
        number: 12,
        resident: person.id,
        account: known.id,
        state: state.to_owned(),
        moved,
        by_resident,
    };
    let before = days.on("2026-11-22T12:00:00+05:00", person.id, nothing).len();
    let titles = days.on("2026-11-22T12:01:00+05:00", person.id, async |tx| {
        // The demo told of this run when nobody held the flat yet.
        let told = "DELETE FROM message_occasion WHERE tenant_id = $1 AND occasion LIKE 'receipt:%'";
        tx.execute(told, Vec::new()).await.expect("the occasions");
        for _ in 0..2 {
            tx.publish(&published).await.expect("an event");
        }
        tx.publish(&changed(true, true, "in_work")).await.expect("an event");
        tx.publish(&changed(false, true, "waiting")).await.expect("an event");
        tx.publish(&changed(false, false, "waiting")).await.expect("an event");
    });
    assert_eq!(titles.len(), before + 3, "{titles:?}");
    assert!(titles.iter().any(|title| title.starts_with("Квитанция за октябрь 2026")), "{titles:?}");
    assert!(titles.contains(&"Заявка № 12: нужен ваш ответ".to_owned()), "{titles:?}");
    assert!(titles.contains(&"Заявка № 12: новое сообщение".to_owned()), "words move nothing: {titles:?}");
    let titles = days.on("2026-11-22T12:02:00+05:00", person.id, async |tx| {
        decide(tx, json!({ "receipt": false, "request": false })).await;
        tx.publish(&changed(false, true, "done")).await.expect("an event");
    });
    assert_eq!(titles.len(), before + 3, "the company does not want it: {titles:?}");
}

fn a_planned_outage_is_told_again_on_the_day_before_and_once(kind: Kind) {
    let (days, person, known) = days(kind, COMPANY, NOW);
    let announce = async |tx: &mut Tx| {
        let from = Day(20_261_124).start(tx.tenant().zone).plus_seconds(10 * 3600);
        let written = Written {
            title: "Отключение воды".to_owned(),
            body: "Запасите воду.".to_owned(),
            audience: Audience::Houses { houses: vec![house(tx, known.id).await] },
            channels: Vec::new(),
            valid_from: None,
            valid_until: None,
            outage: Some(Outage {
                resource: "Холодная вода".to_owned(), from, until: from.plus_seconds(6 * 3600)
            }),
        };
        let draft = messages::draft(tx, written).await.expect("a draft");
        messages::send(tx, draft.id).await.expect("a message");
    };
    let about = |titles: Vec<String>| -> Vec<String> {
        titles.into_iter().filter(|title| title.contains("Отключение воды")).collect()
    };
    let told = days.on("2026-11-22T18:00:00+05:00", person.id, announce);
    assert_eq!(about(told), ["Отключение воды"]);
    for moment in ["2026-11-23T10:00:00+05:00", "2026-11-23T18:00:00+05:00"] {
        let told = days.on(moment, person.id, nothing);
        assert_eq!(about(told), ["Завтра: Отключение воды", "Отключение воды"], "{moment}");
    }
    // What is taken back takes its reminder with it.
    let take_back = async |tx: &mut Tx| {
        let (found, _) = messages::list(tx, false, None, 1).await.expect("messages");
        messages::cancel(tx, found[0].id).await.expect("taken back");
    };
    let told = days.on("2026-11-23T19:00:00+05:00", person.id, take_back);
    assert!(about(told).is_empty());
}

async fn house(tx: &Tx, account: AccountId) -> Uuid {
    #[derive(FromQueryResult)]
    struct House {
        house_id: Uuid,
    }
    let sql = "SELECT p.house_id FROM account a JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               WHERE a.tenant_id = $1 AND a.id = $2";
    let rows: Vec<House> = tx.rows(sql, vec![account.into()]).await.expect("a house");
    rows[0].house_id
}
