//! The contexts have the fields of the samples that the templates were written against.

use kabinet_core::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::settings::{MetersSettings, Policy};

const TODAY: Day = Day(20_261_122);

/// The names in `value`, without its figures: an object as names, a list as its first entry.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(entries) => Value::Array(entries.first().map(shape).into_iter().collect()),
        _ => Value::Null,
    }
}

fn sample(text: &str, name: &str) -> Value {
    let samples: Vec<Value> = serde_json::from_str(text).expect("samples");
    let mut found = samples.into_iter().find(|sample| sample["name"] == name).expect("a sample");
    let context = found["context"].as_object_mut().expect("a context");
    context.remove("page");
    Value::Object(context.clone())
}

fn electricity() -> MeterState {
    let reading = |day: i32, one: i64, two: i64, created: i64| StoredReading {
        period: Day(day).period(),
        taken_on: Day(day),
        values: [Quantity::whole(one), Quantity::whole(two), Quantity::ZERO],
        source: "portal".to_owned(),
        created_at: Timestamp(created),
        id: Uuid::from_u128(0),
        rollover: false,
    };
    MeterState {
        id: MeterId(Uuid::from_u128(3)),
        service_code: "electricity".to_owned(),
        serial: "0110".to_owned(),
        place: "прихожая".to_owned(),
        model: "Меркурий".to_owned(),
        zones: 2,
        digits: 6,
        automatic: false,
        installed_on: Day(20_230_415),
        removed_on: None,
        verified_until: Some(Day(20_261_231)),
        replaces: None,
        fault: None,
        readings: vec![
            reading(20_261_122, 150, 60, 7),
            reading(20_261_024, 120, 50, 6),
            reading(20_260_923, 100, 45, 5),
        ],
    }
}

fn window() -> Window {
    Window::on(&MetersSettings::default(), TODAY)
}

fn terms() -> Terms {
    let source = Source::Portal;
    Terms { today: TODAY, window: window(), source, policy: Policy::usual(source), charged: None }
}

fn beside(sent: &HashMap<Uuid, Sending>) -> Beside<'_> {
    Beside { before: None, limit: 60, sent, open: true }
}

#[test]
fn the_readings_page_has_the_sample_s_fields() {
    let text = include_str!("../templates/meters/readings.sample.json");
    let meters = [electricity()];
    let result = SentResult::of(&meters, Timestamp(7)).expect("a result");
    let result = result.estimated(Period(202_611), Money(831_025), Some(Money(14_216)));
    let ours = serde_json::to_value(ReadingsContext::fresh(&meters, terms(), Some(result))).expect("JSON");
    assert_eq!(shape(&ours), shape(&sample(text, "stored, estimate made")));
    assert_eq!(ours["result"]["stored"][0]["zones"][0]["consumption"], json!(300_000_000));
    assert_eq!(ours["meters"][0]["verification"], "soon");

    let mut refusal = Refusal::default();
    refusal.verdicts.push(Verdict { field: "date".to_owned(), text: "…".to_owned() });
    refusal.doubts.insert(meters[0].id, Doubt { text: "…".to_owned(), confirmed: false });
    let typed = Submission { date: "25.12.2026".to_owned(), ..Submission::default() };
    let ours = ReadingsContext::refused(&meters, terms(), &typed, refusal);
    let ours = serde_json::to_value(ours).expect("JSON");
    assert_eq!(ours["date"], "25.12.2026");
    let mut theirs = sample(text, "refused");
    theirs["meters"].as_array_mut().expect("meters").remove(0);
    assert_eq!(shape(&ours), shape(&theirs));
}

#[test]
fn lists_and_one_meter_have_the_sample_s_fields() {
    let meter = electricity();
    let ours = MetersContext {
        meters: vec![MeterRow::of(&meter, TODAY)],
        house: vec![HouseLine {
            service: "Холодная вода".to_owned(),
            serial: "1".to_owned(),
            unit: "м³",
            verification_until: None,
            period: None,
            volume: None,
        }],
    };
    let theirs = sample(include_str!("../templates/meters/meters.sample.json"), "several");
    assert_eq!(shape(&serde_json::to_value(ours).expect("JSON")), shape(&theirs));
    let ours = serde_json::to_value(MeterContext::of(&meter, TODAY, &beside(&HashMap::new()))).expect("JSON");
    let theirs = sample(include_str!("../templates/meters/meter.sample.json"), "two zones");
    assert_eq!(shape(&ours), shape(&theirs));
    assert_eq!(ours["readings"][2]["consumption"], json!([0, 0]));
}

#[test]
fn the_overview_has_the_sample_s_fields() {
    let text = include_str!("../../billing/templates/billing/overview.sample.json");
    let theirs = sample(text, "overdue");
    let line = crate::overview::line(electricity(), TODAY, TODAY.period());
    assert_eq!(shape(&serde_json::to_value(&line).expect("JSON")), shape(&theirs["meters"][0]));
    assert_eq!(shape(&serde_json::to_value(window()).expect("JSON")), shape(&theirs["window"]));
    assert!(line.sent);
}

#[test]
fn a_list_that_was_cut_off_hides_the_reading_it_counts_from() {
    let meter = electricity();
    assert_eq!(lines(&meter, false).len(), 2);
    assert_eq!(lines(&meter, true).len(), 3);
}

#[test]
fn what_bills_will_not_count_is_told_and_the_rest_is_promised() {
    let verified = |until: i32| MeterState { verified_until: Some(Day(until)), ..electricity() };
    let counted = |meters: &[MeterState]| {
        let result = serde_json::to_value(SentResult::of(meters, Timestamp(7)).expect("a result")).expect("JSON");
        (result["counted"].clone(), result["stored"][0]["uncounted"].clone())
    };
    let why = json!("срок поверки истёк 21.11.2026");
    assert_eq!(counted(&[verified(20_261_122), verified(20_261_231)]), (json!("all"), Value::Null));
    assert_eq!(counted(&[verified(20_261_121), verified(20_261_231)]), (json!("some"), why.clone()));
    assert_eq!(counted(&[verified(20_261_121), verified(20_261_001)]), (json!("none"), why));
    // Beforehand it is told where the company wants it.
    let notice = |expired: Expired| {
        let terms = Terms { policy: Policy { expired, ..Policy::usual(Source::Portal) }, ..terms() };
        let form = ReadingsContext::fresh(&[verified(20_261_121)], terms, None);
        serde_json::to_value(form).expect("JSON")["meters"][0]["notice"].clone()
    };
    assert!(notice(Expired::Warn).as_str().is_some_and(|text| text.starts_with("Срок поверки истёк 21.11.2026:")));
    assert_eq!(notice(Expired::Accept), Value::Null);
}
