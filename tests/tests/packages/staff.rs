//! A plugin and a receipt template that staff load by the API: what is wrong is refused by name, what is right is on
//! the next bills, what is published stays, and a package that says nothing new leaves it there.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kabinet_residents::{password, people};
use kabinet_tests::author::FixedFee;
use kabinet_tests::books;
use kabinet_tests::company::package_with;
use kabinet_tests::pdf::Pdf;
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::world::{self, PASSWORD};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};
use serde_json::{Value, json};

use super::catalog::with;
use super::guest::Guest;
use super::plugin::STEP;
use super::{LATER, applied, change, said, taken, usual};

on_both_databases![
    an_administrator_loads_a_plugin_and_the_next_months_are_charged_by_it,
    a_plugin_that_cannot_work_is_refused_by_name_and_the_old_one_stands,
    a_template_is_tried_and_then_printed_with_and_published_receipts_stay,
    a_template_that_cannot_work_is_refused_with_its_line,
    what_staff_load_before_the_first_package_of_a_new_release_stays,
    only_so_many_are_tried_in_an_hour,
    nobody_else_loads_anything,
];

const SLUG: &str = "teploset";
/// The rules that the company's services name.
const RULES: &[&str] = &["heating", "metered", "heat_in_water"];

fn address(what: &str) -> String {
    format!("/api/admin/v1/billing/{what}")
}

pub(super) fn items(staff: &mut Browser, what: &str) -> Vec<Value> {
    let answer = staff.call("GET", &address(what), None).expect(200).json();
    answer["items"].as_array().expect("items").clone()
}

#[track_caller]
pub(super) fn put(staff: &mut Browser, what: &str, body: &Value) -> Vec<String> {
    let answer = staff.call("PUT", &address(what), Some(body)).expect(200).json();
    serde_json::from_value(answer["changes"].clone()).expect("changes")
}

/// A plugin as staff send it.
fn plugin(component: &[u8], manifest: &str, further: Value) -> Value {
    let body = json!({ "component": STANDARD.encode(component), "manifest": manifest, "settings": {} });
    with(&body, further)
}

/// What the company's resident was charged in a month.
fn charges(server: &Server, month: &str) -> Value {
    server.resident(SLUG).call("GET", &format!("/api/v1/charges?period={month}"), None).expect(200).json()
}

fn heating(charges: &Value) -> &Value {
    let mut lines = charges["charges"].as_array().expect("charges").iter();
    lines.find(|line| line["service"] == "Отопление").expect("a charge for heating")
}

pub(super) fn publish(server: &Server, month: &str) {
    run(command(&server.database, LATER).args(["bill", SLUG, month, "--publish"]));
}

fn an_administrator_loads_a_plugin_and_the_next_months_are_charged_by_it(kind: Kind) {
    // Of its own: it bills two months.
    let server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(SLUG);
    let (before, october) = (items(&mut staff, "plugin"), charges(&server, "2026-10"));
    assert_eq!((before.len(), &before[0]["name"]), (1, &json!("heat")));
    let fixed = FixedFee::built();
    let rules = json!({ "heating": "fixed", "hot_water": "fixed", "hot_water_heat": "fixed" });
    let further = json!({ "settings": { "free_days": "3" }, "rules": rules });
    let new = plugin(&fixed.component(), &fixed.manifest(), further);
    it_is_tried_on_the_latest_month(&mut staff, &new);
    assert_eq!(items(&mut staff, "plugin"), before, "a trial keeps nothing");

    run(command(&server.database, LATER).args(["bill", SLUG, "2026-11"]));
    let changes = put(&mut staff, "plugin", &new);
    assert_eq!(publishing(&mut staff), "billing.run_not_complete", "November was calculated without it");
    for words in ["услуга heating: правило fixed с 2026-11", "плагин fixed-fee 0.1.0 рассчитывает с 2026-11"]
    {
        assert!(changes.iter().any(|change| change == words), "{words}: {changes:?}");
    }
    assert_eq!(put(&mut staff, "plugin", &new), [""; 0], "what is put twice changes nothing more");
    // Other numbers need no component.
    let further = json!({ "settings": { "free_days": "6" }, "from": "2026-12" });
    assert_eq!(put(&mut staff, "plugin", &further), ["плагин fixed-fee 0.1.0 рассчитывает с 2026-12"]);
    let all = items(&mut staff, "plugin");
    assert_eq!((&all[0], all.len()), (&before[0], 3));
    for (now, from, days) in [(&all[1], "2026-11", "3"), (&all[2], "2026-12", "6")] {
        let title = "Дней месяца, за которые плата не берётся";
        let setting = json!([{
            "name": "free_days", "title": title, "unit": "day", "min": "0", "max": "30", "default": "0", "value": days,
        }]);
        assert_eq!((&now["from"], &now["version"]), (&json!(from), &json!("0.1.0")));
        assert_eq!((&now["rules"], &now["settings"]), (&json!(["fixed"]), &setting));
        assert_eq!(now["limits"], json!({ "memory_bytes": 4 << 20, "fuel_per_line": 100_000 }));
    }
    // The package says nothing new, so it stays.
    assert!(taken(&server, &usual(SLUG)).contains("ничего не изменилось"));
    assert_eq!(items(&mut staff, "plugin"), all);

    // (30 − 3) ÷ 30 × 2491.08 = 2241.972; 25 ÷ 31 = 0.8064516 × 2491.08 = 2008.9355.
    for (month, amount) in [("2026-11", 224_197), ("2026-12", 200_894)] {
        publish(&server, month);
        let charged = charges(&server, month);
        let line = heating(&charged);
        assert_eq!((&line["amount"], &line["method"]), (&json!(amount), &json!("фиксированная сумма")), "{month}");
    }
    assert_eq!(charges(&server, "2026-10")["charges"], october["charges"]);
    books::check(&server.database, SLUG);
    a_package_does_not_take_the_rules_from_under_the_services(&server, &mut staff);
}

