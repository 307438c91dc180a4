//! Keys of the Service API: from the header to the app, with the checks in their order.

use ox_types::boxed;
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use ox_db::{now, repo};
use uuid::Uuid;

use crate::{
    Error, Result, Services,
    runs::{Key, PublishedApp},
};

/// How exactly the last use of a key is known.
const NOTED_FOR: Duration = Duration::from_secs(60);
/// How long the count of a minute is kept.
const MINUTE: Duration = Duration::from_secs(61);
/// Keys remembered as noted.
const MAX_NOTED: usize = 50_000;

/// A group of operations that a key may be kept to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Asking and running the app, stopping, forms.
    Run,
    /// Recorded runs and end users.
    Logs,
    /// Conversations and their messages.
    Conversations,
    /// Ratings.
    Feedback,
    /// Uploads and previews.
    Files,
    Annotations,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Run, Self::Logs, Self::Conversations, Self::Feedback, Self::Files, Self::Annotations];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Logs => "logs",
            Self::Conversations => "conversations",
            Self::Feedback => "feedback",
            Self::Files => "files",
            Self::Annotations => "annotations",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(Option<u8>);

impl Scopes {
    /// Reads the stored names; without any, everything is allowed. An unknown name allows nothing.
    #[must_use]
    pub fn stored(text: Option<&str>) -> Self {
        Self(
            text.map(|text| text.split(',').filter_map(Scope::parse).fold(0, |bits, scope| bits | 1_u8 << scope as u8)),
        )
    }

    /// Whether these operations are among them.
    #[must_use]
    pub const fn allow(self, scope: Scope) -> bool {
        match self.0 {
            None => true,
            Some(bits) => bits & (1 << scope as u8) != 0,
        }
    }
}

/// An app, opened with one of its keys.
#[derive(Clone, Debug)]
pub struct Opened {
    pub app: Arc<PublishedApp>,
    pub key: Key,
}

/// The app whose key the `Authorization` header carries, for these operations (`None`: those of every key).
///
/// # Errors
/// 401 for a header or key that is none, 403 for an app that cannot be called or a key that is not for this, 429 when
/// the key was used too often.
#[boxed]
pub async fn open(services: &Arc<Services>, header: Option<&str>, scope: Option<Scope>) -> Result<Opened> {
    let key = services.runs.published.key(token_of(header)?).await?;
    let key = key.ok_or_else(|| Error::unauthorized("Access token is invalid"))?;
    let app = services.runs.published.app(key.app_id).await?;
    let app = app.ok_or_else(|| Error::forbidden("The app no longer exists."))?;
    check(&app)?;
    if let Some(scope) = scope.filter(|scope| !key.scopes.allow(*scope)) {
        let text = format!("This API key is not for this operation: it does not have the scope '{}'.", scope.as_str());
        return Err(Error::new(403, "insufficient_scope", text));
    }
    count_minute(services, key.id, key.requests_per_minute).await?;
    note(services, key.id);
    Ok(Opened { app, key })
}

/// The key in an `Authorization` header.
pub(crate) fn token_of(header: Option<&str>) -> Result<&str> {
    let missing = || Error::unauthorized("Authorization header must be provided and start with 'Bearer'");
    let (scheme, token) = header.and_then(|header| header.trim().split_once(' ')).ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(Error::unauthorized("Authorization scheme must be 'Bearer'"))
    }
}

/// Counts a request, unless it is refused here, of a key that may have so many a minute (of the clock); 0 is no limit.
pub(crate) async fn count_minute(services: &Services, key: Uuid, limit: u32) -> Result<()> {
    let counted = within_minute(services, &format!("key-requests:{key}"), limit, now()).await;
    counted.map_err(|wait| {
        let text = format!("Too many requests. This API key may have {limit} requests a minute.");
        Error::too_many(text, wait)
    })
}

/// Counts a request of whoever may have so many in a minute of the clock; 0 is no limit. One that is too many is refused
/// with the seconds until the next minute.
///
/// # Errors
/// These seconds.
#[boxed]
pub async fn within_minute(services: &Services, whose: &str, limit: u32, at: DateTime<Utc>) -> Result<(), u64> {
    if limit == 0 {
        return Ok(());
    }
    let seconds = at.timestamp();
    let name = format!("{whose}:{}", seconds.div_euclid(60));
    // What is refused is no request: a limit that is raised holds at once.
    match services.kv.increment_up_to(&name, 1, i64::from(limit), MINUTE).await {
        Ok(Some(_)) => return Ok(()),
        Ok(None) => {}
        Err(error) => {
            // A cache that is away must not close every app.
            tracing::warn!(%error, "requests cannot be counted");
            return Ok(());
        }
    }
    Err(u64::try_from(60 - seconds.rem_euclid(60)).unwrap_or(60))
}

fn check(app: &PublishedApp) -> Result<()> {
    if app.app.status != "normal" {
        return Err(Error::forbidden("The app's status is abnormal."));
    }
    if !app.app.enable_api {
        return Err(Error::forbidden("The app's API service has been disabled."));
    }
    if app.tenant_status == "archive" {
        return Err(Error::forbidden("The workspace's status is archived."));
    }
    Ok(())
}

/// Writes down that a key was used, at most once a minute and in the background.
pub(crate) fn note(services: &Arc<Services>, key: Uuid) {
    {
        let mut noted = services.runs.noted_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&key).is_some_and(|at| at.elapsed() < NOTED_FOR) {
            return;
        }
        if noted.len() >= MAX_NOTED {
            noted.retain(|_, at| at.elapsed() < NOTED_FOR);
        }
        noted.insert(key, Instant::now());
    }
    let services = Arc::clone(services);
    services.tracker.clone().spawn(async move {
        let written = async {
            let tx = services.db.begin().await?;
            repo::api_tokens::used(&tx, key, now()).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "the use of a key was not noted");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_names_and_none_is_all() {
        let all: Vec<String> = Scope::ALL.map(|scope| scope.as_str().to_owned()).to_vec();
        for (stored, allowed) in [
            (None, all.clone()),
            (Some(""), vec![]),
            (Some("unknown"), vec![]),
            (Some("run"), vec!["run".to_owned()]),
            (Some("files,run,feedback"), vec!["run".to_owned(), "feedback".to_owned(), "files".to_owned()]),
            (Some(all.join(",").as_str()), all.clone()),
        ] {
            let scopes = Scopes::stored(stored);
            let found: Vec<String> = Scope::ALL
                .iter()
                .filter(|scope| scopes.allow(**scope))
                .map(|scope| scope.as_str().to_owned())
                .collect();
            assert_eq!(found, allowed, "{stored:?}");
        }
        assert_eq!(Scope::ALL.map(|scope| Scope::parse(scope.as_str())), Scope::ALL.map(Some));
    }
}
