//! Pipelines to begin with: those that come with this program, and those that a workspace keeps.

use ox_db::{model::PipelineTemplate, now, repo};
use ox_dsl::document::PipelineDocument;
use ox_types::{AppId, Json, boxed, new_uuid};
use serde_json::json;
use uuid::Uuid;

use super::{find, graph, transfer, usual_icon};
use crate::{Error, Principal, Result, Services, audit, principal::Permission};

const MAX_NAME: usize = 40;
const MAX_DESCRIPTION: usize = 400;

/// A template that comes with this program.
struct BuiltIn {
    id: &'static str,
    name: (&'static str, &'static str),
    description: (&'static str, &'static str),
    icon: (&'static str, &'static str),
    structure: &'static str,
    yaml: &'static str,
}

const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        id: "general-files",
        name: ("General from files", "文件 · 通用分段"),
        description: (
            "Texts of files in chunks that are found and cited as they are.",
            "将文件文本切分为可直接检索与引用的分段。",
        ),
        icon: ("📄", "#EFF4FF"),
        structure: "text_model",
        yaml: include_str!("templates/general_files.yaml"),
    },
    BuiltIn {
        id: "parent-child-files",
        name: ("Parent-child from files", "文件 · 父子分段"),
        description: (
            "Small parts of files are found, the larger chunks around them are cited.",
            "用较小的子分段检索，引用其所在的较大父分段。",
        ),
        icon: ("🗂️", "#F4EBFF"),
        structure: "hierarchical_model",
        yaml: include_str!("templates/parentchild_files.yaml"),
    },
    BuiltIn {
        id: "qa-tables",
        name: ("Q&A from tables", "表格 · 问答分段"),
        description: ("Each row of a table is a question with its answer.", "表格的每一行是一个问题及其答案。"),
        icon: ("❓", "#ECFDF3"),
        structure: "qa_model",
        yaml: include_str!("templates/qa_table.yaml"),
    },
    BuiltIn {
        id: "qa-model",
        name: ("Q&A by a model", "文件 · 模型生成问答"),
        description: (
            "A model writes questions with their answers about each file. Choose the model first.",
            "由模型为每个文件编写问题与答案。请先选择模型。",
        ),
        icon: ("💬", "#FFFAEB"),
        structure: "qa_model",
        yaml: include_str!("templates/qa_model.yaml"),
    },
    BuiltIn {
        id: "general-websites",
        name: ("General from websites", "网站 · 通用分段"),
        description: (
            "Pages of a website in chunks. Set up Firecrawl first, or choose another service.",
            "将网站页面切分为分段。请先配置 Firecrawl，或改用其他服务。",
        ),
        icon: ("🌐", "#E0F2FE"),
        structure: "text_model",
        yaml: include_str!("templates/general_website.yaml"),
    },
    BuiltIn {
        id: "general-notion",
        name: ("General from Notion", "Notion · 通用分段"),
        description: (
            "Pages and databases of Notion in chunks. Connect Notion first.",
            "将 Notion 的页面与数据库切分为分段。请先连接 Notion。",
        ),
        icon: ("📝", "#F2F4F7"),
        structure: "text_model",
        yaml: include_str!("templates/general_notion.yaml"),
    },
];

/// The file of a template that comes with this program, by datasource and structure.
pub(super) fn file_for(datasource_type: &str, structure: &str) -> Option<&'static str> {
    Some(match (datasource_type, structure) {
        ("local_file", "text_model") => include_str!("templates/general_files.yaml"),
        ("local_file", "hierarchical_model") => include_str!("templates/parentchild_files.yaml"),
        ("website_crawl", "text_model") => include_str!("templates/general_website.yaml"),
        ("website_crawl", "hierarchical_model") => include_str!("templates/parentchild_website.yaml"),
        ("online_document", "text_model") => include_str!("templates/general_notion.yaml"),
        ("online_document", "hierarchical_model") => include_str!("templates/parentchild_notion.yaml"),
        _ => return None,
    })
}

/// A template as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateView {
    pub id: String,
    pub name: String,
    pub description: String,
    pub icon: Json,
    pub position: i32,
    pub chunk_structure: String,
    /// Only of one that was asked for by its id.
    pub export_data: Option<String>,
    pub created_by: Option<String>,
}

