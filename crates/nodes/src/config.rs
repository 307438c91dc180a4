//! Reading a node's configuration, tolerant of what old and other editors wrote.

use ox_dsl::graph::NodeSpec;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// Reads the configuration of a kind.
///
/// # Errors
/// What is wrong with it.
pub fn read<T: DeserializeOwned>(spec: &NodeSpec) -> Result<T, String> {
    T::deserialize(&spec.data).map_err(|error| error.to_string())
}

/// Null stands for the default.
pub fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A variable under a name of the node's own.
#[derive(Clone, Debug, Deserialize)]
pub struct NamedSelector {
    pub variable: String,
    #[serde(default, deserialize_with = "nullable")]
    pub value_selector: Vec<String>,
}
