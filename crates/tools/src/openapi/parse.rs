//! From the text of a document to its operations.

use std::collections::HashSet;

use ox_models::I18n;
use ox_types::Json;
use serde_json::{Map, Value};

use super::{Bundle, Document, Invalid, MAX_DOCUMENT, MAX_OPERATIONS, OAuthFlow, refs::Resolver, swagger};
use crate::{OptionView, ParameterView};

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];
/// Content types of a body, the best first.
const CONTENTS: &[&str] = &["application/json", "application/x-www-form-urlencoded", "multipart/form-data"];
/// The parameter that stands for a body that is no object.
pub const BODY: &str = "body";

/// The document behind a plugin manifest of the old kind, when the text is one.
#[must_use]
pub fn plugin_address(text: &str) -> Option<String> {
    let manifest: Json = serde_json::from_str(text).ok()?;
    let api = manifest.get("api").filter(|api| api["type"] == "openapi")?;
    api["url"].as_str().map(str::to_owned)
}

/// Reads a document: OpenAPI 3 or Swagger 2, JSON or YAML.
///
/// # Errors
/// What is wrong with it, for the user.
pub fn parse(text: &str) -> Result<Document, Invalid> {
    if text.len() > MAX_DOCUMENT {
        return Err(Invalid(format!("The schema is larger than {} MB.", MAX_DOCUMENT / 1024 / 1024)));
    }
    let document = ox_text::yaml::parse(text).map_err(|error| Invalid(format!("invalid schema: {error}")))?;
    if !document.is_object() {
        let hint = if text.trim_start().starts_with('<') {
            " It is HTML: give the address of the document itself."
        } else {
            ""
        };
        return Err(Invalid(format!("invalid schema: it is neither a JSON nor a YAML object.{hint}")));
    }
    let version = |name: &str| match &document[name] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let oauth = oauth(&document);
    let (kind, document) = if version("swagger").starts_with('2') {
        ("swagger", swagger::to_openapi(&document)?)
    } else if version("openapi").starts_with('3') || (version("openapi").is_empty() && document["paths"].is_object()) {
        ("openapi", document)
    } else {
        return Err(Invalid("invalid schema: it says neither 'openapi: 3…' nor 'swagger: 2…'.".into()));
    };
    let (bundles, warnings) = operations(&document)?;
    let info = &document["info"];
    let described = [&info["description"], &info["title"]].into_iter().find_map(Json::as_str);
    Ok(Document { kind, description: described.unwrap_or_default().to_owned(), bundles, warnings, oauth })
}

/// The first security scheme with an authorization code: OpenAPI 3's, or Swagger 2's.
fn oauth(document: &Json) -> Option<OAuthFlow> {
    let lists = [&document["components"]["securitySchemes"], &document["securityDefinitions"]];
    let schemes = lists.into_iter().filter_map(Json::as_object).flat_map(Map::values);
    schemes.filter(|scheme| scheme["type"] == "oauth2").find_map(|scheme| {
        let flow = if scheme["flow"] == "accessCode" { scheme } else { &scheme["flows"]["authorizationCode"] };
        let scopes: Vec<&str> =
            flow["scopes"].as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
        Some(OAuthFlow {
            authorization_url: flow["authorizationUrl"].as_str()?.to_owned(),
            token_url: flow["tokenUrl"].as_str()?.to_owned(),
            scope: scopes.join(" "),
        })
    })
}

