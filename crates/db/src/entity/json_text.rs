use std::{fmt, str::FromStr};

use ox_types::Json;
use sea_orm::entity::prelude::*;

/// A JSON document kept as text: the JSON types of databases reorder object keys, which users see.
#[derive(Clone, Debug, PartialEq, DeriveValueType)]
#[sea_orm(value_type = "String")]
pub struct JsonText(pub Json);

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JsonText {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map(Self)
    }
}
