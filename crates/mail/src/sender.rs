//! Sends mails by whichever way is set up.

use lettre::transport::smtp::client::AsyncSmtpConnection;
use ox_net::Egress;

use crate::{Error, Mail, Result, Settings, Transport, http, smtp};

/// The way out for mails. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    settings: Settings,
    egress: Egress,
}

impl Mailer {
    /// A mailer with these settings.
    #[must_use]
    pub fn new(settings: Settings, egress: Egress) -> Self {
        Self { settings, egress }
    }

    /// What keeps mails from being sent; `None` when they are.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        self.settings.transport.is_none().then_some(self.settings.missing.as_str())
    }

    /// Sends several mails, over one connection where there is one.
    #[must_use]
    pub fn session(&self) -> Session<'_> {
        Session { mailer: self, connection: None }
    }
}

/// Mails that are sent one after another.
pub struct Session<'a> {
    mailer: &'a Mailer,
    connection: Option<AsyncSmtpConnection>,
}

impl Session<'_> {
    /// Sends one mail; when this returns, the mail server has taken it.
    ///
    /// # Errors
    /// Why not, and whether trying again makes sense.
    pub async fn send(&mut self, mail: &Mail) -> Result<()> {
        let Mailer { settings, egress } = self.mailer;
        let from = settings.from.as_str();
        match &settings.transport {
            None => Err(Error::NotConfigured(settings.missing.clone())),
            Some(Transport::Resend { url, key }) => http::resend(egress, url, key, from, mail).await,
            Some(Transport::Sendgrid { url, key }) => http::sendgrid(egress, url, key, from, mail).await,
            Some(Transport::Smtp(server)) => {
                let (envelope, message) = mail.written(from)?;
                let mut connection = match self.connection.take() {
                    Some(connection) => connection,
                    None => smtp::connect(egress, server).await?,
                };
                smtp::send(&mut connection, &envelope, &message).await?;
                // One that has failed is not used again.
                self.connection = Some(connection);
                Ok(())
            }
        }
    }

    /// Says good-bye to the server.
    pub async fn close(mut self) {
        if let Some(mut connection) = self.connection.take() {
            // Nobody minds when it does not hear it.
            let _ = tokio::time::timeout(std::time::Duration::from_secs(2), connection.quit()).await;
        }
    }
}
