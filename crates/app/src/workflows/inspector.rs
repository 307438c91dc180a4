//! The variable inspector: the last values of a draft's variables, shown, changed and put back.

use std::collections::HashMap;

use ox_db::{
    model::{DraftVariable, DraftVariableFile, Workflow},
    now,
    repo::{self, draft_variables as rows},
};
use ox_dsl::variables::{self, Scope, Variable};
use ox_types::{AppId, FileId, Json, TenantId, Value, ValueType, boxed};
use serde_json::json;
use uuid::Uuid;

use super::{Owner, draft, graph_app, masked_environment};
use crate::{
    Error, Principal, Result, Services,
    files::FileReader,
    principal::Permission,
    runs::draft::{CONVERSATION, DraftKeeper, EDITABLE_SYSTEM, SYSTEM},
};

const MAX_NAME: usize = 255;

/// A variable with what belongs to it.
#[derive(Clone, Debug)]
pub struct VariableView {
    pub variable: DraftVariable,
    pub full: Option<FullContent>,
}

/// Where the whole of a large value is.
#[derive(Clone, Debug)]
pub struct FullContent {
    pub size: i64,
    pub value_type: String,
    pub length: Option<i32>,
    pub download_url: String,
}

/// The app, for somebody who may edit it.
async fn editable(services: &Services, principal: &Principal, owner: Owner) -> Result<TenantId> {
    principal.require(Permission::AppEdit)?;
    Ok(graph_app(services, principal, owner).await?.tenant_id)
}

/// One page of all variables, without their values, and how many there are.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn list(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    page: u64,
    limit: u64,
) -> Result<(Vec<DraftVariable>, u64)> {
    editable(services, principal, owner).await?;
    let id = owner.id();
    Ok(rows::page(&services.db, id, page, limit).await?)
}

/// The variables of a node.
///
/// # Errors
/// 400 for the virtual nodes, which have routes of their own.
#[boxed]
pub async fn of_node(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    node_id: &str,
) -> Result<Vec<VariableView>> {
    editable(services, principal, owner).await?;
    let id = owner.id();
    real_node(node_id)?;
    views(services, rows::of_nodes(&services.db, id, &[node_id]).await?).await
}

fn real_node(node_id: &str) -> Result<()> {
    if [SYSTEM, CONVERSATION].contains(&node_id) {
        return Err(Error::invalid_field("node_id", format!("invalid node_id, value={node_id}")));
    }
    Ok(())
}

/// The system variables of the last run.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn system(services: &Services, principal: &Principal, owner: Owner) -> Result<Vec<VariableView>> {
    editable(services, principal, owner).await?;
    let id = owner.id();
    views(services, rows::of_nodes(&services.db, id, &[SYSTEM]).await?).await
}

/// The conversation variables; those that no run has set yet have their defaults.
///
/// # Errors
/// 404 for an app without a draft.
#[boxed]
pub async fn conversation(services: &Services, principal: &Principal, owner: Owner) -> Result<Vec<VariableView>> {
    editable(services, principal, owner).await?;
    let id = owner.id();
    let draft = draft(services, principal, owner).await?;
    let declared = declared(&draft)?;
    let known = rows::of_nodes(&services.db, id, &[CONVERSATION]).await?;
    let missing: Vec<DraftVariable> = declared
        .iter()
        .filter(|variable| !known.iter().any(|row| row.name == variable.name))
        .map(|variable| default_row(id, variable))
        .collect();
    let known = if missing.is_empty() {
        known
    } else {
        let tx = services.db.begin().await?;
        rows::add_missing(&tx, missing).await?;
        tx.commit().await?;
        rows::of_nodes(&services.db, id, &[CONVERSATION]).await?
    };
    // Those that the draft does not declare any more are not shown; their order is the draft's.
    let mut known: HashMap<String, DraftVariable> = known.into_iter().map(|row| (row.name.clone(), row)).collect();
    let shown = declared.iter().filter_map(|variable| {
        known.remove(&variable.name).map(|row| DraftVariable { description: variable.description.clone(), ..row })
    });
    views(services, shown.collect()).await
}

fn declared(draft: &Workflow) -> Result<Vec<Variable>> {
    variables::parse(Some(&draft.conversation_variables), Scope::Conversation)
        .map_err(|error| Error::invalid(error.to_string()))
}

fn default_row(id: AppId, variable: &Variable) -> DraftVariable {
    let time = now();
    DraftVariable {
        id: ox_types::new_uuid(),
        app_id: id,
        node_id: CONVERSATION.to_owned(),
        name: variable.name.clone(),
        description: variable.description.clone(),
        selector: json!([CONVERSATION, variable.name]),
        value_type: variable.value_type.as_str().to_owned(),
        value: variable.value.to_json(),
        visible: true,
        editable: true,
        node_execution_id: None,
        file_id: None,
        is_default_value: true,
        last_edited_at: None,
        created_at: time,
        updated_at: time,
    }
}