/// Why the run that was started last is not published.
fn publishing(staff: &mut Browser) -> Value {
    let id = items(staff, "runs")[0]["id"].as_str().expect("an id").to_owned();
    staff.call("POST", &address(&format!("runs/{id}/publish")), None).expect(422).json()["code"].clone()
}

fn it_is_tried_on_the_latest_month(staff: &mut Browser, new: &Value) {
    let tried = staff.call("POST", &address("plugin/check?accounts=50"), Some(new)).expect(200).json();
    assert_eq!((&tried["plugin"]["name"], &tried["plugin"]["from"]), (&json!("fixed-fee"), &json!("2026-11")));
    assert!(tried["changes"].to_string().contains("рассчитывает с 2026-11"), "{tried}");
    let trial = &tried["trial"];
    assert_eq!((&trial["period"], &trial["accounts"]), (&json!("2026-10"), &json!(50)));
    let services = trial["services"].as_array().expect("services");
    let heating = services.iter().find(|service| service["service"] == "heating").expect("heating");
    let sum = |field: &str| heating[field].as_i64().expect("kopecks");
    // (31 − 3) ÷ 31 × 2491.08 = 2250.01 for each account at the most.
    assert!((1..=50 * 225_001).contains(&sum("after")) && sum("before") > 0, "{heating}");
    assert_eq!(sum("difference"), sum("after") - sum("before"));
}

fn a_package_does_not_take_the_rules_from_under_the_services(server: &Server, staff: &mut Browser) {
    let package = package_with(SLUG, "");
    change(&package, "[plugin]", "from = \"2023-01\"", "from = \"2023-02\"");
    let before = items(staff, "plugin");
    let output = applied(server, &package);
    let words = "услуга «heating»: правила «fixed» у плагина «heat» нет";
    assert!(!output.status.success() && said(&output).contains(words), "{}", said(&output));
    assert_eq!(items(staff, "plugin"), before);
}

