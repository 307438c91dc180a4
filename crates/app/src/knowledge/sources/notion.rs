//! Notion, by its public API: what a token may see, and pages and databases as Markdown.

mod blocks;

use ox_net::Method;
use ox_types::{Json, boxed};
use serde_json::json;
use uuid::Uuid;

use super::{
    Key, Provider,
    wire::{Call, text},
    workspace_of,
};
use crate::{Error, Principal, Result, Services, knowledge::datasets, principal::Permission};

const NAME: &str = "Notion";
const VERSION: &str = "2022-06-28";
/// Results of one answer.
const PAGE: usize = 100;
/// Answers that a list may be spread over.
const MAX_PARTS: usize = 20;

/// A page or database that a token may see.
#[derive(Clone, Debug, PartialEq)]
pub struct NotionPage {
    pub id: String,
    pub name: String,
    /// `{"type": "emoji", "emoji"}` or `{"type": "url", "url"}`
    pub icon: Option<Json>,
    /// `root` at the top.
    pub parent: String,
    /// `page` or `database`.
    pub kind: &'static str,
    pub is_bound: bool,
}

/// What a token may see.
#[derive(Clone, Debug, PartialEq)]
pub struct NotionWorkspace {
    pub name: String,
    pub id: String,
    pub icon: Option<String>,
    pub pages: Vec<NotionPage>,
}

fn call(services: &Services, key: &Key, path: &str, body: Option<Json>) -> Call<'static> {
    Call {
        tenant: key.tenant,
        service: NAME,
        method: Method::GET,
        url: format!("{}/v1/{path}", services.settings.sources.notion_url),
        secret: Some(("authorization", format!("Bearer {}", key.secret))),
        headers: &[("notion-version", VERSION)],
        body,
        again: &[429, 502, 503],
    }
}

/// An id as it may stand in an address.
fn checked(id: &str) -> Result<&str> {
    let is_id = !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_id { Ok(id) } else { Err(Error::invalid(format!("{id} is no id of a Notion page."))) }
}

/// The workspace behind a token; asks whether it is taken.
///
/// # Errors
/// 400 with what Notion says.
pub async fn workspace(services: &Services, key: &Key) -> Result<Json> {
    let me = call(services, key, "users/me", None).json(services).await?;
    let empty = Json::Null;
    let bot = me.get("bot").unwrap_or(&empty);
    let id = [text(bot, "workspace_id"), text(&me, "id")].into_iter().find(|id| !id.is_empty());
    Ok(json!({
        "workspace_name": text(bot, "workspace_name"),
        "workspace_id": id.unwrap_or_default(),
        "workspace_icon": me.get("avatar_url"),
    }))
}

