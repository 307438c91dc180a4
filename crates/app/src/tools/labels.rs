//! Labels by which tools are found.

use std::collections::HashMap;

use ox_db::{Tx, repo};
use ox_models::I18n;
use ox_types::{TenantId, boxed};
use serde::Serialize;

use crate::{Error, Result, Services};

/// A label.
#[derive(Clone, Debug, Serialize)]
pub struct Label {
    pub name: &'static str,
    pub label: I18n,
    /// SVG.
    pub icon: String,
}

/// Name, labels, and the path of the picture.
const LABELS: &[(&str, &str, &str, &str)] = &[
    ("search", "Search", "搜索", "M7 11a4 4 0 1 0 8 0a4 4 0 1 0-8 0M14 14l4 4"),
    ("image", "Image", "图片", "M5 6h14v12H5zM5 15l4-4 4 4 3-3 3 3"),
    ("videos", "Videos", "视频", "M5 7h9v10H5zM14 11l5-3v8l-5-3"),
    ("weather", "Weather", "天气", "M8 17h8a3 3 0 0 0 0-6a5 5 0 0 0-9-1a3.500 3.500 0 0 0 1 7z"),
    ("finance", "Finance", "金融", "M5 18l5-6 4 3 5-8"),
    ("design", "Design", "设计", "M6 18l1-4 9-9 3 3-9 9z"),
    ("travel", "Travel", "旅行", "M5 13l14-6-5 12-3-5z"),
    (
        "social",
        "Social",
        "社交",
        "M8 12a3 3 0 1 0 0-6a3 3 0 0 0 0 6M3 19c0-6 10-6 10 0M16 7a3 3 0 0 1 0 6M17 15c3 0 4 2 4 4",
    ),
    ("news", "News", "新闻", "M5 6h11v12H5zM16 10h3v8h-3M8 10h5M8 13h5"),
    ("medical", "Medical", "医疗", "M12 6v12M6 12h12"),
    ("productivity", "Productivity", "生产力", "M6 13l4 4 8-10"),
    ("education", "Education", "教育", "M4 10l8-4 8 4-8 4zM8 12v4c2 2 6 2 8 0v-4"),
    ("business", "Business", "商业", "M5 9h14v10H5zM9 9V6h6v3"),
    (
        "entertainment",
        "Entertainment",
        "娱乐",
        "M9 17V7l8-2v10M9 17a2 2 0 1 1-4 0a2 2 0 0 1 4 0M17 15a2 2 0 1 1-4 0a2 2 0 0 1 4 0",
    ),
    ("utilities", "Utilities", "工具", "M14 6a4 4 0 0 0-4 5l-5 5 3 3 5-5a4 4 0 0 0 5-5l-3 2-2-2z"),
    ("rag", "RAG", "RAG", "M6 6h12v4H6zM6 14h12v4H6z"),
    ("other", "Other", "其他", "M6 12h.1M12 12h.1M18 12h.1"),
];

/// Every label there is.
#[must_use]
pub fn all() -> Vec<Label> {
    let icon = |path: &str| {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.500" stroke-linecap="round" stroke-linejoin="round"><path d="{path}"/></svg>"#
        )
    };
    let label = |(name, en, zh, path): &(&'static str, &str, &str, &str)| Label {
        name,
        label: I18n::new(en, zh),
        icon: icon(path),
    };
    LABELS.iter().map(label).collect()
}

/// Labels that are some, each once.
pub(super) fn check(labels: &[String]) -> Result<Vec<String>> {
    let mut kept: Vec<String> = Vec::new();
    for label in labels {
        if !LABELS.iter().any(|(name, ..)| name == label) {
            return Err(Error::invalid_field("labels", format!("'{label}' is not a label.")));
        }
        if !kept.contains(label) {
            kept.push(label.clone());
        }
    }
    Ok(kept)
}

/// The labels of a workspace's providers, by provider.
#[boxed]
pub(super) async fn by_provider(services: &Services, tenant: TenantId) -> Result<HashMap<String, Vec<String>>> {
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for binding in repo::tools::labels::list(&services.db, tenant).await? {
        all.entry(binding.tool_id).or_default().push(binding.label_name);
    }
    Ok(all)
}

/// Gives a provider its labels.
#[boxed]
pub(super) async fn set(tx: &Tx, tenant: TenantId, id: uuid::Uuid, kind: &str, labels: &[String]) -> Result<()> {
    Ok(repo::tools::labels::set(tx, tenant, &id.to_string(), kind, labels).await?)
}
