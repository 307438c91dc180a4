//! `POST /rerank`, which is in no document of OpenAI, but the same with nearly all who have it.

use async_trait::async_trait;
use ox_net::{Class, Request};
use ox_types::Json;
use serde_json::json;

use super::{OpenAiCompatible, vendors::Inputs};
use crate::{Call, ModelError, Ranked, RerankModel, RerankRequest, ranking};

#[async_trait]
impl RerankModel for OpenAiCompatible {
    async fn rerank(&self, call: Call<'_>, request: RerankRequest) -> Result<Vec<Ranked>, ModelError> {
        if request.documents.is_empty() {
            return Ok(Vec::new());
        }
        let model = self.wire_model(&call, &request.model);
        let url = self.url(&call, model, "/rerank")?;
        let top = ranking::wanted(&request);
        let body = match self.vendor.quirks.inputs {
            Inputs::Voyage => {
                json!({"model": model, "query": request.query, "documents": request.documents, "top_k": top})
            }
            _ => json!({"model": model, "query": request.query, "documents": request.documents, "top_n": top,
                        "return_documents": false}),
        };
        let post = self.request(&call, Request::post_json(Class::Model, url, body.to_string()))?;
        let json = self.exchange(&call).json(post).await?;
        call.tell(ranking::used(&json));
        let list = ["results", "data"].iter().find_map(|name| json.get(*name)).and_then(Json::as_array);
        ranking::read(&self.spec.id, list, &request, &json)
    }
}
