//! Requests made up from the OpenAPI document: a body that fits its schema, and the same with one text in the place
//! of each of its texts.

use serde_json::{Map, Value, json};

/// A body for the operation: required fields only, or all there are; none when it takes no JSON.
pub(crate) fn body(document: &Value, operation: &Value, all: bool) -> Option<Value> {
    let schema = operation.pointer("/requestBody/content/application~1json; charset=utf-8/schema");
    let schema = schema.or_else(|| operation.pointer("/requestBody/content/application~1json/schema"))?;
    Some(sample(document, schema, "", all, 0))
}

fn sample(document: &Value, schema: &Value, name: &str, all: bool, depth: u32) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).expect("a schema of the document");
        return sample(document, target, name, all, depth + 1);
    }
    if let Some(allowed) = schema["enum"].as_array() {
        return allowed[0].clone();
    }
    for union in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[union].as_array() {
            return sample(document, &parts[0], name, all, depth + 1);
        }
    }
    match schema["type"].as_str() {
        Some("object") => object(document, schema, all, depth),
        Some("array") if depth > 6 => json!([]),
        Some("array") => json!([sample(document, &schema["items"], name, all, depth + 1)]),
        Some("integer" | "number") => schema["minimum"].as_i64().map_or(json!(1), |least| json!(least)),
        Some("boolean") => json!(false),
        Some("string") => json!(text(name)),
        _ => json!({}),
    }
}

fn object(document: &Value, schema: &Value, all: bool, depth: u32) -> Value {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let wanted = properties.filter(|(name, _)| (all && depth < 6) || required.contains(&name.as_str()));
    let fields = wanted.map(|(name, of)| (name.clone(), sample(document, of, name, all, depth + 1)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// A text that a field of this name takes, by the names that the API uses.
fn text(name: &str) -> &'static str {
    match name {
        "from" | "until" | "on" | "to" | "date" | "since" | "day" | "taken_on" => "2026-11-20",
        "period" | "month" => "2026-11",
        "email" => "probe@example.ru",
        "phone" => "+7 900 000-00-00",
        "amount" | "value" | "values" | "deltas" | "share" | "volume" => "1",
        _ => "проба",
    }
}

/// Where texts stand in the value, as JSON pointers.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(at.to_owned()),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| walk(item, &format!("{at}/{index}"), found));
            }
            Value::Object(fields) => fields.iter().for_each(|(name, of)| walk(of, &format!("{at}/{name}"), found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

/// The value with another text at this place.
pub(crate) fn with(value: &Value, at: &str, text: &str) -> Value {
    let mut changed = value.clone();
    *changed.pointer_mut(at).expect("the place of a text") = json!(text);
    changed
}
