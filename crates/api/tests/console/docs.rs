//! The OpenAPI document keeps to its standard (3.1), and can be read without anything from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use axum::{body::Body, http::Request};
use ox_api::access::Rule;
use ox_app::Access;
use serde_json::Value;

use crate::support::{Answer, TestServer};

const SURFACES: &[(&str, &[Rule])] = &[
    ("/console/api", ox_api::console::RULES),
    ("/v1", ox_api::service::RULES),
    ("/api", ox_api::webapp::RULES),
    ("/mcp", ox_api::mcp::RULES),
    ("/gateway/v1", ox_api::gateway::RULES),
];

async fn open(server: &TestServer, path: &str) -> Answer {
    server.send(Request::get(path).body(Body::empty()).unwrap()).await
}

/// Each operation with its method and path.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter().map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).map_or(&[][..], |list| list.as_array().unwrap_or_else(|| panic!("{key}: {list}")))
}

fn members<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).map(|map| map.as_object().unwrap()).into_iter().flatten()
}

/// What a reference points to; anything else is itself.
fn resolved<'a>(document: &'a Value, value: &'a Value, at: &str) -> &'a Value {
    let Some(reference) = value.get("$ref") else { return value };
    let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or_else(|| panic!("{at}: {reference} leads nowhere"))
}

/// A schema by the rules of JSON Schema 2020-12, which 3.1 takes over: nothing of 3.0's own.
fn check_schema(document: &Value, schema: &Value, at: &str) {
    const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
    if schema.is_boolean() {
        return;
    }
    let fields = schema.as_object().unwrap_or_else(|| panic!("{at}: {schema}"));
    resolved(document, schema, at);
    for old in ["nullable", "example", "xml"] {
        assert!(!fields.contains_key(old), "{at}: {old} is of 3.0");
    }
    for limit in ["exclusiveMinimum", "exclusiveMaximum", "minimum", "maximum"] {
        assert!(fields.get(limit).is_none_or(Value::is_number), "{at}: {limit}");
    }
    let types: Vec<&Value> = match fields.get("type") {
        None => Vec::new(),
        Some(Value::Array(types)) => types.iter().collect(),
        Some(one) => vec![one],
    };
    assert!(types.iter().all(|kind| kind.as_str().is_some_and(|kind| TYPES.contains(&kind))), "{at}: {types:?}");
    let distinct: BTreeSet<&str> = types.iter().filter_map(|kind| kind.as_str()).collect();
    assert_eq!(distinct.len(), types.len(), "{at}: a type twice");
    for group in ["oneOf", "anyOf", "allOf", "enum", "examples"] {
        assert!(!fields.contains_key(group) || !items(schema, group).is_empty(), "{at}: {group} is empty");
    }
    for group in ["oneOf", "anyOf", "allOf"] {
        items(schema, group).iter().for_each(|part| check_schema(document, part, &format!("{at}/{group}")));
    }
    for (name, field) in members(schema, "properties") {
        check_schema(document, field, &format!("{at}/{name}"));
    }
    for part in ["items", "additionalProperties", "propertyNames"] {
        if let Some(part) = fields.get(part) {
            check_schema(document, part, &format!("{at}/[]"));
        }
    }
    for needed in items(schema, "required") {
        let known = fields.get("properties").is_none_or(|known| known.get(needed.as_str().unwrap()).is_some());
        assert!(known || fields.contains_key("allOf"), "{at}: {needed} is required and not described");
    }
}

fn check_content(document: &Value, owner: &Value, at: &str) {
    for (mime, content) in members(owner, "content") {
        assert!(mime.contains('/'), "{at}: {mime}");
        if let Some(schema) = content.get("schema") {
            check_schema(document, schema, &format!("{at} {mime}"));
        }
    }
}

/// The names in braces of a path.
fn names(path: &str) -> BTreeSet<&str> {
    path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
}

