//! A knowledge base of the older kind becomes one with a pipeline: what it was made of stays, what comes next goes
//! through the graph.

use ox_db::{
    model::{Dataset, Document, Pipeline, PipelineLog, ProcessRuleRow},
    now, repo,
};
use ox_dsl::document::{PipelineBody, PipelineDocument};
use ox_rag::{ProcessRule, Rules, Segmentation};
use ox_types::{AppId, DatasetId, Json, boxed};
use serde_json::json;

use super::{graph, templates, transfer};
use crate::{Error, Principal, Result, Services, audit, knowledge::datasets, principal::Permission, workflows};

/// What became of a knowledge base.
#[derive(Clone, Copy, Debug)]
pub struct Transformed {
    pub dataset_id: DatasetId,
    pub pipeline_id: AppId,
}

/// The datasource that documents of a kind come from.
fn datasource_type(data_source_type: Option<&str>) -> Option<&'static str> {
    match data_source_type {
        None | Some("upload_file") => Some("local_file"),
        Some("website_crawl") => Some("website_crawl"),
        Some("notion_import") => Some("online_document"),
        Some(_) => None,
    }
}

/// Gives a knowledge base a pipeline that does what its rule did. There is no way back.
///
/// # Errors
/// 400 for one that has a pipeline already, stands for knowledge elsewhere, or holds questions and answers.
#[boxed]
pub async fn dataset(services: &Services, principal: &Principal, id: DatasetId) -> Result<Transformed> {
    principal.require(Permission::DatasetEdit)?;
    let before = datasets::find_to_edit(services, principal, id).await?;
    if let Some(pipeline) = before.pipeline_id.filter(|_| before.runtime_mode == "rag_pipeline") {
        return Ok(Transformed { dataset_id: id, pipeline_id: AppId(pipeline) });
    }
    if before.provider != "vendor" {
        return Err(Error::invalid("External dataset is not supported"));
    }
    let structure = match &before.chunk_structure {
        Some(structure) => Some(structure.clone()),
        None => repo::documents::form(&services.db, id).await?,
    };
    let structure = structure.unwrap_or_else(|| "text_model".into());
    let kind = datasource_type(before.data_source_type.as_deref());
    let file = kind.and_then(|kind| Some((kind, templates::file_for(kind, &structure)?)));
    let (kind, yaml) = file.ok_or_else(|| Error::invalid("Unsupported doc form"))?;
    let body = PipelineDocument::parse(yaml).and_then(|document| document.body());
    let mut body = body.map_err(|error| Error::internal(error.to_string()))?;
    let rule = repo::datasets::latest_rule(&services.db, id).await?;
    fill(&mut body, &before, rule);
    let documents = repo::documents::of_batch(&services.db, id, None).await?;
    if documents.iter().any(|document| document.leased_by.is_some()) {
        return Err(Error::new(400, "document_indexing", "Document is being processed, please try again later"));
    }
    let account = principal.account_id()?;
    let at = now();
    let pipeline = Pipeline {
        id: AppId::new(),
        tenant_id: before.tenant_id,
        name: before.name.clone(),
        description: before.description.clone().unwrap_or_default(),
        is_published: true,
        created_by: account,
        created_at: at,
        updated_at: at,
        workflow_id: None,
    };
    let source = graph::datasource_of_kind(&body.graph, kind).unwrap_or_default();
    let draft = transfer::draft_of(services, principal, &pipeline, body, None).await?;
    let version = workflows::version_of(draft.clone(), None, None, account);
    let pipeline = Pipeline { workflow_id: Some(version.id), ..pipeline };
    let after = Dataset {
        runtime_mode: "rag_pipeline".into(),
        pipeline_id: Some(pipeline.id.0),
        chunk_structure: Some(structure),
        icon_info: before.icon_info.clone().or_else(|| Some(super::usual_icon())),
        updated_by: Some(account),
        updated_at: at,
        ..before.clone()
    };
    let tx = services.db.begin().await?;
    repo::pipelines::insert(&tx, pipeline.clone()).await?;
    repo::workflows::insert(&tx, &draft).await?;
    repo::workflows::insert(&tx, &version).await?;
    repo::datasets::update(&tx, after).await?;
    for document in &documents {
        if let Some(log) = log(document, &pipeline, &source) {
            repo::pipelines::put_log(&tx, PipelineLog { workflow_id: version.id, created_by: account, ..log }).await?;
        }
    }
    tx.commit().await?;
    let told = Some(json!({"pipeline_id": pipeline.id}));
    audit::record(services, principal, "dataset.transform", "dataset", id.0, None, told).await;
    Ok(Transformed { dataset_id: id, pipeline_id: pipeline.id })
}

