//! Which scope of a key each operation needs.

use axum::http::Method;
use ox_app::api_keys::Scope;

/// The scope of a route; `None` for what every key may read: what the app is and asks for.
pub fn of(method: &Method, route: &str) -> Option<Scope> {
    let begins = |prefix: &str| route.starts_with(prefix);
    let is_read = method == Method::GET || method == Method::HEAD;
    if matches!(route, "/" | "/info" | "/parameters" | "/meta" | "/site") || (is_read && begins("/openai/")) {
        return None;
    }
    Some(if begins("/files") {
        Scope::Files
    } else if route.ends_with("/feedbacks") {
        Scope::Feedback
    } else if begins("/conversations") || begins("/messages") {
        Scope::Conversations
    } else if begins("/apps/annotation") {
        Scope::Annotations
    } else if begins("/workflows/logs") || (is_read && begins("/workflows/run/")) || begins("/end-users") {
        Scope::Logs
    } else {
        Scope::Run
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_have_their_scope() {
        let (get, post) = (Method::GET, Method::POST);
        for (method, route, expected) in [
            (&get, "/info", None),
            (&get, "/openai/{app_id}/models", None),
            (&post, "/openai/{app_id}/chat/completions", Some(Scope::Run)),
            (&post, "/chat-messages", Some(Scope::Run)),
            (&post, "/workflows/{workflow_id}/run", Some(Scope::Run)),
            (&post, "/workflows/run", Some(Scope::Run)),
            (&get, "/workflows/run/{run_id}", Some(Scope::Logs)),
            (&get, "/workflows/logs", Some(Scope::Logs)),
            (&get, "/workflow/{run_id}/events", Some(Scope::Run)),
            (&post, "/files/upload", Some(Scope::Files)),
            (&post, "/messages/{message_id}/feedbacks", Some(Scope::Feedback)),
            (&get, "/app/feedbacks", Some(Scope::Feedback)),
            (&get, "/messages", Some(Scope::Conversations)),
            (&post, "/conversations/{conversation_id}/name", Some(Scope::Conversations)),
            (&post, "/apps/annotations", Some(Scope::Annotations)),
        ] {
            assert_eq!(of(method, route), expected, "{method} {route}");
        }
    }
}
