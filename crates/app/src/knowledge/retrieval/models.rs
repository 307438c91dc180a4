//! Models that order what was found, choose where to look, and read conditions out of a question.

use futures::StreamExt as _;
use ox_db::repo;
use ox_models::{
    ChatRequest, ErrorClass, Message, ModelKind, ModelMode, ModelRef, RerankRequest, ToolChoice, ToolSpec,
};
use ox_nodes::RetrievalModel;
use ox_rag::{Condition, Filter, Join};
use ox_types::{Json, TenantId, boxed};
use serde_json::json;
use std::sync::Arc;

use super::{Dataset, Record, Retriever, Scores};
use crate::{
    Result,
    knowledge::embedding::{failed, scope},
};

/// Records that a rerank model is given.
const RERANKED: usize = 200;
/// Characters of an answer that names a knowledge base or conditions.
const ANSWER: usize = 20_000;

/// Records in a new order.
pub(super) struct Reranked {
    pub records: Vec<Record>,
    /// Scores go from 0 to 1, so that a threshold makes sense.
    pub has_shares: bool,
    pub shortcoming: Option<String>,
}

impl Retriever {
    /// Orders records by a rerank model. One that does not answer leaves them as they were.
    #[boxed]
    pub(super) async fn rerank_by_model(
        &self,
        tenant: TenantId,
        provider: &str,
        name: &str,
        question: &str,
        mut records: Vec<Record>,
    ) -> Result<Reranked> {
        if records.is_empty() {
            return Ok(Reranked { records, has_shares: true, shortcoming: None });
        }
        records.truncate(RERANKED);
        let request = RerankRequest {
            model: name.to_owned(),
            query: question.to_owned(),
            documents: records.iter().map(Record::text).collect(),
            score_threshold: None,
            top_n: None,
        };
        match self.models.rerank(&scope(tenant), &ModelRef::chat(provider, name), request).await {
            Ok(ranked) => {
                let mut places: Vec<Option<Record>> = records.into_iter().map(Some).collect();
                let again = ranked.into_iter().filter_map(|one| {
                    let record = places.get_mut(one.index)?.take()?;
                    let scores = Scores { rerank: Some(one.score), ..record.scores };
                    Some(Record { score: one.score, scores, ..record })
                });
                Ok(Reranked { records: again.collect(), has_shares: true, shortcoming: None })
            }
            Err(error) if matches!(error.class, ErrorClass::Auth | ErrorClass::NotFound | ErrorClass::BadRequest) => {
                Err(failed(&error))
            }
            Err(error) => {
                tracing::warn!(%error, "results are not reranked");
                let shortcoming = Some(format!("Not reranked: {error}"));
                Ok(Reranked { records, has_shares: false, shortcoming })
            }
        }
    }

    /// The knowledge base in which a model would look; none when it sees no fitting one.
    ///
    /// # Errors
    /// When the model fails.
    #[boxed]
    pub async fn choose(
        &self,
        tenant: TenantId,
        model: &RetrievalModel,
        question: &str,
        datasets: &[Arc<Dataset>],
    ) -> Result<Option<Arc<Dataset>>> {
        if datasets.len() <= 1 {
            return Ok(datasets.first().cloned());
        }
        let described = self.models.describe(&scope(tenant), &model.model, ModelKind::Llm).await;
        let calls_tools = described.is_some_and(|spec| spec.calls_tools());
        let descriptions: Vec<(String, String)> =
            datasets.iter().map(|dataset| (dataset.id.to_string(), purpose(dataset))).collect();
        let mut request = ChatRequest {
            model: model.model.name.clone(),
            parameters: model.parameters.clone(),
            stop: model.stop.clone(),
            ..ChatRequest::default()
        };
        if calls_tools {
            request.messages = vec![Message::system("You are a helpful AI assistant."), Message::user(question)];
            request.tools = descriptions.iter().map(|(id, purpose)| tool(id, purpose)).collect();
            request.tool_choice = ToolChoice::Auto;
        } else {
            let list: Vec<Json> = descriptions.iter().map(|(id, purpose)| json!({"id": id, "use": purpose})).collect();
            let text = format!(
                "These knowledge bases can be searched:\n{}\n\nAnswer with the id of the one in which the answer to \
                 the following question is most likely found, and nothing else; answer NONE when none fits.\n\n\
                 Question: {question}",
                Json::from(list)
            );
            request.messages = vec![Message::user(text)];
        }
        let (text, called) = self.answer_of(tenant, &model.model, request).await?;
        let named = |dataset: &&Arc<Dataset>| {
            let id = dataset.id.to_string();
            called.contains(&id) || (!calls_tools && text.contains(&id))
        };
        Ok(datasets.iter().find(named).cloned())
    }

