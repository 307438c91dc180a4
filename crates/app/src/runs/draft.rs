//! What the inspector keeps of a run in the editor: the last outputs of every node (engine reference §9.3).

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use ox_db::{
    Database,
    model::{DraftVariable, DraftVariableFile, UploadFile, WorkflowRun},
    now,
    repo::{draft_variables, journal::Inspected, upload_files},
};
use ox_engine::{NodeInfo, NodeResult, RunEvent, RunEventKind};
use ox_store::{Key, ObjectStore};
use ox_types::{AppId, FileId, Json, NodeRunId, NodeStatus, TenantId, Value, boxed};
use uuid::Uuid;

use crate::{Error, Result, Services, workflows::truncation};

/// Stands for the outputs of a node that has none.
pub const PLACEHOLDER: &str = "__dummy__";
/// Under which system variables stand.
pub const SYSTEM: &str = "sys";
/// Under which conversation variables stand.
pub const CONVERSATION: &str = "conversation";
/// The system variables that an editor may change.
pub const EDITABLE_SYSTEM: [&str; 2] = ["query", "files"];

/// Variables to write together with the node that made them.
#[derive(Clone, Debug, Default)]
pub struct DraftChange {
    pub variables: Vec<DraftVariable>,
    pub inspected: Vec<Inspected>,
}

impl DraftChange {
    /// Nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.inspected.is_empty()
    }
}

/// Makes variables of what nodes give, and puts large ones into files.
pub struct DraftKeeper {
    db: Database,
    store: Arc<dyn ObjectStore>,
    tenant_id: TenantId,
    app_id: AppId,
    account_id: Uuid,
}

/// A variable as a node gave it.
struct Given<'a> {
    node_id: &'a str,
    name: &'a str,
    value: &'a Value,
    visible: bool,
    editable: bool,
}

impl DraftKeeper {
    /// A keeper for the variables of an app.
    #[must_use]
    pub fn new(services: &Services, tenant_id: TenantId, app_id: AppId, account_id: Uuid) -> Self {
        Self { db: services.db.clone(), store: Arc::clone(&services.store), tenant_id, app_id, account_id }
    }

    /// The keeper of a run of the draft; `None` for others.
    #[must_use]
    pub fn of_run(services: &Services, run: &WorkflowRun) -> Option<Arc<Self>> {
        let is_draft = run.triggered_from == "debugging" && run.version == ox_db::repo::workflows::DRAFT;
        is_draft.then(|| Arc::new(Self::new(services, run.tenant_id, run.app_id, run.created_by)))
    }

    /// What an event changes.
    #[boxed]
    pub async fn of_event(&self, event: &RunEvent) -> Option<DraftChange> {
        let RunEventKind::NodeFinished(info, result) = &event.kind else { return None };
        let change = self.of_node(info, result, event.at).await;
        match change {
            Ok(change) => Some(change).filter(|change| !change.is_empty()),
            Err(error) => {
                tracing::warn!(%error, node = info.node.id, "the variables of a node are not kept for the inspector");
                None
            }
        }
    }

    /// The variables of a finished node.
    ///
    /// # Errors
    /// When a large value cannot be stored.
    #[boxed]
    pub async fn of_node(&self, info: &NodeInfo, result: &NodeResult, at: DateTime<Utc>) -> Result<DraftChange> {
        let mut change = DraftChange::default();
        for (selector, value) in &result.updates {
            if let [scope, name] = selector.as_slice()
                && scope == CONVERSATION
            {
                let given = Given { node_id: CONVERSATION, name, value, visible: true, editable: true };
                change.variables.push(self.variable(&given, None, at).await?);
            }
        }
        let worked = matches!(result.status, NodeStatus::Succeeded | NodeStatus::Exception);
        if !info.frame.path.is_empty() || !worked {
            return Ok(change);
        }
        let execution = Some(info.node_run_id);
        for given in given(info, result) {
            change.variables.push(self.variable(&given, execution, at).await?);
        }
        let node_id = info.node.id.clone();
        change.inspected.push(Inspected { app_id: self.app_id, node_id, execution: info.node_run_id });
        Ok(change)
    }

