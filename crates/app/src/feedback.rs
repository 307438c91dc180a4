//! Ratings of answers.

use ox_db::{model::MessageFeedback, now, repo};
use ox_types::{AccountId, EndUserId, MessageId, boxed};

use crate::{AppCaller, Error, Result, Services, messages, runs::RunUser, runs::published::PublishedApp};

/// Whose rating the caller's is: `user` or `admin`.
pub(crate) const fn side(caller: &AppCaller) -> &'static str {
    match caller.user {
        RunUser::EndUser { .. } => "user",
        RunUser::Account { .. } => "admin",
    }
}

/// Sets or takes back the caller's rating of an answer.
///
/// # Errors
/// 404 when the message is not the caller's; 400 when there is nothing to take back.
#[boxed]
pub async fn rate(
    services: &Services,
    caller: &AppCaller,
    id: MessageId,
    rating: Option<String>,
    content: Option<String>,
) -> Result<()> {
    let message = messages::find(services, caller, id).await?;
    let side = side(caller);
    let tx = services.db.begin().await?;
    match rating {
        Some(rating) => {
            let time = now();
            let (end_user, account) = match &caller.user {
                RunUser::EndUser { id, .. } => (Some(EndUserId(*id)), None),
                RunUser::Account { id, .. } => (None, Some(AccountId(*id))),
            };
            let row = MessageFeedback {
                id: ox_types::new_uuid(),
                app_id: message.app_id,
                conversation_id: message.conversation_id,
                message_id: id,
                rating,
                from_source: side.to_owned(),
                content,
                from_end_user_id: end_user,
                from_account_id: account,
                created_at: time,
                updated_at: time,
            };
            repo::messages::put_feedback(&tx, row).await?;
        }
        None => {
            if !repo::messages::delete_feedback(&tx, id, side).await? {
                return Err(Error::invalid_field("rating", "rating cannot be None when feedback not exists"));
            }
        }
    }
    Ok(tx.commit().await?)
}

/// A numbered page of an app's ratings, newest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(services: &Services, app: &PublishedApp, page: u64, limit: u64) -> Result<Vec<MessageFeedback>> {
    Ok(repo::messages::list_feedbacks(&services.db, app.app.id, page, limit).await?)
}
