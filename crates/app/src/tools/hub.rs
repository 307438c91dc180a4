//! The one door by which nodes and agents come to tools.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use async_trait::async_trait;
use ox_db::{Database, model, repo};
use ox_engine::{RunInfo, UserKind};
use ox_models::Credentials;
use ox_net::{Caller, Egress};
use ox_nodes::{
    Absent, CallError, CallMessage, CallStream, FilePort, ToolDeclaration, ToolInvocation, ToolName, ToolPort,
};
use ox_sandbox::{CodeLimits, CodeRunner};
use ox_tools::{
    Provider, Tool, World,
    builtin::{self, BuiltinTools},
    openapi::{self, Attachment, Bundle, Invocation},
    space::SpacePort,
};
use ox_types::{AccountId, Json, TenantId, Value, boxed};
use serde_json::Map;
use uuid::Uuid;

use super::{api_sign_in, apis, apps as offered, called, permissions, programs::ProgramHost, servers, workflows};
use crate::{Error, Result, Services, files::FileStore, network::Outbound, runs::InvokeFrom, secrets::Secrets};

/// The class of an error that users see.
pub(super) const CLASS: &str = "ToolInvokeError";
/// Bytes of all files of one call.
const MAX_FILES: usize = 50 * 1024 * 1024;

/// What the hub is made of.
pub struct HubParts {
    pub db: Database,
    pub secrets: Arc<Secrets>,
    /// Where the locks of sign-ins are.
    pub kv: Arc<dyn ox_kv::Kv>,
    pub outbound: Outbound,
    pub code: Arc<dyn CodeRunner>,
    pub code_limits: CodeLimits,
    pub files: FileStore,
    /// Where tools keep files of a run.
    pub space: Arc<dyn SpacePort>,
    /// MCP servers that are programs.
    pub programs: ProgramHost,
    /// Where files of databases lie that tools may read.
    pub databases: Arc<Path>,
    /// `API_TOOL_DEFAULT_CONNECT_TIMEOUT`, `API_TOOL_DEFAULT_READ_TIMEOUT`.
    pub connect: Duration,
    pub read: Duration,
}

/// The tools of all workspaces.
pub struct ToolHub {
    parts: HubParts,
    builtin: BuiltinTools,
    /// Set once everything is there: a workflow that is a tool needs all of it.
    services: OnceLock<Weak<Services>>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.status >= 500 {
            tracing::error!(%error, source = ?error.source, "a tool cannot be called");
        }
        Self(CallError { is_final: error.status < 500, ..CallError::new(CLASS, error.message) })
    }
}

/// A failed call on its way out.
pub(super) struct Failure(CallError);

impl Failure {
    pub(super) const fn new(error: CallError) -> Self {
        Self(error)
    }
}

impl From<ox_db::Error> for Failure {
    fn from(error: ox_db::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self(error)
    }
}

fn missing(text: impl Into<String>) -> Failure {
    Failure(CallError::missing("", text))
}

/// What a tool says in words, for showing.
pub(super) fn text_of(said: &[CallMessage]) -> String {
    let mut out = String::new();
    for message in said {
        match message {
            CallMessage::Text(text) => out.push_str(text),
            CallMessage::Link(url) => out.push_str(&format!("Link: {url}\n")),
            CallMessage::Blob { bytes, mime, .. } => out.push_str(&format!("[{mime}, {} bytes]", bytes.len())),
            _ => {}
        }
    }
    out
}

/// The id of a provider that a node names: its own id, or its name.
fn names(tool: &ToolName) -> (Option<Uuid>, &str) {
    let id = tool.provider_id.parse().ok();
    let name = if tool.provider_name.is_empty() { &tool.provider_id } else { &tool.provider_name };
    (id, name)
}

impl ToolHub {
    /// A hub; [`ToolHub::attach`] completes it.
    #[must_use]
    pub fn new(parts: HubParts) -> Self {
        let http = Arc::new(parts.outbound.clone());
        let builtin = BuiltinTools::new(http, Arc::clone(&parts.code), parts.code_limits)
            .with_databases(Arc::clone(&parts.databases))
            .with_space(Arc::clone(&parts.space));
        Self { parts, builtin, services: OnceLock::new() }
    }

    /// Tells the hub of everything else, once.
    pub(crate) fn attach(&self, services: &Arc<Services>) {
        _ = self.services.set(Arc::downgrade(services));
    }

    /// MCP servers that are programs.
    #[must_use]
    pub const fn programs(&self) -> &ProgramHost {
        &self.parts.programs
    }

