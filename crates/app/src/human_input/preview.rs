//! How a form of the draft will look.

use ox_engine::Pool;
use ox_types::{AppId, Json, boxed};
use serde_json::{Map, json};

use super::{named, typed};
use crate::{Error, Principal, Result, Services, apps, principal::Permission, runs::sink::pause::required, workflows};

/// The form of a node of the draft, with these values for the variables it reads (`#node.name#` or `node.name`).
///
/// # Errors
/// 404 when there is no such node, 400 when its configuration cannot be read.
#[boxed]
pub async fn preview(
    services: &Services,
    principal: &Principal,
    app: AppId,
    mode: &str,
    node: &str,
    inputs: &Map<String, Json>,
) -> Result<Json> {
    principal.require(Permission::AppEdit)?;
    apps::find_of_mode(services, principal, app, &[mode]).await?;
    let draft = workflows::draft(services, principal, app.into()).await?;
    let graph = ox_dsl::graph::Graph::parse(&draft.graph).map_err(|error| Error::invalid(error.to_string()))?;
    let spec = graph.nodes.iter().find(|spec| spec.id == node && spec.kind == "human-input");
    let spec = spec.ok_or_else(|| Error::not_found(format!("There is no human-input node {node} in the draft.")))?;
    let mut pool = Pool::new();
    for (key, value) in inputs {
        if let [node, name] = &named(key)[..] {
            pool.set(node, name, typed(value));
        }
    }
    let mut form = ox_nodes::human_input::question(spec, &pool).map_err(Error::invalid)?;
    let variables = ox_nodes::human_input::variables(spec).map_err(Error::invalid)?;
    let seconds = form.get("timeout_seconds").and_then(Json::as_i64).unwrap_or(0);
    if let Json::Object(fields) = &mut form {
        fields.insert("node_id".into(), spec.id.clone().into());
        fields.insert("node_title".into(), spec.title.clone().into());
        fields.insert("display_in_ui".into(), true.into());
        fields.insert("expiration_time".into(), ox_db::now().timestamp().saturating_add(seconds).into());
    }
    let mut shown = required(&form);
    if let Json::Object(fields) = &mut shown {
        let names: Vec<String> = variables.iter().map(|selector| selector.join(".")).collect();
        fields.insert("variables".into(), json!(names));
    }
    Ok(shown)
}
