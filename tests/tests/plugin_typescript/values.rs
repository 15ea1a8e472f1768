//! Every field of the contract crosses the template's ABI, each with a value of its own.

use std::process::Command;

use kabinet_tests::process::new_folder;
use kabinet_tests::server::binary;
use serde_json::{Value, json};

use crate::{ECHO, cases_hold};

fn batch(rule: &str) -> Value {
    json!({
        "period": { "year": 2027, "month": 3 },
        "parameters": [{ "name": "p", "value": "-1.5" }, { "name": "щ", "value": "9223372036.854775807" }],
        "tables": [
            { "code": "газ", "kind": "gas", "rule": rule, "unit": "person", "norm": "6.1", "parameters": [{ "name": "r", "value": "7" }],
              "prices": [{ "zone": "night", "above": "3", "amount": "4.25" }, { "zone": "half_peak", "above": "0", "amount": "5" }] },
            { "code": "b", "kind": "other", "rule": "", "unit": "one", "prices": [], "coefficient": "8.0" },
        ],
        "houses": [
            { "rooms_area": "10", "common_area": "11.1", "volumes": [
                { "service": 513, "house_meter": "12", "rooms_volume": "13", "metered_area": "14" },
                { "service": 1, "rooms_volume": "15", "metered_area": "16" } ] },
            { "rooms_area": "17", "common_area": "18.25" },
        ],
        "accounts": [
            { "index": 4_000_000_000u32, "premises": "parking", "area": "19.5", "residents": 300, "owners": 301, "house": 1,
              "spans": [{ "from_day": 2, "to_day": 9, "residents": 302, "owners": 303, "area": "20" },
                        { "from_day": 10, "to_day": 28, "residents": 4, "owners": 5, "area": "21.5" }],
              "absences": [{ "residents": 304, "days": 6 }, { "residents": 7, "days": 8 }],
              "services": [
                { "service": 0, "meter_possible": true, "parameters": [{ "name": "s", "value": "-22" }],
                  "averaged": [{ "period": { "year": 2026, "month": 12 }, "volume": "23.5", "charged": -5_000_000_000i64 },
                               { "period": { "year": 2027, "month": 1 }, "volume": "24", "charged": 25 }],
                  "meters": [
                    { "state": "access_refused", "missed_periods": 200, "zones": [
                        { "zone": "day", "previous": "26", "current": "27.125", "history": ["28", "29.5"] },
                        { "zone": "peak", "previous": "30", "history": [] } ] },
                    { "state": "failed", "missed_periods": 0, "zones": [] } ] },
                { "service": 1 } ] },
        ],
    })
}

#[test]
fn what_comes_in_arrives_field_by_field() {
    let tables = "2027 3 [p=-15e1,щ=9223372036854775807e9] \
        [газ 5 tables 4 [2 3e0 425e2,4 0e0 5e0] 61e1 - [r=7e0],b 10  8 [] - 80e1 []] \
        [10e0 111e1 [513 12e0 13e0 14e0,1 - 15e0 16e0],17e0 1825e2 []]";
    let account = "4000000000 4 195e1 300 301 1825e2 [2 9 302 303 20e0,10 28 4 5 215e1] [304 6,7 8] \
        [0 [3 200 [1 26e0 27125e3 [28e0,295e1],3 30e0 - []],1 0 []] true \
        [2026 12 -5000000000 235e1,2027 1 25 24e0] [s=-22e0],1 [] false [] []]";
    let case = |rule: &str, refused: &str| json!({ "comment": rule, "batch": batch(rule), "refused": refused });
    let ofter = ["tables", "account", "account-failure", "table-failure", "nothing"];
    let words = [
        tables,
        account,
        "account 4000000000: счёт «ё»",
        "service table 513: таблица",
        "account 4000000000: расчёт не дал начислений",
    ];
    let cases: Vec<Value> = ofter.iter().zip(words).map(|(rule, words)| case(rule, words)).collect();
    cases_hold(&ECHO, &cases);
}