#[tokio::test]
async fn the_document_is_openapi_3_1() {
    let server = TestServer::sqlite().await;
    let answer = open(&server, "/openapi.json").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    for key in ["title", "version"] {
        assert!(document["info"][key].as_str().is_some_and(|text| !text.is_empty()), "info.{key}");
    }
    let known: BTreeMap<&str, &Value> = document["components"]["securitySchemes"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, it)| (name.as_str(), it))
        .collect();
    for (name, scheme) in &known {
        match scheme["type"].as_str() {
            Some("http") => assert_eq!(scheme["scheme"], "bearer", "{name}"),
            Some("apiKey") => assert!(scheme["name"].is_string() && scheme["in"] == "cookie", "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    for (kind, named) in document["components"].as_object().unwrap() {
        for (name, value) in named.as_object().unwrap() {
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
            assert!(is_name && !name.is_empty(), "{kind} {name}");
            match kind.as_str() {
                "schemas" => check_schema(&document, value, name),
                "responses" => check_content(&document, value, name),
                _ => {}
            }
        }
    }
    let mut ids = BTreeSet::new();
    let mut places = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        assert!(["get", "put", "post", "delete", "patch"].contains(&method), "{at}");
        // Two paths that differ in the names of their parameters alone are one.
        let place = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>();
        assert!(places.insert((method, place.join("/"))), "{at} twice");
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{at} has no operationId"));
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)), "{at}: {id}");
        assert!(ids.insert(id), "{at}: {id} twice");
        assert!(!items(operation, "tags").is_empty(), "{at} has no tag");
        let mut seen = BTreeSet::new();
        let mut in_path = BTreeSet::new();
        for parameter in items(operation, "parameters") {
            let parameter = resolved(&document, parameter, &at);
            let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
            assert!(["path", "query", "header", "cookie"].contains(&place), "{at} {name} in {place}");
            assert!(seen.insert((name, place)), "{at} {name} twice");
            assert!(parameter.get("schema").is_some() != parameter.get("content").is_some(), "{at} {name}");
            check_schema(&document, &parameter["schema"], &format!("{at} {name}"));
            if place == "path" {
                assert_eq!(parameter["required"], true, "{at} {name}");
                in_path.insert(name);
            }
        }
        assert_eq!(in_path, names(path), "{at}: parameters of the path");
        if let Some(body) = operation.get("requestBody") {
            assert_ne!(method, "get", "{at} has a body");
            assert!(members(body, "content").next().is_some(), "{at}: a body of no type");
            check_content(&document, body, &at);
        }
        let answers: Vec<_> = members(operation, "responses").collect();
        assert!(!answers.is_empty(), "{at} answers nothing");
        for (status, answer) in answers {
            let is_status = status.parse::<u16>().is_ok_and(|status| (100..600).contains(&status));
            assert!(is_status || status == "default", "{at}: {status}");
            let answer = resolved(&document, answer, &at);
            assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{at} {status} says nothing");
            check_content(&document, answer, &format!("{at} {status}"));
        }
        for scheme in items(operation, "security").iter().flat_map(|scheme| scheme.as_object().unwrap().keys()) {
            assert!(known.contains_key(scheme.as_str()), "{at}: {scheme}");
        }
    }
    assert!(ids.len() > 600, "{}", ids.len());
}

/// Who reads the document learns which key a route takes, and that others take none.
#[tokio::test]
async fn every_closed_operation_names_its_key() {
    let server = TestServer::sqlite().await;
    let document = open(&server, "/openapi.json").await.json();
    for (prefix, rules) in SURFACES {
        for rule in *rules {
            let path = format!("{prefix}{}", rule.path.replace("{*", "{"));
            let operation = &document["paths"][&path][rule.method.as_str().to_ascii_lowercase()];
            let named = items(operation, "security").iter().flat_map(|scheme| scheme.as_object().unwrap().keys());
            let named: Vec<&str> = named.map(String::as_str).collect();
            let expected: &[&str] = match rule.access {
                Access::Member | Access::MemberWith(_) => &["session"],
                Access::AppKey | Access::DatasetKey => &["app_key"],
                Access::GatewayKey => &["gateway_key"],
                Access::Visitor => &["passport"],
                Access::Public | Access::AfterSetup | Access::Signed => continue,
            };
            assert_eq!(named, expected, "{} {path}", rule.method);
        }
    }
}

#[tokio::test]
async fn the_pages_name_every_operation_and_load_nothing() {
    let server = TestServer::sqlite().await;
    let document = open(&server, "/openapi.json").await.json();
    let index = open(&server, "/openapi/docs").await;
    let mut pages = vec![index.text.clone()];
    let mut links = 0;
    for name in ["service", "gateway", "mcp", "pages", "console"] {
        let path = format!("/openapi/docs/{name}");
        assert!(index.text.contains(&format!("href=\"{path}\"")), "{name}");
        let page = open(&server, &path).await;
        assert_eq!(page.status, 200, "{name}");
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline';"), "{policy}");
        pages.push(page.text);
    }
    let ids = |page: &str| -> BTreeSet<String> {
        page.split("id=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    let places: Vec<BTreeSet<String>> = pages.iter().map(|page| ids(page)).collect();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert_eq!(places.iter().filter(|places| places.contains(id)).count(), 1, "{method} {path}");
    }
    for (page, places) in pages.iter().zip(&places) {
        for (foreign, why) in [
            ("<script", "a script"),
            ("<link", "a style sheet"),
            ("<img", "a picture"),
            ("<iframe", "a frame"),
            (" src=", "a source"),
            ("@import", "a style sheet"),
            ("url(", "a file of a style"),
            (" style=", "a style of an element"),
        ] {
            assert!(!page.contains(foreign), "{why}");
        }
        for link in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let leads = match link.strip_prefix('#') {
                Some(place) => places.contains(place),
                None => link.starts_with("/openapi"),
            };
            assert!(leads, "{link}");
            links += 1;
        }
    }
    assert!(links > 500, "{links}");
    assert_eq!(open(&server, "/openapi/docs/nothing").await.code(), "not_found");
}
