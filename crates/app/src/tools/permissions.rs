//! Which roles may build with a tool and try it out in the Studio. Published apps are not asked: what is live goes on.

use std::collections::HashSet;

use ox_db::{
    model::{App, ToolPermission},
    now, repo,
};
use ox_nodes::ToolName;
use ox_types::{Json, boxed, new_uuid};
use serde::Serialize;
use serde_json::{Map, json};

use super::ProviderView;
use crate::{
    Error, Principal, Result, Services, audit,
    principal::{Permission, Role},
};

/// Roles that a rule may name.
pub const ROLES: [&str; 4] = ["owner", "admin", "editor", "normal"];
/// Kinds of providers that a rule may be about. Apps are not set up as tools: their own rights count.
const KINDS: [&str; 4] = ["builtin", "api", "workflow", "mcp"];

/// A rule as members see it.
#[derive(Clone, Debug, Serialize)]
pub struct RuleView {
    pub provider_type: String,
    pub provider_id: String,
    /// Without it: every tool of the provider that has no rule of its own.
    pub tool_name: Option<String>,
    pub roles: Vec<String>,
}

/// What a rule is about.
#[derive(Clone, Debug)]
pub struct Target {
    pub provider_type: String,
    pub provider_id: String,
    pub tool_name: Option<String>,
}

fn roles_of(rule: &ToolPermission) -> Vec<String> {
    serde_json::from_value(rule.roles.clone()).unwrap_or_default()
}

/// The rules of the workspace: every member may know what is closed.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(services: &Services, principal: &Principal) -> Result<Vec<RuleView>> {
    let rules = repo::tools::permissions::list(&services.db, principal.tenant_id()).await?;
    let view = |rule: ToolPermission| RuleView {
        roles: roles_of(&rule),
        provider_type: rule.provider_type,
        provider_id: rule.provider_id,
        tool_name: Some(rule.tool_name).filter(|name| !name.is_empty()),
    };
    Ok(rules.into_iter().map(view).collect())
}

/// Writes a rule; without roles there is none any more.
///
/// # Errors
/// 403 for all but owners and admins; 404 for an unknown provider or tool; 400 for an unknown role.
#[boxed]
pub async fn set(
    services: &Services,
    principal: &Principal,
    target: Target,
    roles: Option<Vec<String>>,
) -> Result<Vec<RuleView>> {
    principal.require(Permission::CredentialManage)?;
    let Target { provider_type: kind, provider_id: provider, tool_name } = target;
    let (tenant, tool) = (principal.tenant_id(), tool_name.unwrap_or_default());
    if let Some(roles) = &roles {
        check(services, principal, (&kind, &provider, &tool), roles).await?;
    }
    let told = json!({"provider_type": kind, "provider_id": provider, "tool_name": tool, "roles": roles});
    let tx = services.db.begin().await?;
    match roles {
        Some(mut roles) => {
            roles.sort_by_key(|role| ROLES.iter().position(|known| *known == role.as_str()));
            roles.dedup();
            let rule = ToolPermission {
                id: new_uuid(),
                tenant_id: tenant,
                provider_type: kind,
                provider_id: provider,
                tool_name: tool,
                roles: json!(roles),
                updated_by: principal.account_id().ok(),
                updated_at: now(),
            };
            repo::tools::permissions::set(&tx, rule).await?;
        }
        None => repo::tools::permissions::delete(&tx, tenant, &kind, &provider, &tool).await?,
    }
    tx.commit().await?;
    audit::record(services, principal, "tool.permission", "workspace", tenant.0, None, Some(told)).await;
    list(services, principal).await
}

async fn check(
    services: &Services,
    principal: &Principal,
    (kind, provider, tool): (&str, &str, &str),
    roles: &[String],
) -> Result<()> {
    if !KINDS.contains(&kind) {
        let text = format!("provider_type must be one of {}.", KINDS.join(", "));
        return Err(Error::invalid_field("provider_type", text));
    }
    if let Some(odd) = roles.iter().find(|role| !ROLES.contains(&role.as_str())) {
        let text = format!("'{odd}' is not a role that a rule can name: {}.", ROLES.join(", "));
        return Err(Error::invalid_field("roles", text));
    }
    let known = super::list(services, principal, Some(kind)).await?;
    let found = known.iter().find(|view| view.id == provider);
    let found = found.ok_or_else(|| Error::not_found(format!("There is no tool provider '{provider}'.")))?;
    if !tool.is_empty() && !found.tools.iter().any(|known| known.name == tool) {
        return Err(Error::not_found(format!("The tool provider '{}' has no tool '{tool}'.", found.name)));
    }
    let rules = repo::tools::permissions::list(&services.db, principal.tenant_id()).await?;
    let most = usize::try_from(repo::tools::permissions::MOST).unwrap_or(usize::MAX);
    let is_known = |rule: &ToolPermission| {
        (rule.provider_type.as_str(), rule.provider_id.as_str(), rule.tool_name.as_str()) == (kind, provider, tool)
    };
    if rules.len() >= most && !rules.iter().any(is_known) {
        return Err(Error::invalid(format!("The workspace has {most} rules about tools already.")));
    }
    Ok(())
}

