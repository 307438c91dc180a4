//! Mail: from a text and an address to a message that a mail server has taken.
//!
//! Three ways, chosen by `MAIL_TYPE`: an SMTP server, Resend, SendGrid. What to send, to whom, how often to try again
//! and what to remember of it is the business of `app`; nothing is queued here.
//! Invariants: every byte goes through [`ox_net`] as a call of the operator's; every step has a time limit; text of
//! users never becomes a header or a command (line breaks are taken out, the body is encoded); a password is never
//! sent before TLS is up where TLS was asked for; no setting and no answer of a server panics.

mod error;
mod http;
mod message;
mod preface;
mod sender;
mod settings;
mod smtp;

pub use error::{Error, Result};
pub use message::{Mail, html_of};
pub use sender::{Mailer, Session};
pub use settings::{Settings, Smtp, Tls, Transport};
