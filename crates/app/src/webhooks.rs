//! What is sent to addresses of users (results of runs, alerts of budgets): signed, and tried until it is taken.
//!
//! Each attempt of a delivery carries the same id and a signature: `X-Oxidify-Signature: t=<seconds>,v1=<hex>`, the
//! HMAC-SHA256 of `<seconds>.<body>` with the secret of the receiver. Any 2xx takes it.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use ox_db::now;
use ox_net::{Class, Limits, Request};
use ox_types::TenantId;
use sha2::Sha256;
use uuid::Uuid;

use crate::{Result, Services};

/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(20);
/// Of an answer; nobody reads it.
const ANSWER_BYTES: u64 = 64 * 1024;

/// Something to be sent.
pub(crate) struct Delivery<'a> {
    pub tenant: TenantId,
    /// The same in every attempt: receivers know by it what they have had.
    pub id: Uuid,
    pub url: &'a str,
    /// Encrypted.
    pub secret: &'a str,
    pub body: String,
}

/// How long a kind of delivery is tried.
pub(crate) struct Patience {
    pub attempts: i32,
    pub longest_pause: chrono::Duration,
}

/// What an attempt came to.
pub(crate) struct Outcome {
    /// `delivered`, `pending`, `failed`.
    pub status: &'static str,
    pub code: Option<u16>,
    pub error: Option<String>,
}

impl Patience {
    /// The pause after an attempt: 2 s, 4 s, … up to the longest.
    fn pause(&self, attempts: i32) -> chrono::Duration {
        let exponent = u32::try_from(attempts.clamp(0, 16)).unwrap_or(0);
        chrono::Duration::seconds(2_i64 << exponent).min(self.longest_pause)
    }

    /// When somebody else may try, if this attempt, after so many, comes to no end.
    pub(crate) fn until(&self, attempts: i32) -> chrono::DateTime<chrono::Utc> {
        now() + self.pause(attempts) + chrono::Duration::from_std(ATTEMPT).unwrap_or_default()
    }

    /// What an attempt, after so many others, means for the delivery.
    pub(crate) fn outcome(&self, answer: Result<u16, String>, attempts: i32) -> Outcome {
        let (code, error) = match answer {
            Ok(code) if (200..300).contains(&code) => {
                return Outcome { status: "delivered", code: Some(code), error: None };
            }
            Ok(code) => (Some(code), format!("the address answered {code}")),
            Err(error) => (None, error),
        };
        let status = if attempts + 1 >= self.attempts { "failed" } else { "pending" };
        Outcome { status, code, error: Some(error) }
    }
}

/// One attempt; the status that was answered, or why none was.
pub(crate) async fn send(services: &Services, delivery: Delivery<'_>) -> Result<u16, String> {
    let told = |error: crate::Error| error.message;
    let secret = services.decrypt(delivery.tenant, delivery.secret).await.map_err(told)?;
    let at = now().timestamp();
    let signature = format!("t={at},v1={}", sign(&secret, at, &delivery.body));
    let id = delivery.id.to_string();
    let mut request = Request::post_json(Class::ExternalApi, delivery.url, delivery.body);
    for (name, value) in [("x-oxidify-signature", &signature), ("x-oxidify-delivery", &id), ("idempotency-key", &id)] {
        request = request.header(name, value).map_err(|error| error.to_string())?;
    }
    request.follow_redirects = false;
    request.retries = Some(0);
    request.limits = Limits { total: ATTEMPT, first_byte: ATTEMPT, body: ANSWER_BYTES, ..Limits::default() };
    let egress = services.outbound.of(delivery.tenant).await.map_err(told)?;
    let answer = egress.send(request).await.map_err(|error| error.to_string())?;
    Ok(answer.status.as_u16())
}

/// What the signature of a body is made of.
#[must_use]
pub fn sign(secret: &str, at: i64, body: &str) -> String {
    // A key of any length will do for this construction.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{at}.").as_bytes());
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { attempts: 3, longest_pause: chrono::Duration::hours(2) };

    #[test]
    fn pauses_grow_to_a_bound() {
        assert_eq!([0, 1, 2, 20].map(|attempts| PATIENCE.pause(attempts).num_seconds()), [2, 4, 8, 7_200]);
    }

    #[test]
    fn a_delivery_is_tried_until_it_is_taken_or_often_enough() {
        let cases = [
            (Ok(204), 0, "delivered", Some(204), None),
            (Ok(500), 1, "pending", Some(500), Some("the address answered 500")),
            (Ok(301), 2, "failed", Some(301), Some("the address answered 301")),
            (Err("refused".to_owned()), 0, "pending", None, Some("refused")),
            (Err("refused".to_owned()), 2, "failed", None, Some("refused")),
        ];
        for (answer, attempts, status, code, error) in cases {
            let outcome = PATIENCE.outcome(answer, attempts);
            assert_eq!((outcome.status, outcome.code, outcome.error.as_deref()), (status, code, error));
        }
    }

    #[test]
    fn a_signature_depends_on_secret_time_and_body() {
        let signature = sign("secret", 1, "body");
        assert_eq!(signature.len(), 64);
        assert_eq!(signature, sign("secret", 1, "body"));
        for other in [sign("other", 1, "body"), sign("secret", 2, "body"), sign("secret", 1, "bodY")] {
            assert_ne!(signature, other);
        }
    }
}
