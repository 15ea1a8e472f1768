//! The readings of one day stand in the order in which they came: whatever the clock did in between, and whichever of
//! them was corrected since.

use kabinet_tests::server::NOW;
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use serde_json::{Value, json};

use crate::clients::COMPANY;
use crate::clock::Shift;

on_both_databases![
    a_reading_sent_after_the_clock_went_back_within_the_day_is_the_last_one,
    a_corrected_reading_keeps_its_place_among_those_of_its_day,
];

/// 10^7: readings are stored as whole numbers.
const THOUSANDTH: i64 = 10_000;

/// A meter of the logged-in resident, with the value it had.
struct Meter {
    id: String,
    base: i64,
}

impl Meter {
    fn of(resident: &mut Browser) -> Self {
        let meters = resident.call("GET", "/api/v1/meters", None).expect(200).json();
        let meters = meters["meters"].as_array().expect("meters");
        let meter = meters.iter().find(|meter| meter["zones"] == 1 && meter["active"] == true).expect("a meter");
        let id = meter["id"].as_str().expect("an id").to_owned();
        Self { id, base: meter["last_values"][0].as_i64().expect("a value") }
    }

    /// What the dial shows so many thousandths after the base.
    fn shown(&self, thousandths: i64) -> String {
        let value = self.base / THOUSANDTH + thousandths;
        format!("{}.{:03}", value / 1000, value % 1000)
    }

    /// Sends it; the status of the answer.
    fn send(&self, resident: &mut Browser, thousandths: i64) -> u16 {
        let readings = json!([{ "meter": self.id, "values": [self.shown(thousandths)] }]);
        resident.call("POST", "/api/v1/meters/readings", Some(&json!({ "readings": readings }))).status
    }

    /// The last reading, in thousandths after the base.
    fn last(&self, resident: &mut Browser) -> i64 {
        let meters = resident.call("GET", "/api/v1/meters", None).expect(200).json();
        let meters = meters["meters"].as_array().expect("meters");
        let own = meters.iter().find(|meter| meter["id"] == self.id.as_str()).expect("the meter");
        (own["last_values"][0].as_i64().expect("a value") - self.base / THOUSANDTH * THOUSANDTH) / THOUSANDTH
    }
}

fn a_reading_sent_after_the_clock_went_back_within_the_day_is_the_last_one(kind: Kind) {
    let clock = Shift::new();
    let server = Server::with(Database::new(kind), NOW, &clock.environment());
    let mut resident = server.resident(COMPANY);
    let meter = Meter::of(&mut resident);
    // From noon to four o'clock, and back to one: readings of one day.
    clock.set(4 * 3600);
    assert_eq!(meter.send(&mut resident, 10), 200);
    clock.set(3600);
    assert_eq!(meter.send(&mut resident, 30), 200);
    assert_eq!(meter.last(&mut resident), 30);
    assert_eq!(meter.send(&mut resident, 20), 422, "lower than the last one");
    assert_eq!(meter.send(&mut resident, 40), 200);
    assert_eq!(meter.last(&mut resident), 40);
    // The page behind the form shows what was sent, as on any day.
    let path = "/meters/readings";
    let form = resident.page(path).form(path).with(&format!("meter_{}_value", meter.id), &meter.shown(50));
    let answer = resident.submit(&form).expect(303);
    let text = resident.follow(answer).page().one("section.result").text();
    let shown = meter.shown(50).trim_end_matches('0').replace('.', ",");
    assert!(text.contains("Показания приняты") && text.contains(&shown), "{shown} in {text}");
    assert_eq!(meter.last(&mut resident), 50);
    clock.set(5 * 3600);
    assert_eq!(meter.send(&mut resident, 60), 200);
    assert_eq!(meter.last(&mut resident), 60, "and when the clock has caught up");
}

fn a_corrected_reading_keeps_its_place_among_those_of_its_day(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let mut resident = server.resident(COMPANY);
    let meter = Meter::of(&mut resident);
    for thousandths in [10, 20, 30] {
        assert_eq!(meter.send(&mut resident, thousandths), 200);
    }
    let mut staff = server.staff(COMPANY);
    let path = format!("/api/admin/v1/meters/{}", meter.id);
    let case = staff.call("GET", &path, None).expect(200).json();
    let id = |at: usize| case["readings"][at]["id"].as_str().expect("an id").to_owned();
    let correct = |staff: &mut Browser, id: &str, thousandths: i64| {
        let body = json!({ "values": [meter.shown(thousandths)], "reason": "переставлены цифры" });
        staff.call("POST", &format!("{path}/readings/{id}/correct"), Some(&body))
    };
    correct(&mut staff, &id(1), 35).expect(422);
    correct(&mut staff, &id(1), 25).expect(200);
    assert_eq!(meter.last(&mut resident), 30, "the last reading of the day is still the last");
    assert_eq!(meter.send(&mut resident, 27), 422);
    // Once a day staff bring a reading: of another one they are told so.
    let refused = correct(&mut staff, &id(2), 5).expect(422).json();
    assert_eq!(refused["fields"][0]["field"], "values", "{refused}");
    let after = staff.call("GET", &path, None).expect(200).json();
    let standing = after["readings"].as_array().expect("readings").iter().filter(|one| one["withdrawn_at"].is_null());
    let values: Vec<&Value> = standing.map(|one| &one["values"][0]).take(3).collect();
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<f64>().ok()).expect("a number");
    let expected: Vec<f64> = [30, 25, 10].map(|at| meter.shown(at).parse().expect("a number")).to_vec();
    assert_eq!(values.iter().map(|value| number(value)).collect::<Vec<_>>(), expected);
}
