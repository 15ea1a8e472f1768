//! Meters as residents and staff meet them over HTTP: rules by source, photos, replacements, faults, corrections,
//! house meters.

mod faults;
mod houses;
mod late;
mod photos;
mod replacement;
mod rules;
mod sheets;
mod staff;
mod verification;

use kabinet_tests::server::NOW;
use kabinet_tests::world::{self, Known, Person};
use kabinet_tests::{Browser, Database, Kind, Response, Server, on_both_databases};
use rust_decimal::{Decimal, RoundingStrategy};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};

on_both_databases![what_was_read_of_november_is_billed];

/// A server of the demo takes its time to start: what ends in November's bills has one for all.
fn what_was_read_of_november_is_billed(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    late::a_calculation_is_given_up_when_staff_change_what_it_was_made_of(&server);
    let replaced = replacement::read_and_replaced(&server);
    let corrected = staff::a_corrected_reading_of_october(&server);
    let house = houses::what_the_house_used(&server);
    let faulty = faults::of_november(&server);
    let ending = verification::in_november(&server);
    let late = late::sent_while_november_is_billed(&server);
    replacement::the_month_is_what_both_meters_counted(&server, replaced);
    staff::the_next_bill_counts_from_the_corrected_value(&server, &corrected);
    faults::what_a_faulty_meter_shows_is_not_charged(&server, &faulty);
    verification::what_was_read_before_the_end_is_charged_and_the_average_after_it(&server, &ending);
    houses::the_rest_is_shared_where_nobody_stated_a_volume(&server, &house);
    faults::the_reading_after_access_gives_back_averages_and_norms(&server, &faulty);
    late::december_counts_from_what_november_was_charged_to(&server, &late);
}

pub(crate) const COMPANY: &str = "beregovoy";
pub(crate) const METERS: &str = "/api/admin/v1/meters";

/// A meter of cold water with one zone that is read every month, alone of its kind on its account.
pub(crate) struct Water {
    pub(crate) known: Known,
    pub(crate) id: String,
    /// Its readings, the latest first.
    pub(crate) read: Vec<Decimal>,
}

impl Water {
    pub(crate) fn last(&self) -> Decimal {
        self.read[0]
    }
}

/// The staff's view of a meter.
pub(crate) fn case(staff: &mut Browser, id: &str) -> Value {
    staff.call("GET", &format!("{METERS}/{id}"), None).expect(200).json()
}

/// Does something with a meter; the answer as it came.
pub(crate) fn deed(staff: &mut Browser, id: &str, what: &str, body: &Value) -> Response {
    staff.call("POST", &format!("{METERS}/{id}/{what}"), Some(body))
}

pub(crate) fn number(value: &Value) -> Decimal {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no number: {value}"))
}

/// The flat's meter of cold water, where it had one that was read in all of the demo's fourteen months.
fn water_of(staff: &mut Browser, known: &Known) -> Option<Water> {
    let list = staff.call("GET", &format!("{METERS}?account={}", known.id.0), None).expect(200).json();
    let own = |meter: &&Value| meter["service_code"] == "cold_water" && meter["replaces"].is_null();
    let mut water = list["items"].as_array()?.iter().filter(own);
    let only = water.next()?.clone();
    if water.next().is_some() {
        return None;
    }
    let id = only["id"].as_str()?.to_owned();
    let case = case(staff, &id);
    // What other tests do to it is of November, or put in another's place.
    let first = |reading: &&Value| reading["period"].as_str() < Some("2026-11") && reading["source"] != "staff";
    let of_demo = case["readings"].as_array()?.iter().filter(first);
    let read: Vec<Decimal> = of_demo.map(|reading| number(&reading["values"][0])).collect();
    (read.len() == 15).then_some(Water { known: known.clone(), id, read })
}

/// The meter of cold water at this place, from the last flats on: tests that run beside each other take their own.
pub(crate) fn water(server: &Server, staff: &mut Browser, place: usize) -> Water {
    let flats = world::accounts(server, COMPANY, |known| known.kind == "flat" && !known.surname.is_empty());
    flats.iter().rev().filter_map(|known| water_of(staff, known)).nth(place).expect("a meter of cold water")
}

/// The holder of the meter's flat, logged in.
pub(crate) fn holder(server: &Server, water: &Water) -> Person {
    world::holder(server, COMPANY, &water.known)
}

/// Sends a value by the resident's form; the answer as it came.
pub(crate) fn send(browser: &mut Browser, meter: &str, value: &str, confirm: bool) -> Response {
    let form = browser.page("/meters/readings").form("/meters/readings");
    let mut form = form.with(&format!("meter_{meter}_value"), value);
    if confirm {
        form.fields.push((format!("meter_{meter}_confirm"), "yes".to_owned()));
    }
    browser.submit(&form)
}

/// A number as a person types it.
pub(crate) fn typed(value: Decimal) -> String {
    value.normalize().to_string().replace('.', ",")
}

pub(crate) fn places(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

#[derive(FromQueryResult)]
struct Charged {
    volume: Option<i64>,
    charged: i64,
    method: String,
}

/// Volume, roubles and method of an account's cold water in a published month.
pub(crate) fn charged(server: &Server, known: &Known, period: i32) -> (Decimal, Decimal, String) {
    charged_for(server, known, "cold_water", period)
}

/// The same of another service.
pub(crate) fn charged_for(server: &Server, known: &Known, service: &str, period: i32) -> (Decimal, Decimal, String) {
    let sql = "SELECT c.volume, c.charged, c.method FROM billing_run r
               JOIN charge c ON c.tenant_id = r.tenant_id AND c.run_id = r.id AND c.account_id = $3
               WHERE r.tenant_id = $1 AND r.state = 'published' AND r.period = $2
                 AND c.service_code = $4";
    let rows: Vec<Charged> = server.database.rows(COMPANY, sql, vec![period.into(), known.id.into(), service.into()]);
    let [row] = rows.as_slice() else { panic!("{} charges", rows.len()) };
    (Decimal::new(row.volume.unwrap_or_default(), 7), Decimal::new(row.charged, 2), row.method.clone())
}

/// Rules for readings as the operation takes them.
pub(crate) fn rules(policy: &Value, sources: &Value) -> Value {
    json!({ "policy": policy, "sources": sources })
}
