//! What an app tells its users of itself.

use std::sync::Arc;

use ox_db::{model::Site, repo};
use ox_types::{FileId, Json, boxed};
use serde_json::{Map, json};

use crate::{
    Error, Result, Services,
    runs::{AppMode, PublishedApp},
};

/// Name and texts of an app.
#[derive(Clone, Debug, PartialEq)]
pub struct AppInfo {
    pub name: String,
    pub description: String,
    pub tags: Vec<String>,
    pub mode: AppMode,
    pub author_name: Option<String>,
}

/// The published page of an app.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteInfo {
    pub site: Site,
    /// Signed address of the icon, when it is a picture.
    pub icon_url: Option<String>,
}

/// Name, texts and labels.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn info(services: &Services, app: &PublishedApp) -> Result<AppInfo> {
    let row = &app.app;
    let tags = repo::tags::of_targets(&services.db, row.tenant_id, &[row.id.0]).await?.remove(&row.id.0);
    let author_name = match row.created_by {
        Some(id) => repo::accounts::find(&services.db, id).await?.map(|account| account.name),
        None => None,
    };
    Ok(AppInfo {
        name: row.name.clone(),
        description: row.description.clone(),
        tags: tags.unwrap_or_default().into_iter().map(|tag| tag.name).collect(),
        mode: app.mode,
        author_name,
    })
}

/// Look and texts of the published page.
///
/// # Errors
/// 403 when there is none or the workspace is archived.
pub fn site(services: &Services, app: &PublishedApp) -> Result<SiteInfo> {
    let refused = || Error::forbidden("There is no site for this app.");
    if app.tenant_status == "archive" {
        return Err(refused());
    }
    let site = app.site.clone().ok_or_else(refused)?;
    let icon_url = match (site.icon_type.as_deref(), site.icon.as_deref()) {
        (Some("image"), Some(icon)) => icon.parse().ok().map(|id| services.files.preview_url(FileId(id))),
        _ => None,
    };
    Ok(SiteInfo { site, icon_url })
}

/// Icons of the tools in an app's live version.
#[boxed]
pub async fn tool_icons(services: &Arc<Services>, app: &PublishedApp) -> Map<String, Json> {
    let mut icons = Map::new();
    for (name, provider, kind) in crate::runs::tools_of(services, app).await {
        let icon = match kind.as_str() {
            "builtin" => Json::from(format!(
                "{}/console/api/workspaces/current/tool-provider/builtin/{provider}/icon",
                services.settings.console_api_url
            )),
            _ => json!({"background": "#252525", "content": "🔧"}),
        };
        icons.insert(name, icon);
    }
    icons
}
