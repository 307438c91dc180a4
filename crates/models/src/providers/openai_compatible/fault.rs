//! A vendor's failures in our classes, with the vendor's words.

use std::time::{Duration, SystemTime};

use ox_net::{HeaderMap, NetError};
use ox_types::Json;

use crate::{ErrorClass, ModelError};

const MAX_TEXT: usize = 2000;

/// The error for an answer that is not a success.
pub fn from_status(provider: &str, status: u16, headers: &HeaderMap, body: &str) -> ModelError {
    let (text, code) = words(body);
    let class = match status {
        401 | 403 => ErrorClass::Auth,
        404 => ErrorClass::NotFound,
        408 => ErrorClass::Timeout,
        402 | 429 => ErrorClass::RateLimit { retry_after: retry_after(headers) },
        500..=599 => ErrorClass::Overloaded,
        300..=399 => ErrorClass::Garbage,
        _ => from_code(code.as_deref()).unwrap_or(ErrorClass::BadRequest),
    };
    let text = match (text.is_empty(), code.as_deref()) {
        (true, _) => format!("the provider answered {status} without a text"),
        // LiteLLM without a database cannot look a foreign key up.
        (_, Some("no_db_connection")) => format!("{text} (a LiteLLM gateway says this to a key it does not know)"),
        _ => text,
    };
    ModelError { class, provider: provider.to_owned(), status: Some(status), text }
}

/// The error a stream or a 200 answer carries in its body, if it does.
pub fn from_body(provider: &str, body: &Json) -> Option<ModelError> {
    let error = body.get("error").filter(|error| !error.is_null())?;
    let (text, code) = words_of(body);
    let number = ["code", "status", "status_code"].iter().find_map(|name| {
        let value = error.get(*name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    });
    let status = number.and_then(|number| u16::try_from(number).ok()).filter(|status| (400..600).contains(status));
    let class = match status {
        Some(status) => from_status(provider, status, &HeaderMap::new(), "").class,
        None => from_code(code.as_deref()).unwrap_or(ErrorClass::Overloaded),
    };
    Some(ModelError { class, provider: provider.to_owned(), status, text })
}

fn from_code(code: Option<&str>) -> Option<ErrorClass> {
    Some(match code? {
        "invalid_api_key" | "authentication_error" | "permission_error" | "no_db_connection" => ErrorClass::Auth,
        "rate_limit_exceeded" | "rate_limit_error" | "insufficient_quota" => {
            ErrorClass::RateLimit { retry_after: None }
        }
        "model_not_found" => ErrorClass::NotFound,
        "server_error" | "overloaded_error" | "internal_server_error" => ErrorClass::Overloaded,
        "invalid_request_error" | "context_length_exceeded" | "content_filter" => ErrorClass::BadRequest,
        _ => return None,
    })
}

/// The text for people in a body, and its code.
fn words(body: &str) -> (String, Option<String>) {
    match serde_json::from_str::<Json>(body) {
        Ok(json @ (Json::Object(_) | Json::Array(_))) => words_of(&json),
        _ => (plain(body), None),
    }
}

fn words_of(json: &Json) -> (String, Option<String>) {
    // Some gateways wrap the object in a list.
    let json = json.as_array().and_then(|items| items.first()).unwrap_or(json);
    let error = json.get("error").filter(|error| !error.is_null()).unwrap_or(json);
    // A code that only repeats the status says nothing; then the type may.
    let codes = ["code", "type"].iter().filter_map(|name| error.get(*name).and_then(Json::as_str));
    let code = codes.filter(|code| code.parse::<u16>().is_err()).map(str::to_owned).next();
    let found = [error.get("message"), Some(error), json.get("message"), json.get("detail"), json.get("msg")];
    let text = found.into_iter().flatten().find_map(Json::as_str).filter(|text| !text.is_empty());
    (cut(&text.map_or_else(|| json.to_string(), str::to_owned)), code)
}

/// A page's text without its tags: proxies answer in HTML.
fn plain(body: &str) -> String {
    let lower = body.trim_start().get(..64).unwrap_or(body.trim_start()).to_ascii_lowercase();
    if !lower.contains("<html") && !lower.contains("<!doctype") && !lower.starts_with('<') {
        return cut(body.trim());
    }
    let (mut text, mut in_tag) = (String::new(), false);
    for character in body.chars().take(20_000) {
        match character {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            _ if !in_tag => text.push(character),
            _ => {}
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    cut(&format!("a web page instead of an answer: {}", words.join(" ")))
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MAX_TEXT).collect();
    short.push('…');
    short
}

/// What went wrong with an answer we could not read.
pub fn garbage(provider: &str, what: &str, excerpt: &str) -> ModelError {
    let excerpt: String = plain(excerpt).chars().take(300).collect();
    ModelError::new(ErrorClass::Garbage, provider, format!("{what}: {excerpt}"))
}

/// The error for a call that got no answer.
pub fn from_net(provider: &str, error: &NetError) -> ModelError {
    let class = match error {
        NetError::Denied(_) | NetError::Setup(_) => ErrorClass::BadRequest,
        NetError::Timeout { .. } => ErrorClass::Timeout,
        NetError::TooLarge { .. } | NetError::TooManyRedirects { .. } => ErrorClass::Garbage,
        NetError::Dns { .. } | NetError::Connect { .. } | NetError::Broken { .. } => ErrorClass::Connection,
    };
    ModelError::new(class, provider, error.to_string())
}

/// The text with the key taken out, should the vendor have quoted it.
pub fn without_key(mut error: ModelError, key: Option<&str>) -> ModelError {
    if let Some(key) = key.filter(|key| key.len() >= 8 && error.text.contains(key)) {
        error.text = error.text.replace(key, "***");
    }
    error
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(milliseconds) = text("retry-after-ms").and_then(|value| value.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(milliseconds / 1000.0).ok();
    }
    let value = text("retry-after")?;
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    http_date(value)?.duration_since(SystemTime::now()).ok()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<SystemTime> {
    let mut words = text.split_whitespace().skip(1);
    let day: i64 = words.next()?.parse().ok()?;
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = words.next()?;
    let month = i64::try_from(months.iter().position(|month| *month == name)?).ok()? + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(str::parse::<i64>);
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    // Days since 1970 by the civil-calendar formula, the year starting in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_vendors() {
        for (body, expected) in [
            (
                r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#,
                "Incorrect API key provided",
            ),
            (r#"{"error":"model not loaded"}"#, "model not loaded"),
            (r#"{"message":"Unauthorized"}"#, "Unauthorized"),
            (r#"{"detail":"Not authenticated"}"#, "Not authenticated"),
            (r#"[{"error":{"message":"quota"}}]"#, "quota"),
            ("plain words", "plain words"),
            (
                "<html><head><title>502 Bad Gateway</title></head></html>",
                "a web page instead of an answer: 502 Bad Gateway",
            ),
            ("", ""),
        ] {
            assert_eq!(words(body).0, expected, "{body}");
        }
    }

    #[test]
    fn dates_and_seconds() {
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 784_111_777);
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        headers.insert("retry-after-ms", "1500".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_millis(1500)));
    }
}
