//! What Resend and SendGrid are sent, and what their answers mean.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::time::Duration;

use ox_mail::{Error, Mail, Mailer, Settings};
use ox_net::{Class, Egress, Policy};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_partial_json, header, method, path},
};

fn mailer(kind: &str, url: &str) -> Mailer {
    let value = |name: &str| {
        Some(match name {
            "MAIL_TYPE" => kind,
            "MAIL_DEFAULT_SEND_FROM" => "Ox <ox@example.com>",
            "RESEND_API_KEY" | "SENDGRID_API_KEY" => "secret",
            "RESEND_API_URL" | "SENDGRID_API_URL" => url,
            _ => return None,
        })
    };
    let (settings, findings) = Settings::read(|name| value(name).map(str::to_owned));
    assert!(findings.is_empty(), "{findings:?}");
    Mailer::new(settings, Egress::new(Policy::default()))
}

fn mail() -> Mail {
    let subject = "Hello\r\nBcc: x".to_owned();
    Mail { id: "7".into(), to: "ada@example.com".into(), subject, body: "see https://a.example".into() }
}

#[tokio::test]
async fn what_they_are_sent() {
    let html = ox_mail::html_of("see https://a.example");
    for (kind, at, body) in [
        (
            "resend",
            "/emails",
            serde_json::json!({"from": "Ox <ox@example.com>", "to": ["ada@example.com"], "subject": "Hello Bcc: x",
                "text": "see https://a.example", "html": html}),
        ),
        (
            "sendgrid",
            "/v3/mail/send",
            serde_json::json!({"personalizations": [{"to": [{"email": "ada@example.com"}]}],
                "from": {"email": "ox@example.com", "name": "Ox"}, "subject": "Hello Bcc: x",
                "content": [{"type": "text/plain", "value": "see https://a.example"}, {"type": "text/html", "value": html}]}),
        ),
    ] {
        let server = MockServer::start().await;
        let taken = Mock::given(method("POST"))
            .and(path(at))
            .and(header("authorization", "Bearer secret"))
            .and(header("idempotency-key", "7"))
            .and(body_partial_json(body))
            .respond_with(ResponseTemplate::new(202))
            .expect(1);
        taken.mount(&server).await;
        let mailer = mailer(kind, &server.uri());
        mailer.session().send(&mail()).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[tokio::test]
async fn what_their_answers_mean() {
    for (status, expected) in [
        (401, "unavailable"),
        (403, "unavailable"),
        (422, "refused"),
        (429, "temporary"),
        (500, "temporary"),
        (503, "temporary"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(status).set_body_string("because"))
            .mount(&server)
            .await;
        let error = mailer("resend", &server.uri()).session().send(&mail()).await.unwrap_err();
        let found = match &error {
            Error::Unavailable(_) => "unavailable",
            Error::Refused(_) => "refused",
            Error::Temporary(_) => "temporary",
            Error::NotConfigured(_) => "not configured",
        };
        assert_eq!(found, expected, "{status}: {error}");
        assert!(error.to_string().contains("because") && error.to_string().contains(&status.to_string()), "{error}");
    }
    let error = mailer("resend", "http://127.0.0.1:9").session().send(&mail()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
}

/// A server that says these lines, one after each line that it is told; what it was told.
async fn scripted(answers: &'static [&'static str]) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut told = Vec::new();
        for answer in answers {
            write.write_all(answer.as_bytes()).await.unwrap();
            match lines.next_line().await {
                Ok(Some(line)) => told.push(line),
                _ => break,
            }
        }
        told
    });
    (port, task)
}

async fn tried(port: u16, tls: &[(&str, &str)]) -> Error {
    let port = port.to_string();
    let base = [
        ("MAIL_TYPE", "smtp"),
        ("SMTP_SERVER", "127.0.0.1"),
        ("SMTP_PORT", port.as_str()),
        ("MAIL_DEFAULT_SEND_FROM", "ox@example.com"),
    ];
    let all: Vec<(&str, &str)> = base.into_iter().chain(tls.iter().copied()).collect();
    let (settings, _) = Settings::read(|name| all.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).to_owned()));
    let mailer = Mailer::new(settings, Egress::new(Policy::default()));
    mailer.session().send(&mail()).await.unwrap_err()
}

#[tokio::test]
async fn servers_that_behave_badly() {
    let start_tls =
        [("SMTP_USE_TLS", "true"), ("SMTP_OPPORTUNISTIC_TLS", "true"), ("SMTP_USERNAME", "u"), ("SMTP_PASSWORD", "p")];
    for (answers, tls, words) in [
        (&["554 go away\r\n"][..], &[][..], "554"),
        (&["220 hi\r\n", "250 nothing to offer\r\n"], &start_tls, "STARTTLS"),
        // Somebody in the middle appends an answer to the one before TLS.
        (&["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n250 injected\r\n"], &start_tls, "out of turn"),
        (&["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "454 not now\r\n"], &start_tls, "454"),
    ] {
        let (port, task) = scripted(answers).await;
        let error = tried(port, tls).await;
        assert!(matches!(error, Error::Unavailable(_)) && error.to_string().contains(words), "{words}: {error}");
        let told = task.await.unwrap();
        assert!(!told.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")), "{told:?}");
    }
}

#[tokio::test]
async fn the_connection_is_the_operators() {
    // Not filtered, as everything else that only the operator sets; and it ends in time.
    let egress = Egress::new(Policy::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    assert!(egress.connect(Class::Operator, "127.0.0.1", port, Duration::from_secs(5)).await.is_ok());
    let refused = egress.connect(Class::ExternalApi, "127.0.0.1", port, Duration::from_secs(5)).await;
    assert!(refused.unwrap_err().denied().is_some(), "a tenant's would be");
}
