//! What each route of published pages asks of its caller.

use axum::http::Method;
use ox_app::Access::{Public, Visitor};

use crate::access::{Rule, rule};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// One line for each route and method.
pub const RULES: &[Rule] = &[
    rule(GET, "/webapp/access-mode", Public),
    rule(GET, "/webapp/permission", Public),
    rule(GET, "/system-features", Public),
    rule(POST, "/login", Public),
    rule(POST, "/email-code-login", Public),
    rule(POST, "/email-code-login/validity", Public),
    rule(POST, "/logout", Public),
    rule(POST, "/forgot-password", Public),
    rule(POST, "/forgot-password/validity", Public),
    rule(POST, "/forgot-password/resets", Public),
    rule(GET, "/login/status", Public),
    rule(GET, "/passport", Public),
    rule(GET, "/site", Visitor),
    rule(GET, "/parameters", Visitor),
    rule(GET, "/meta", Visitor),
    rule(POST, "/chat-messages", Visitor),
    rule(POST, "/chat-messages/{task_id}/stop", Visitor),
    rule(GET, "/completion-messages", Visitor),
    rule(POST, "/completion-messages", Visitor),
    rule(POST, "/completion-messages/{task_id}/stop", Visitor),
    rule(POST, "/workflows/run", Visitor),
    rule(GET, "/workflows/runs", Visitor),
    rule(GET, "/workflows/runs/{run_id}", Visitor),
    rule(POST, "/workflows/tasks/{task_id}/stop", Visitor),
    rule(GET, "/conversations", Visitor),
    rule(DELETE, "/conversations/{conversation_id}", Visitor),
    rule(POST, "/conversations/{conversation_id}/name", Visitor),
    rule(PATCH, "/conversations/{conversation_id}/pin", Visitor),
    rule(PATCH, "/conversations/{conversation_id}/unpin", Visitor),
    rule(GET, "/messages", Visitor),
    rule(POST, "/messages/{message_id}/feedbacks", Visitor),
    rule(GET, "/messages/{message_id}/suggested-questions", Visitor),
    rule(GET, "/messages/{message_id}/more-like-this", Visitor),
    rule(GET, "/saved-messages", Visitor),
    rule(POST, "/saved-messages", Visitor),
    rule(DELETE, "/saved-messages/{message_id}", Visitor),
    rule(POST, "/files/upload", Visitor),
    rule(POST, "/audio-to-text", Visitor),
    rule(POST, "/text-to-audio", Visitor),
    rule(GET, "/remote-files/{url}", Visitor),
    rule(POST, "/remote-files/upload", Visitor),
    // The token in the path is the secret.
    rule(GET, "/form/human_input/{form_token}", Public),
    rule(POST, "/form/human_input/{form_token}", Public),
    rule(POST, "/form/human_input/{form_token}/files", Public),
    rule(GET, "/workflow/{run_id}/events", Visitor),
    rule(GET, "/tool-approvals", Visitor),
    rule(POST, "/tool-approvals/{approval_id}", Visitor),
];
