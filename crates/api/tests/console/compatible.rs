//! Our OpenAPI document beside the public one of the compatible Service API: every operation is here, takes what callers
//! of that one send, and answers with what they read.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::{Map, Value};

use crate::support::TestServer;

const NOT_SENT: &str = "the server of this document answers waiting callers without it, too";

/// Differences that are meant, by the beginning of how they are told, with their reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("PATCH /datasets/{dataset_id} body.partial_member_list[].user_id: only ours", "a member without an id is nobody"),
    ("POST /workflows/run 200.data.created_by: missing", NOT_SENT),
    ("POST /workflows/run 200.data.exceptions_count: missing", NOT_SENT),
    ("POST /workflows/run 200.data.files: missing", NOT_SENT),
    ("POST /workflows/{workflow_id}/run 200.data.created_by: missing", NOT_SENT),
    ("POST /workflows/{workflow_id}/run 200.data.exceptions_count: missing", NOT_SENT),
    ("POST /workflows/{workflow_id}/run 200.data.files: missing", NOT_SENT),
];

fn reference() -> Option<Value> {
    let shared = std::env::var_os("OXIDIFY_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let text = std::fs::read_to_string(shared.join("reference/openapi_service.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Ours takes all that theirs may be sent.
    In,
    /// Ours gives nothing that theirs does not say; null is tolerated.
    Out,
}

struct Compared<'a> {
    theirs: &'a Value,
    ours: &'a Value,
    told: Vec<String>,
}

fn resolved<'a>(document: &'a Value, mut schema: &'a Value) -> &'a Value {
    while let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        schema = document.pointer(target.trim_start_matches('#')).unwrap_or(&Value::Null);
    }
    schema
}

fn parts<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    schema.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// JSON types that a schema allows; `None` is any.
fn types(document: &Value, schema: &Value) -> Option<BTreeSet<String>> {
    let schema = resolved(document, schema);
    if let Some(first) = parts(schema, "allOf").iter().find_map(|part| types(document, part)) {
        return Some(first);
    }
    let choices: Vec<&Value> = parts(schema, "anyOf").iter().chain(parts(schema, "oneOf")).collect();
    if !choices.is_empty() {
        let mut all = BTreeSet::new();
        for choice in choices {
            all.extend(types(document, choice)?);
        }
        return Some(all);
    }
    let mut all: BTreeSet<String> = match schema.get("type") {
        Some(Value::String(name)) => [name.clone()].into(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ if schema.get("properties").is_some() => ["object".to_owned()].into(),
        _ => return None,
    };
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        all.insert("null".to_owned());
    }
    if all.contains("number") {
        all.insert("integer".to_owned());
    }
    Some(all)
}

