//! The outbox: mails that are to be sent.

use chrono::{DateTime, Utc};
use ox_types::boxed;
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Query},
};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::{
        human_input_forms::{self as forms, Column as Form},
        human_input_recipients::{self as recipients, Column as Recipient},
        mails::{Column, Entity},
    },
    model::OutgoingMail,
};

/// Puts a mail into the outbox.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, mail: OutgoingMail) -> Result<()> {
    row::insert::<Entity>(tx, mail).await
}

/// Mails that are due, the longest waiting first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn due(source: &dyn Source, at: DateTime<Utc>, limit: u64) -> Result<Vec<OutgoingMail>> {
    let query = Entity::find()
        .filter(Column::Status.eq("pending"))
        .filter(Column::NextAttemptAt.lte(at))
        .order_by_asc(Column::NextAttemptAt)
        .limit(limit);
    Ok(query.all(&source.executor()).await?.into_iter().map(OutgoingMail::from).collect())
}

/// Takes a mail to send it: another process leaves it alone until `until`. False when it was taken already.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn take(tx: &Tx, mail: &OutgoingMail, until: DateTime<Utc>) -> Result<bool> {
    let changed = Entity::update_many()
        .col_expr(Column::NextAttemptAt, Expr::value(until))
        .col_expr(Column::Attempts, Expr::value(mail.attempts + 1))
        .filter(Column::Id.eq(mail.id))
        .filter(Column::Status.eq("pending"))
        .filter(Column::Attempts.eq(mail.attempts))
        // Given back without an attempt: the number is the same again, the time is not.
        .filter(Column::NextAttemptAt.lte(crate::now()))
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Whether the form that a mail asks to be answered still waits; true for a mail about anything else.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn is_wanted(source: &dyn Source, mail: &OutgoingMail) -> Result<bool> {
    let Some(recipient) = mail.recipient_id else { return Ok(true) };
    let form = Query::select()
        .column(Recipient::FormId)
        .from(recipients::Entity)
        .and_where(Recipient::Id.eq(recipient))
        .to_owned();
    let query = forms::Entity::find().filter(Form::Id.in_subquery(form)).filter(Form::Status.eq("waiting"));
    Ok(query.one(&source.executor()).await?.is_some())
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    pub status: &'a str,
    pub error: Option<&'a str>,
    pub attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
}

/// Notes what came of an attempt, on the form's record as well. What is over keeps no text.
///
/// # Errors
/// When the database fails.
pub async fn note(tx: &Tx, mail: &OutgoingMail, outcome: &Outcome<'_>, at: DateTime<Utc>) -> Result<()> {
    let over = outcome.status != "pending";
    let mut change = Entity::update_many()
        .col_expr(Column::Status, Expr::value(outcome.status))
        .col_expr(Column::Error, Expr::value(outcome.error))
        .col_expr(Column::Attempts, Expr::value(outcome.attempts))
        .col_expr(Column::NextAttemptAt, Expr::value(outcome.next_attempt_at))
        .filter(Column::Id.eq(mail.id));
    if over {
        change = change.col_expr(Column::Body, Expr::value("")).col_expr(Column::FinishedAt, Expr::value(Some(at)));
    }
    change.exec(tx.connection()).await?;
    let Some(recipient) = mail.recipient_id else { return Ok(()) };
    recipients::Entity::update_many()
        .col_expr(Recipient::Status, Expr::value(outcome.status))
        .col_expr(Recipient::Error, Expr::value(outcome.error))
        .col_expr(Recipient::Attempts, Expr::value(outcome.attempts))
        .filter(Recipient::Id.eq(recipient))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Forgets mails that were over before this time.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn purge(tx: &Tx, before: DateTime<Utc>) -> Result<u64> {
    let removed = Entity::delete_many().filter(Column::FinishedAt.lt(before)).exec(tx.connection()).await?;
    Ok(removed.rows_affected)
}

/// One mail, for tests and reports.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, id: Uuid) -> Result<Option<OutgoingMail>> {
    Ok(Entity::find_by_id(id).one(&source.executor()).await?.map(OutgoingMail::from))
}