/// What a document is made of, for the day when it is made anew.
fn log(document: &Document, pipeline: &Pipeline, node: &str) -> Option<PipelineLog> {
    let info = document.data_source_info.clone().unwrap_or_default();
    let text = |name: &str| info.get(name).and_then(Json::as_str).unwrap_or_default();
    let kind = datasource_type(Some(&document.data_source_type))?;
    let datasource_info = match kind {
        "local_file" => json!({"related_id": document.file_id, "name": document.name,
            "transfer_method": "local_file", "type": "document"}),
        "website_crawl" => json!({"source_url": text("url"), "title": document.name, "provider": text("provider"),
            "only_main_content": info.get("only_main_content")}),
        _ => json!({"workspace_id": text("notion_workspace_id"), "credential_id": info.get("credential_id"),
            "page": {"page_id": text("notion_page_id"), "page_name": document.name, "type": text("type"),
                "page_icon": info.get("notion_page_icon")}}),
    };
    Some(PipelineLog {
        document_id: document.id,
        pipeline_id: pipeline.id,
        workflow_id: ox_types::WorkflowId(pipeline.id.0),
        datasource_type: kind.to_owned(),
        datasource_info,
        datasource_node_id: node.to_owned(),
        // What the pipeline asks has the values of the rule as its defaults.
        input_data: json!({}),
        created_by: document.created_by,
        created_at: now(),
    })
}

/// Puts the settings and the rule of a knowledge base into the graph and into what it asks.
fn fill(body: &mut PipelineBody, dataset: &Dataset, rule: Option<ProcessRuleRow>) {
    for node in body.graph.get_mut("nodes").and_then(Json::as_array_mut).into_iter().flatten() {
        let Some(data) = node.get_mut("data").and_then(Json::as_object_mut) else { continue };
        if data.get("type").and_then(Json::as_str) != Some("knowledge-index") {
            continue;
        }
        let technique = dataset.indexing_technique.clone().unwrap_or_else(|| "high_quality".into());
        data.insert("indexing_technique".into(), json!(technique));
        data.insert("embedding_model".into(), json!(dataset.embedding_model.clone().unwrap_or_default()));
        let provider = dataset.embedding_model_provider.clone().unwrap_or_default();
        data.insert("embedding_model_provider".into(), json!(provider));
        data.insert("keyword_number".into(), json!(dataset.keyword_number));
        if let Some(retrieval) = &dataset.retrieval_model {
            data.insert("retrieval_model".into(), retrieval.clone());
        }
        if let Some(setting) = &dataset.summary_index_setting {
            data.insert("summary_index_setting".into(), setting.clone());
        }
    }
    let rule = rule.and_then(|row| ProcessRule::read(&json!({"mode": row.mode, "rules": row.rules})).ok());
    let rules = rule.and_then(|rule| rule.rules);
    for (name, value) in rules.iter().flat_map(answers) {
        let wanted = body.rag_pipeline_variables.iter_mut();
        let mut wanted = wanted.filter(|variable| variable.get("variable").and_then(Json::as_str) == Some(name));
        if let Some(fields) = wanted.next().and_then(Json::as_object_mut) {
            fields.insert("default_value".into(), value);
        }
    }
}

/// What a rule says, by the names of the variables of our templates.
fn answers(rules: &Rules) -> Vec<(&'static str, Json)> {
    let mut out = vec![
        ("replace_spaces", json!(rules.cleans("remove_extra_spaces"))),
        ("delete_addresses", json!(rules.cleans("remove_urls_emails"))),
    ];
    let separator = |part: &Segmentation| json!(part.separators.first().cloned().unwrap_or_else(|| "\\n\\n".into()));
    if let Some(part) = &rules.segmentation {
        out.extend([
            ("delimiter", separator(part)),
            ("max_chunk_length", json!(part.max_tokens)),
            ("chunk_overlap", json!(part.chunk_overlap)),
            ("parent_delimiter", separator(part)),
            ("parent_length", json!(part.max_tokens)),
        ]);
    }
    if let Some(part) = &rules.subchunk_segmentation {
        out.extend([("child_delimiter", separator(part)), ("child_length", json!(part.max_tokens))]);
    }
    if let Some(mode) = rules.parent_mode {
        out.push(("parent_mode", json!(mode.as_str())));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_becomes_the_defaults_of_what_is_asked() {
        let rule = ProcessRule::read(&json!({"mode": "hierarchical", "rules": {
            "pre_processing_rules": [{"id": "remove_extra_spaces", "enabled": false}],
            "segmentation": {"separator": "##", "max_tokens": 700, "chunk_overlap": 9}, "parent_mode": "full-doc",
            "subchunk_segmentation": {"separator": "\n", "max_tokens": 100}}}));
        let found = answers(&rule.unwrap().rules.unwrap());
        for (name, value) in [
            ("replace_spaces", json!(false)),
            ("delimiter", json!("##")),
            ("max_chunk_length", json!(700)),
            ("chunk_overlap", json!(9)),
            ("parent_mode", json!("full-doc")),
            ("child_length", json!(100)),
        ] {
            assert!(found.contains(&(name, value.clone())), "{name} {value}");
        }
    }
}