impl TemplateView {
    /// The graph of its file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn graph(&self) -> Result<Json> {
        let yaml = self.export_data.as_deref().unwrap_or_default();
        let document = PipelineDocument::parse(yaml).and_then(|document| document.body());
        Ok(document.map_err(|error| Error::invalid(error.to_string()))?.graph)
    }
}

fn built_in(at: usize, item: &BuiltIn, is_chinese: bool) -> TemplateView {
    let pick = |(en, zh): (&str, &str)| if is_chinese { zh } else { en }.to_owned();
    TemplateView {
        id: item.id.to_owned(),
        name: pick(item.name),
        description: pick(item.description),
        icon: json!({"icon_type": "emoji", "icon": item.icon.0, "icon_background": item.icon.1, "icon_url": null}),
        position: i32::try_from(at + 1).unwrap_or(i32::MAX),
        chunk_structure: item.structure.to_owned(),
        export_data: Some(item.yaml.to_owned()),
        created_by: None,
    }
}

fn own(row: PipelineTemplate, author: Option<String>) -> TemplateView {
    TemplateView {
        id: row.id.to_string(),
        name: row.name,
        description: row.description,
        icon: row.icon,
        position: row.position,
        chunk_structure: row.chunk_structure,
        export_data: Some(row.yaml_content),
        created_by: author,
    }
}

/// Templates of a kind: `built-in` in a language, or `customized`.
///
/// # Errors
/// 400 for another kind.
#[boxed]
pub async fn list(services: &Services, principal: &Principal, kind: &str, language: &str) -> Result<Vec<TemplateView>> {
    match kind {
        "built-in" => {
            let is_chinese = language.starts_with("zh");
            Ok(BUILT_IN.iter().enumerate().map(|(at, item)| built_in(at, item, is_chinese)).collect())
        }
        "customized" => {
            let rows = repo::pipelines::templates(&services.db, principal.tenant_id()).await?;
            Ok(rows.into_iter().map(|row| own(row, None)).collect())
        }
        _ => Err(Error::invalid_field("type", "type must be built-in or customized.")),
    }
}

fn missing() -> Error {
    Error::not_found("Pipeline template not found.")
}

async fn row(services: &Services, principal: &Principal, id: &str) -> Result<PipelineTemplate> {
    let id: Uuid = id.parse().map_err(|_| missing())?;
    repo::pipelines::template(&services.db, principal.tenant_id(), id).await?.ok_or_else(missing)
}

/// One template with its file.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn find_one(
    services: &Services,
    principal: &Principal,
    id: &str,
    kind: &str,
    language: &str,
) -> Result<TemplateView> {
    if kind == "customized" {
        let row = row(services, principal, id).await?;
        let author = services.people(&[row.created_by]).await?.remove(&row.created_by);
        return Ok(own(row, author.map(|account| account.name)));
    }
    let all = list(services, principal, kind, language).await?;
    all.into_iter().find(|template| template.id == id).ok_or_else(missing)
}

/// What a template is called.
#[derive(Clone, Debug, Default)]
pub struct TemplateForm {
    pub name: String,
    pub description: String,
    pub icon: Option<Json>,
}

fn checked(form: TemplateForm) -> Result<TemplateForm> {
    let name = form.name.replace('\0', "").trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::invalid_field("name", format!("name must have 1 to {MAX_NAME} characters.")));
    }
    if form.description.chars().count() > MAX_DESCRIPTION {
        let text = format!("description must have at most {MAX_DESCRIPTION} characters.");
        return Err(Error::invalid_field("description", text));
    }
    let icon = form.icon.filter(Json::is_object);
    Ok(TemplateForm { name, description: form.description.replace('\0', ""), icon })
}

fn taken(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => Error::invalid_field("name", "There is a template with this name already."),
        ox_db::Error::NotFound(_) => missing(),
        other => other.into(),
    }
}

