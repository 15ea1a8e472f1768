//! What staff record beside meters and tariffs: people away, benefits, corrections of closed months. All of it
//! reaches the next bill with its reason, and what was published stays.

use kabinet_render::format::rub_sign;
use kabinet_tests::pdf::Pdf;
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, world};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

on_both_databases![
    closed_months_computed_again_come_out_as_they_were,
    absences_benefits_and_corrections_reach_the_next_bill_with_their_reasons,
    no_more_people_are_recorded_away_than_live_there,
    an_act_that_no_meter_can_be_installed_takes_the_raising_coefficient_off,
    the_raising_coefficient_of_december_2025_holds_from_the_sixth_on,
    whoever_has_no_meter_reads_the_norm_the_coefficient_the_excess_and_the_formula,
    heat_of_hot_water_goes_back_as_it_was_charged_when_its_water_does,
    a_correction_is_refused_in_words_and_taken_back_before_it_is_billed,
    staff_change_the_terms_of_months_to_come_and_of_no_published_one,
    a_new_service_a_rate_of_penalty_and_a_day_off_reach_the_next_bill,
];

const SLUG: &str = "beregovoy";
const WATER: &str = "Холодное водоснабжение";
/// When November is billed: the corrections were recorded before.
const LATER: &str = "2026-12-05";

fn of_account(account: &str, what: &str) -> String {
    format!("/api/admin/v1/billing/accounts/{account}/{what}")
}

fn items(answer: &Value) -> Vec<Value> {
    items_of(answer, "items")
}

fn items_of(answer: &Value, list: &str) -> Vec<Value> {
    answer[list].as_array().expect(list).clone()
}

fn differences(staff: &mut Browser, account: &str, from: &str) -> Vec<Value> {
    let address = of_account(account, &format!("recomputed?from={from}"));
    let months = items(&staff.call("GET", &address, None).expect(200).json());
    assert!(!months.is_empty(), "{address}");
    months.into_iter().filter(|month| month["difference"] != 0).collect()
}

fn closed_months_computed_again_come_out_as_they_were(kind: Kind) {
    let server = Server::shared(kind);
    for slug in ["beregovoy", "teploset"] {
        // Held: whoever corrects this account meanwhile waits.
        let mut resident = server.resident(slug);
        let account = resident.active_account();
        let mut staff = server.staff(slug);
        assert_eq!(differences(&mut staff, &account, "2025-10"), [Value::Null; 0], "{slug}");
    }
}

fn record_absence(staff: &mut Browser, account: &str, from: &str, to: &str) {
    let absence = json!({ "residents": 1, "from": from, "to": to, "document": "билеты на поезд" });
    staff.call("POST", &format!("/api/admin/v1/accounts/{account}/absences"), Some(&absence)).expect(200);
}