/// The environment variables of the draft, secrets masked.
///
/// # Errors
/// 404 for an app without a draft.
#[boxed]
pub async fn environment(services: &Services, principal: &Principal, owner: Owner) -> Result<Vec<Json>> {
    editable(services, principal, owner).await?;
    let draft = draft(services, principal, owner).await?;
    let masked = masked_environment(&draft.environment_variables);
    let view = |item: &Json| {
        let field = |key: &str| item.get(key).cloned().unwrap_or_default();
        json!({"id": field("id"), "type": "env", "name": field("name"), "description": field("description"),
            "selector": ["env", field("name")], "value_type": field("value_type"), "value": field("value"),
            "edited": false, "visible": true, "editable": true})
    };
    Ok(masked.as_array().into_iter().flatten().map(view).collect())
}

async fn find(services: &Services, id: AppId, variable: Uuid) -> Result<DraftVariable> {
    let found = rows::find(&services.db, id, variable).await?;
    found.ok_or_else(|| Error::not_found(format!("variable not found, id={variable}")))
}

/// One variable.
///
/// # Errors
/// 404 when the app has none with this id.
#[boxed]
pub async fn one(services: &Services, principal: &Principal, owner: Owner, variable: Uuid) -> Result<VariableView> {
    editable(services, principal, owner).await?;
    let id = owner.id();
    view(services, find(services, id, variable).await?).await
}

/// What is changed of a variable.
#[derive(Clone, Debug, Default)]
pub struct VariableChange {
    pub name: Option<String>,
    pub value: Option<Json>,
}

/// Changes a variable by hand.
///
/// # Errors
/// 400 for one that is not editable, or a value of another type.
#[boxed]
pub async fn change(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    variable: Uuid,
    change: VariableChange,
) -> Result<VariableView> {
    let tenant = editable(services, principal, owner).await?;
    let id = owner.id();
    let mut row = find(services, id, variable).await?;
    if !row.editable {
        return Err(Error::invalid(format!("The variable {} cannot be changed.", row.name)));
    }
    if change.name.is_none() && change.value.is_none() {
        return view(services, row).await;
    }
    if let Some(name) = change.name {
        row.name = checked_name(name)?;
        row.selector = json!([row.node_id, row.name]);
    }
    if let Some(value) = change.value {
        let reader = FileReader { store: &services.files, tenant_id: tenant, end_user: None, strict: false };
        let value = typed(&reader, &row, &value).await?;
        let keeper = DraftKeeper::new(services, tenant, id, principal.account_id()?.0);
        let stored = keeper.stored(value.to_json(), &row.value_type).await?;
        row.editable = stored.file_id.is_none();
        row.value = stored.value;
        row.file_id = stored.file_id;
        row.is_default_value = false;
    }
    row.last_edited_at = Some(now());
    store(services, row).await
}

fn checked_name(name: String) -> Result<String> {
    let is_name = !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if is_name {
        return Ok(name);
    }
    let text = "A name has letters, digits and underscores, and does not begin with a digit.";
    Err(Error::invalid_field("name", text))
}

/// A value of the type that the variable has: that one stays. Files are given as mappings.
async fn typed(reader: &FileReader<'_>, row: &DraftVariable, value: &Json) -> Result<Value> {
    let declared = ValueType::parse(&row.value_type).unwrap_or(ValueType::Any);
    let wrong = |why: String| Error::invalid_field("value", why);
    match declared {
        ValueType::File if value.is_object() => Ok(Value::from(reader.one(value, None).await?)),
        ValueType::File => Err(wrong(format!("expected dict for file, got {value}"))),
        ValueType::ArrayFile => {
            let items = value.as_array().ok_or_else(|| wrong("expected list for files".to_owned()))?;
            let mut files = Vec::with_capacity(items.len());
            for item in items {
                files.push(Value::from(reader.one(item, None).await?));
            }
            Ok(Value::array_of(ValueType::ArrayFile, files))
        }
        // A whole number may be given for a fraction and the other way round: both are numbers to the editor.
        ValueType::Integer | ValueType::Float | ValueType::Number => {
            Value::typed(value, ValueType::Number).map_err(|error| wrong(error.to_string()))
        }
        // What gave nothing may be given anything.
        ValueType::None | ValueType::Any => Ok(Value::from_json(value)),
        declared => Value::typed(value, declared).map_err(|error| wrong(error.to_string())),
    }
}

async fn store(services: &Services, mut row: DraftVariable) -> Result<VariableView> {
    row.updated_at = now();
    let tx = services.db.begin().await?;
    rows::update(&tx, row.clone()).await?;
    tx.commit().await?;
    view(services, row).await
}

