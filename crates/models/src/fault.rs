//! A vendor's failures in our classes, with the vendor's words.

use std::time::{Duration, SystemTime};

use ox_net::{HeaderMap, NetError};
use ox_types::Json;

use crate::{ErrorClass, ModelError};

/// Longest text of an error.
const MAX_TEXT: usize = 2000;

/// The error for an answer that is not a success.
pub fn from_status(provider: &str, status: u16, headers: &HeaderMap, body: &str) -> ModelError {
    let told = words(body);
    // Amazon names the error in a header: `ThrottlingException:http://…`.
    let named = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let named = named.map(|name| name.split(':').next().unwrap_or_default().to_owned());
    let code = told.code.or(named);
    let wait = retry_after(headers).or(told.wait);
    let class = match status {
        401 | 403 => ErrorClass::Auth,
        404 => ErrorClass::NotFound,
        408 => ErrorClass::Timeout,
        402 | 429 => ErrorClass::RateLimit { retry_after: wait },
        424 | 500..=599 => ErrorClass::Overloaded,
        300..=399 => ErrorClass::Garbage,
        _ => match from_code(code.as_deref()) {
            Some(ErrorClass::RateLimit { .. }) => ErrorClass::RateLimit { retry_after: wait },
            Some(class) => class,
            None => ErrorClass::BadRequest,
        },
    };
    let text = match (told.text.is_empty(), code.as_deref()) {
        (true, _) => format!("the provider answered {status} without a text"),
        // LiteLLM without a database cannot look a foreign key up.
        (_, Some("no_db_connection")) => {
            format!("{} (a LiteLLM gateway says this to a key it does not know)", told.text)
        }
        _ => told.text,
    };
    ModelError { class, provider: provider.to_owned(), status: Some(status), text }
}