fn absences_benefits_and_corrections_reach_the_next_bill_with_their_reasons(kind: Kind) {
    // Of its own: a month is published.
    let server = Server::demo(Database::new(kind), NOW);
    let account = server.resident(SLUG).active_account();
    let mut staff = server.staff(SLUG);
    // 6 to 19 October are 14 full days, and the month is closed: 144.44 × 14 ÷ 31 = 65.23 go back by a correction.
    record_absence(&mut staff, &account, "2026-10-05", "2026-10-20");
    let owed = differences(&mut staff, &account, "2026-10");
    let waste = owed.iter().find(|month| month["service"] == "waste").expect("the waste of October");
    assert_eq!((&waste["period"], &waste["difference"]), (&json!("2026-10"), &json!(-6523)));
    let asked = json!({ "from": "2026-10", "basis": "Акт № 7 от 20.11.2026" });
    let recorded = items(&staff.call("POST", &of_account(&account, "recalculations"), Some(&asked)).expect(200).json());
    assert_eq!(recorded.len(), owed.len());
    assert_eq!(differences(&mut staff, &account, "2026-10"), [Value::Null; 0], "nothing is left to correct");
    let again = staff.call("POST", &of_account(&account, "recalculations"), Some(&asked)).expect(200).json();
    assert_eq!(items(&again), [Value::Null; 0], "asking twice records once");
    // 10 to 29 November are 20 full days of a month to come: 144.44 × 20 ÷ 30 = 96.29.
    record_absence(&mut staff, &account, "2026-11-09", "2026-11-30");
    let benefit =
        json!({ "service": "maintenance", "from": "2026-11", "share": "0,5", "document": "удостоверение 12-34" });
    staff.call("POST", &of_account(&account, "benefits"), Some(&benefit)).expect(200);
    let by_hand =
        json!({ "service": "capital_repair", "period": "2026-09", "amount": -1000, "basis": "Уточнена площадь" });
    staff.call("POST", &of_account(&account, "recalculations/manual"), Some(&by_hand)).expect(200);

    run(command(&server.database, LATER).args(["bill", SLUG, "2026-11", "--publish"]));
    the_bill_says_why(&server);
    let listed = items(&staff.call("GET", &of_account(&account, "recalculations"), None).expect(200).json());
    assert!(listed.iter().all(|one| one["state"] == "billed" && one["billed_in"] == "2026-11"), "{listed:?}");
    let taken = format!("/api/admin/v1/billing/recalculations/{}/withdraw", listed[0]["id"].as_str().expect("an id"));
    assert_eq!(staff.call("POST", &taken, None).expect(422).json()["code"], "billing.recalculation_billed");
    // The published month can be computed again, with what was frozen, to the byte.
    let said = run(command(&server.database, LATER).args(["bill", "--replay", SLUG, "2026-11"]));
    assert!(said.contains("совпадает с опубликованным до байта"), "{said}");
}

fn no_more_people_are_recorded_away_than_live_there(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(SLUG);
    let absences = format!("/api/admin/v1/accounts/{}/absences", world::flat(server, SLUG, 20).id);
    let away = |residents: u32, from: &str, to: &str| json!({ "residents": residents, "from": from, "to": to, "document": "билеты" });
    let first = away(100, "2026-12-01", "2026-12-20");
    let first = staff.call("POST", &absences, Some(&first)).expect(200).json();
    let again = away(1, "2026-12-10", "2026-12-28");
    let refused = staff.call("POST", &absences, Some(&again)).expect(422).json();
    assert_eq!(refused["code"], "accounts.away_already");
    assert!(refused["detail"].as_str().is_some_and(|text| text.contains("11.12.2026")), "{refused}");
    // Whoever leaves on the day of the return is not away twice, and what is taken back counts no more.
    staff.call("POST", &absences, Some(&away(1, "2026-12-20", "2026-12-28"))).expect(200);
    let withdraw = format!("/api/admin/v1/accounts/absences/{}/withdraw", first["id"].as_str().expect("an id"));
    staff.call("POST", &withdraw, None).expect(204);
    staff.call("POST", &absences, Some(&away(1, "2026-12-10", "2026-12-20"))).expect(200);
}

/// Cold water that was charged by the raised norm.
#[derive(FromQueryResult)]
struct Raised {
    account_id: Uuid,
    volume: i64,
    coefficient: i64,
    charged: i64,
    excess: i64,
}

fn raised_in(server: &Server, month: i32) -> Vec<Raised> {
    let sql = "SELECT c.account_id, c.volume, c.coefficient, c.charged, c.excess FROM billing_run r
               JOIN charge c ON c.tenant_id = r.tenant_id AND c.run_id = r.id AND c.service_code = 'cold_water'
               WHERE r.tenant_id = $1 AND r.state = 'published' AND r.period = $2 AND c.method = 'norm_raised'";
    world::in_company(server, SLUG, async |tx| tx.rows(sql, vec![month.into()]).await.expect("charges"))
}

/// 1.5 − 1 of the norm's charge is added for five days of December and 3 − 1 for 26 days, as ПП РФ 1871 says.
fn the_raising_coefficient_of_december_2025_holds_from_the_sixth_on(kind: Kind) {
    let server = Server::shared(kind);
    let months = [(202_511, 15_000_000, (30, 60)), (202_512, 27_600_000, (109, 62)), (202_601, 30_000_000, (124, 62))];
    for (month, coefficient, (part, whole)) in months {
        let of_month = raised_in(server, month);
        assert!(!of_month.is_empty(), "somebody without a meter in {month}");
        for row in of_month {
            assert_eq!(row.coefficient, coefficient, "{month}");
            let norm = row.charged - row.excess;
            // Both sums are rounded by themselves.
            let off = (whole * row.excess - part * norm).abs();
            assert!(2 * off <= whole + part, "{month}: {norm} and {}", row.excess);
        }
    }
}

