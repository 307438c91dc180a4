//! Which caller each route accepts. One table per surface; nothing is reachable without an entry.

use axum::http::Method;
use ox_app::Access;

/// One route with what it asks of its caller; `path` as axum writes it (`/apps/{app_id}`).
pub struct Rule {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
}

/// A rule in one line.
#[must_use]
pub const fn rule(method: Method, path: &'static str, access: Access) -> Rule {
    Rule { method, path, access }
}

/// Looks a route up in a table.
#[must_use]
pub fn find(table: &'static [Rule], method: &Method, path: &str) -> Option<Access> {
    // HEAD is answered by the GET handler.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    table.iter().find(|rule| rule.method == *method && rule.path == path).map(|rule| rule.access)
}