/// Properties of an object and the names of those that must be there.
fn properties(document: &Value, schema: &Value) -> (Map<String, Value>, BTreeSet<String>) {
    let schema = resolved(document, schema);
    let (mut all, mut required) = (Map::new(), BTreeSet::new());
    for part in parts(schema, "allOf") {
        let (more, must) = properties(document, part);
        all.extend(more);
        required.extend(must);
    }
    for choice in parts(schema, "anyOf").iter().chain(parts(schema, "oneOf")) {
        for (name, property) in properties(document, choice).0 {
            all.entry(name).or_insert(property);
        }
    }
    all.extend(schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
    required.extend(parts(schema, "required").iter().filter_map(Value::as_str).map(str::to_owned));
    (all, required)
}

/// Deeper than any schema goes that does not hold itself.
const DEPTH: usize = 8;

impl Compared<'_> {
    fn schemas(&mut self, place: &str, theirs: &Value, ours: &Value, way: Way, depth: usize) {
        let (theirs, ours) = (resolved(self.theirs, theirs), resolved(self.ours, ours));
        let (Some(mut their_types), Some(mut our_types)) = (types(self.theirs, theirs), types(self.ours, ours)) else {
            return;
        };
        match way {
            Way::In => their_types.remove("null"),
            Way::Out => our_types.remove("null"),
        };
        let (given, taken) = if way == Way::In { (&their_types, &our_types) } else { (&our_types, &their_types) };
        if !given.is_subset(taken) {
            self.told.push(format!("{place}: theirs is {their_types:?}, ours {our_types:?}"));
            return;
        }
        let both = |name: &str| their_types.contains(name) && our_types.contains(name) && depth < DEPTH;
        if both("array")
            && let (Some(theirs), Some(ours)) = (theirs.get("items"), ours.get("items"))
        {
            self.schemas(&format!("{place}[]"), theirs, ours, way, depth + 1);
        }
        if !both("object") {
            return;
        }
        let ((theirs, must), (ours, our_must)) = (properties(self.theirs, theirs), properties(self.ours, ours));
        if ours.is_empty() {
            return; // Any object.
        }
        for (name, property) in &theirs {
            match ours.get(name) {
                Some(own) => self.schemas(&format!("{place}.{name}"), property, own, way, depth + 1),
                None => self.told.push(format!("{place}.{name}: missing in ours")),
            }
        }
        if way == Way::In {
            for name in our_must.difference(&must) {
                self.told.push(format!("{place}.{name}: only ours asks for it"));
            }
        }
    }

    fn contents(&mut self, place: &str, theirs: &Value, ours: &Value, way: Way) {
        for (kind, content) in
            resolved(self.theirs, theirs).get("content").and_then(Value::as_object).into_iter().flatten()
        {
            let own = resolved(self.ours, ours).get("content").and_then(|contents| contents.get(kind));
            match own {
                Some(own) => self.schemas(place, &content["schema"], &own["schema"], way, 0),
                None => self.told.push(format!("{place}: nothing of type {kind}")),
            }
        }
    }

    fn operation(&mut self, place: &str, item: &Value, theirs: &Value, ours: &Value) {
        let asked: Vec<&Value> = parts(item, "parameters")
            .iter()
            .chain(parts(theirs, "parameters"))
            .map(|p| resolved(self.theirs, p))
            .collect();
        let own: Vec<&Value> = parts(ours, "parameters").iter().map(|p| resolved(self.ours, p)).collect();
        let is_required = |parameter: &Value| parameter["required"] == Value::Bool(true);
        for parameter in asked.iter().filter(|parameter| parameter["in"] != "path") {
            let place = format!("{place} ?{}", parameter["name"].as_str().unwrap());
            match own.iter().find(|own| own["name"] == parameter["name"] && own["in"] == parameter["in"]) {
                None => self.told.push(format!("{place}: missing in ours")),
                Some(own) if is_required(own) && !is_required(parameter) => {
                    self.told.push(format!("{place}: only ours asks for it"));
                }
                Some(own) => self.schemas(&place, &parameter["schema"], &own["schema"], Way::In, 0),
            }
        }
        for parameter in own.iter().filter(|own| own["in"] == "query" && is_required(own)) {
            if !asked.iter().any(|asked| asked["name"] == parameter["name"]) {
                self.told.push(format!("{place} ?{}: only ours asks for it", parameter["name"].as_str().unwrap()));
            }
        }
        self.contents(&format!("{place} body"), &theirs["requestBody"], &ours["requestBody"], Way::In);
        let answers = theirs["responses"].as_object().unwrap();
        for (status, answer) in answers.iter().filter(|(status, _)| status.starts_with('2')) {
            match ours["responses"].get(status) {
                Some(own) => self.contents(&format!("{place} {status}"), answer, own, Way::Out),
                None => self.told.push(format!("{place}: never answers {status}")),
            }
        }
    }
}

/// A path whatever its parameters are called.
fn bare(path: &str) -> String {
    let is_parameter = |part: &&str| part.starts_with('{');
    path.split('/').map(|part| if is_parameter(&part) { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_operation_of_the_compatible_document_is_ours() {
    let Some(theirs) = reference() else {
        println!("skipped: there is no ../shared/reference/openapi_service.json");
        return;
    };
    let server = TestServer::sqlite().await;
    let ours = serde_json::to_value(ox_api::document(&server.services)).unwrap();
    let mut compared = Compared { theirs: &theirs, ours: &ours, told: Vec::new() };
    let own: Vec<(String, &Value)> =
        ours["paths"].as_object().unwrap().iter().map(|(path, item)| (bare(path), item)).collect();
    let mut count = 0;
    for (path, item) in theirs["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            count += 1;
            let place = format!("{} {path}", method.to_uppercase());
            let wanted = bare(&format!("/v1{path}"));
            match own.iter().find(|(path, item)| *path == wanted && item.get(method).is_some()) {
                Some((_, own)) => compared.operation(&place, item, operation, &own[method]),
                None => compared.told.push(format!("{place}: no such operation")),
            }
        }
    }
    assert!(count > 60, "{count} operations");
    let is_meant = |told: &String| EXCEPTIONS.iter().any(|(exception, _)| told.starts_with(exception));
    let unexpected: Vec<String> = compared.told.into_iter().filter(|told| !is_meant(told)).collect();
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
}