/// January 2026: 4.2 m³ a person at 40.23, and twice that sum again by the coefficient 3.
fn whoever_has_no_meter_reads_the_norm_the_coefficient_the_excess_and_the_formula(kind: Kind) {
    let server = Server::shared(kind);
    let raised = raised_in(server, 202_601);
    let whole_month = |known: &world::Known| {
        raised.iter().find(|row| row.account_id == known.id.0 && row.excess > 0 && row.volume % 42_000_000 == 0)
    };
    let flats = world::accounts(server, SLUG, |known| known.kind == "flat" && !known.surname.is_empty());
    let found = flats.iter().find_map(|known| Some((known, whole_month(known)?)));
    let (known, charge) = found.expect("a flat without a meter");
    let mut resident = world::holder(server, SLUG, known).browser;

    let month = resident.call("GET", "/api/v1/charges?period=2026-01", None).expect(200).json();
    let line = items_of(&month, "charges").into_iter().find(|line| line["service"] == WATER).expect("cold water");
    assert_eq!((&line["norm"], &line["norm_unit"]), (&json!(42_000_000), &json!("м³ на человека")), "{line}");
    assert_eq!((&line["tariff"], &line["tariff_unit"]), (&json!(402_300_000), &json!("₽ за м³")), "{line}");
    assert_eq!((&line["coefficient"], &line["volume"]), (&json!(30_000_000), &json!(charge.volume)), "{line}");
    assert_eq!((&line["amount"], &line["excess"]), (&json!(charge.charged), &json!(charge.excess)), "{line}");
    assert_eq!(line["parts"], json!([]), "one tariff: {line}");
    assert_eq!(line["penalty_reasons"] == json!([]), line["penalty"] == 0, "{line}");
    let method = line["method"].as_str().expect("how");
    assert!(method.starts_with("по нормативу с повышающим коэффициентом"), "{method}");
    let plain = |text: &str| text.replace('\u{a0}', " ");
    let (by_norm, excess) = (plain(&rub_sign(charge.charged - charge.excess)), plain(&rub_sign(charge.excess)));
    let formula = plain(line["formula"].as_str().expect("a formula"));
    let worked_out = format!("4,2 м³ × 40,23 ₽ = {by_norm}; повышение: {by_norm} × 2 = {excess}");
    assert!(formula.ends_with(&worked_out), "{formula}: {worked_out}");

    let page = resident.page("/charges?period=2026-01");
    let rows: Vec<String> = page.all("tr").iter().map(|row| row.text()).collect();
    let at = rows.iter().position(|row| row.starts_with(WATER)).expect("cold water");
    // The service and the reasons below it.
    let said = rows[at..=at + 1].concat();
    let of_excess = format!("Из них из-за повышающего коэффициента: {excess}");
    for words in ["4,2 м³ на человека", "повышающий коэффициент 3", "40,23 ₽ за м³", method, &formula, &of_excess]
    {
        assert!(said.contains(&plain(words)), "{words}: {said}");
    }
}

/// An account whose cold water of October was charged by the raised norm, and the excess, kopecks.
fn raised(server: &Server) -> (String, i64) {
    #[derive(FromQueryResult)]
    struct Raised {
        account_id: Uuid,
        excess: i64,
    }
    let sql = "SELECT c.account_id, c.excess FROM billing_run r
               JOIN charge c ON c.tenant_id = r.tenant_id AND c.run_id = r.id AND c.service_code = 'cold_water'
               JOIN account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id AND a.closed_on IS NULL
               WHERE r.tenant_id = $1 AND r.state = 'published' AND r.period = 202610 AND c.method = 'norm_raised'
                 AND c.excess > 0
                 AND NOT EXISTS (SELECT 1 FROM meter m WHERE m.tenant_id = a.tenant_id AND m.account_id = a.id
                                 AND m.service_code = 'cold_water')
               ORDER BY a.number LIMIT 1";
    let rows: Vec<Raised> = world::in_company(server, SLUG, async |tx| tx.rows(sql, vec![]).await.expect("accounts"));
    let found = rows.first().expect("an account without a meter");
    (found.account_id.to_string(), found.excess)
}

