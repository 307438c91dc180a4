//! The rounds of an agent as spans: each round, in it the model's turn and the calls of tools.

use ox_db::model::{AgentThought, Message};
use ox_models::{Decimal, Usage};
use ox_types::Json;
use serde_json::{Map, json};

use super::record::{Span, SpanKind, beside, derived, seconds, value};

/// The spans of a message's rounds.
pub fn spans(message: &Message, rounds: &[AgentThought]) -> Vec<Span> {
    let root = derived(message.id.0, "root");
    let end_of_all = message.created_at + seconds(message.provider_response_latency);
    let mut spans = Vec::with_capacity(rounds.len() * 3);
    for (index, round) in rounds.iter().enumerate() {
        let end = rounds.get(index + 1).map_or(end_of_all, |next| next.created_at).max(round.created_at);
        let spoken = (round.created_at + seconds(round.latency)).min(end);
        let whole = Span {
            id: round.id,
            parent: Some(root),
            name: format!("round {}", round.position),
            kind: SpanKind::Other,
            start: round.created_at,
            end,
            input: Json::Null,
            output: round.thought.clone().into(),
            error: None,
            model: None,
            provider: None,
            usage: None,
            metadata: Map::new(),
        };
        let generation = Span {
            id: derived(round.id, "generation"),
            parent: Some(round.id),
            name: "llm".to_owned(),
            kind: SpanKind::Generation,
            end: spoken,
            input: value(round.message.as_deref()),
            output: round.answer.clone().into(),
            model: message.model_id.clone(),
            provider: message.model_provider.clone(),
            usage: Some(usage_of(round)),
            metadata: beside(&value(round.tool_process_data.as_deref())).collect(),
            ..whole.clone()
        };
        spans.push(whole);
        let mut at = spoken;
        spans.push(generation);
        let (inputs, outputs) = (value(round.tool_input.as_deref()), value(round.observation.as_deref()));
        for name in round.tool.as_deref().unwrap_or_default().split(';').filter(|name| !name.is_empty()) {
            let meta = round.tool_meta.get(name).cloned().unwrap_or_default();
            let took = seconds(meta.get("time_cost").and_then(Json::as_f64).unwrap_or_default());
            let until = (at + took).min(end);
            spans.push(Span {
                id: derived(round.id, name),
                parent: Some(round.id),
                name: name.to_owned(),
                kind: SpanKind::Tool,
                start: at,
                end: until,
                input: inputs.get(name).cloned().unwrap_or_default(),
                output: outputs.get(name).cloned().unwrap_or_default(),
                error: meta.get("error").and_then(Json::as_str).map(str::to_owned),
                model: None,
                provider: None,
                usage: None,
                metadata: [("tool_config", Some(json!({}))), ("approval", None)]
                    .into_iter()
                    .filter_map(|(name, otherwise)| Some((name.to_owned(), meta.get(name).cloned().or(otherwise)?)))
                    .collect(),
            });
            at = until;
        }
    }
    spans
}

fn usage_of(round: &AgentThought) -> Usage {
    let tokens = |count: i32| u64::try_from(count).unwrap_or_default();
    let decimal = |text: &str| text.parse().unwrap_or(Decimal::ZERO);
    Usage {
        prompt_tokens: tokens(round.message_token),
        prompt_unit_price: decimal(&round.message_unit_price),
        prompt_price_unit: decimal(&round.message_price_unit),
        completion_tokens: tokens(round.answer_token),
        completion_unit_price: decimal(&round.answer_unit_price),
        completion_price_unit: decimal(&round.answer_price_unit),
        total_tokens: tokens(round.tokens),
        total_price: decimal(&round.total_price),
        currency: round.currency.clone(),
        latency: round.latency,
        ..Usage::default()
    }
}
