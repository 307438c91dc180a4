//! Knowledge bases of others: asked by the protocol that Dify's users know (`POST {endpoint}/retrieval`).

use std::{sync::Arc, time::Duration};

use ox_db::{
    Database,
    model::{Dataset, ExternalKnowledgeApi},
    repo,
};
use ox_net::{Class, Limits, NetError, Request};
use ox_rag::Filter;
use ox_types::{Json, TenantId, boxed};
use serde::Deserialize;
use serde_json::{Map, json};

use super::retrieval::{ExternalRecord, Place, Record, Scores};
use crate::{Error, Result, network::Outbound, secrets::Secrets};

const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(60);
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// Characters of a refusal that are passed on.
const MAX_TOLD: usize = 500;

/// The way to knowledge bases of others.
#[derive(Clone)]
pub struct External {
    db: Database,
    outbound: Outbound,
    secrets: Arc<Secrets>,
}

/// What is wanted of one.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub top_k: usize,
    pub threshold: f64,
    pub filter: Option<Filter>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    records: Vec<AnswerRecord>,
}

#[derive(Deserialize)]
struct AnswerRecord {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    score: Option<f64>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    metadata: Option<Map<String, Json>>,
}

impl External {
    /// The way over the parts of a server.
    #[must_use]
    pub fn new(db: Database, outbound: Outbound, secrets: Arc<Secrets>) -> Self {
        Self { db, outbound, secrets }
    }

    /// Asks the knowledge base that a dataset stands for.
    ///
    /// # Errors
    /// 400 when it stands for none, or the service does not answer as agreed.
    #[boxed]
    pub async fn search(&self, dataset: &Arc<Dataset>, question: &str, wanted: Wanted) -> Result<Vec<Record>> {
        let tenant = dataset.tenant_id;
        let missing = || Error::invalid("external knowledge binding not found");
        let binding = repo::external_knowledge::binding(&self.db, tenant, dataset.id).await?.ok_or_else(missing)?;
        let api = repo::external_knowledge::find(&self.db, tenant, binding.api_id).await?;
        let api = api.ok_or_else(|| Error::invalid("external api template not found"))?;
        let key = self.secrets.tenant_key(&self.db, tenant).await?.open(&api.api_key)?;
        let body = json!({
            "retrieval_setting": {"top_k": wanted.top_k, "score_threshold": wanted.threshold},
            "query": question,
            "knowledge_id": binding.knowledge_id,
            "metadata_condition": wanted.filter.as_ref().filter(|filter| !filter.is_open()),
        });
        let (status, text) = self.post(tenant, &api.endpoint, &key, body).await?;
        if status != 200 {
            return Err(Error::invalid(refusal(status, &text)));
        }
        let answer: Answer = serde_json::from_str(&text).map_err(|error| {
            Error::invalid(format!("The answer of the external knowledge API is not as agreed: {error}"))
        })?;
        Ok(answer.records.into_iter().map(|one| record(dataset, one)).collect())
    }

    /// Whether a service answers at all.
    ///
    /// # Errors
    /// 400 with what it answers.
    #[boxed]
    pub async fn check(&self, tenant: TenantId, endpoint: &str, key: &str) -> Result<()> {
        let url = url::Url::parse(endpoint.trim());
        if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(Error::invalid(format!("invalid endpoint: {endpoint} must be an http or https address")));
        }
        let (status, _) = self.post(tenant, endpoint, key, json!({})).await.map_err(|error| {
            let text = format!("failed to connect to the endpoint: {endpoint}/retrieval: {}", error.message);
            Error { message: text, ..error }
        })?;
        match status {
            502 => Err(Error::invalid(format!("Bad Gateway: failed to connect to the endpoint: {endpoint}/retrieval"))),
            404 => Err(Error::invalid(format!("Not Found: failed to connect to the endpoint: {endpoint}/retrieval"))),
            403 => Err(Error::invalid("Forbidden: Authorization failed with the API key of the endpoint")),
            _ => Ok(()),
        }
    }

    /// The key of a service, to be used with the address it was entered for.
    ///
    /// # Errors
    /// When it cannot be decrypted.
    #[boxed]
    pub async fn key_of(&self, api: &ExternalKnowledgeApi) -> Result<String> {
        self.secrets.tenant_key(&self.db, api.tenant_id).await?.open(&api.api_key)
    }

    async fn post(&self, tenant: TenantId, endpoint: &str, key: &str, body: Json) -> Result<(u16, String)> {
        let url = format!("{}/retrieval", endpoint.trim().trim_end_matches('/'));
        let mut request = Request::post_json(Class::ExternalApi, &url, body.to_string())
            .secret_header("authorization", &format!("Bearer {key}"))
            .map_err(|error| Error::invalid(error.to_string()))?;
        request.limits = Limits { connect: CONNECT, first_byte: TOTAL, read: TOTAL, total: TOTAL, body: MAX_ANSWER };
        let failed = |error: NetError| match error {
            NetError::Denied(denied) => Error::invalid(denied.to_string()),
            other => Error::invalid(format!("The external knowledge API cannot be reached: {other}")).caused_by(other),
        };
        let answer = self.outbound.of(tenant).await?.send(request).await.map_err(failed)?;
        let status = answer.status.as_u16();
        Ok((status, answer.text().await.map_err(failed)?))
    }
}

/// What is told of a refusal. Compat: the service's own words and nothing else, where it says any.
fn refusal(status: u16, text: &str) -> String {
    if text.trim().is_empty() {
        return format!("The external knowledge API answered {status}");
    }
    text.chars().take(MAX_TOLD).collect()
}

fn record(dataset: &Arc<Dataset>, one: AnswerRecord) -> Record {
    let place = ExternalRecord {
        title: one.title.unwrap_or_default(),
        content: one.content.unwrap_or_default(),
        metadata: one.metadata.unwrap_or_default(),
    };
    Record {
        dataset: Arc::clone(dataset),
        place: Place::External(Box::new(place)),
        score: one.score.unwrap_or_default(),
        scores: Scores::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_service() {
        let long = "x".repeat(MAX_TOLD + 1);
        for (status, text, expected) in [
            (500, "boom", "boom"),
            (503, " \n", "The external knowledge API answered 503"),
            (400, long.as_str(), &long[1..]),
        ] {
            assert_eq!(refusal(status, text), expected);
        }
    }
}