fn an_act_that_no_meter_can_be_installed_takes_the_raising_coefficient_off(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(SLUG);
    let (account, excess) = raised(server);
    let acts = format!("/api/admin/v1/accounts/{account}/meter-impossibilities");
    assert_eq!(differences(&mut staff, &account, "2026-10"), [Value::Null; 0]);
    let act = |since: &str, document: &str| json!({ "resource": "cold_water", "since": since, "document": document });
    for (since, document, field) in [("2026-11-23", "Акт № 3", "since"), ("2026-10-20", " ", "document")] {
        let refused = staff.call("POST", &acts, Some(&act(since, document))).expect(422).json();
        assert_eq!(refused["fields"][0]["field"], field);
    }
    let made = staff.call("POST", &acts, Some(&act("2026-10-20", "Акт № 3"))).expect(200).json();
    let twice = staff.call("POST", &acts, Some(&act("2026-11-01", "Акт № 4"))).expect(422).json();
    assert_eq!(twice["fields"][0]["text"], "Акт по этому ресурсу уже действует");
    assert_eq!(staff.call("GET", &acts, None).expect(200).json(), made);
    // All of its month counts, and wastewater was never raised.
    let owed = differences(&mut staff, &account, "2026-10");
    let owed: Vec<_> = owed.iter().map(|month| (&month["service"], month["difference"].clone())).collect();
    assert_eq!(owed, [(&json!("cold_water"), json!(-excess))]);

    let end = format!("/api/admin/v1/accounts/meter-impossibilities/{}/end", made[0]["id"].as_str().expect("an id"));
    let early = staff.call("POST", &end, Some(&json!({ "on": "2026-10-19" }))).expect(422).json();
    assert_eq!(early["fields"][0]["field"], "on");
    // October keeps it when it ends in November, and has it no more when it never was.
    staff.call("POST", &end, Some(&json!({ "on": "2026-11-01" }))).expect(200);
    assert_eq!(differences(&mut staff, &account, "2026-10").len(), 1);
    server.staff("teploset").call("POST", &end, Some(&json!({ "on": "2026-10-20" }))).expect(404);
    let ended = staff.call("POST", &end, Some(&json!({ "on": "2026-10-20" }))).expect(200).json();
    assert_eq!(ended[0]["ended_on"], "2026-10-20");
    assert_eq!(differences(&mut staff, &account, "2026-10"), [Value::Null; 0]);
}

fn heat_of_hot_water_goes_back_as_it_was_charged_when_its_water_does(kind: Kind) {
    #[derive(FromQueryResult)]
    struct Pair {
        charged: i64,
        recalculation: i64,
    }
    // Months of the demo in which a reading gave back the whole water of an averaged month before.
    let sql = "SELECT before.charged, heat.recalculation
               FROM billing_run r
               JOIN billing_run p ON p.tenant_id = r.tenant_id AND p.id = r.base_run
               JOIN charge water ON water.tenant_id = r.tenant_id AND water.run_id = r.id
                AND water.service_code = 'hot_water' AND water.method = 'meter'
               JOIN charge averaged ON averaged.tenant_id = r.tenant_id AND averaged.run_id = p.id
                AND averaged.account_id = water.account_id AND averaged.service_code = 'hot_water'
                AND averaged.method IN ('average', 'norm') AND averaged.charged = -water.recalculation
               JOIN charge heat ON heat.tenant_id = r.tenant_id AND heat.run_id = r.id
                AND heat.account_id = water.account_id AND heat.service_code = 'hot_water_heat'
               JOIN charge before ON before.tenant_id = r.tenant_id AND before.run_id = p.id
                AND before.account_id = water.account_id AND before.service_code = 'hot_water_heat'
               WHERE r.tenant_id = $1 AND r.state = 'published' AND averaged.charged > 0";
    let server = Server::shared(kind);
    let pairs: Vec<Pair> =
        world::in_company(server, "teploset", async |tx| tx.rows(sql, vec![]).await.expect("charges"));
    assert!(pairs.len() >= 5, "{} averaged months", pairs.len());
    for pair in &pairs {
        assert_eq!(pair.recalculation, -pair.charged);
    }
}