/// What staff send, with the code, the field and the words of its refusal.
fn wrong_plugins() -> Vec<(Value, &'static str, &'static str, &'static str)> {
    let good = Guest { rules: RULES, ..Guest::default() }.component();
    let newer = Guest { rules: RULES, version: "2.0.0", ..Guest::default() }.component();
    let items = "(func $begin (loop $again (br $again))) (start $begin)".to_owned();
    let looping = Guest { rules: RULES, items, ..Guest::default() }.component();
    let foreign = r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance (export "f" (func (result u64))))))"#;
    let foreign = wat::parse_str(foreign).expect("text");
    let long = vec![0; (2 << 20) + 1];
    let evil = |further: Value| plugin(&good, STEP, further);
    let of = |component: &[u8]| plugin(component, STEP, json!({}));
    let step = |number: &str| evil(json!({ "settings": { "step": number } }));
    let undeclared = plugin(&good, &STEP.replace("\"evil\"", "\"good\""), json!({}));
    let missing = plugin(&good, &STEP.replace("default = \"7\"\n", ""), json!({}));
    let alone = json!({ "component": STANDARD.encode(&good), "settings": {} });
    vec![
        (of(b"no component"), "billing.plugin", "", "не соответствует требованиям"),
        (of(&foreign), "billing.plugin", "", "wasi:clocks/wall-clock@0.2.0"),
        (of(&looping), "billing.plugin", "", "исчерпан запас инструкций"),
        (of(&newer), "billing.plugin", "", "2.0.0"),
        (of(&long), "billing.plugin", "", "at most 2097152"),
        (undeclared, "billing.plugin", "", "описание и сам плагин расходятся: id"),
        (missing, "billing.plugin_manifest", "manifest", "config.step.default: is missing"),
        (of(&Guest::default().component()), "billing.unknown_rule", "rules.heating", "правила «heating»"),
        (evil(json!({ "rules": { "heating": "guessing" } })), "billing.unknown_rule", "rules.heating", "«guessing»"),
        (evil(json!({ "settings": { "stride": "1" } })), "billing.invalid", "settings.stride", "stride"),
        (step("12.6"), "billing.invalid", "settings.step", "от −1 до 12,5"),
        (step("много"), "billing.invalid", "settings.step", "Укажите число"),
        (evil(json!({ "from": "2026-10" })), "billing.already_published", "from", "можно с 2026-11"),
        (evil(json!({ "from": "ноябрь" })), "billing.invalid", "from", "2026-10"),
        (alone, "billing.invalid", "manifest", "вместе"),
    ]
}

fn a_plugin_that_cannot_work_is_refused_by_name_and_the_old_one_stands(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(SLUG);
    let before = (items(&mut staff, "plugin"), charges(server, "2026-10"));
    for (body, code, field, words) in wrong_plugins() {
        for (method, what) in [("PUT", "plugin"), ("POST", "plugin/check")] {
            let refused = staff.call(method, &address(what), Some(&body)).expect(422).json();
            let detail = refused["detail"].as_str().expect("words");
            assert_eq!((&refused["code"], detail.contains(words)), (&json!(code), true), "{words}: {refused}");
            let named = refused["fields"][0]["field"].as_str().unwrap_or_default();
            assert_eq!(named, field, "{words}: {refused}");
        }
    }
    a_rule_that_terms_name_goes_before(&mut staff);
    // One that fails only when it calculates is found by the trial.
    let looping = Guest { rules: RULES, ..Guest::calculating("(loop $again (br $again)) i32.const 64") };
    let tried = plugin(&looping.component(), STEP, json!({}));
    let refused = staff.call("POST", &address("plugin/check"), Some(&tried)).expect(422).json();
    assert!(refused["detail"].as_str().is_some_and(|words| words.contains("исчерпан запас инструкций")), "{refused}");
    assert_eq!((items(&mut staff, "plugin"), charges(server, "2026-10")), before);
}

/// The tariff of a later month names a rule itself.
fn a_rule_that_terms_name_goes_before(staff: &mut Browser) {
    let tariff = address("catalog/tariffs/heating/2027-03");
    let terms = json!({ "terms": { "rule": "metered", "prices": [{ "amount": "1" }] } });
    staff.call("PUT", &tariff, Some(&terms)).expect(200);
    let good = Guest { rules: RULES, ..Guest::default() }.component();
    let body = plugin(&good, STEP, json!({ "rules": { "heating": "heating" } }));
    for (method, what) in [("PUT", "plugin"), ("POST", "plugin/check")] {
        let refused = staff.call(method, &address(what), Some(&body)).expect(422).json();
        assert_eq!(refused["code"], "billing.rule_of_terms", "{refused}");
        assert_eq!(refused["fields"][0]["field"], "rules.heating", "{refused}");
        assert!(refused["detail"].as_str().is_some_and(|words| words.contains("2027-03")), "{refused}");
    }
    staff.call("DELETE", &tariff, None).expect(200);
}

/// The template of the company's package.
fn own_template() -> String {
    fs::read_to_string(usual(SLUG).join("templates/receipt.typ")).expect("the template")
}

