//! `MAIL_*`, `SMTP_*`, `RESEND_*`, `SENDGRID_*`.

use crate::message::sender_of;

/// How the connection to an SMTP server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (`SMTP_USE_TLS=true`).
    Implicit,
    /// `STARTTLS`, and nothing is sent when the server does not offer it (`SMTP_OPPORTUNISTIC_TLS=true` as well).
    Start,
    /// Not at all.
    None,
}

/// An SMTP server. With its password, so not `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub credentials: Option<(String, String)>,
    /// What we say in EHLO (`SMTP_LOCAL_HOSTNAME`).
    pub hello: String,
}

/// The way mails go out. With its key, so not `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Transport {
    Smtp(Smtp),
    Resend { url: String, key: String },
    Sendgrid { url: String, key: String },
}

/// What the operator has set about mail. With its secrets, so not `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings {
    pub transport: Option<Transport>,
    /// `MAIL_DEFAULT_SEND_FROM`: an address, or a name with an address in angle brackets.
    pub from: String,
    /// What keeps mails from being sent; empty when they are.
    pub missing: String,
}

/// What is said where no mail can be sent.
const NO_SERVER: &str = "No mail server is configured: set MAIL_TYPE=smtp and SMTP_SERVER.";
const RESEND: &str = "https://api.resend.com";
const SENDGRID: &str = "https://api.sendgrid.com";

impl Settings {
    /// Reads the variables by name; the second part is what the operator should be told at the start.
    #[must_use]
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let get = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let kind = get("MAIL_TYPE").unwrap_or_default().to_ascii_lowercase();
        let mut findings = Vec::new();
        let transport = match kind.as_str() {
            "" => Err(NO_SERVER.to_owned()),
            "smtp" => smtp(&get, &mut findings).map(Transport::Smtp),
            "resend" => key(&get, "RESEND_API_KEY")
                .map(|key| Transport::Resend { url: base(get("RESEND_API_URL").as_deref(), RESEND), key }),
            "sendgrid" => key(&get, "SENDGRID_API_KEY")
                .map(|key| Transport::Sendgrid { url: base(get("SENDGRID_API_URL").as_deref(), SENDGRID), key }),
            other => Err(format!("MAIL_TYPE={other} is not known: use smtp, resend or sendgrid.")),
        };
        let from = get("MAIL_DEFAULT_SEND_FROM").or_else(|| get("SMTP_USERNAME").filter(|name| name.contains('@')));
        let checked = transport.and_then(|transport| match &from {
            None => Err("No sender is set: set MAIL_DEFAULT_SEND_FROM.".to_owned()),
            Some(from) => match sender_of(from) {
                Ok(_) => Ok(transport),
                Err(why) => Err(format!("MAIL_DEFAULT_SEND_FROM={from} is not an address: {why}.")),
            },
        });
        let from = from.unwrap_or_default();
        match checked {
            Ok(transport) => (Self { transport: Some(transport), from, missing: String::new() }, findings),
            Err(missing) => {
                if !kind.is_empty() {
                    findings.push(format!("mails are not sent: {missing}"));
                }
                (Self { transport: None, from, missing }, findings)
            }
        }
    }
}

fn key(get: &impl Fn(&str) -> Option<String>, name: &str) -> Result<String, String> {
    get(name).ok_or_else(|| format!("{name} is not set."))
}

fn base(given: Option<&str>, default: &str) -> String {
    given.unwrap_or(default).trim_end_matches('/').to_owned()
}

fn flag(get: &impl Fn(&str) -> Option<String>, name: &str, findings: &mut Vec<String>) -> bool {
    let Some(text) = get(name) else { return false };
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => true,
        "false" | "0" | "no" | "off" => false,
        _ => {
            findings.push(format!("{name}={text} is neither true nor false; using false"));
            false
        }
    }
}