/// The charges, the receipt and the difference to the month before.
fn the_bill_says_why(server: &Server) {
    let mut resident = server.resident(SLUG);
    let month = resident.call("GET", "/api/v1/charges?period=2026-11", None).expect(200).json();
    let charges = month["charges"].as_array().expect("charges").clone();
    let line = |name: &str| charges.iter().find(|line| line["service"] == name).expect(name).clone();
    let sum = |line: &Value, key: &str| line[key].as_i64().expect("kopecks");
    let waste = line("Обращение с ТКО");
    assert_eq!(sum(&waste, "recalculation"), -6523 - 9629);
    assert!(waste["recalculation_reason"].as_str().expect("why").contains("Акт № 7 от 20.11.2026"), "{waste}");
    let upkeep = line("Содержание и ремонт жилья");
    let half = 2 * sum(&upkeep, "recalculation") + sum(&upkeep, "amount");
    assert!(half.abs() <= 1 && sum(&upkeep, "amount") > 0, "{upkeep}");
    assert_eq!(sum(&line("Взнос на капитальный ремонт"), "recalculation"), -1000);
    let receipt = Pdf::new(&resident.get("/documents/2026-11.pdf").expect(200).body).text();
    assert!(receipt.contains("Акт № 7") && receipt.contains("161,52"), "{receipt}");
    let repair = Pdf::new(&resident.get("/documents/2026-11/capital_repair.pdf").expect(200).body).text();
    assert!(repair.contains("Уточнена площадь"), "{repair}");
    let page = resident.get("/charges/difference?period=2026-11").expect(200).text();
    assert!(page.contains("ерерасчёт"), "{page}");
}

fn a_correction_is_refused_in_words_and_taken_back_before_it_is_billed(kind: Kind) {
    let server = Server::shared(kind);
    let mut resident = server.resident("teploset");
    let account = resident.active_account();
    let mut staff = server.staff("teploset");
    let by_hand = of_account(&account, "recalculations/manual");
    let correction = |service: &str, period: &str, amount: i64, basis: &str| json!({ "service": service, "period": period, "amount": amount, "basis": basis });
    let wrong = [
        (correction("heating", "2026-11", -100, "акт"), "billing.not_published"),
        (correction("heating", "2026-10", 0, "акт"), "billing.invalid"),
        (correction("heating", "2026-10", -100, "  "), "billing.invalid"),
        (correction("no such", "2026-10", -100, "акт"), "billing.invalid"),
        (correction("heating", "октябрь", -100, "акт"), "billing.invalid"),
    ];
    for (body, code) in wrong {
        assert_eq!(staff.call("POST", &by_hand, Some(&body)).expect(422).json()["code"], code, "{body}");
    }
    let body = correction("heating", "2026-10", -12_345, "Акт о недогреве");
    let made = staff.call("POST", &by_hand, Some(&body)).expect(200).json();
    assert_eq!((&made["state"], &made["amount"]), (&json!("waiting"), &json!(-12_345)));
    let address = format!("/api/admin/v1/billing/recalculations/{}/withdraw", made["id"].as_str().expect("an id"));
    // Another company's staff see nothing of it.
    server.staff(SLUG).call("POST", &address, None).expect(404);
    staff.call("POST", &address, None).expect(204);
    let listed = items(&staff.call("GET", &of_account(&account, "recalculations"), None).expect(200).json());
    assert_eq!((listed.len(), &listed[0]["state"]), (1, &json!("withdrawn")));
    let old = of_account(&account, "recomputed?from=2020-01");
    assert_eq!(staff.call("GET", &old, None).expect(422).json()["code"], "billing.too_old");
    let benefit = json!({ "service": "heating", "from": "2026-10", "share": "0.5", "document": "удостоверение" });
    let refused = staff.call("POST", &of_account(&account, "benefits"), Some(&benefit)).expect(422).json();
    assert_eq!(refused["code"], "billing.invalid", "a published month has its benefits: {refused}");
}