/// The text of a receipt drawn with a template that is not stored.
fn preview(staff: &mut Browser, body: &Value) -> String {
    let pdf = staff.call("POST", &address("receipt-template/preview"), Some(body)).expect(200);
    Pdf::new(&pdf.body).text()
}

fn receipt(server: &Server, month: &str) -> Vec<u8> {
    server.resident(SLUG).get(&format!("/documents/{month}.pdf")).expect(200).body
}

/// The template that the next run is printed with.
fn current(staff: &mut Browser) -> Value {
    let mut current = items(staff, "receipt-templates");
    current.retain(|template| template["current"] == true);
    let [one] = current.as_slice() else { panic!("{current:?}") };
    one.clone()
}

fn a_template_is_tried_and_then_printed_with_and_published_receipts_stay(kind: Kind) {
    // Of its own: it bills a month.
    let mut server = Server::demo(Database::new(kind), NOW);
    let mut staff = server.staff(SLUG);
    let (of_package, mark) = (current(&mut staff), "Проверка новой формы");
    assert_eq!(of_package["last"], "2026-10");
    let new = format!("{}\n{mark}\n", own_template());
    let october = receipt(&server, "2026-10");
    assert!(preview(&mut staff, &json!({ "text": new })).contains(mark));
    assert!(preview(&mut staff, &json!({ "text": new, "sample": "in_debt" })).contains(mark));
    let account = server.resident(SLUG).active_account();
    let body = json!({ "text": new, "receipt": { "account": account, "period": "2026-10" } });
    let (shown, published) = (preview(&mut staff, &body), Pdf::new(&october).text());
    let due = published.split_whitespace().find(|word| word.ends_with(".2026")).expect("a date of the receipt");
    assert!(shown.contains(mark) && shown.contains(due) && !published.contains(mark), "{due}: {shown}");
    assert_eq!(current(&mut staff), of_package, "a preview keeps nothing");

    let words = "квитанции печатаются по нему, начиная со следующего расчёта";
    assert!(put(&mut staff, "receipt-template", &json!({ "text": new })).contains(&words.to_owned()));
    assert_eq!(put(&mut staff, "receipt-template", &json!({ "text": new })), [""; 0]);
    assert!(taken(&server, &usual(SLUG)).contains("ничего не изменилось"));
    publish(&server, "2026-11");
    assert!(Pdf::new(&receipt(&server, "2026-11")).text().contains(mark));
    // Drawn anew: what was printed before is forgotten.
    server.kill();
    server.start();
    let mut staff = server.staff(SLUG);
    assert!(receipt(&server, "2026-10") == october, "what is published stays");
    let of_staff = current(&mut staff);
    assert_eq!((&of_staff["first"], &of_staff["last"]), (&json!("2026-11"), &json!("2026-11")));
    let hash = of_staff["hash"].as_str().expect("a hash");
    let text = staff.call("GET", &address(&format!("receipt-templates/{hash}")), None).expect(200).json();
    assert_eq!(text["text"], new);

    // A package that says something new of its template brings it in.
    let package = package_with(SLUG, "");
    fs::write(package.join("templates/receipt.typ"), format!("{}\nФорма пакета\n", own_template())).expect("a write");
    assert!(taken(&server, &package).contains("шаблон квитанции сохранён"));
    let now = current(&mut staff);
    assert!(now["hash"] != of_staff["hash"] && now["hash"] != of_package["hash"], "{now}");
}

fn a_template_that_cannot_work_is_refused_with_its_line(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(SLUG);
    let (own, before) = (own_template(), items(&mut staff, "receipt-templates"));
    let wrong = [
        ("\n\n{{ period | }}\n", "строка 3: ошибка синтаксиса"),
        ("\n{{ nobody.x }}\n", "строка 2: такого поля нет"),
        ("{% include \"a\" %}\n", "строка 1: тег «include»"),
        ("#let x = (\n", "Typst"),
    ];
    for (lines, words) in wrong {
        let text = format!("{lines}{own}");
        for (method, what) in [("PUT", "receipt-template"), ("POST", "receipt-template/preview")] {
            let refused = staff.call(method, &address(what), Some(&json!({ "text": text }))).expect(422).json();
            assert_eq!(
                (&refused["code"], &refused["fields"][0]["field"]),
                (&json!("billing.template"), &json!("text"))
            );
            assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(words)), "{words}: {refused}");
        }
    }
    let nobodys = json!({ "receipt": { "account": "0193a1c0-0000-7000-8000-0000000000ff", "period": "2026-10" } });
    staff.call("POST", &address("receipt-template/preview"), Some(&nobodys)).expect(404);
    let unknown = json!({ "sample": "nothing" });
    let refused = staff.call("POST", &address("receipt-template/preview"), Some(&unknown)).expect(422).json();
    assert_eq!(refused["fields"][0]["field"], "sample");
    assert_eq!(items(&mut staff, "receipt-templates"), before);
}