async fn search(services: &Services, key: &Key, kind: &'static str) -> Result<Vec<NotionPage>> {
    let mut out = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_PARTS {
        let mut body = json!({"filter": {"value": kind, "property": "object"}, "page_size": PAGE});
        if let (Some(cursor), Some(fields)) = (&cursor, body.as_object_mut()) {
            fields.insert("start_cursor".into(), json!(cursor));
        }
        let answer = call(services, key, "search", Some(body)).json(services).await?;
        let found = answer.get("results").and_then(Json::as_array);
        out.extend(found.into_iter().flatten().map(|one| page(one, kind)));
        cursor = answer.get("next_cursor").and_then(Json::as_str).map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    Ok(out)
}

fn page(json: &Json, kind: &'static str) -> NotionPage {
    let plain = |list: Option<&Json>| -> String {
        let parts = list.and_then(Json::as_array).into_iter().flatten();
        parts.map(|part| text(part, "plain_text")).collect()
    };
    let name = if kind == "database" {
        plain(json.get("title"))
    } else {
        let properties = json.get("properties").and_then(Json::as_object).into_iter().flatten();
        let title = properties.map(|(_, property)| property).find(|property| text(property, "type") == "title");
        plain(title.and_then(|property| property.get("title")))
    };
    let icon = json.get("icon").and_then(|icon| {
        let link = |name: &str| icon.pointer(&format!("/{name}/url")).and_then(Json::as_str);
        match icon.get("type")?.as_str()? {
            "emoji" => Some(json!({"type": "emoji", "emoji": icon.get("emoji")})),
            kind => Some(json!({"type": "url", "url": link(kind)?})),
        }
    });
    let parent = json.get("parent").and_then(|parent| {
        let kind = parent.get("type")?.as_str()?;
        // Which page a block is on would be another call for each.
        ["page_id", "database_id"].contains(&kind).then(|| text(parent, kind))
    });
    NotionPage {
        id: text(json, "id"),
        name: if name.is_empty() { "Untitled".to_owned() } else { name },
        icon,
        parent: parent.unwrap_or_else(|| "root".to_owned()),
        kind,
        is_bound: false,
    }
}

/// What may be taken from the workspace behind a credential.
///
/// # Errors
/// 400 when Notion is not set up or refuses.
#[boxed]
pub async fn pages(
    services: &Services,
    principal: &Principal,
    credential: Option<Uuid>,
    dataset: Option<ox_types::DatasetId>,
) -> Result<Vec<NotionWorkspace>> {
    principal.require(Permission::DatasetEdit)?;
    let tenant = principal.tenant_id();
    let bound = match dataset {
        Some(id) => {
            let dataset = datasets::find(services, principal, id).await?;
            super::pages::notion_pages_of(services, dataset.id).await?
        }
        None => std::collections::HashSet::new(),
    };
    let key = super::key(services, tenant, Provider::Notion, credential).await?;
    let row = ox_db::repo::data_sources::find(&services.db, tenant, key.id).await?;
    let about = row.as_ref().map(workspace_of).unwrap_or_default();
    let mut found = search(services, &key, "page").await?;
    found.extend(search(services, &key, "database").await?);
    for page in &mut found {
        page.is_bound = bound.contains(&page.id);
    }
    Ok(vec![NotionWorkspace {
        name: text(&about, "workspace_name"),
        id: text(&about, "workspace_id"),
        icon: about.get("workspace_icon").and_then(Json::as_str).map(str::to_owned),
        pages: found,
    }])
}

/// How many pages and databases a token may see.
///
/// # Errors
/// 400 with what Notion says.
pub async fn count(services: &Services, key: &Key) -> Result<usize> {
    Ok(search(services, key, "page").await?.len() + search(services, key, "database").await?.len())
}

/// The text of a page or database.
///
/// # Errors
/// 400 with what Notion says.
#[boxed]
pub async fn content(services: &Services, key: &Key, id: &str, kind: &str) -> Result<String> {
    let id = checked(id)?;
    if kind == "database" { blocks::database(services, key, id).await } else { blocks::page(services, key, id).await }
}

/// When somebody last changed it.
///
/// # Errors
/// 400 with what Notion says.
#[boxed]
pub async fn last_edited(services: &Services, key: &Key, id: &str, kind: &str) -> Result<String> {
    let group = if kind == "database" { "databases" } else { "pages" };
    let found = call(services, key, &format!("{group}/{}", checked(id)?), None).json(services).await?;
    Ok(text(&found, "last_edited_time"))
}

/// The text of a page, to look at before it is taken.
///
/// # Errors
/// As [`content`].
#[boxed]
pub async fn preview(
    services: &Services,
    principal: &Principal,
    credential: Option<Uuid>,
    id: &str,
    kind: &str,
) -> Result<String> {
    principal.require(Permission::DatasetEdit)?;
    let key = super::key(services, principal.tenant_id(), Provider::Notion, credential).await?;
    content(services, &key, id, kind).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_tell_their_name_icon_and_parent() {
        let json = json!({"id": "p", "icon": {"type": "emoji", "emoji": "🦉"}, "parent": {"type": "page_id", "page_id": "q"},
            "properties": {"Tags": {"type": "select"}, "Name": {"type": "title", "title": [{"plain_text": "Ow"}, {"plain_text": "l"}]}}});
        let found = page(&json, "page");
        assert_eq!((found.name.as_str(), found.parent.as_str()), ("Owl", "q"));
        assert_eq!(found.icon, Some(json!({"type": "emoji", "emoji": "🦉"})));
        let json = json!({"id": "d", "icon": {"type": "external", "external": {"url": "https://a.b/c.png"}},
            "parent": {"type": "workspace", "workspace": true}, "title": []});
        let found = page(&json, "database");
        assert_eq!((found.name.as_str(), found.parent.as_str(), found.kind), ("Untitled", "root", "database"));
        assert_eq!(found.icon, Some(json!({"type": "url", "url": "https://a.b/c.png"})));
    }

    #[test]
    fn only_ids_stand_in_addresses() {
        assert!(checked("1f2e-33").is_ok());
        for id in ["", "../users", "a?b", "a/b"] {
            assert!(checked(id).is_err(), "{id}");
        }
    }
}