    /// The conditions that a model reads out of a question, for the metadata fields of some knowledge bases. A model
    /// that fails is no condition.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn conditions(
        &self,
        tenant: TenantId,
        model: &RetrievalModel,
        question: &str,
        datasets: &[Arc<Dataset>],
    ) -> Result<Option<Filter>> {
        let ids: Vec<_> = datasets.iter().map(|dataset| dataset.id).collect();
        let fields = repo::retrieval::metadata_fields(&self.db, tenant, &ids).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        let text = format!(
            "Documents have these metadata fields: {}.\nFind in the question below what it says about the values of \
             these fields. Answer with JSON only, of the form {{\"metadata_map\": [{{\"metadata_field_name\": \"…\", \
             \"metadata_field_value\": \"…\", \"comparison_operator\": \"…\"}}]}}, an empty list when it says \
             nothing. Operators: contains, not contains, start with, end with, is, is not, empty, not empty, =, ≠, >, \
             <, ≥, ≤, before, after.\n\nQuestion: {question}",
            Json::from(fields.clone())
        );
        let request = ChatRequest {
            model: model.model.name.clone(),
            messages: vec![Message::user(text)],
            parameters: model.parameters.clone(),
            stop: model.stop.clone(),
            ..ChatRequest::default()
        };
        let answer = self.answer_of(tenant, &model.model, request).await;
        Ok(answer.ok().and_then(|(answer, _)| read_conditions(&answer, &fields)))
    }

    /// The whole answer of a model, and the tools it called.
    async fn answer_of(
        &self,
        tenant: TenantId,
        model: &ModelRef,
        request: ChatRequest,
    ) -> Result<(String, Vec<String>)> {
        let model = ModelRef { mode: ModelMode::Chat, ..model.clone() };
        let mut stream = self.models.chat(&scope(tenant), &model, request).await.map_err(|error| failed(&error))?;
        let (mut text, mut called) = (String::new(), Vec::new());
        while let Some(delta) = stream.next().await {
            let delta = delta.map_err(|error| failed(&error))?;
            text.push_str(&delta.text);
            called.extend(delta.tool_calls.into_iter().filter_map(|call| call.name));
            if text.len() > ANSWER {
                break;
            }
        }
        Ok((text, called))
    }
}

fn tool(id: &str, purpose: &str) -> ToolSpec {
    ToolSpec {
        name: id.to_owned(),
        description: purpose.to_owned(),
        parameters: json!({"type": "object", "properties": {}, "required": []}),
    }
}

fn purpose(dataset: &Dataset) -> String {
    let told = dataset.description.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let text = told.map_or_else(
        || format!("useful for when you want to answer queries about the {}", dataset.name),
        str::to_owned,
    );
    text.replace(['\n', '\r'], "")
}

/// Conditions out of a model's answer, which may have words around its JSON.
fn read_conditions(answer: &str, fields: &[String]) -> Option<Filter> {
    let json: Json = serde_json::from_str(answer.get(answer.find('{')?..=answer.rfind('}')?)?).ok()?;
    let list = json.get("metadata_map")?.as_array()?;
    let condition = |one: &Json| {
        let name = one.get("metadata_field_name")?.as_str()?;
        let comparison_operator = serde_json::from_value(one.get("comparison_operator")?.clone()).ok()?;
        let value = one.get("metadata_field_value").cloned().unwrap_or_default();
        fields.iter().any(|field| field == name).then(|| Condition {
            name: name.to_owned(),
            comparison_operator,
            value,
        })
    };
    let conditions: Vec<Condition> = list.iter().filter_map(condition).collect();
    (!conditions.is_empty()).then_some(Filter { logical_operator: Join::Or, conditions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_out_of_what_models_write() {
        let fields = ["year".to_owned(), "author".to_owned()];
        let answer = "Sure!\n```json\n{\"metadata_map\":[{\"metadata_field_name\":\"year\",\
                      \"metadata_field_value\":2024,\"comparison_operator\":\"=\"},{\"metadata_field_name\":\"colour\",\
                      \"metadata_field_value\":\"red\",\"comparison_operator\":\"is\"},{\"metadata_field_name\":\
                      \"author\",\"metadata_field_value\":\"Ann\",\"comparison_operator\":\"resembles\"}]}\n```";
        let filter = read_conditions(answer, &fields).expect("one condition");
        assert_eq!(filter.logical_operator, Join::Or);
        let names: Vec<&str> = filter.conditions.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["year"]);
        for nothing in ["", "no idea", "{\"metadata_map\": []}", "{broken}", "} {"] {
            assert_eq!(read_conditions(nothing, &fields), None, "{nothing}");
        }
    }
}
