//! What a draft and its versions belong to: an app, or the pipeline of a knowledge base.

use ox_db::model::App;
use ox_types::{AppId, boxed};

use super::GRAPH_MODES;
use crate::{Principal, Result, Services, apps::find_of_mode, pipelines};

/// The mode of what stands for a pipeline where an app is asked for.
pub const PIPELINE_MODE: &str = "rag-pipeline";

/// What a workflow belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    App(AppId),
    Pipeline(AppId),
}

impl Owner {
    /// As its workflows and runs name it.
    #[must_use]
    pub const fn id(self) -> AppId {
        match self {
            Self::App(id) | Self::Pipeline(id) => id,
        }
    }
}

impl From<AppId> for Owner {
    fn from(id: AppId) -> Self {
        Self::App(id)
    }
}

/// The app, if it has a graph and belongs to the caller; a pipeline in the form of one.
#[boxed]
pub async fn graph_app(services: &Services, principal: &Principal, owner: Owner) -> Result<App> {
    match owner {
        Owner::App(id) => find_of_mode(services, principal, id, GRAPH_MODES).await,
        Owner::Pipeline(id) => {
            let (pipeline, _) = pipelines::find(services, principal, id).await?;
            Ok(pipelines::as_app(&pipeline))
        }
    }
}