fn operations(document: &Json) -> Result<(Vec<Bundle>, Map<String, Json>), Invalid> {
    let paths = document["paths"].as_object().filter(|paths| !paths.is_empty());
    let paths = paths.ok_or_else(|| Invalid("No paths found in the openapi yaml.".into()))?;
    let mut resolver = Resolver::new(document);
    let (mut bundles, mut warnings, mut taken) = (Vec::new(), Map::new(), HashSet::new());
    for (path, item) in paths {
        let item = resolver.resolve_shallow(item)?;
        for method in METHODS {
            let Some(operation) = item.get(*method).filter(|operation| operation.is_object()) else { continue };
            if bundles.len() == MAX_OPERATIONS {
                return Err(Invalid(format!("The schema has more than {MAX_OPERATIONS} operations.")));
            }
            let server = server(&[operation, &item, document])?;
            let mut operation = resolver.resolve(operation)?;
            with_shared(&mut operation, &resolver.resolve(&item["parameters"])?);
            let id = unique(&operation_id(&operation, path, method), &mut taken);
            let (parameters, double) = parameters(&operation);
            if !double.is_empty() {
                let text =
                    format!("These parameters occur more than once and get the same value: {}.", double.join(", "));
                warnings.insert(id.clone(), text.into());
            }
            let texts = [&operation["description"], &operation["summary"]].into_iter().filter_map(Json::as_str);
            let summary = texts.map(str::to_owned).find(|text| !text.is_empty());
            bundles.push(Bundle {
                server_url: format!("{}{path}", server.trim_end_matches('/')),
                method: (*method).to_owned(),
                summary,
                operation_id: id,
                parameters,
                author: String::new(),
                icon: None,
                output_schema: output_schema(&operation),
                openapi: kept(operation),
            });
        }
    }
    if bundles.is_empty() {
        return Err(Invalid("No paths found in the openapi yaml.".into()));
    }
    Ok((bundles, warnings))
}

impl Resolver<'_> {
    /// An item of `paths` that may be a reference as a whole.
    fn resolve_shallow(&mut self, item: &Json) -> Result<Json, Invalid> {
        if item.get("$ref").is_some() { self.resolve(item) } else { Ok(item.clone()) }
    }
}