fn staff_change_the_terms_of_months_to_come_and_of_no_published_one(kind: Kind) {
    // Of its own: the catalogue is changed.
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(SLUG);
    let tariff = |month: &str| format!("/api/admin/v1/billing/catalog/tariffs/waste/{month}");
    let terms = json!({ "terms": { "prices": [{ "amount": "200" }] }, "note": "решение от 20.11.2026" });
    let by_area = |rule: &str| json!({ "rule": rule, "prices": [{ "amount": "2.50" }] });
    let refused = staff.call("PUT", &tariff("2026-10"), Some(&terms)).expect(422).json();
    assert_eq!(refused["code"], "billing.tariff_in_use");
    for wrong in [json!({ "prices": [{ "amount": "-1" }] }), json!({ "prise": 1 }), json!(7), by_area("by guess")] {
        let body = json!({ "terms": wrong });
        assert_eq!(staff.call("PUT", &tariff("2026-11"), Some(&body)).expect(422).json()["code"], "billing.invalid");
    }
    // Within a month the figures change and nothing else: a service ends with a month.
    let ended = json!({ "terms": { "prices": [] } });
    let refused = staff.call("PUT", &tariff("2026-11-16"), Some(&ended)).expect(422).json();
    assert_eq!((&refused["code"], &refused["fields"][0]["field"]), (&json!("billing.within_month"), &json!("from")));
    staff.call("PUT", &tariff("2026-11-31"), Some(&terms)).expect(422);
    let before = staff.call("GET", "/api/admin/v1/billing/catalog/tariffs", None).expect(200).json();
    let changed = staff.call("PUT", &tariff("2026-11"), Some(&terms)).expect(200).json();
    assert_eq!(changed["changes"].as_array().map(Vec::len), Some(1), "{changed}");
    let again = staff.call("PUT", &tariff("2026-11"), Some(&terms)).expect(200).json();
    assert_eq!(again["changes"].as_array().map(Vec::len), Some(0), "{again}");
    for day in ["2027-01", "2027-01-16"] {
        staff.call("PUT", &tariff(day), Some(&terms)).expect(200);
        let listed = staff.call("GET", "/api/admin/v1/billing/catalog/tariffs", None).expect(200).json();
        assert!(items(&listed).iter().any(|entry| entry["from"] == day), "{listed}");
    }
    for day in ["2027-01-16", "2027-01"] {
        staff.call("DELETE", &tariff(day), None).expect(200);
    }
    let after = staff.call("GET", "/api/admin/v1/billing/catalog/tariffs", None).expect(200).json();
    assert_eq!(items(&after).len(), items(&before).len() + 1, "the others are left alone");
    // From December on the service goes by the area and not by the residents.
    staff.call("PUT", &tariff("2026-12"), Some(&json!({ "terms": by_area("area") }))).expect(200);
    run(command(&server.database, LATER).args(["bill", SLUG, "2026-11", "--publish"]));
    // The next month can be billed on this day, the one after it has not begun.
    run(command(&server.database, LATER).args(["bill", SLUG, "2026-12", "--publish"]));
    let output = command(&server.database, LATER).args(["bill", SLUG, "2027-01"]).output().expect("kabinet bill");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("ещё не начался"));
    let mut resident = server.resident(SLUG);
    let mut line = |period: &str, service: &str| {
        let month = resident.call("GET", &format!("/api/v1/charges?period={period}"), None).expect(200).json();
        let charges = month["charges"].as_array().expect("charges");
        charges.iter().find(|line| line["service"] == service).expect("a line").clone()
    };
    let (november, december) = (line("2026-11", "Обращение с ТКО"), line("2026-12", "Обращение с ТКО"));
    assert_eq!(november["tariff"], 2_000_000_000_i64, "{november}");
    assert_eq!(november["volume"], line("2026-10", "Обращение с ТКО")["volume"], "by the residents as before");
    assert_eq!(december["tariff"], 25_000_000_i64, "{december}");
    assert_eq!(december["volume"], line("2026-12", "Содержание и ремонт жилья")["volume"], "both go by the area");
}