#[test]
fn what_goes_out_arrives_field_by_field() {
    let case = json!({ "comment": "", "batch": batch("line"), "expect": [{ "index": 4_000_000_000u32, "lines": [
        { "service": "газ", "amount": -1050, "excess": 777, "recalculated": 185, "volume": "-2.5",
          "method": "house_share", "reason": "access_refused" },
        { "service": "b", "amount": -1050, "excess": 777, "recalculated": 185 } ] }] });
    let folder = new_folder("cases");
    std::fs::write(folder.join("line.json"), case.to_string()).expect("written");
    let mut run = Command::new(binary());
    run.args(["plugin", "run"]).arg(ECHO.join("door.wasm")).arg(folder.join("line.json"));
    let output = run.output().expect("the program starts");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    let begins = report.find("\n[").expect("the charges");
    let charges = report[begins..].trim_end().strip_suffix("as expected").expect("as expected");
    let charges: Value = serde_json::from_str(charges).expect("charges");
    let line = &charges[0]["lines"][0];
    let part = |zone: &str, above: &str, volume: &str, tariff: &str, amount: &str| json!({ "zone": zone, "above": above, "volume": volume, "tariff": tariff, "exact_amount": amount });
    assert_eq!(
        line["parts"],
        json!([part("peak", "3", "-1.5", "4", "-6"), part("half_peak", "1", "-1", "4.5", "-4.5")])
    );
    assert_eq!((&line["norm"], &line["coefficient"]), (&json!("0.123456789"), &json!("1.5")));
    let term = |operation: &str, role: &str, value: &str, unit: &str| json!({ "operation": operation, "role": role, "value": value, "unit": unit });
    let trace = [
        term("start", "share", "-10.5", "one"),
        term("equals", "amount", "-10.50", "rouble"),
        term("start", "excess", "7.77", "rouble"),
        term("equals", "excess", "7.77", "rouble"),
    ];
    assert_eq!(line["trace"], json!(trace));
    let recalculation = |basis: &str, year: u16, month: u8, kopecks: i64, amount: &str| json!({ "basis": basis, "period": { "year": year, "month": month }, "amount": kopecks, "exact_amount": amount });
    let wanted = [recalculation("benefit", 2026, 3, -125, "-1.25"), recalculation("other", 2025, 12, 310, "3.1")];
    assert_eq!(line["recalculations"], json!(wanted));
    assert_eq!(charges[0]["lines"][1]["service"], json!(1));
}

/// A thousand accounts, as the platform asks for at once: the collector runs between them and takes nothing
/// that is still used, and the memory stays far below its limit.
#[test]
fn a_large_batch_needs_little_memory() {
    let accounts: Vec<Value> = (1..=1000).map(|index| account(index, 12)).collect();
    let mut large = batch("kept");
    large["accounts"] = json!(accounts);
    let expect: Vec<Value> = (1..=1000u32)
        .map(|index| {
            let line = json!({ "service": "газ", "amount": 0, "volume": index.to_string() });
            json!({ "index": index, "lines": vec![line; 12] })
        })
        .collect();
    let report = cases_hold(&ECHO, &[json!({ "comment": "", "batch": large, "expect": expect })]);
    let memory = report.lines().find_map(|line| line.strip_prefix("memory     at most ")).expect("memory");
    let memory: usize = memory.split(' ').next().and_then(|bytes| bytes.parse().ok()).expect("bytes");
    assert!(memory <= 8 << 20, "{report}");
}

fn account(index: u32, services: usize) -> Value {
    let zone = json!({ "zone": "day", "previous": "26", "current": "27.125", "history": ["28", "29.5"] });
    let meter = json!({ "state": "working", "missed_periods": 0, "zones": [zone] });
    let service = json!({ "service": 0, "meters": [meter] });
    json!({ "index": index, "area": "1", "residents": 1, "owners": 1, "services": vec![service; services] })
}
