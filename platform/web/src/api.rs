//! The API: each module's operations behind its gate, one merged OpenAPI document.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, Response, Result};
use poem_openapi::payload::Json;
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::{Map, Value, json};

use crate::form::too_large;
use crate::gate::Gate;
use crate::nul;
use crate::person::{not_logged_in, session_of};
use crate::problem::Problem;
use crate::repeat;
use crate::session::Subject;
use crate::surface::WebModule;

/// Bytes of the largest body of most operations.
const LARGEST_BODY: usize = 1024 * 1024;

/// What an operation answers.
pub type ApiResult<T> = Result<Json<T>, Problem>;

/// The operations of one module on one surface, with their specification.
pub struct ApiPart {
    operations: Box<dyn Operations>,
    /// Their paths; a parameter stands in braces.
    templates: Vec<String>,
    largest: usize,
}

impl std::fmt::Debug for ApiPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.templates).finish()
    }
}

/// What operations can become. Their specification, which few ask for, would take a good part of each start.
trait Operations {
    fn spec(&self) -> Value;
    fn endpoint(self: Box<Self>) -> BoxEndpoint<'static>;
}

impl<A: OpenApi + 'static> Operations for OpenApiService<A, ()> {
    fn spec(&self) -> Value {
        serde_json::from_str(&Self::spec(self)).unwrap_or_default()
    }

    fn endpoint(self: Box<Self>) -> BoxEndpoint<'static> {
        self.into_endpoint().map_to_response().boxed()
    }
}

impl ApiPart {
    /// The operations of a `#[OpenApi]` type; paths are relative to the surface.
    pub fn new<A: OpenApi + 'static>(api: A) -> Self {
        let templates = A::meta().into_iter().flat_map(|part| part.paths).map(|path| path.path).collect();
        let operations = Box::new(OpenApiService::new(api, "Kabinet", env!("CARGO_PKG_VERSION")));
        Self { operations, templates, largest: LARGEST_BODY }
    }

    /// The operations with bodies of up to so many bytes, for those that take files.
    #[must_use]
    pub fn taking(self, largest: usize) -> Self {
        Self { largest, ..self }
    }
}

struct Part {
    templates: Vec<Vec<String>>,
    gate: Gate,
    largest: usize,
}

/// All operations of one surface: finds the part by path, then asks its gate.
pub(crate) struct ApiSurface {
    parts: Vec<Part>,
    subject: Subject,
}

impl ApiSurface {
    pub(crate) fn new(subject: Subject, parts: impl IntoIterator<Item = (&'static str, ApiPart)>) -> Self {
        let part = |(module, part): (&'static str, ApiPart)| Part {
            templates: part.templates.iter().map(|template| segments(template)).collect(),
            gate: Gate { module, inner: part.operations.endpoint() },
            largest: part.largest,
        };
        Self { parts: parts.into_iter().map(part).collect(), subject }
    }
}

/// Reads the body of an operation, which is refused beyond `largest` bytes: operations read what there is.
async fn read_body(request: &mut Request, largest: usize) -> Result<(), Problem> {
    let body = request.take_body().into_bytes_limit(largest).await.map_err(|_| too_large())?;
    nul::refuse_in_json(&body)?;
    request.set_body(body);
    Ok(())
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

fn fits(template: &[String], path: &[String]) -> bool {
    template.len() == path.len() && template.iter().zip(path).all(|(t, p)| t.starts_with('{') || t == p)
}

impl Endpoint for ApiSurface {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let path = segments(request.uri().path());
        let part = self.parts.iter().find(|part| part.templates.iter().any(|template| fits(template, &path)));
        let part = part.ok_or_else(Problem::not_found)?;
        // A stranger's body is not read beyond the usual.
        if part.largest > LARGEST_BODY && session_of(&request, self.subject).await?.is_none() {
            return Err(not_logged_in().into());
        }
        read_body(&mut request, part.largest).await?;
        repeat::call(&part.gate, request, self.subject).await
    }
}

/// The schema with what poem-openapi leaves unsaid: a property that is not required is sent as null.
fn with_nulls(mut schema: Value) -> Value {
    let required = schema["required"].clone();
    let needed = |name: &String| required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
    // By `get_mut`: an index would add what is not there, and an enumeration has no properties.
    for (name, property) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        if needed(name) || !property["default"].is_null() {
            continue;
        }
        if property["$ref"].is_string() {
            *property = json!({ "allOf": [property.clone()] });
        }
        property["nullable"] = Value::Bool(true);
    }
    schema
}

/// The path's operations; those that change something take a key to be repeated by.
fn with_idempotency_key(mut item: Value) -> Value {
    let header = json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "schema": { "type": "string", "minLength": 1, "maxLength": repeat::LONGEST, "pattern": "^[!-~]+$" },
        "description": "Names this wish: sent again within a day it is not carried out again, and answered alike.",
    });
    for (_, operation) in item.as_object_mut().into_iter().flatten().filter(|(method, _)| *method != "get") {
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(header.clone()),
            None => operation["parameters"] = json!([header]),
        }
    }
    item
}

/// The merged document of all modules; an error names two operations of one name, or two
/// schemas of one name that differ.
pub fn openapi_document(modules: &[Arc<dyn WebModule>]) -> Result<Value, String> {
    let mut paths = Map::new();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    let mut operations: BTreeSet<String> = BTreeSet::new();
    for module in modules {
        let resident = module.resident_api().into_iter().map(|part| ("/api/v1", part));
        let admin = module.admin_api().into_iter().map(|part| ("/api/admin/v1", part));
        for (prefix, part) in resident.chain(admin) {
            let spec = part.operations.spec();
            for (path, item) in spec["paths"].as_object().into_iter().flatten() {
                for id in item.as_object().into_iter().flatten().filter_map(|(_, one)| one["operationId"].as_str()) {
                    if !operations.insert(id.to_owned()) {
                        return Err(format!("two operations are named {id}"));
                    }
                }
                paths.insert(format!("{prefix}{path}"), with_idempotency_key(item.clone()));
            }
            for (name, schema) in spec["components"]["schemas"].as_object().into_iter().flatten() {
                let schema = with_nulls(schema.clone());
                let known = schemas.entry(name.clone()).or_insert_with(|| schema.clone());
                if *known != schema {
                    return Err(format!("two schemas are named {name} and differ"));
                }
            }
        }
    }
    Ok(json!({
        "openapi": "3.0.0",
        "info": { "title": "Kabinet", "version": env!("CARGO_PKG_VERSION"),
                  "description": "Sums are integers in kopecks, quantities integers scaled by 10^7." },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas,
            "securitySchemes": { "session": { "type": "apiKey", "in": "cookie", "name": "kabinet" } } },
        "security": [{ "session": [] }],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_need_not_be_there_may_be_null_and_an_enumeration_stays_as_it_is() {
        let list = json!({ "type": "string", "enum": ["new", "done"] });
        assert_eq!(with_nulls(list.clone()), list);
        let properties = json!({ "id": { "type": "string" }, "note": { "type": "string" } });
        let object = with_nulls(json!({ "type": "object", "required": ["id"], "properties": properties }));
        assert_eq!(object["properties"]["note"]["nullable"], true);
        assert!(object["properties"]["id"]["nullable"].is_null());
    }
}
