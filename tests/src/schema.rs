//! Whether a JSON value is what an OpenAPI 3.0 document says it is: the part of JSON Schema that the
//! platform's document uses.

use serde_json::Value;

/// What is wrong with `value` under `schema`, as paths with reasons; nothing when it fits. `document`
/// resolves `$ref`.
#[must_use]
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "$", &mut found);
    found
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        match target {
            Some(target) => check(document, target, value, at, found),
            None => found.push(format!("{at}: {reference} leads nowhere")),
        }
        return;
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(document, part, value, at, found);
    }
    for union in ["oneOf", "anyOf"].iter().filter_map(|word| schema[*word].as_array()) {
        if !union.iter().any(|part| faults(document, part, value).is_empty()) {
            found.push(format!("{at}: fits none of the variants"));
        }
    }
    if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
        found.push(format!("{at}: {value} is none of {allowed:?}"));
    }
    check_type(document, schema, value, at, found);
}

fn check_type(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let fits = match schema["type"].as_str() {
        Some("object") => {
            check_object(document, schema, value, at, found);
            value.is_object()
        }
        Some("array") => {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                check(document, &schema["items"], item, &format!("{at}[{index}]"), found);
            }
            value.is_array()
        }
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !fits {
        found.push(format!("{at}: {value} is no {}", schema["type"]));
    }
}

fn check_object(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, inner) in object {
        match schema["properties"].get(name) {
            Some(property) => check(document, property, inner, &format!("{at}.{name}"), found),
            None if schema["additionalProperties"].is_object() => {
                check(document, &schema["additionalProperties"], inner, &format!("{at}.{name}"), found);
            }
            None if schema["properties"].is_object() => found.push(format!("{at}: {name} is not in the document")),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::faults;
    use serde_json::json;

    #[test]
    fn faults_name_their_place() {
        let document = json!({ "components": { "schemas": { "A": { "type": "object", "required": ["n"],
            "properties": { "n": { "type": "integer" }, "list": { "type": "array", "items": { "type": "string" } } } } } } });
        let schema = json!({ "$ref": "#/components/schemas/A" });
        assert!(faults(&document, &schema, &json!({ "n": 1, "list": ["a"] })).is_empty());
        assert_eq!(
            faults(&document, &schema, &json!({ "list": [1] })),
            ["$: n is missing", "$.list[0]: 1 is no \"string\""]
        );
        assert_eq!(faults(&document, &schema, &json!({ "n": 1, "x": 1 })), ["$: x is not in the document"]);
    }
}