fn smtp(get: &impl Fn(&str) -> Option<String>, findings: &mut Vec<String>) -> Result<Smtp, String> {
    let host = get("SMTP_SERVER").ok_or_else(|| "SMTP_SERVER is not set.".to_owned())?;
    let tls = flag(get, "SMTP_USE_TLS", findings);
    let opportunistic = flag(get, "SMTP_OPPORTUNISTIC_TLS", findings);
    let tls = match (tls, opportunistic) {
        (true, false) => Tls::Implicit,
        (true, true) => Tls::Start,
        (false, _) => Tls::None,
    };
    let port = match get("SMTP_PORT") {
        None => 465,
        Some(text) => match text.parse() {
            Ok(port) if port > 0 => port,
            _ => return Err(format!("SMTP_PORT={text} is not a port number.")),
        },
    };
    let credentials = get("SMTP_USERNAME").map(|name| (name, get("SMTP_PASSWORD").unwrap_or_default()));
    if credentials.is_some() && tls == Tls::None {
        findings.push(
            "SMTP_USERNAME is set without SMTP_USE_TLS: the password of the mail server travels readable by everybody \
             on the way"
                .to_owned(),
        );
    }
    let hello = get("SMTP_LOCAL_HOSTNAME").filter(|name| is_word(name)).unwrap_or_else(|| "localhost".to_owned());
    Ok(Smtp { host, port, tls, credentials, hello })
}

/// Fit for a command line of SMTP.
fn is_word(text: &str) -> bool {
    text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Settings, Vec<String>) {
        Settings::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    const FROM: (&str, &str) = ("MAIL_DEFAULT_SEND_FROM", "Oxidify <no-reply@example.com>");

    #[test]
    fn nothing_is_said_where_nothing_is_set() {
        let (settings, findings) = read(&[]);
        assert!(settings.transport.is_none() && findings.is_empty());
        assert_eq!(settings.missing, NO_SERVER);
    }

    #[test]
    fn tls_follows_the_two_switches() {
        for (tls, opportunistic, expected) in [
            ("true", "false", Tls::Implicit),
            ("true", "true", Tls::Start),
            ("false", "true", Tls::None),
            ("false", "false", Tls::None),
        ] {
            let pairs = [
                ("MAIL_TYPE", "smtp"),
                ("SMTP_SERVER", "mail.example.com"),
                ("SMTP_USE_TLS", tls),
                ("SMTP_OPPORTUNISTIC_TLS", opportunistic),
                FROM,
            ];
            let (settings, findings) = read(&pairs);
            assert!(findings.is_empty(), "{findings:?}");
            let Some(Transport::Smtp(smtp)) = settings.transport else { panic!("no smtp") };
            assert_eq!((smtp.tls, smtp.port, smtp.hello.as_str()), (expected, 465, "localhost"));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (pairs, named) in [
            (vec![("MAIL_TYPE", "smtp"), FROM], "SMTP_SERVER"),
            (vec![("MAIL_TYPE", "smtp"), ("SMTP_SERVER", "m")], "MAIL_DEFAULT_SEND_FROM"),
            (vec![("MAIL_TYPE", "smtp"), ("SMTP_SERVER", "m"), ("SMTP_PORT", "0"), FROM], "SMTP_PORT=0"),
            (vec![("MAIL_TYPE", "smtp"), ("SMTP_SERVER", "m"), ("MAIL_DEFAULT_SEND_FROM", "nobody")], "nobody"),
            (vec![("MAIL_TYPE", "resend"), FROM], "RESEND_API_KEY"),
            (vec![("MAIL_TYPE", "sendgrid"), FROM], "SENDGRID_API_KEY"),
            (vec![("MAIL_TYPE", "pigeon"), FROM], "MAIL_TYPE=pigeon"),
        ] {
            let (settings, findings) = read(&pairs);
            assert!(settings.transport.is_none(), "{pairs:?}");
            assert!(settings.missing.contains(named), "{} lacks {named}", settings.missing);
            assert_eq!(findings.len(), 1, "{findings:?}");
        }
    }

    #[test]
    fn a_readable_password_is_reported() {
        let pairs = [("MAIL_TYPE", "smtp"), ("SMTP_SERVER", "m"), ("SMTP_USERNAME", "a@b.c"), ("SMTP_PASSWORD", "x")];
        let (settings, findings) = read(&pairs);
        assert_eq!(settings.from, "a@b.c", "the user's own address will do as the sender");
        assert!(settings.transport.is_some() && findings[0].contains("SMTP_USE_TLS"));
    }

    #[test]
    fn addresses_of_services_have_defaults() {
        let (settings, _) = read(&[("MAIL_TYPE", "Resend"), ("RESEND_API_KEY", "k"), FROM]);
        assert!(settings.transport == Some(Transport::Resend { url: RESEND.into(), key: "k".into() }));
    }
}
