//! What a resident's programs meet: problems, and operations that answer as the document says.

use kabinet_tests::schema::faults;
use kabinet_tests::{Kind, Server, on_both_databases};
use serde_json::Value;

use crate::{choose, linked};

on_both_databases![the_api_answers_guests_with_a_problem, every_operation_of_the_document_answers_as_described,];

fn the_api_answers_guests_with_a_problem(kind: Kind) {
    let server = Server::shared(kind);
    let mut guest = server.browser("beregovoy");
    let document = guest.get("/api/openapi.json").expect(200).json();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            if path.ends_with("/session") {
                continue;
            }
            let path = path.replace("{id}", "0193a1c0-0000-7000-8000-0000000000ff");
            let body = (method == "post").then(|| serde_json::json!({}));
            let answer = guest.call(&method.to_uppercase(), &path, body.as_ref()).expect(401);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
            let problem = answer.json();
            assert_eq!((&problem["status"], &problem["code"]), (&401.into(), &"not_logged_in".into()), "{path}");
            assert!(faults(&document, &document["components"]["schemas"]["Problem"], &problem).is_empty(), "{problem}");
        }
    }
    let unknown = guest.call("GET", "/api/v1/nothing", None).expect(404);
    assert_eq!(unknown.json()["code"], "not_found");
    // Another site's script gets nothing even where a browser would send the cookie.
    let mut visit = server.resident("beregovoy");
    let answer = visit.send("GET", "/api/v1/me", &[("Origin", "http://evil.example")], None);
    assert_eq!(answer.expect(403).header("content-type"), Some("application/problem+json"));
}

fn every_operation_of_the_document_answers_as_described(kind: Kind) {
    let mut visit = Server::shared(kind).resident("beregovoy");
    let document = visit.get("/api/openapi.json").expect(200).json();
    let paths = document["paths"].as_object().expect("paths");
    let operations: Vec<&str> = paths
        .values()
        .flat_map(|item| item.as_object().into_iter().flatten())
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .collect();
    for wanted in [
        "getMe",
        "getOverview",
        "listServices",
        "listCharges",
        "listPayments",
        "listMeters",
        "sendReadings",
        "listDocuments",
        "logStaffIn",
        "listRuns",
        "publishRun",
    ] {
        assert!(operations.contains(&wanted), "{wanted} is not in the document: {operations:?}");
    }
    for account in linked(&mut visit) {
        choose(&mut visit, &account);
        let asked = |path: &str| path.starts_with("/api/v1/") && !path.contains('{');
        for (path, item) in paths.iter().filter(|(path, item)| asked(path) && item["get"].is_object()) {
            let answer = visit.call("GET", path, None).expect(200).json();
            let schema = described(&item["get"]);
            assert_eq!(faults(&document, schema, &answer), Vec::<String>::new(), "{path}");
        }
    }
    let mut cursor = String::new();
    let (mut ids, mut pages) = (Vec::new(), 0);
    loop {
        let answer = visit.call("GET", &format!("/api/v1/payments?limit=3{cursor}"), None).expect(200).json();
        let items = answer["items"].as_array().expect("items");
        ids.extend(items.iter().map(|item| item["id"].to_string()));
        pages += 1;
        let Some(next) = answer["next"].as_str() else { break };
        assert_eq!(items.len(), 3);
        cursor = format!("&cursor={}", next.replace('+', "%2B"));
    }
    let unique: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert!(pages >= 3 && unique.len() == ids.len(), "{pages} pages, {} payments", ids.len());
}

fn described(operation: &Value) -> &Value {
    let content = operation["responses"]["200"]["content"].as_object().expect("content");
    &content.values().next().expect("a media type")["schema"]
}
