//! «Уведомления», as residents, staff, gateways and messengers meet them over HTTP.

mod automatic;
mod bounces;
mod chats;
mod crash;
mod delivery;
mod inbox;
mod letters;
mod messengers;
mod personal;
mod settings;
mod toggle;

use std::time::Duration;

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{Actor, Clock, Day, Db, DbConfig};
use kabinet_tests::gateways::{Gateway, MAX_TOKEN, SMS_KEY, TELEGRAM_TOKEN, Taken};
use kabinet_tests::world::{self, Known, in_company};
use kabinet_tests::{Browser, Server, block_on, wait_for};
use serde_json::{Value, json};

/// The company that takes readings all month; the other one's window is 15 to 25.
pub(crate) const COMPANY: &str = "beregovoy";
pub(crate) const WINDOWED: &str = "teploset";
pub(crate) const STAFF: &str = "/api/admin/v1/notifications";

/// A flat that owes something, and how much, kopecks; no other test takes one from the middle.
pub(crate) fn owing(server: &Server, slug: &str) -> (Known, i64) {
    let flats = world::accounts(server, slug, |known| known.kind == "flat" && !known.surname.is_empty());
    let ids: Vec<AccountId> = flats.iter().map(|known| known.id).collect();
    let debts = in_company(server, slug, async |tx| kabinet_billing::overview::debts(tx, &ids).await.expect("debts"));
    let debt = |known: &Known| debts.get(&known.id).map_or(0, |debt| debt.0);
    let found = flats.iter().skip(flats.len() / 2).find(|known| debt(known) > 1).expect("a debtor");
    (found.clone(), debt(found))
}

/// A message for an audience.
pub(crate) fn message(title: &str, audience: &Value) -> Value {
    json!({ "title": title, "body": "Текст **важный**.", "audience": audience })
}

/// Writes and sends a message; its identifier.
pub(crate) fn sent(staff: &mut Browser, message: &Value) -> String {
    let id = draft(staff, message);
    staff.call("POST", &format!("{STAFF}/{id}/send"), Some(&json!({}))).expect(200);
    id
}

pub(crate) fn draft(staff: &mut Browser, message: &Value) -> String {
    let draft = staff.call("POST", STAFF, Some(message)).expect(200).json();
    draft["id"].as_str().expect("an identifier").to_owned()
}

/// What became of a message.
pub(crate) fn report(staff: &mut Browser, id: &str) -> Value {
    staff.call("GET", &format!("{STAFF}/{id}"), None).expect(200).json()
}

/// How many of a message's notices or deliveries are in a state.
pub(crate) fn number(report: &Value, list: &str, state: &str) -> i64 {
    let rows = report[list].as_array().expect("a list").iter().filter(|row| row["state"] == state);
    rows.filter_map(|row| row["number"].as_i64()).sum()
}

/// The report of a message, once its notices are in this state.
pub(crate) fn settled(staff: &mut Browser, id: &str, state: &str, count: i64) -> Value {
    wait_for(&format!("{count} × {state}"), || {
        let seen = report(staff, id);
        (number(&seen, "notices", state) >= count).then_some(seen)
    })
}

/// Titles of a resident's notices as the list shows them.
pub(crate) fn titles(browser: &mut Browser) -> Vec<String> {
    browser.page("/notifications").all("ul.rows a").iter().map(|link| link.text()).collect()
}

/// The number behind «Уведомления» in the menu; zero without one.
pub(crate) fn badge(browser: &mut Browser) -> u64 {
    let page = browser.page("/overview");
    let tabs = page.all("nav .tabs a[href=/notifications] .count");
    let digits: String = tabs.first().map(|count| count.text()).unwrap_or_default();
    digits.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or_default()
}

/// What the company decides, instead of its package; the server hears of it within moments.
pub(crate) fn decide(server: &Server, slug: &str, settings: &Value) {
    block_on(async {
        // On the demo's day: a demo that starts again goes on from the latest deed in its audit log.
        let (clock, _) = Clock::manual(Day(20_261_122).start(chrono_tz::Asia::Yekaterinburg));
        let place = DbConfig { url: server.database.url.clone(), connections: 2 };
        let db = Db::connect(&place, clock).await.expect("the database");
        let company = server.database.company(&db, slug).await;
        let mut tx = db.begin(&company, Actor::System).await.expect("a transaction");
        tx.set_settings("notifications", settings).await.expect("the settings");
        tx.commit().await.expect("a commit");
    });
    std::thread::sleep(Duration::from_millis(1500));
}

/// Settings with all channels, each led to its stand-in; nothing automatic and no quiet hours.
pub(crate) fn channels(order: &[&str], gateway: &Gateway) -> Value {
    let url = gateway.url();
    json!({
        "order": order,
        "quiet": null,
        "automatic": { "window_opens": false, "window_closes": false, "receipt": false, "verification": false, "request": false },
        "sms": { "url": format!("{url}/sms"), "body": "to={phone}&text={text}&id={id}&key={token}", "success": "ok",
                 "price": 400, "monthly_cap": 1_000_000_000_i64 },
        "max": { "name": "kabinet_bot", "base_url": format!("{url}/max") },
        "telegram": { "name": "kabinet_tg_bot", "base_url": format!("{url}/tg") },
    })
}

/// Keeps the token that a channel's stand-in gave; what the platform says of the webhook.
pub(crate) fn token(staff: &mut Browser, channel: &str) -> Value {
    let token = match channel {
        "max" => MAX_TOKEN,
        "telegram" => TELEGRAM_TOKEN,
        _ => SMS_KEY,
    };
    let path = format!("/api/admin/v1/notification-channels/{channel}/token");
    staff.call("PUT", &path, Some(&json!({ "token": token }))).expect(200).json()
}

/// The calls by which the platform told a messenger of its webhook.
pub(crate) fn subscriptions(gateway: &Gateway, channel: &str) -> Vec<Taken> {
    let path = match channel {
        "max" => "/max/subscriptions".to_owned(),
        _ => format!("/tg/bot{TELEGRAM_TOKEN}/setWebhook"),
    };
    gateway.taken().into_iter().filter(|call| call.path == path).collect()
}

/// The secret that the platform told a messenger: what comes to the webhook must carry it.
pub(crate) fn webhook_secret(gateway: &Gateway, channel: &str) -> String {
    let told = wait_for("the subscription", || subscriptions(gateway, channel).into_iter().next());
    let field = if channel == "max" { "secret" } else { "secret_token" };
    told.json()[field].as_str().expect("a secret").to_owned()
}

/// One resident as an audience.
pub(crate) fn only(resident: ResidentId) -> Value {
    json!({ "to": "resident", "resident": resident.0 })
}

pub(crate) fn of_account(account: AccountId) -> Value {
    json!({ "to": "accounts", "accounts": [account.0] })
}
