//! What a user of a published page ran before: workflow runs with their results, answers of a completion.

use std::collections::HashMap;

use ox_db::{
    PageOf,
    model::{Message, NodeExecution, WorkflowRun},
    repo::{
        self,
        conversations::{Filter, SortBy},
        page_runs::Person,
    },
};
use ox_types::{FileId, Json, MessageId, RunId, boxed};
use serde_json::Map;
use uuid::Uuid;

use crate::{
    AppCaller, Error, Result, Services,
    messages::{self, MessageView},
    runs::InvokeFrom,
};

/// A run with what its page shows of it.
#[derive(Clone, Debug)]
pub struct PastRun {
    pub run: WorkflowRun,
    pub inputs: Map<String, Json>,
    /// Empty in lists.
    pub outputs: Json,
    /// Empty in lists, and where the page does not show them.
    pub steps: Vec<NodeExecution>,
}

fn person(caller: &AppCaller) -> Person<'static> {
    Person {
        tenant: caller.tenant_id(),
        app: caller.app.app.id,
        id: caller.user.id(),
        from: match caller.invoke_from {
            InvokeFrom::Explore => "installed-app",
            other => other.as_str(),
        },
    }
}

fn parsed(text: Option<&str>) -> Json {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The values of the form, without what the system added.
fn inputs_of(run: &WorkflowRun) -> Map<String, Json> {
    let Json::Object(mut inputs) = parsed(run.inputs.as_deref()) else { return Map::new() };
    inputs.retain(|name, _| !name.starts_with("sys."));
    inputs
}

/// The caller's runs, newest first.
///
/// # Errors
/// 404 when `last` is not one of them.
#[boxed]
pub async fn list(services: &Services, caller: &AppCaller, last: Option<RunId>, limit: u64) -> Result<PageOf<PastRun>> {
    let page = repo::page_runs::workflows(&services.db, person(caller), last, limit).await?;
    let page = page.ok_or_else(|| Error::not_found("Last Run Not Exists."))?;
    let items = page.items.into_iter().map(|run| {
        let inputs = inputs_of(&run);
        PastRun { run, inputs, outputs: Json::Null, steps: Vec::new() }
    });
    Ok(PageOf { items: items.collect(), has_more: page.has_more })
}

/// One of the caller's runs with its result.
///
/// # Errors
/// 404 when it is not the caller's.
#[boxed]
pub async fn find(services: &Services, caller: &AppCaller, id: RunId) -> Result<PastRun> {
    let run = repo::runs::find(&services.db, caller.tenant_id(), caller.app.app.id, id).await?;
    let run = run.filter(|run| run.created_by == caller.user.id());
    let run = run.ok_or_else(|| Error::not_found("Workflow run not found."))?;
    let shows_steps = caller.app.site.as_ref().is_none_or(|site| site.show_workflow_steps);
    let steps = if shows_steps { repo::runs::executions_of(&services.db, &run).await? } else { Vec::new() };
    let mut outputs = parsed(run.outputs.as_deref());
    let mut inputs = Json::Object(inputs_of(&run));
    let mut named = Vec::new();
    each_file(&mut outputs, &mut |file| named.extend(upload_of(file)));
    each_file(&mut inputs, &mut |file| named.extend(upload_of(file)));
    if !named.is_empty() {
        // Only files of this workspace: outputs may say what they like.
        let known = repo::upload_files::find_all(&services.db, caller.tenant_id(), &named).await?;
        let mut sign = |file: &mut Map<String, Json>| {
            if let Some(id) = upload_of(file).filter(|id| known.iter().any(|upload| upload.id == *id)) {
                file.insert("url".to_owned(), services.files.preview_url(id).into());
            }
        };
        each_file(&mut outputs, &mut sign);
        each_file(&mut inputs, &mut sign);
    }
    let inputs = if let Json::Object(inputs) = inputs { inputs } else { Map::new() };
    Ok(PastRun { run, inputs, outputs, steps })
}

fn upload_of(file: &Map<String, Json>) -> Option<FileId> {
    if file.get("transfer_method").and_then(Json::as_str) != Some("local_file") {
        return None;
    }
    let text = |name: &str| file.get(name).and_then(Json::as_str);
    let id: Uuid = text("related_id").or_else(|| text("upload_file_id"))?.parse().ok()?;
    Some(FileId(id))
}

/// Visits the file values in a document.
fn each_file(value: &mut Json, visit: &mut dyn FnMut(&mut Map<String, Json>)) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| each_file(item, visit)),
        Json::Object(map) if map.contains_key("transfer_method") => visit(map),
        Json::Object(map) => map.values_mut().for_each(|item| each_file(item, visit)),
        _ => {}
    }
}

/// The caller's answers of a completion app, newest first.
///
/// # Errors
/// 404 when `last` is not one of them.
#[boxed]
pub async fn completions(
    services: &Services,
    caller: &AppCaller,
    last: Option<MessageId>,
    limit: u64,
) -> Result<PageOf<MessageView>> {
    let app = caller.app.app.id;
    let after = match last {
        None => None,
        Some(id) => {
            let message = messages::find(services, caller, id).await?;
            repo::conversations::find(&services.db, app, message.conversation_id).await?
        }
    };
    let filter = Filter {
        app_id: app,
        owner: caller.owner(),
        invoke_from: Some(caller.invoke_from.as_str()),
        pinned: None,
        sort_by: SortBy::CreatedAt,
        descending: true,
        limit,
    };
    let page = repo::conversations::list(&services.db, &filter, after.as_ref()).await?;
    let ids: Vec<_> = page.items.iter().map(|conversation| conversation.id).collect();
    let found = repo::page_runs::only_messages(&services.db, app, &ids).await?;
    let mut found: HashMap<_, Message> = found.into_iter().map(|message| (message.conversation_id, message)).collect();
    let ordered = ids.iter().filter_map(|id| found.remove(id)).collect();
    Ok(PageOf { items: messages::views(services, caller, ordered).await?, has_more: page.has_more })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_found_wherever_they_stand() {
        let id = ox_types::new_uuid();
        let file = json!({"transfer_method": "local_file", "related_id": id, "url": "old"});
        let link = json!({"transfer_method": "remote_url", "remote_url": "https://x.test/a.png"});
        let mut value = json!({"one": file, "list": [link, {"deep": [file]}], "text": "local_file"});
        let mut found = Vec::new();
        each_file(&mut value, &mut |map| found.push(upload_of(map)));
        assert_eq!(found, [Some(FileId(id)), None, Some(FileId(id))]);
        each_file(&mut value, &mut |map| drop(map.insert("url".to_owned(), "new".into())));
        assert_eq!(value["list"][1]["deep"][0]["url"], "new");
    }
}