    fn services(&self) -> Result<Arc<Services>> {
        let found = self.services.get().and_then(Weak::upgrade);
        found.ok_or_else(|| Error::new(503, "service_unavailable", "The server is starting or shutting down."))
    }

    /// A call of an operation with the operator's times.
    pub(super) fn timed(&self) -> Invocation {
        Invocation { connect: Some(self.parts.connect), read: Some(self.parts.read), ..Invocation::default() }
    }

    /// Calls a built-in tool outside a run.
    #[boxed]
    pub(super) async fn try_builtin(
        &self,
        egress: Egress,
        tool: &'static Tool,
        parameters: Map<String, Json>,
        credentials: Credentials,
    ) -> Result<Vec<CallMessage>, String> {
        let parts = &self.parts;
        let world = World {
            egress,
            code: Arc::clone(&parts.code),
            code_limits: parts.code_limits,
            caller: Caller::default(),
            databases: Arc::clone(&parts.databases),
            space: None,
        };
        let arguments = builtin::arguments(parameters, Map::new());
        builtin::invoke(tool, ox_tools::Call { arguments, credentials, world }).await
    }

    /// The credentials of a provider: those that are named, or the workspace's default.
    async fn credentials(
        &self,
        run: &RunInfo,
        provider: &Provider,
        named: Option<&str>,
    ) -> Result<Credentials, Failure> {
        if provider.form.is_empty() {
            return Ok(Credentials::new());
        }
        let tenant = run.tenant_id;
        let row = match (named, named.and_then(|id| id.parse::<Uuid>().ok())) {
            (Some(_), Some(id)) => {
                let row = repo::tools::credentials::find(&self.parts.db, tenant, id).await?;
                row.filter(|row| row.provider == provider.name)
            }
            (Some(_), None) => None,
            (None, _) => {
                let rows = repo::tools::credentials::list(&self.parts.db, tenant, None).await?;
                super::builtin::default_of(&rows, provider.name).cloned()
            }
        };
        if let Some(row) = row.as_ref().filter(|row| row.is_personal()) {
            may_use(run, row, provider)?;
        }
        let Some(row) = row else {
            let what = if named.is_some() { "not the credentials that are named" } else { "no credentials" };
            let text =
                format!("The tool provider '{}' has {what} in this workspace; set them up under Tools.", provider.name);
            return Err(missing(text));
        };
        let key = self.parts.secrets.tenant_key(&self.parts.db, tenant).await?;
        Ok(key.open_fields(&row.encrypted_credentials, &provider.secrets())?)
    }

    /// By what rules of use know a tool's provider: its kind and id. `None`: no rule can be about it, or it is not here.
    #[boxed]
    pub(super) async fn ruled(&self, tenant: TenantId, tool: &ToolName) -> Result<Option<(&'static str, String)>> {
        fn here<T>(found: Result<T, Failure>) -> Result<Option<T>> {
            match found {
                Ok(found) => Ok(Some(found)),
                Err(Failure(error)) if error.is_final => Ok(None),
                Err(Failure(error)) => Err(Error::new(503, "service_unavailable", error.to_string())),
            }
        }
        Ok(match tool.provider_type.as_str() {
            "api" => here(self.api(tenant, tool).await)?.map(|(row, _)| ("api", row.id.to_string())),
            "workflow" => here(self.workflow(tenant, tool).await)?.map(|row| ("workflow", row.id.to_string())),
            "mcp" => here(self.server(tenant, tool).await)?.map(|row| ("mcp", row.id.to_string())),
            _ => builtin::named(tool).map(|(provider, _)| ("builtin", provider.name.to_owned())),
        })
    }

    /// Refuses what the role of a member who tries something out in the Studio may not call.
    async fn permitted(&self, run: &RunInfo, tool: &ToolName) -> Result<(), Failure> {
        let rules = repo::tools::permissions::list(&self.parts.db, run.tenant_id).await?;
        if rules.is_empty() {
            return Ok(());
        }
        let Some((kind, provider)) = self.ruled(run.tenant_id, tool).await? else { return Ok(()) };
        let member = match run.user_id.parse::<AccountId>() {
            Ok(account) => repo::tenants::member(&self.parts.db, run.tenant_id, account).await?,
            Err(_) => None,
        };
        let role = member.map(|member| member.role).unwrap_or_default();
        if permissions::allows(&rules, (kind, &provider), &tool.tool, &role) {
            return Ok(());
        }
        Err(missing(permissions::refusal(tool, &role)))
    }