/// Whether a role may use a tool: its own rule counts, or else that of its provider, or else there is none.
pub(super) fn allows(rules: &[ToolPermission], (kind, provider): (&str, &str), tool: &str, role: &str) -> bool {
    let about = |name: &str| {
        rules.iter().find(|rule| rule.provider_type == kind && rule.provider_id == provider && rule.tool_name == name)
    };
    about(tool).or_else(|| about("")).is_none_or(|rule| roles_of(rule).iter().any(|allowed| allowed == role))
}

/// Tells in `closed_tools` of each provider which of its tools the caller's role may not use.
#[boxed]
pub(super) async fn tell(services: &Services, principal: &Principal, all: &mut [ProviderView]) -> Result<()> {
    let Principal::Member { role, tenant_id, .. } = principal else { return Ok(()) };
    let rules = repo::tools::permissions::list(&services.db, *tenant_id).await?;
    if rules.is_empty() {
        return Ok(());
    }
    for view in all {
        let is_closed = |tool: &str| !allows(&rules, (view.kind, &view.id), tool, role.as_str());
        let closed: Vec<&str> =
            view.tools.iter().map(|tool| tool.name.as_str()).filter(|tool| is_closed(tool)).collect();
        if !closed.is_empty() {
            let closed = json!(closed);
            view.more.insert("closed_tools".to_owned(), closed);
        }
    }
    Ok(())
}

/// What somebody is told who may not use a tool.
pub(super) fn refusal(tool: &ToolName, role: &str) -> String {
    let provider = if tool.provider_name.is_empty() { &tool.provider_id } else { &tool.provider_name };
    format!(
        "Your role ({role}) may not use the tool '{}' of '{provider}' in the Studio. An owner or admin of the workspace \
         can change that under Tools.",
        tool.tool
    )
}

/// Refuses tools that the caller's role may not use.
///
/// # Errors
/// 403 naming the first of them.
#[boxed]
pub(crate) async fn require(services: &Services, principal: &Principal, tools: &[ToolName]) -> Result<()> {
    let Principal::Member { role, tenant_id, .. } = principal else { return Ok(()) };
    if tools.is_empty() {
        return Ok(());
    }
    let rules = repo::tools::permissions::list(&services.db, *tenant_id).await?;
    if rules.is_empty() {
        return Ok(());
    }
    refuse(services, *role, &rules, principal, tools).await
}

async fn refuse(
    services: &Services,
    role: Role,
    rules: &[ToolPermission],
    principal: &Principal,
    tools: &[ToolName],
) -> Result<()> {
    for tool in tools {
        let Some((kind, provider)) = services.tools.ruled(principal.tenant_id(), tool).await? else { continue };
        if !allows(rules, (kind, &provider), &tool.tool, role.as_str()) {
            return Err(Error::forbidden(refusal(tool, role.as_str())));
        }
    }
    Ok(())
}

/// Refuses tools that a graph has and the stored draft has not. What somebody with another role has put in stays.
///
/// # Errors
/// 403 naming the first of them.
#[boxed]
pub(crate) async fn require_added(services: &Services, principal: &Principal, app: &App, graph: &Json) -> Result<()> {
    let tools = of_graph(graph, |_| true);
    let Principal::Member { role, tenant_id, .. } = principal else { return Ok(()) };
    if tools.is_empty() {
        return Ok(());
    }
    let rules = repo::tools::permissions::list(&services.db, *tenant_id).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let before = repo::workflows::draft(&services.db, app.tenant_id, app.id).await?;
    let known = before.map(|draft| of_graph(&draft.graph, |_| true)).unwrap_or_default();
    refuse(services, *role, &rules, principal, &added(tools, &known)).await
}

/// Those that were not there.
pub(crate) fn added(mut tools: Vec<ToolName>, known: &[ToolName]) -> Vec<ToolName> {
    tools.retain(|tool| !known.contains(tool));
    tools
}

/// Every tool that some nodes of a graph name, each once.
pub(crate) fn of_graph(graph: &Json, wanted: impl Fn(&Json) -> bool) -> Vec<ToolName> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for node in graph["nodes"].as_array().into_iter().flatten().filter(|node| wanted(node)) {
        let data = &node["data"];
        match data["type"].as_str() {
            Some("tool") => keep(data, &mut seen, &mut all),
            Some("agent") => {
                for parameter in data["agent_parameters"].as_object().into_iter().flat_map(Map::values) {
                    in_list(&parameter["value"], &mut seen, &mut all);
                }
            }
            _ => {}
        }
    }
    all
}