    async fn variable(
        &self,
        given: &Given<'_>,
        execution: Option<NodeRunId>,
        at: DateTime<Utc>,
    ) -> Result<DraftVariable> {
        let value_type = given.value.value_type().as_str().to_owned();
        let stored = self.stored(given.value.to_json(), &value_type).await?;
        Ok(DraftVariable {
            id: ox_types::new_uuid(),
            app_id: self.app_id,
            node_id: given.node_id.to_owned(),
            name: given.name.to_owned(),
            description: String::new(),
            selector: Json::from(vec![given.node_id, given.name]),
            value_type,
            visible: given.visible,
            editable: given.editable && stored.file_id.is_none(),
            value: stored.value,
            node_execution_id: execution,
            file_id: stored.file_id,
            is_default_value: false,
            last_edited_at: None,
            created_at: at,
            updated_at: at,
        })
    }

    /// A value as its row has it: whole, or cut with the whole in a file.
    ///
    /// # Errors
    /// When the file cannot be written.
    #[boxed]
    pub async fn stored(&self, value: Json, value_type: &str) -> Result<Stored> {
        let Some(cut) = truncation::truncated(&value) else { return Ok(Stored { value, file_id: None }) };
        let bytes = Bytes::from(value.to_string());
        let (time, upload_id) = (now(), FileId::new());
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let upload = UploadFile {
            id: upload_id,
            tenant_id: self.tenant_id,
            storage_type: "local".to_owned(),
            key: format!("upload_files/{}/{upload_id}.json", self.tenant_id),
            name: format!("{upload_id}.json"),
            size,
            extension: "json".to_owned(),
            mime_type: Some("application/json".to_owned()),
            created_by_role: "account".to_owned(),
            created_by: self.account_id,
            used: true,
            used_by: Some(self.account_id),
            used_at: Some(time),
            hash: None,
            source_url: String::new(),
            created_at: time,
        };
        let file = DraftVariableFile {
            id: FileId::new(),
            tenant_id: self.tenant_id,
            app_id: self.app_id,
            user_id: self.account_id,
            upload_file_id: upload_id,
            size,
            length: truncation::length(&value).and_then(|length| i32::try_from(length).ok()),
            value_type: value_type.to_owned(),
            created_at: time,
        };
        self.store.put(&Key::new(&upload.key).map_err(Error::internal)?, bytes).await?;
        let tx = self.db.begin().await?;
        upload_files::insert(&tx, upload).await?;
        let file_id = file.id;
        draft_variables::insert_file(&tx, file).await?;
        tx.commit().await?;
        Ok(Stored { value: cut, file_id: Some(file_id) })
    }
}

/// A value as it stands in its row.
#[derive(Clone, Debug)]
pub struct Stored {
    pub value: Json,
    pub file_id: Option<FileId>,
}

/// What a finished node gives to the inspector.
fn given<'a>(info: &'a NodeInfo, result: &'a NodeResult) -> Vec<Given<'a>> {
    let node = &info.node;
    // What a branch decided is of use to nobody but the branch.
    let visible = node.kind != "if-else";
    let mut found = Vec::with_capacity(result.outputs.len() + 1);
    let mut has_own = false;
    for (name, value) in &result.outputs {
        let system = name.strip_prefix("sys.").filter(|_| ox_dsl::graph::is_root_kind(&node.kind));
        if let Some(name) = system {
            let editable = EDITABLE_SYSTEM.contains(&name);
            found.push(Given { node_id: SYSTEM, name, value, visible: true, editable });
            continue;
        }
        if matches!((node.kind.as_str(), name.as_str()), ("llm", "finish_reason") | ("loop", "loop_round")) {
            continue;
        }
        has_own = true;
        found.push(Given { node_id: &node.id, name, value, visible, editable: true });
    }
    if !has_own {
        found.push(Given {
            node_id: &node.id,
            name: PLACEHOLDER,
            value: &Value::None,
            visible: false,
            editable: false,
        });
    }
    found
}

/// Deletes the bytes of full contents whose variables are gone; returns how many.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete_orphans(services: &Services) -> Result<usize> {
    const BATCH: u64 = 200;
    let mut deleted = 0;
    loop {
        let tx = services.db.begin().await?;
        let orphans = draft_variables::take_orphans(&tx, BATCH).await?;
        tx.commit().await?;
        for file in &orphans {
            let Ok(key) = Key::new(&file.key) else { continue };
            if let Err(error) = services.store.delete(&key).await {
                tracing::warn!(%error, key = file.key, "the content of a deleted variable stays in the store");
            }
        }
        deleted += orphans.len();
        if orphans.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            return Ok(deleted);
        }
    }
}
