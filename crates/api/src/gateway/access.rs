//! What each route of the model gateway asks of its caller.

use axum::http::Method;
use ox_app::Access::GatewayKey;

use crate::access::{Rule, rule};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// One line for each route and method.
pub const RULES: &[Rule] = &[
    rule(GET, "/models", GatewayKey),
    rule(GET, "/models/{*model}", GatewayKey),
    rule(POST, "/chat/completions", GatewayKey),
    rule(POST, "/completions", GatewayKey),
    rule(POST, "/embeddings", GatewayKey),
    rule(POST, "/rerank", GatewayKey),
];