/// Every tool that the configuration of an agent app switches on, each once.
pub(crate) fn of_config(config: &Json) -> Vec<ToolName> {
    let (mut seen, mut all) = (HashSet::new(), Vec::new());
    in_list(&config["agent_mode"]["tools"], &mut seen, &mut all);
    all
}

type Seen = HashSet<(String, String, String)>;

fn in_list(tools: &Json, seen: &mut Seen, all: &mut Vec<ToolName>) {
    let on = |tool: &&Json| tool["enabled"] != false;
    for tool in tools.as_array().into_iter().flatten().filter(on) {
        keep(tool, seen, all);
    }
}

fn keep(entry: &Json, seen: &mut Seen, all: &mut Vec<ToolName>) {
    let text = |name: &str| entry[name].as_str().filter(|text| !text.is_empty());
    let Some(tool) = text("tool_name") else { return };
    // In the list of an agent node `type` is the kind of the provider; a node's own `type` is `tool`.
    let kind = text("type").filter(|kind| *kind != "tool").or_else(|| text("provider_type")).unwrap_or("builtin");
    let name = ToolName {
        provider_type: kind.to_owned(),
        provider_id: text("provider_id").or_else(|| text("provider_name")).unwrap_or_default().to_owned(),
        provider_name: text("provider_name").unwrap_or_default().to_owned(),
        tool: tool.to_owned(),
        ..ToolName::default()
    };
    if seen.insert((name.provider_type.clone(), name.provider_id.clone(), name.tool.clone())) {
        all.push(name);
    }
}

#[cfg(test)]
mod tests {
    use ox_types::TenantId;

    use super::*;

    fn rule(tool: &str, roles: Json) -> ToolPermission {
        ToolPermission {
            id: new_uuid(),
            tenant_id: TenantId::new(),
            provider_type: "builtin".into(),
            provider_id: "time".into(),
            tool_name: tool.into(),
            roles,
            updated_by: None,
            updated_at: now(),
        }
    }

    #[test]
    fn the_rule_of_a_tool_comes_before_its_providers() {
        let rules = [rule("", json!(["owner", "admin"])), rule("current_time", json!(["editor"]))];
        for (provider, tool, role, expected) in [
            ("time", "weekday", "admin", true),
            ("time", "weekday", "editor", false),
            ("time", "current_time", "editor", true),
            ("time", "current_time", "owner", false),
            ("maths", "current_time", "normal", true),
        ] {
            assert_eq!(allows(&rules, ("builtin", provider), tool, role), expected, "{provider} {tool} {role}");
        }
        assert!(!allows(&[rule("", json!([]))], ("builtin", "time"), "weekday", "owner"));
    }

    #[test]
    fn tools_of_graphs_and_configurations() {
        let graph = json!({"nodes": [
            {"id": "1", "data": {"type": "tool", "provider_type": "api", "provider_id": "p", "provider_name": "Pets", "tool_name": "greet"}},
            {"id": "2", "data": {"type": "tool", "provider_type": "api", "provider_id": "p", "provider_name": "Pets", "tool_name": "greet"}},
            {"id": "3", "data": {"type": "agent", "agent_parameters": {"model": {"value": {"provider": "x"}}, "tools": {"type": "constant", "value": [
                {"type": "mcp", "provider_name": "loud", "tool_name": "shout", "enabled": true},
                {"type": "mcp", "provider_name": "loud", "tool_name": "whisper", "enabled": false}]}}}},
            {"id": "4", "data": {"type": "llm", "tool_name": "none"}},
        ]});
        let names = |tools: &[ToolName]| {
            let told = tools.iter().map(|tool| format!("{}/{}/{}", tool.provider_type, tool.provider_id, tool.tool));
            told.collect::<Vec<_>>()
        };
        let all = of_graph(&graph, |_| true);
        assert_eq!(names(&all), ["api/p/greet", "mcp/loud/shout"]);
        assert_eq!(names(&of_graph(&graph, |node| node["id"] == "3")), ["mcp/loud/shout"]);
        assert_eq!(names(&added(all.clone(), &all[..1])), ["mcp/loud/shout"]);
        let config = json!({"agent_mode": {"tools": [{"provider_id": "time", "tool_name": "current_time", "enabled": true}, {"dataset": {"id": "x"}}]}});
        assert_eq!(names(&of_config(&config)), ["builtin/time/current_time"]);
        assert!(of_graph(&json!({}), |_| true).is_empty() && of_config(&json!({})).is_empty());
    }
}