    async fn api(&self, tenant: TenantId, tool: &ToolName) -> Result<(model::ApiToolProvider, Bundle), Failure> {
        let (id, name) = names(tool);
        let by_id = match id {
            Some(id) => repo::tools::apis::find(&self.parts.db, tenant, id).await?,
            None => None,
        };
        let row = match by_id {
            Some(row) => Some(row),
            None => repo::tools::apis::by_name(&self.parts.db, tenant, name).await?,
        };
        let row = row.ok_or_else(|| missing(format!("This workspace has no API tool provider '{name}'.")))?;
        let bundle = apis::bundles(&row).into_iter().find(|bundle| bundle.operation_id == tool.tool);
        let bundle = bundle
            .ok_or_else(|| missing(format!("The API tool provider '{}' has no tool '{}'.", row.name, tool.tool)))?;
        Ok((row, bundle))
    }

    async fn call_api(&self, run: &RunInfo, call: ToolInvocation) -> Result<CallStream, Failure> {
        let (row, bundle) = self.api(run.tenant_id, &call.tool).await?;
        let auth = if row.credentials["auth_type"] == api_sign_in::OAUTH {
            let services = self.services()?;
            api_sign_in::auth(&services, &row).await?
        } else {
            let key = self.parts.secrets.tenant_key(&self.parts.db, run.tenant_id).await?;
            apis::auth(&key.open_fields(&row.credentials, &api_sign_in::SECRETS)?)
        };
        let mut parameters = call.settings;
        parameters.extend(call.parameters.into_iter().filter(|(_, value)| !value.is_null()));
        let invocation = Invocation {
            files: self.attachments(run, &parameters).await?,
            parameters,
            auth,
            idempotency_key: Some(call.node_run_id.to_string()),
            ..self.timed()
        };
        let egress = self.parts.outbound.of_caller(run.tenant_id, ox_nodes::caller(run, &call.node_id)).await?;
        let said = openapi::call(&egress, &bundle, &invocation).await;
        Ok(builtin::stream(said.map_err(builtin::failed)?))
    }

    async fn call_builtin(
        &self,
        run: &RunInfo,
        tool: &'static Tool,
        call: ToolInvocation,
        credentials: Credentials,
    ) -> Result<CallStream, Failure> {
        let files = if builtin::takes_files(tool) {
            let mut all = call.settings.clone();
            all.extend(call.parameters.clone());
            self.attachments(run, &all).await?
        } else {
            BTreeMap::new()
        };
        let call = self.with_texts(run, tool, call).await?;
        self.builtin.call(run, tool, call, builtin::Given { credentials, files }).await.map_err(Failure)
    }

    /// The bytes of the files among the parameters.
    async fn attachments(
        &self,
        run: &RunInfo,
        parameters: &Map<String, Json>,
    ) -> Result<BTreeMap<String, Vec<Attachment>>, Failure> {
        let mut all = BTreeMap::new();
        let mut size = 0;
        for (name, value) in parameters {
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for item in items {
                let Value::File(file) = Value::from_json(item) else { continue };
                let failed = |error: ox_nodes::PortError| CallError::new("ToolFileError", error.to_string());
                let bytes = self.parts.files.read(run, &file).await.map_err(failed)?;
                size += bytes.len();
                if size > MAX_FILES {
                    return Err(missing(format!("The files are larger than {} MB together.", MAX_FILES / 1024 / 1024)));
                }
                let mime = file.mime_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
                let filename = file.filename.clone().unwrap_or_else(|| name.clone());
                all.entry(name.clone()).or_insert_with(Vec::new).push(Attachment { filename, mime, bytes });
            }
        }
        Ok(all)
    }

    /// Puts the texts of files in their place, for a tool that is given a file and reads none.
    async fn with_texts(
        &self,
        run: &RunInfo,
        tool: &'static Tool,
        mut call: ToolInvocation,
    ) -> Result<ToolInvocation, Failure> {
        if !tool.parameters.iter().any(|parameter| parameter.kind == "file") {
            return Ok(call);
        }
        for value in call.parameters.values_mut().chain(call.settings.values_mut()) {
            let Value::File(file) = Value::from_json(value) else { continue };
            let failed = |error: ox_nodes::PortError| CallError::new("ToolFileError", error.to_string());
            let bytes = self.parts.files.read(run, &file).await.map_err(failed)?;
            if bytes.len() > MAX_FILES {
                return Err(missing(format!("The file is larger than {} MB.", MAX_FILES / 1024 / 1024)));
            }
            let (extension, mime) = (file.extension.clone().unwrap_or_default(), file.mime_type.clone());
            let read = tokio::task::spawn_blocking(move || text_of_file(&bytes, &extension, mime.as_deref()));
            let text = read.await.unwrap_or_else(|error| Err(error.to_string()));
            *value = Json::from(text.map_err(|error| CallError::new("ToolFileError", error))?);
        }
        Ok(call)
    }

