//! What the nodes of pipelines use: the content of datasources, and the way of chunks to the one who works on the
//! document.
//!
//! Who works on a document opens a desk for its run; the last node of the graph lays the chunks on it and waits until they
//! are saved and indexed. A run without a desk writes nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use async_trait::async_trait;
use ox_db::model::Document;
use ox_engine::RunInfo;
use ox_nodes::{CallError, CallMessage, CallStream, DatasourceCall, DatasourcePort, IndexPort, IndexRequest};
use ox_types::{Json, RunId};
use serde_json::Map;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{chunks, items};
use crate::{
    Error, Result as Answer, Services,
    knowledge::{removal, sources::Provider},
};

const DATASOURCE: &str = "DatasourceNodeError";
const INDEX: &str = "KnowledgeIndexNodeError";

/// Chunks on their way, and where their writer is told how it went.
pub struct Handed {
    pub request: IndexRequest,
    pub reply: oneshot::Sender<Result<Map<String, Json>, String>>,
}

/// The ports, with the desks that are open.
#[derive(Default)]
pub struct PipelinePorts {
    services: OnceLock<Weak<Services>>,
    desks: Mutex<HashMap<RunId, Open>>,
}

/// What is known of a desk.
#[derive(Clone)]
struct Open {
    chunks: mpsc::Sender<Handed>,
    document: Arc<Document>,
}

/// A desk; closed when it is dropped.
pub struct Desk {
    run: RunId,
    ports: Arc<PipelinePorts>,
    pub chunks: mpsc::Receiver<Handed>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.ports.desks.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.run);
    }
}

impl PipelinePorts {
    /// Tells the ports of everything else, once.
    pub(crate) fn attach(&self, services: &Arc<Services>) {
        _ = self.services.set(Arc::downgrade(services));
    }

    /// Opens a desk for the chunks that a run makes of a document.
    pub fn open(self: &Arc<Self>, run: RunId, document: &Document) -> Desk {
        let (sender, chunks) = mpsc::channel(1);
        let open = Open { chunks: sender, document: Arc::new(document.clone()) };
        self.desks.lock().unwrap_or_else(PoisonError::into_inner).insert(run, open);
        Desk { run, ports: Arc::clone(self), chunks }
    }

    fn desk(&self, run: RunId) -> Option<Open> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner).get(&run).cloned()
    }
}

#[async_trait]
impl DatasourcePort for PipelinePorts {
    async fn fetch(&self, run: &RunInfo, call: DatasourceCall) -> Result<CallStream, CallError> {
        let gone = || CallError::new(DATASOURCE, "The server is starting or shutting down.");
        let services = self.services.get().and_then(Weak::upgrade).ok_or_else(gone)?;
        if !["online_document", "online_drive"].contains(&call.provider_type.as_str()) {
            let text = format!("The datasource '{}' cannot be read here.", call.datasource);
            return Err(CallError::missing(DATASOURCE, text));
        }
        let name = if call.provider_name.is_empty() { "notion" } else { &call.provider_name };
        let provider = Provider::of_id(name).map_err(|error| CallError::missing(DATASOURCE, error.message))?;
        let credential = call.credential_id.as_deref().and_then(|id| id.parse().ok());
        if call.provider_type == "online_drive" {
            let document = self.desk(run.run_id).map(|open| open.document);
            let file = drive_file(&services, run, provider, &call.info, credential, document.as_deref()).await;
            return Ok(ox_tools::builtin::stream(vec![file.map_err(refused)?]));
        }
        let found = items::online_document(&services, run.tenant_id, provider, &call.info, credential).await;
        let found = found.map_err(refused)?;
        let variable = |(name, value): (String, ox_types::Value)| CallMessage::Variable {
            name,
            value: value.to_json(),
            stream: false,
        };
        Ok(ox_tools::builtin::stream(found.into_iter().map(variable).collect()))
    }
}

fn refused(error: Error) -> CallError {
    let is_final = error.status < 500 && error.status != 429;
    CallError { is_final, ..CallError::new(DATASOURCE, error.message) }
}

/// A file of a drive. It goes with the document that is made of it; in a trial there is none.
async fn drive_file(
    services: &Services,
    run: &RunInfo,
    provider: Provider,
    info: &Json,
    credential: Option<Uuid>,
    document: Option<&Document>,
) -> Answer<CallMessage> {
    let file = items::drive_file(services, run.tenant_id, provider, info, credential).await?;
    match document {
        Some(document) => {
            // What an earlier run has fetched for it, and no chunk names.
            removal::remove_left(services, run.tenant_id, document.id, None).await;
            let named = (file.name.as_str(), file.mime.as_str());
            let kept = services.files.keep_for(document, run.tenant_id, named, file.bytes).await?;
            Ok(CallMessage::File(Box::new(kept)))
        }
        None => Ok(CallMessage::Blob { bytes: file.bytes, mime: file.mime, filename: Some(file.name) }),
    }
}

#[async_trait]
impl IndexPort for PipelinePorts {
    async fn index(&self, run: &RunInfo, request: IndexRequest) -> Result<Map<String, Json>, CallError> {
        let nobody = || CallError::missing(INDEX, "Nobody works on the document of this run.");
        let desk = self.desk(run.run_id).ok_or_else(nobody)?;
        let (reply, answer) = oneshot::channel();
        desk.chunks.send(Handed { request, reply }).await.map_err(|_| nobody())?;
        let done = answer.await.map_err(|_| CallError::new(INDEX, "The work on the document has ended."))?;
        done.map_err(|why| CallError::new(INDEX, why))
    }

    async fn preview(&self, _: &RunInfo, request: IndexRequest) -> Result<Map<String, Json>, CallError> {
        chunks::preview(&request.chunk_structure, &request.chunks).map_err(|why| CallError::missing(INDEX, why))
    }
}