/// Puts a variable back to what its node gave last, or to its default. `None`: there was nothing to go back to, and
/// the variable is gone.
///
/// # Errors
/// 400 for a system variable.
#[boxed]
pub async fn reset(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    variable: Uuid,
) -> Result<Option<VariableView>> {
    let tenant = editable(services, principal, owner).await?;
    let id = owner.id();
    let row = find(services, id, variable).await?;
    let before = match row.node_id.as_str() {
        CONVERSATION => {
            let draft = draft(services, principal, owner).await?;
            let default = declared(&draft)?.into_iter().find(|variable| variable.name == row.name);
            default.map(|variable| (variable.value, true))
        }
        _ => given_before(services, tenant, &row).await?.map(|value| (value, false)),
    };
    let Some((value, is_default)) = before else {
        let tx = services.db.begin().await?;
        rows::delete(&tx, id, variable).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let keeper = DraftKeeper::new(services, tenant, id, principal.account_id()?.0);
    let value_type = value.value_type().as_str();
    let stored = keeper.stored(value.to_json(), value_type).await?;
    let is_editable = row.node_id != SYSTEM || EDITABLE_SYSTEM.contains(&row.name.as_str());
    let row = DraftVariable {
        value_type: value_type.to_owned(),
        value: stored.value,
        editable: is_editable && stored.file_id.is_none(),
        file_id: stored.file_id,
        is_default_value: is_default,
        last_edited_at: None,
        ..row
    };
    store(services, row).await.map(Some)
}

/// What the execution that made a variable gave.
async fn given_before(services: &Services, tenant: TenantId, row: &DraftVariable) -> Result<Option<Value>> {
    let Some(execution) = row.node_execution_id else { return Ok(None) };
    let found = repo::runs::execution(&services.db, tenant, row.app_id, execution).await?;
    let outputs: Option<Json> = found.and_then(|node| serde_json::from_str(node.outputs.as_deref()?).ok());
    let name = if row.node_id == SYSTEM { format!("sys.{}", row.name) } else { row.name.clone() };
    Ok(outputs.as_ref().and_then(|outputs| outputs.get(&name)).map(Value::from_json))
}

/// Deletes one variable.
///
/// # Errors
/// 404 when the app has none with this id.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, owner: Owner, variable: Uuid) -> Result<()> {
    editable(services, principal, owner).await?;
    let id = owner.id();
    find(services, id, variable).await?;
    let tx = services.db.begin().await?;
    rows::delete(&tx, id, variable).await?;
    Ok(tx.commit().await?)
}

/// Deletes the variables of a node.
///
/// # Errors
/// 400 for the virtual nodes.
#[boxed]
pub async fn delete_node(services: &Services, principal: &Principal, owner: Owner, node_id: &str) -> Result<()> {
    editable(services, principal, owner).await?;
    let id = owner.id();
    real_node(node_id)?;
    let tx = services.db.begin().await?;
    rows::delete_all(&tx, id, Some(node_id)).await?;
    Ok(tx.commit().await?)
}

/// Deletes all variables of the draft.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn delete_all(services: &Services, principal: &Principal, owner: Owner) -> Result<()> {
    editable(services, principal, owner).await?;
    let id = owner.id();
    let tx = services.db.begin().await?;
    rows::delete_all(&tx, id, None).await?;
    Ok(tx.commit().await?)
}

async fn view(services: &Services, row: DraftVariable) -> Result<VariableView> {
    let mut all = views(services, vec![row]).await?;
    all.pop().ok_or_else(|| Error::not_found("variable not found"))
}

async fn views(services: &Services, found: Vec<DraftVariable>) -> Result<Vec<VariableView>> {
    let ids: Vec<FileId> = found.iter().filter_map(|row| row.file_id).collect();
    let files: HashMap<FileId, DraftVariableFile> =
        rows::files(&services.db, &ids).await?.into_iter().map(|file| (file.id, file)).collect();
    Ok(found
        .into_iter()
        .map(|variable| {
            let full = variable.file_id.and_then(|id| files.get(&id)).map(|file| FullContent {
                size: file.size,
                value_type: file.value_type.clone(),
                length: file.length,
                download_url: services.files.preview_url(file.upload_file_id),
            });
            VariableView { variable, full }
        })
        .collect())
}

/// The whole value of a variable.
///
/// # Errors
/// When its file cannot be read.
pub(crate) async fn full_value(services: &Services, tenant: TenantId, variable: &DraftVariable) -> Result<Json> {
    let Some(file_id) = variable.file_id else { return Ok(variable.value.clone()) };
    let file = rows::files(&services.db, &[file_id]).await?.pop();
    let gone = || Error::invalid(format!("The full value of {} is gone: run its node again.", variable.name));
    let upload = services.files.find(tenant, file.ok_or_else(gone)?.upload_file_id).await?.ok_or_else(gone)?;
    serde_json::from_slice(&services.files.content(&upload).await?).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [("a_1", true), ("1a", false), ("", false), ("a b", false), ("ä", false)] {
            assert_eq!(checked_name(name.to_owned()).is_ok(), expected, "{name}");
        }
    }
}
