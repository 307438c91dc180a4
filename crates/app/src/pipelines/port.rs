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
use ox_engine::RunInfo;
use ox_nodes::{CallError, CallMessage, CallStream, DatasourceCall, DatasourcePort, IndexPort, IndexRequest};
use ox_types::{Json, RunId};
use serde_json::Map;
use tokio::sync::{mpsc, oneshot};

use super::{chunks, items};
use crate::{Services, knowledge::sources::Provider};

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
    desks: Mutex<HashMap<RunId, mpsc::Sender<Handed>>>,
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

    /// Opens a desk for the chunks of a run.
    pub fn open(self: &Arc<Self>, run: RunId) -> Desk {
        let (sender, chunks) = mpsc::channel(1);
        self.desks.lock().unwrap_or_else(PoisonError::into_inner).insert(run, sender);
        Desk { run, ports: Arc::clone(self), chunks }
    }

    fn desk(&self, run: RunId) -> Option<mpsc::Sender<Handed>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner).get(&run).cloned()
    }
}

#[async_trait]
impl DatasourcePort for PipelinePorts {
    async fn fetch(&self, run: &RunInfo, call: DatasourceCall) -> Result<CallStream, CallError> {
        let gone = || CallError::new(DATASOURCE, "The server is starting or shutting down.");
        let services = self.services.get().and_then(Weak::upgrade).ok_or_else(gone)?;
        if call.provider_type != "online_document" {
            let text = format!("The datasource '{}' cannot be read here.", call.datasource);
            return Err(CallError::missing(DATASOURCE, text));
        }
        let name = if call.provider_name.is_empty() { "notion" } else { &call.provider_name };
        let provider = Provider::of_id(name).map_err(|error| CallError::missing(DATASOURCE, error.message))?;
        let credential = call.credential_id.as_deref().and_then(|id| id.parse().ok());
        let found = items::online_document(&services, run.tenant_id, provider, &call.info, credential).await;
        let found = found.map_err(|error| CallError {
            is_final: error.status < 500 && error.status != 429,
            ..CallError::new(DATASOURCE, error.message)
        })?;
        let variable = |(name, value): (String, ox_types::Value)| CallMessage::Variable {
            name,
            value: value.to_json(),
            stream: false,
        };
        Ok(ox_tools::builtin::stream(found.into_iter().map(variable).collect()))
    }
}

#[async_trait]
impl IndexPort for PipelinePorts {
    async fn index(&self, run: &RunInfo, request: IndexRequest) -> Result<Map<String, Json>, CallError> {
        let nobody = || CallError::missing(INDEX, "Nobody works on the document of this run.");
        let desk = self.desk(run.run_id).ok_or_else(nobody)?;
        let (reply, answer) = oneshot::channel();
        desk.send(Handed { request, reply }).await.map_err(|_| nobody())?;
        let done = answer.await.map_err(|_| CallError::new(INDEX, "The work on the document has ended."))?;
        done.map_err(|why| CallError::new(INDEX, why))
    }

    async fn preview(&self, _: &RunInfo, request: IndexRequest) -> Result<Map<String, Json>, CallError> {
        chunks::preview(&request.chunk_structure, &request.chunks).map_err(|why| CallError::missing(INDEX, why))
    }
}