    async fn server(&self, tenant: TenantId, tool: &ToolName) -> Result<model::McpProvider, Failure> {
        // Compat: files name a server by its identifier, which another installation can have, too.
        let by_identifier = repo::tools::servers::by_identifier(&self.parts.db, tenant, &tool.provider_id).await?;
        let (id, name) = names(tool);
        let found = match (by_identifier, id) {
            (Some(row), _) => Some(row),
            (None, Some(id)) => repo::tools::servers::find(&self.parts.db, tenant, id).await?,
            (None, None) => {
                let all = repo::tools::servers::list(&self.parts.db, tenant).await?;
                all.into_iter().find(|row| row.name == name)
            }
        };
        found.ok_or_else(|| missing(format!("This workspace has no MCP server '{}'.", tool.provider_id)))
    }

    async fn describe_mcp(&self, tenant: TenantId, tool: &ToolName) -> Result<ToolDeclaration, Failure> {
        let row = self.server(tenant, tool).await?;
        let found = servers::tools_of(&row).into_iter().find(|known| known.name == tool.tool);
        let found =
            found.ok_or_else(|| missing(format!("The MCP server '{}' has no tool '{}'.", row.name, tool.tool)))?;
        Ok(found.view("").declared())
    }

    async fn call_mcp(&self, run: &RunInfo, call: ToolInvocation) -> Result<CallStream, Failure> {
        let row = self.server(run.tenant_id, &call.tool).await?;
        let parts = &self.parts;
        let opened = servers::opened(&parts.db, &parts.secrets, row).await?;
        let opened = match member_of(run) {
            Some(account) => servers::for_member(&parts.db, &parts.secrets, opened, account).await?,
            None => opened,
        };
        let egress = parts.outbound.of_caller(run.tenant_id, ox_nodes::caller(run, &call.node_id)).await?;
        let mut arguments = call.settings;
        arguments.extend(call.parameters.into_iter().filter(|(_, value)| !value.is_null()));
        let arguments = servers::typed(&opened, &call.tool.tool, arguments);
        let called = servers::call(parts, &egress, opened, (&call.tool.tool, arguments));
        Ok(called.await?)
    }

    async fn workflow(&self, tenant: TenantId, tool: &ToolName) -> Result<model::WorkflowTool, Failure> {
        let (id, name) = names(tool);
        if let Some(id) = id
            && let Some(row) = repo::tools::workflows::find(&self.parts.db, tenant, id).await?
        {
            return Ok(row);
        }
        let rows = repo::tools::workflows::list(&self.parts.db, tenant).await?;
        let found = rows.into_iter().find(|row| row.name == name || row.name == tool.tool);
        found.ok_or_else(|| missing(format!("This workspace has no workflow tool '{name}'.")))
    }

    async fn call_workflow(&self, run: &RunInfo, call: ToolInvocation) -> Result<CallStream, Failure> {
        let services = self.services()?;
        let row = self.workflow(run.tenant_id, &call.tool).await?;
        let app = services.runs.published.app(row.app_id).await?.filter(|app| app.app.tenant_id == run.tenant_id);
        let app = app.ok_or_else(|| missing(format!("The app of the workflow tool '{}' is gone.", row.name)))?;
        let said = called::workflow(&services, run, app, &row.name, given(call)).await?;
        Ok(builtin::stream(said))
    }

    async fn call_app(&self, run: &RunInfo, call: ToolInvocation) -> Result<CallStream, Failure> {
        let services = self.services()?;
        let offer = offered::find(&services, run.tenant_id, &call.tool).await?;
        Ok(builtin::stream(called::app(&services, run, offer, given(call)).await?))
    }
}