/// Keeps the draft of a pipeline as a template of the workspace.
///
/// # Errors
/// 400 for a pipeline that is not published, or a name that is taken.
#[boxed]
pub async fn keep(services: &Services, principal: &Principal, id: AppId, form: TemplateForm) -> Result<Uuid> {
    principal.require(Permission::AppEdit)?;
    let form = checked(form)?;
    let (pipeline, dataset) = find(services, principal, id).await?;
    if pipeline.workflow_id.is_none() {
        return Err(Error::invalid("Publish the pipeline before you keep it as a template."));
    }
    let yaml_content = transfer::export(services, principal, id, false).await?;
    let structure = structure_of(&yaml_content)?;
    let known = repo::pipelines::templates(&services.db, principal.tenant_id()).await?;
    let at = now();
    let template = PipelineTemplate {
        id: new_uuid(),
        tenant_id: principal.tenant_id(),
        name: form.name,
        description: form.description,
        icon: form.icon.or(dataset.icon_info).unwrap_or_else(usual_icon),
        position: known.iter().map(|template| template.position).max().unwrap_or(0).saturating_add(1),
        chunk_structure: structure,
        yaml_content,
        install_count: 0,
        language: services.account_language(principal).await,
        created_by: principal.account_id()?,
        updated_by: None,
        created_at: at,
        updated_at: at,
    };
    let (template_id, told) = (template.id, json!({"name": template.name, "pipeline_id": id}));
    let tx = services.db.begin().await?;
    repo::pipelines::insert_template(&tx, template).await.map_err(taken)?;
    tx.commit().await?;
    audit::record(services, principal, "pipeline.template", "pipeline", id.0, None, Some(told)).await;
    Ok(template_id)
}

fn structure_of(yaml: &str) -> Result<String> {
    let body = PipelineDocument::parse(yaml).and_then(|document| document.body());
    let body = body.map_err(|error| Error::invalid(error.to_string()))?;
    Ok(graph::index_settings(&body.graph).map(|settings| settings.chunk_structure).unwrap_or_default())
}

/// Changes what a template is called.
///
/// # Errors
/// 404 for an unknown one, 400 for a name that is taken.
#[boxed]
pub async fn change(services: &Services, principal: &Principal, id: &str, form: TemplateForm) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    let form = checked(form)?;
    let old = row(services, principal, id).await?;
    let template = PipelineTemplate {
        name: form.name,
        description: form.description,
        icon: form.icon.unwrap_or(old.icon),
        updated_by: Some(principal.account_id()?),
        updated_at: now(),
        ..old
    };
    let tx = services.db.begin().await?;
    repo::pipelines::update_template(&tx, template).await.map_err(taken)?;
    Ok(tx.commit().await?)
}

/// Removes a template.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: &str) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    let old = row(services, principal, id).await?;
    let tx = services.db.begin().await?;
    repo::pipelines::delete_template(&tx, old.tenant_id, old.id).await.map_err(taken)?;
    Ok(tx.commit().await?)
}

/// The file of a template of the workspace.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn export(services: &Services, principal: &Principal, id: &str) -> Result<String> {
    Ok(row(services, principal, id).await?.yaml_content)
}

#[cfg(test)]
mod tests {
    use ox_dsl::version::ImportStatus;

    use super::*;
    use crate::pipelines::inputs;

    #[test]
    fn every_file_can_be_imported_and_published() {
        let converted = ["local_file", "website_crawl", "online_document"]
            .into_iter()
            .flat_map(|kind| ["text_model", "hierarchical_model"].map(|structure| (kind, structure)))
            .map(|(kind, structure)| (file_for(kind, structure).unwrap(), structure));
        let all = BUILT_IN.iter().map(|item| (item.yaml, item.structure)).chain(converted);
        for (yaml, structure) in all {
            let document = PipelineDocument::parse(yaml).unwrap();
            assert_eq!(document.status, ImportStatus::Completed);
            let body = document.body().unwrap();
            inputs::check(&body.rag_pipeline_variables).unwrap();
            let settings = graph::check(&body.graph).unwrap();
            assert_eq!(settings.chunk_structure, structure, "{}", document.info.name);
            // Every variable that a node names is asked for.
            let asked = inputs::defaults(&json!(body.rag_pipeline_variables));
            for selector in ox_dsl::lint::selectors(&body.graph) {
                if let [scope, owner, name] = selector.as_slice()
                    && scope == "rag"
                {
                    let found = asked.get(owner).and_then(|owned| owned.walk(&[name.as_str()]));
                    assert!(found.is_some(), "{}: {selector:?}", document.info.name);
                }
            }
        }
    }

    #[test]
    fn both_languages() {
        for item in BUILT_IN {
            let (en, zh) = (built_in(0, item, false), built_in(0, item, true));
            assert!(en.name.is_ascii() && !zh.description.is_ascii(), "{}", item.id);
            assert_ne!(en.name, zh.name);
        }
    }
}
