//! A request that was begun is done whole.
//!
//! A client that leaves (a closed tab, a lost network, its own time limit) makes hyper drop the handler where it waits. A
//! change of several steps (a row, then its vectors, then what other processes hear) would stop between two of them.

use axum::{
    extract::Request,
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use ox_app::Error;

use crate::ApiError;

/// The doors of the OpenAI wire, and what a model writes for an editor: there the call of the model ends when its caller
/// leaves, and costs no more.
const END_WITH_THEIR_CALLER: &[&str] = &[
    "/gateway/",
    "/v1/openai/",
    "/console/api/apps/describe",
    "/console/api/rule-",
    "/console/api/instruction-generate",
];

fn ends_with_its_caller(method: &Method, path: &str) -> bool {
    method.is_safe() || END_WITH_THEIR_CALLER.iter().any(|prefix| path.starts_with(prefix))
}

/// Runs what changes something in a task of its own. A stream is answered at once and still ends with its reader.
pub async fn whole(request: Request, next: Next) -> Response {
    if ends_with_its_caller(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    // A panic inside is answered inside: only the end of the process stops the task.
    tokio::spawn(next.run(request)).await.unwrap_or_else(|_| {
        ApiError(Error::new(503, "service_unavailable", "The server is shutting down. Please try again."))
            .into_response()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::{Router, body::Body, middleware};
    use tokio::{sync::mpsc, time::timeout};
    use tower::ServiceExt as _;

    use super::*;

    async fn is_done_without_its_client(method: Method, path: &str) -> bool {
        let (done, mut heard) = mpsc::channel(1);
        let slow = move || async move {
            tokio::time::sleep(Duration::from_millis(40)).await;
            let _ = done.send(()).await;
        };
        let app = Router::new().fallback(slow).layer(middleware::from_fn(whole));
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        assert!(timeout(Duration::from_millis(5), app.oneshot(request)).await.is_err(), "the client leaves first");
        heard.recv().await.is_some()
    }

    #[tokio::test]
    async fn what_was_begun_is_done() {
        let cases = [
            (Method::POST, "/console/api/apps", true),
            (Method::DELETE, "/v1/datasets/1", true),
            (Method::PATCH, "/api/conversations/1", true),
            (Method::GET, "/console/api/apps", false),
            (Method::POST, "/gateway/v1/chat/completions", false),
            (Method::POST, "/v1/openai/1/chat/completions", false),
            (Method::POST, "/console/api/apps/describe", false),
            (Method::POST, "/console/api/rule-code-generate", false),
            (Method::POST, "/console/api/instruction-generate", false),
        ];
        for (method, path, expected) in cases {
            assert_eq!(is_done_without_its_client(method.clone(), path).await, expected, "{method} {path}");
        }
    }
}
