//! What each Service API route asks of its caller.

use axum::http::Method;
use ox_app::Access::{AppKey, Public};

use crate::access::{Rule, rule};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// One line for each route and method.
pub const RULES: &[Rule] = &[
    rule(GET, "/", Public),
    rule(POST, "/chat-messages", AppKey),
    rule(POST, "/chat-messages/{task_id}/stop", AppKey),
    rule(POST, "/completion-messages", AppKey),
    rule(POST, "/completion-messages/{task_id}/stop", AppKey),
    rule(POST, "/workflows/run", AppKey),
    rule(POST, "/workflows/{workflow_id}/run", AppKey),
    rule(POST, "/workflows/tasks/{task_id}/stop", AppKey),
    rule(GET, "/workflows/run/{run_id}", AppKey),
    rule(GET, "/workflows/logs", AppKey),
    rule(GET, "/workflow/{run_id}/events", AppKey),
    rule(GET, "/form/human_input/{form_token}", AppKey),
    rule(POST, "/form/human_input/{form_token}", AppKey),
    rule(POST, "/openai/{app_id}/chat/completions", AppKey),
    rule(GET, "/openai/{app_id}/models", AppKey),
    rule(GET, "/openai/{app_id}/models/{model}", AppKey),
    rule(GET, "/info", AppKey),
    rule(GET, "/parameters", AppKey),
    rule(GET, "/meta", AppKey),
    rule(GET, "/site", AppKey),
    rule(POST, "/files/upload", AppKey),
    rule(GET, "/files/{file_id}/preview", AppKey),
    rule(GET, "/conversations", AppKey),
    rule(DELETE, "/conversations/{conversation_id}", AppKey),
    rule(POST, "/conversations/{conversation_id}/name", AppKey),
    rule(GET, "/conversations/{conversation_id}/variables", AppKey),
    rule(PUT, "/conversations/{conversation_id}/variables/{variable_id}", AppKey),
    rule(GET, "/messages", AppKey),
    rule(POST, "/messages/{message_id}/feedbacks", AppKey),
    rule(GET, "/app/feedbacks", AppKey),
    rule(GET, "/messages/{message_id}/suggested", AppKey),
    rule(POST, "/audio-to-text", AppKey),
    rule(POST, "/text-to-audio", AppKey),
    rule(GET, "/end-users/{end_user_id}", AppKey),
    rule(GET, "/apps/annotations", AppKey),
    rule(POST, "/apps/annotations", AppKey),
    rule(PUT, "/apps/annotations/{annotation_id}", AppKey),
    rule(DELETE, "/apps/annotations/{annotation_id}", AppKey),
];
