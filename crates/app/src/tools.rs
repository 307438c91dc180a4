//! Tools of a workspace: what there is, how it is set up, and calling it.
//!
//! One module for each kind of provider; [`ToolHub`] is the door by which nodes and agents come to all of them.

pub mod api_sign_in;
pub mod apis;
mod apps;
pub mod builtin;
mod called;
mod hub;
pub mod labels;
pub mod permissions;
pub mod programs;
pub mod servers;
pub mod sign_in;
pub mod space;
mod view;
pub mod workflows;

pub use hub::{HubParts, ToolHub};
pub use view::ProviderView;

use ox_types::boxed;

use crate::{Error, Principal, Result, Services};

/// Sent instead of a secret to keep the stored one.
pub use ox_auth::HIDDEN;

/// Kinds of providers.
pub const KINDS: [&str; 5] = ["builtin", "api", "workflow", "mcp", "app"];

/// Providers of a kind with their tools; without one of every kind but `app`: every app of the workspace that is in
/// service is one, and none of them is set up here.
///
/// # Errors
/// 400 for a kind that is none.
#[boxed]
pub async fn list(services: &Services, principal: &Principal, kind: Option<&str>) -> Result<Vec<ProviderView>> {
    // `model`: of plugins only.
    if let Some(kind) = kind.filter(|kind| !KINDS.contains(kind) && *kind != "model") {
        return Err(Error::invalid_field("type", format!("'{kind}' is not a type of tool providers.")));
    }
    let wanted = |name: &str| kind.is_none_or(|kind| kind == name);
    let mut all = Vec::new();
    if wanted("builtin") {
        all.extend(builtin::list(services, principal).await?);
    }
    if wanted("api") {
        all.extend(apis::list(services, principal).await?);
    }
    if wanted("workflow") {
        all.extend(workflows::list(services, principal).await?);
    }
    if wanted("mcp") {
        all.extend(servers::list(services, principal).await?);
    }
    if kind == Some("app") {
        all.extend(apps::list(services, principal.tenant_id()).await?);
    }
    permissions::tell(services, principal, &mut all).await?;
    Ok(all)
}