/// The error a stream or a 200 answer carries in its body, if it does.
pub fn from_body(provider: &str, body: &Json) -> Option<ModelError> {
    // Google wraps the object in a list where a stream was asked for.
    let body = body.as_array().and_then(|items| items.first()).unwrap_or(body);
    let Some(error) = body.get("error").filter(|error| !error.is_null()) else { return from_base_resp(provider, body) };
    let told = words_of(body);
    let number = ["code", "status", "status_code"].iter().find_map(|name| {
        let value = error.get(*name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    });
    let status = number.and_then(|number| u16::try_from(number).ok()).filter(|status| (400..600).contains(status));
    let named = from_code(told.code.as_deref());
    let class = match status {
        Some(status) if status != 400 => from_status(provider, status, &HeaderMap::new(), "").class,
        Some(_) => named.unwrap_or(ErrorClass::BadRequest),
        None => named.unwrap_or(ErrorClass::Overloaded),
    };
    Some(ModelError { class, provider: provider.to_owned(), status, text: told.text })
}

/// MiniMax tells failures in answers that look like successes.
fn from_base_resp(provider: &str, body: &Json) -> Option<ModelError> {
    let code = body.pointer("/base_resp/status_code").and_then(Json::as_i64).filter(|code| *code != 0)?;
    let class = match code {
        1004 | 2049 => ErrorClass::Auth,
        1002 | 1008 | 1039 => ErrorClass::RateLimit { retry_after: None },
        1001 => ErrorClass::Timeout,
        1000 | 1013 | 1024 => ErrorClass::Overloaded,
        _ => ErrorClass::BadRequest,
    };
    let text = body.pointer("/base_resp/status_msg").and_then(Json::as_str).unwrap_or_default();
    Some(ModelError::new(class, provider, cut(&format!("{text} ({code})"))))
}

/// The error of a name that a vendor gives it; `Overloaded` where the name says nothing.
pub fn from_name(provider: &str, name: &str, text: &str) -> ModelError {
    let class = from_code(Some(name)).unwrap_or(ErrorClass::Overloaded);
    let text = if text.is_empty() { name } else { text };
    ModelError::new(class, provider, cut(text))
}

fn from_code(code: Option<&str>) -> Option<ErrorClass> {
    Some(match code? {
        "invalid_api_key"
        | "authentication_error"
        | "permission_error"
        | "no_db_connection"
        | "UNAUTHENTICATED"
        | "PERMISSION_DENIED"
        | "API_KEY_INVALID"
        | "AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException" => ErrorClass::Auth,
        "rate_limit_exceeded"
        | "rate_limit_error"
        | "insufficient_quota"
        | "billing_error"
        | "RESOURCE_EXHAUSTED"
        | "ThrottlingException"
        | "throttlingException"
        | "TooManyRequestsException"
        | "ServiceQuotaExceededException"
        | "serviceQuotaExceededException" => ErrorClass::RateLimit { retry_after: None },
        "model_not_found" | "not_found_error" | "NOT_FOUND" | "ResourceNotFoundException" => ErrorClass::NotFound,
        "server_error"
        | "overloaded_error"
        | "api_error"
        | "internal_server_error"
        | "UNAVAILABLE"
        | "INTERNAL"
        | "internalServerException"
        | "modelStreamErrorException"
        | "serviceUnavailableException"
        | "ModelErrorException"
        | "ModelNotReadyException" => ErrorClass::Overloaded,
        "timeout_error" | "DEADLINE_EXCEEDED" | "modelTimeoutException" | "ModelTimeoutException" => {
            ErrorClass::Timeout
        }
        "invalid_request_error"
        | "request_too_large"
        | "context_length_exceeded"
        | "content_filter"
        | "invalid_prompt"
        | "bio_policy"
        | "invalid_image"
        | "invalid_image_format"
        | "invalid_base64_image"
        | "invalid_image_url"
        | "image_too_large"
        | "image_too_small"
        | "image_parse_error"
        | "image_content_policy_violation"
        | "image_file_too_large"
        | "unsupported_image_media_type"
        | "empty_image_file"
        | "failed_to_download_image"
        | "INVALID_ARGUMENT"
        | "FAILED_PRECONDITION"
        | "OUT_OF_RANGE"
        | "ValidationException"
        | "validationException" => ErrorClass::BadRequest,
        _ => return None,
    })
}

/// What a body says: the text for people, a code, how long to wait.
#[derive(Default)]
struct Words {
    text: String,
    code: Option<String>,
    wait: Option<Duration>,
}

fn words(body: &str) -> Words {
    match serde_json::from_str::<Json>(body) {
        Ok(json @ (Json::Object(_) | Json::Array(_))) => words_of(&json),
        _ => Words { text: plain(body), ..Words::default() },
    }
}

fn words_of(json: &Json) -> Words {
    // Some gateways wrap the object in a list.
    let json = json.as_array().and_then(|items| items.first()).unwrap_or(json);
    let error = json.get("error").filter(|error| !error.is_null()).unwrap_or(json);
    let details = || error.get("details").and_then(Json::as_array).into_iter().flatten();
    // Google's key errors are only told apart in the details.
    let reason =
        details().filter_map(|detail| detail.get("reason")?.as_str()).find(|reason| *reason == "API_KEY_INVALID");
    // A code that only repeats the status says nothing; then the type may.
    let mut codes =
        ["code", "type", "status", "__type"].iter().filter_map(|name| error.get(*name).and_then(Json::as_str));
    let code = reason.or_else(|| codes.find(|code| code.parse::<u16>().is_err())).map(str::to_owned);
    let found = [
        error.get("message"),
        error.get("Message"),
        Some(error),
        json.get("message"),
        json.get("detail"),
        json.get("msg"),
    ];
    let text = found.into_iter().flatten().find_map(Json::as_str).filter(|text| !text.is_empty());
    let wait = details().find_map(|detail| detail.get("retryDelay")?.as_str()?.strip_suffix('s')?.parse::<f64>().ok());
    Words {
        text: cut(&text.map_or_else(|| json.to_string(), str::to_owned)),
        code,
        wait: wait.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    }
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

/// The text with the keys taken out, should the vendor have quoted them.
pub fn without_keys(mut error: ModelError, keys: &[String]) -> ModelError {
    for key in keys.iter().filter(|key| key.len() >= 8) {
        if error.text.contains(key) {
            error.text = error.text.replace(key, "***");
        }
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
            (r#"{"Message":"The security token is invalid"}"#, "The security token is invalid"),
            ("plain words", "plain words"),
            (
                "<html><head><title>502 Bad Gateway</title></head></html>",
                "a web page instead of an answer: 502 Bad Gateway",
            ),
            ("", ""),
        ] {
            assert_eq!(words(body).text, expected, "{body}");
        }
    }

    #[test]
    fn classes_of_many_vendors() {
        let google = r#"[{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17.5s"}]}}]"#;
        let key = r#"{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#;
        let after = Some(Duration::from_millis(17_500));
        for (status, body, class) in [
            (429, google, ErrorClass::RateLimit { retry_after: after }),
            (400, key, ErrorClass::Auth),
            (400, r#"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}"#, ErrorClass::BadRequest),
            (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#, ErrorClass::Overloaded),
            (413, r#"{"type":"error","error":{"type":"request_too_large","message":"m"}}"#, ErrorClass::BadRequest),
            (400, r#"{"__type":"ThrottlingException","message":"m"}"#, ErrorClass::RateLimit { retry_after: None }),
            (424, r#"{"message":"m"}"#, ErrorClass::Overloaded),
            (400, "?", ErrorClass::BadRequest),
        ] {
            let error = from_status("p", status, &HeaderMap::new(), body);
            assert_eq!(error.class, class, "{status} {body}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", "UnrecognizedClientException:http://x/".parse().unwrap());
        assert_eq!(from_status("p", 400, &headers, "{}").class, ErrorClass::Auth);
        let late: Json =
            serde_json::from_str(r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#).unwrap();
        assert_eq!(from_body("p", &late).unwrap().class, ErrorClass::Overloaded);
        let minimax: Json =
            serde_json::from_str(r#"{"base_resp":{"status_code":1004,"status_msg":"login fail"}}"#).unwrap();
        assert_eq!(from_body("p", &minimax).unwrap().class, ErrorClass::Auth);
        let wrapped: Json = serde_json::from_str(key).unwrap();
        assert_eq!(from_body("p", &Json::Array(vec![wrapped])).unwrap().class, ErrorClass::Auth);
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
