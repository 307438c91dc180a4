//! Answers that several console routes share.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ox_app::model::Account;
use ox_types::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

/// The answer of a change that returns nothing else.
#[derive(Serialize, ToSchema)]
pub struct Done {
    /// `success`
    result: &'static str,
}

impl Done {
    /// It worked.
    pub const SUCCESS: Self = Self { result: "success" };
}

/// Unix seconds.
#[must_use]
pub fn seconds(time: DateTime<Utc>) -> i64 {
    time.timestamp()
}

/// A person beside something they made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimpleAccount {
    #[schema(value_type = uuid::Uuid)]
    pub id: AccountId,
    pub name: String,
    pub email: String,
}

impl From<&Account> for SimpleAccount {
    fn from(account: &Account) -> Self {
        Self { id: account.id, name: account.name.clone(), email: account.email.clone() }
    }
}

/// Accounts by id, for lists that show who made what.
pub type People = HashMap<AccountId, Account>;

/// The person with this id, if they are known.
#[must_use]
pub fn person(people: &People, id: Option<AccountId>) -> Option<SimpleAccount> {
    id.and_then(|id| people.get(&id)).map(SimpleAccount::from)
}

/// One page of a list by page number.
#[derive(Serialize, ToSchema)]
pub struct PageOf<T> {
    pub page: u64,
    pub limit: u64,
    pub total: u64,
    pub has_more: bool,
    pub data: Vec<T>,
}