fn a_new_service_a_rate_of_penalty_and_a_day_off_reach_the_next_bill(kind: Kind) {
    // Of its own: the catalogue is changed.
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(SLUG);
    let catalog = |what: &str| format!("/api/admin/v1/billing/catalog/{what}");
    let changes = |answer: &Value| answer["changes"].as_array().map(Vec::len);
    let door = json!({ "title": "Домофон", "resource": "other", "unit": "square_metre", "section": "maintenance",
                       "receipt": "utilities", "rule": "area" });
    let unknown = json!({ "title": "Домофон", "resource": "other", "unit": "square_metre", "section": "maintenance",
                          "receipt": "utilities", "rule": "by guess" });
    let refused = staff.call("PUT", &catalog("services/door"), Some(&unknown)).expect(422).json();
    assert_eq!(refused["fields"][0]["field"], "rule", "{refused}");
    assert_eq!(changes(&staff.call("PUT", &catalog("services/door"), Some(&door)).expect(200).json()), Some(1));
    assert_eq!(changes(&staff.call("PUT", &catalog("services/door"), Some(&door)).expect(200).json()), Some(0));
    let terms = json!({ "terms": { "prices": [{ "amount": "1.50" }] }, "note": "собрание от 20.11.2026" });
    staff.call("PUT", &catalog("tariffs/door/2026-11"), Some(&terms)).expect(200);
    let rates = json!({ "items": [{ "from": "2022-02-28", "until": "2026-11-30", "percent": "9.5" },
                                  { "from": "2026-12-01", "percent": "8,25", "note": "ключевая ставка" }] });
    assert_eq!(changes(&staff.call("PUT", &catalog("penalty-rates"), Some(&rates)).expect(200).json()), Some(1));
    let kept = items(&staff.call("GET", &catalog("penalty-rates"), None).expect(200).json());
    // The days of published months keep their row; the new one of November stands beside it.
    let rates: Vec<_> = kept.iter().map(|rate| (rate["from"].as_str(), rate["percent"].as_str())).collect();
    let wanted = [("2022-02-28", "9.5"), ("2026-11-01", "9.5"), ("2026-12-01", "8.25")];
    assert_eq!(rates, wanted.map(|(from, percent)| (Some(from), Some(percent))));
    let twice =
        json!({ "items": [{ "from": "2022-02-28", "percent": "9.5" }, { "from": "2026-12-01", "percent": "8" }] });
    staff.call("PUT", &catalog("penalty-rates"), Some(&twice)).expect(422);
    // The bill of November falls due on Tuesday the 15th of December, unless the company rests on that day.
    let rest = json!({ "off": ["2026-12-15"] });
    staff.call("PUT", &catalog("calendar"), Some(&rest)).expect(200);
    assert_eq!(staff.call("GET", &catalog("calendar"), None).expect(200).json()["off"], json!(["2026-12-15"]));
    let both = json!({ "off": ["2026-12-15"], "working": ["2026-12-15"] });
    staff.call("PUT", &catalog("calendar"), Some(&both)).expect(422);

    run(command(&server.database, LATER).args(["bill", SLUG, "2026-11", "--publish"]));
    let mut resident = server.resident(SLUG);
    assert_eq!(resident.call("GET", "/api/v1/overview", None).expect(200).json()["figures"]["due"], "2026-12-16");
    let lines = |resident: &mut Browser, period: &str| {
        let month = resident.call("GET", &format!("/api/v1/charges?period={period}"), None).expect(200).json();
        month["charges"].as_array().expect("charges").clone()
    };
    let charges = lines(&mut resident, "2026-11");
    let line = |name: &str| charges.iter().find(|line| line["service"] == name).expect(name);
    let (door, upkeep) = (line("Домофон"), line("Содержание и ремонт жилья"));
    assert_eq!(door["volume"], upkeep["volume"], "both go by the area");
    assert!(lines(&mut resident, "2026-10").iter().all(|line| line["service"] != "Домофон"), "published months stay");
    let receipt = Pdf::new(&resident.get("/documents/2026-11.pdf").expect(200).body).text();
    assert!(receipt.contains("Домофон") && receipt.contains("16.12.2026"), "{receipt}");
}