fn what_staff_load_before_the_first_package_of_a_new_release_stays(kind: Kind) {
    // Of its own: another plugin calculates afterwards.
    let server = Server::demo(Database::new(kind), NOW);
    // As an earlier release leaves a company: it kept neither what the package said nor any `plugin.toml`.
    world::in_company(&server, SLUG, async |tx| {
        let kept = "DELETE FROM setting WHERE tenant_id = $1
                    AND module IN ('billing.package.plugin', 'billing.package.template')";
        assert_eq!(tx.execute(kept, vec![]).await.expect("settings"), 2);
        let manifest = "UPDATE plugin_activation SET manifest = '' WHERE tenant_id = $1";
        assert_eq!(tx.execute(manifest, vec![]).await.expect("an activation"), 1);
    });
    let mut staff = server.staff(SLUG);
    let component = Guest { rules: RULES, ..Guest::default() }.component();
    put(&mut staff, "plugin", &plugin(&component, STEP, json!({})));
    put(&mut staff, "receipt-template", &json!({ "text": format!("{}\nФорма сотрудника\n", own_template()) }));
    let (plugins, template) = (items(&mut staff, "plugin"), current(&mut staff));
    assert_eq!(plugins[1]["name"], "evil");
    for time in ["first", "second"] {
        assert!(taken(&server, &usual(SLUG)).contains("ничего не изменилось"), "{time}");
        assert_eq!((items(&mut staff, "plugin"), current(&mut staff)), (plugins.clone(), template.clone()), "{time}");
    }
    // A package that says something new brings it in.
    let package = package_with(SLUG, "");
    fs::write(package.join("templates/receipt.typ"), format!("{}\nФорма пакета\n", own_template())).expect("a write");
    assert!(taken(&server, &package).contains("шаблон квитанции сохранён"));
    assert_ne!(current(&mut staff)["hash"], template["hash"]);
}

/// A new staff member of that role, logged in.
fn colleague(server: &Server, role: &str, email: &str) -> Browser {
    let hash = password::hash_now(PASSWORD).expect("a hash");
    world::in_company(server, SLUG, async |tx| {
        people::create_staff(tx, tx.new_id(), email, "Проверка", role, &hash).await.expect("a staff member");
    });
    let mut browser = server.browser(SLUG);
    let login = json!({ "email": email, "password": PASSWORD });
    browser.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
    browser
}

fn only_so_many_are_tried_in_an_hour(kind: Kind) {
    let mut staff = colleague(Server::shared(kind), "administrator", "tries-a-lot@teploset.example");
    let none = json!({ "sample": "nothing" });
    let mut try_one = || staff.call("POST", &address("receipt-template/preview"), Some(&none));
    let refused = (0..120).map(|_| try_one().status).filter(|status| *status == 422).count();
    assert_eq!((refused, try_one().expect(429).json()["code"].clone()), (120, json!("too_many_attempts")));
}

fn nobody_else_loads_anything(kind: Kind) {
    let server = Server::shared(kind);
    let mut others = [
        colleague(server, "dispatcher", "requests-only@teploset.example"),
        colleague(server, "accountant", "tariffs-only@teploset.example"),
    ];
    let mut resident = server.resident(SLUG);
    for (method, what) in [
        ("GET", "plugin"),
        ("PUT", "plugin"),
        ("POST", "plugin/check"),
        ("GET", "receipt-templates"),
        ("GET", "receipt-templates/none"),
        ("PUT", "receipt-template"),
        ("POST", "receipt-template/preview"),
    ] {
        let body = (method != "GET").then(|| json!({ "settings": {} }));
        for other in &mut others {
            let answer = other.call(method, &address(what), body.as_ref()).expect(403).json();
            assert_eq!(answer["code"], "forbidden", "{method} {what}");
        }
        resident.call(method, &address(what), body.as_ref()).expect(401);
    }
}
