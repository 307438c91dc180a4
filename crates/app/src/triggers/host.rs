//! The port by which a plugin host brings events: providers of triggers, and subscriptions to them.
//!
//! A provider (`author/plugin/name`) has events with parameters. A subscription of a workspace has an address; a request to
//! it is first *dispatched* (is it genuine, which events is it, what does its sender get to hear), then *transformed* for
//! each waiting node, with that node's parameters, into the variables of its event. This crate finds who waits, keeps
//! the events and starts the runs.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use ox_engine::RunInfo;
use ox_types::{Json, TenantId};
use serde_json::Map;
use uuid::Uuid;

use crate::Error;

/// A request as it came in, for whoever knows its sender.
#[derive(Clone, Debug, Default)]
pub struct RawRequest {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// What the sender of a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawReply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// A workspace's subscription to the events of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerSubscription {
    pub id: String,
    pub tenant_id: TenantId,
    /// `author/plugin/name`
    pub provider: String,
    /// The last part of its address.
    pub endpoint: Uuid,
    /// `api-key` or `unauthorized`.
    pub credential_type: String,
    /// In clear, for the plugin.
    pub credentials: Map<String, Json>,
    /// What was chosen when it was made.
    pub parameters: Map<String, Json>,
    /// What the plugin, or who set it up by hand, keeps with it.
    pub properties: Map<String, Json>,
}

/// A provider of events.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerProvider {
    /// `author/plugin/name`
    pub id: String,
    /// As its plugin declares it: `label`, `description`, `plugin_id`, `subscription_constructor`,
    /// `subscription_schema`, `events`, ….
    pub declaration: Map<String, Json>,
}

/// A picture of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerIcon {
    pub media_type: String,
    pub bytes: Bytes,
}

/// What a plugin answers when it has subscribed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscribed {
    pub properties: Map<String, Json>,
    /// Unix seconds; none: it stays.
    pub expires_at: Option<i64>,
}

/// An event of a provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TriggerEvent {
    pub name: String,
    pub parameters: Vec<EventParameter>,
}

/// What a node may set about an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventParameter {
    pub name: String,
    pub required: bool,
    /// Null when there is none.
    pub default: Json,
}

/// What a request turned out to be.
#[derive(Clone, Debug)]
pub struct Dispatched {
    /// Names of events; none for a request that only wants its answer (a challenge).
    pub events: Vec<String>,
    /// Who caused them, in the sender's words; may be empty.
    pub user_id: String,
    /// What the events have in common, for their transformation.
    pub payload: Map<String, Json>,
    /// The sender's own name of this delivery, where it has one: a delivery that is sent again starts nothing new.
    pub delivery: Option<String>,
    pub reply: RawReply,
}

/// One event for one node.
#[derive(Clone, Copy, Debug)]
pub struct EventCall<'a> {
    pub subscription: &'a TriggerSubscription,
    pub event: &'a str,
    pub parameters: &'a Map<String, Json>,
    pub payload: &'a Map<String, Json>,
    pub request: &'a RawRequest,
}

/// What an event is for a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Transformed {
    /// The variables of its event.
    Variables(Map<String, Json>),
    /// The node's parameters leave it out: nothing starts.
    Filtered,
}

/// Why a plugin host could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HostError {
    /// The request or a parameter is wrong; the text is for its sender.
    #[error("{0}")]
    Refused(String),
    /// The plugin or its host failed.
    #[error("{0}")]
    Failed(String),
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        match &error {
            HostError::Refused(message) => Self::bad_request(message.clone()),
            HostError::Failed(_) => Self::internal(error),
        }
    }
}

/// Brings providers of events. Its calls have limits of time of their own; longer than [`super::plugin::PATIENCE`] is not
/// waited for.
#[async_trait]
pub trait TriggerHost: Send + Sync {
    /// The events of a provider; `None` where the workspace does not have it.
    async fn events(&self, tenant: TenantId, provider: &str) -> Result<Option<Vec<TriggerEvent>>, HostError>;

    /// The providers of a workspace.
    async fn providers(&self, tenant: TenantId) -> Result<Vec<TriggerProvider>, HostError>;

    /// The picture of a provider.
    async fn icon(&self, tenant: TenantId, provider: &str) -> Result<Option<TriggerIcon>, HostError>;

    /// Refuses credentials that the provider does not take.
    async fn validate(
        &self,
        tenant: TenantId,
        provider: &str,
        credentials: &Map<String, Json>,
    ) -> Result<(), HostError>;

    /// Subscribes at the provider: its events come to this address from now on.
    async fn subscribe(&self, subscription: &TriggerSubscription, address: &str) -> Result<Subscribed, HostError>;

    /// Ends a subscription at the provider.
    async fn unsubscribe(&self, subscription: &TriggerSubscription) -> Result<(), HostError>;

    /// Verifies a request and tells what it is.
    async fn dispatch(&self, subscription: &TriggerSubscription, request: &RawRequest)
    -> Result<Dispatched, HostError>;

    /// Makes the variables of an event.
    async fn transform(&self, call: EventCall<'_>) -> Result<Transformed, HostError>;
}

/// The place of the plugin host; empty until there is one.
#[derive(Default)]
pub struct TriggerHub {
    host: OnceLock<Arc<dyn TriggerHost>>,
}

impl TriggerHub {
    /// Puts the host in. False when there is one already.
    #[must_use]
    pub fn attach(&self, host: Arc<dyn TriggerHost>) -> bool {
        self.host.set(host).is_ok()
    }

    /// The host, if there is one.
    #[must_use]
    pub fn host(&self) -> Option<&Arc<dyn TriggerHost>> {
        self.host.get()
    }
}

#[async_trait]
impl ox_nodes::TriggerPort for TriggerHub {
    async fn has_provider(&self, run: &RunInfo, provider: &str) -> bool {
        let Some(host) = self.host() else { return false };
        match host.events(run.tenant_id, provider).await {
            Ok(events) => events.is_some(),
            Err(error) => {
                tracing::warn!(%error, provider, "a plugin host does not tell its triggers");
                false
            }
        }
    }
}
