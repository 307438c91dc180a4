//! Services that take mails over HTTP: Resend and SendGrid.

use std::time::Duration;

use ox_net::{Class, Egress, Limits, NetError, Request};
use serde_json::{Value, json};

use crate::{Error, Mail, Result, html_of, message::sender_of};

/// The longest that one call may take.
const CALL: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const MAX_ANSWER: u64 = 64 * 1024;

/// `POST /emails` of Resend.
pub(crate) async fn resend(egress: &Egress, url: &str, key: &str, from: &str, mail: &Mail) -> Result<()> {
    let body = json!({
        "from": from, "to": [mail.to], "subject": mail.subject_line(), "text": mail.body, "html": html_of(&mail.body),
    });
    call(egress, &format!("{url}/emails"), key, &mail.id, &body).await
}

/// `POST /v3/mail/send` of SendGrid.
pub(crate) async fn sendgrid(egress: &Egress, url: &str, key: &str, from: &str, mail: &Mail) -> Result<()> {
    let sender = sender_of(from).map_err(Error::NotConfigured)?;
    let mut who = json!({"email": sender.email.to_string()});
    if let (Some(name), Value::Object(fields)) = (sender.name, &mut who) {
        fields.insert("name".to_owned(), name.into());
    }
    let body = json!({
        "personalizations": [{"to": [{"email": mail.to}]}],
        "from": who,
        "subject": mail.subject_line(),
        "content": [{"type": "text/plain", "value": mail.body}, {"type": "text/html", "value": html_of(&mail.body)}],
    });
    call(egress, &format!("{url}/v3/mail/send"), key, &mail.id, &body).await
}

async fn call(egress: &Egress, url: &str, key: &str, id: &str, body: &Value) -> Result<()> {
    let failed = |error: NetError| Error::Unavailable(error.to_string());
    let mut request = Request::post_json(Class::Operator, url, body.to_string())
        .secret_header("authorization", &format!("Bearer {key}"))
        .and_then(|request| request.header("idempotency-key", id))
        .map_err(failed)?;
    request.follow_redirects = false;
    request.retries = Some(0);
    request.limits = Limits { total: CALL, first_byte: CALL, body: MAX_ANSWER, ..Limits::default() };
    let answer = egress.send(request).await.map_err(failed)?;
    let status = answer.status.as_u16();
    if (200..300).contains(&status) {
        return Ok(());
    }
    let said: String = answer.text().await.unwrap_or_default().chars().take(300).collect();
    let why = format!("the service answered {status}: {said}");
    Err(match status {
        401 | 403 => Error::Unavailable(why),
        408 | 409 | 429 | 500.. => Error::Temporary(why),
        _ => Error::Refused(why),
    })
}