/// The first server that is named, by whoever is nearest.
fn server(levels: &[&Json]) -> Result<String, Invalid> {
    let found = levels.iter().find_map(|level| level["servers"].get(0).filter(|server| server["url"].is_string()));
    let server = found.ok_or_else(|| Invalid("No server found in the openapi yaml.".into()))?;
    let mut url = server["url"].as_str().unwrap_or_default().to_owned();
    for (name, variable) in server["variables"].as_object().into_iter().flatten() {
        if let Some(default) = variable["default"].as_str() {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    Ok(url)
}

/// Parameters of the path count unless the operation has its own.
fn with_shared(operation: &mut Json, shared: &Json) {
    let Some(shared) = shared.as_array() else { return };
    let own = operation["parameters"].as_array().cloned().unwrap_or_default();
    let is_own = |one: &&Json| own.iter().any(|own| own["name"] == one["name"] && own["in"] == one["in"]);
    let all: Vec<Json> = shared.iter().filter(|one| !is_own(one)).chain(&own).cloned().collect();
    operation["parameters"] = Value::Array(all);
}

fn operation_id(operation: &Json, path: &str, method: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if let Some(id) = operation["operationId"].as_str().filter(|id| !id.trim().is_empty()) {
        return id.trim().chars().map(|character| if allowed(character) { character } else { '_' }).take(64).collect();
    }
    let path: String = path
        .trim_matches('/')
        .chars()
        .map(|character| if character == '/' { '_' } else { character })
        .filter(|c| allowed(*c))
        .collect();
    if path.is_empty() { format!("root_{method}") } else { format!("{path}_{method}").chars().take(64).collect() }
}

fn unique(id: &str, taken: &mut HashSet<String>) -> String {
    let mut name = id.to_owned();
    for number in 2.. {
        if taken.insert(name.clone()) {
            break;
        }
        name = format!("{id}_{number}");
    }
    name
}

/// The content of the body that is sent, with its type.
pub fn body(operation: &Json) -> Option<(&str, &Json)> {
    let contents = operation["requestBody"]["content"].as_object()?;
    let by_name =
        |wanted: &&str| contents.iter().find(|(name, _)| name.split(';').next().unwrap_or_default().trim() == *wanted);
    let json = || contents.iter().find(|(name, _)| name.contains("json"));
    let (name, content) = CONTENTS.iter().find_map(by_name).or_else(json).or_else(|| contents.iter().next())?;
    Some((name, &content["schema"]))
}

/// The properties of an object schema, those of its parts included, and which are required.
pub fn properties(schema: &Json) -> (Map<String, Json>, Vec<String>) {
    let mut all = schema["properties"].as_object().cloned().unwrap_or_default();
    let names = |schema: &Json| -> Vec<String> {
        schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let mut required = names(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let (more, needed) = properties(part);
        for (name, value) in more {
            all.entry(name).or_insert(value);
        }
        required.extend(needed);
    }
    (all, required)
}

fn parameters(operation: &Json) -> (Vec<ParameterView>, Vec<String>) {
    let (mut views, mut double): (Vec<ParameterView>, Vec<String>) = (Vec::new(), Vec::new());
    let mut add = |view: ParameterView| {
        if views.iter().any(|known| known.name == view.name) {
            double.push(view.name);
        } else {
            views.push(view);
        }
    };
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let Some(name) = parameter["name"].as_str() else { continue };
        if !matches!(parameter["in"].as_str(), Some("path" | "query" | "header" | "cookie")) {
            continue;
        }
        let content = parameter["content"].as_object().and_then(|content| content.values().next());
        let schema = content.map_or(&parameter["schema"], |content| &content["schema"]);
        let described = [&parameter["description"], &schema["description"]].into_iter().find_map(Json::as_str);
        let required = parameter["required"] == true || parameter["in"] == "path";
        add(view(name, described.unwrap_or_default(), schema, required));
    }
    if let Some((_, schema)) = body(operation) {
        let (fields, required) = properties(schema);
        if fields.is_empty() {
            let described = operation["requestBody"]["description"].as_str().or_else(|| schema["description"].as_str());
            let required = operation["requestBody"]["required"] == true;
            add(view(BODY, described.unwrap_or_default(), schema, required));
        }
        for (name, schema) in &fields {
            let described = schema["description"].as_str().unwrap_or_default();
            add(view(name, described, schema, required.contains(name)));
        }
    }
    (views, double)
}

/// The type of a schema; of several, the first that is not null (3.1).
pub fn type_of(schema: &Json) -> Option<&str> {
    match &schema["type"] {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Json::as_str).find(|name| *name != "null"),
        _ if schema["properties"].is_object() || schema["allOf"].is_array() => Some("object"),
        _ => {
            let parts = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
            parts.into_iter().flatten().filter_map(type_of).find(|name| *name != "null")
        }
    }
}

fn is_binary(schema: &Json) -> bool {
    matches!(schema["format"].as_str(), Some("binary" | "byte")) || schema["contentMediaType"].is_string()
}

fn view(name: &str, described: &str, schema: &Json, required: bool) -> ParameterView {
    let options: Vec<OptionView> = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .map(|value| OptionView { value: value.to_owned(), label: I18n::same(value), icon: None })
        .collect();
    let kind = match type_of(schema) {
        Some("integer" | "number") => "number",
        Some("boolean") => "boolean",
        Some("array") if is_binary(&schema["items"]) => "files",
        Some("array") => "array",
        Some("object") => "object",
        _ if schema["format"] == "binary" => "file",
        _ if !options.is_empty() => "select",
        _ => "string",
    };
    let is_nested = matches!(kind, "array" | "object");
    ParameterView {
        name: name.to_owned(),
        label: I18n::same(name),
        human_description: Some(I18n::same(described)),
        placeholder: Some(I18n::same(described)),
        kind: kind.to_owned(),
        form: "llm".to_owned(),
        llm_description: Some(described.to_owned()),
        required,
        default: schema["default"].clone(),
        min: schema["minimum"].as_f64(),
        max: schema["maximum"].as_f64(),
        options,
        input_schema: if is_nested { schema.clone() } else { Json::Null },
        ..ParameterView::default()
    }
}

/// The schema of what the operation answers, where it says so.
fn output_schema(operation: &Json) -> Json {
    let responses = operation["responses"].as_object();
    let good =
        responses.and_then(|all| all.iter().find(|(status, _)| status.starts_with('2')).map(|(_, answer)| answer));
    let schema = good.and_then(|answer| answer["content"]["application/json"].get("schema"));
    schema.filter(|schema| schema["properties"].is_object()).cloned().unwrap_or_default()
}

/// What a call needs of an operation.
fn kept(operation: Json) -> Json {
    let Value::Object(mut fields) = operation else { return Json::Null };
    fields.retain(|name, _| {
        matches!(name.as_str(), "operationId" | "summary" | "description" | "parameters" | "requestBody")
    });
    Value::Object(fields)
}