/// The text of a file; tables between commas stay as they are.
fn text_of_file(bytes: &[u8], extension: &str, mime: Option<&str>) -> Result<String, String> {
    let extension = extension.trim_start_matches('.').to_ascii_lowercase();
    if matches!(extension.as_str(), "csv" | "txt" | "") {
        return Ok(ox_extract::decode(bytes));
    }
    let limits = ox_extract::Limits {
        input: MAX_FILES,
        text: 16 * 1024 * 1024,
        unpacked: 200 * 1024 * 1024,
        ..ox_extract::Limits::default()
    };
    let document = ox_extract::Document { bytes, extension: Some(&extension), mime };
    ox_extract::extract(document, &ox_extract::Budget::new(limits)).map_err(|error| error.to_string())
}

/// Personal credentials are for what their member runs in the Studio, and nothing else.
fn may_use(run: &RunInfo, row: &model::ToolCredential, provider: &Provider) -> Result<(), Failure> {
    if !in_studio(run) {
        return Err(missing(format!(
            "The tool provider '{}' is called with a personal key, which works in the Studio only: choose a key of the \
             workspace in the settings of the tool, and publish again.",
            provider.name
        )));
    }
    if run.user_id != row.user_id.to_string() {
        return Err(missing(format!(
            "The tool provider '{}' is called with a personal key of another member: choose a key of the workspace, or \
             your own, in the settings of the tool.",
            provider.name
        )));
    }
    Ok(())
}

/// Whether a member tries something out in the Studio.
fn in_studio(run: &RunInfo) -> bool {
    run.user_kind == UserKind::Account && InvokeFrom::parse(&run.invoke_from) == InvokeFrom::Debugger
}

/// The member as whom a run calls: who started it in the Studio or in Explore. All others run as the workspace.
fn member_of(run: &RunInfo) -> Option<AccountId> {
    let from = InvokeFrom::parse(&run.invoke_from);
    let is_own = run.user_kind == UserKind::Account && matches!(from, InvokeFrom::Debugger | InvokeFrom::Explore);
    run.user_id.parse().ok().filter(|_| is_own)
}

/// Settings and parameters of a call that are set.
fn given(call: ToolInvocation) -> Map<String, Json> {
    let mut given = call.settings;
    given.extend(call.parameters.into_iter().filter(|(_, value)| !value.is_null()));
    given
}

#[async_trait]
impl ToolPort for ToolHub {
    async fn describe(&self, run: &RunInfo, name: &ToolName) -> Result<ToolDeclaration, CallError> {
        let described: Result<ToolDeclaration, Failure> = match name.provider_type.as_str() {
            "api" => self.api(run.tenant_id, name).await.map(|(_, bundle)| bundle.view("", &[]).declared()),
            "workflow" => match (self.services(), self.workflow(run.tenant_id, name).await) {
                (Ok(services), Ok(row)) => {
                    workflows::tool_of(&services, &row, &[]).await.map(|tool| tool.declared()).map_err(Failure::from)
                }
                (Err(error), _) => Err(error.into()),
                (_, Err(failure)) => Err(failure),
            },
            "mcp" => self.describe_mcp(run.tenant_id, name).await,
            "app" => match self.services() {
                Ok(services) => {
                    let found = offered::find(&services, run.tenant_id, name).await;
                    found.map(|offer| offer.tool().declared()).map_err(Failure::from)
                }
                Err(error) => Err(error.into()),
            },
            _ => return self.builtin.describe(run, name).await,
        };
        described.map_err(|failure| failure.0)
    }

    async fn invoke(&self, run: &RunInfo, call: ToolInvocation) -> Result<CallStream, CallError> {
        if in_studio(run) {
            self.permitted(run, &call.tool).await.map_err(|failure| failure.0)?;
        }
        let kind = call.tool.provider_type.clone();
        let stream: Result<CallStream, Failure> = match kind.as_str() {
            "api" => self.call_api(run, call).await,
            "workflow" => self.call_workflow(run, call).await,
            "mcp" => self.call_mcp(run, call).await,
            "app" => self.call_app(run, call).await,
            _ => match builtin::named(&call.tool) {
                Some((provider, tool)) => {
                    let credentials = self.credentials(run, provider, call.tool.credential_id.as_deref()).await;
                    match credentials {
                        Ok(credentials) => self.call_builtin(run, tool, call, credentials).await,
                        Err(failure) => Err(failure),
                    }
                }
                None => return Absent.invoke(run, call).await,
            },
        };
        let label = if super::KINDS.contains(&kind.as_str()) { kind } else { "builtin".to_owned() };
        let status = if stream.is_ok() { "ok" } else { "error" };
        metrics::counter!("oxidify_tool_calls_total", "type" => label, "status" => status).increment(1);
        stream.map_err(|failure| failure.0)
    }
}
