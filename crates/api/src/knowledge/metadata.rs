//! Metadata fields and their values.

use ox_app::knowledge::metadata::Value;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json_;
use utoipa::ToSchema;
use uuid::Uuid;

/// A value of a metadata field.
#[derive(Serialize, ToSchema)]
pub struct MetadataValueBody {
    /// `built-in` for the built-in fields.
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub value: Option<String>,
}

impl From<Value> for MetadataValueBody {
    fn from(value: Value) -> Self {
        let id = value.id.map_or_else(|| "built-in".to_owned(), |id| id.to_string());
        Self { id, name: value.name, kind: value.kind, value: value.value }
    }
}

/// A field with the number of documents that have a value of it.
#[derive(Serialize, ToSchema)]
pub struct FieldCountBody {
    pub id: Uuid,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub count: u64,
}

/// The fields of a knowledge base.
#[derive(Serialize, ToSchema)]
pub struct FieldList {
    pub doc_metadata: Vec<FieldCountBody>,
    pub built_in_field_enabled: bool,
}

/// A built-in field.
#[derive(Serialize, ToSchema)]
pub struct BuiltInField {
    pub name: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// The built-in fields.
#[derive(Serialize, ToSchema)]
pub struct BuiltInFields {
    pub fields: Vec<BuiltInField>,
}

impl BuiltInFields {
    pub fn all() -> Self {
        let all = ox_app::knowledge::metadata::BUILT_IN;
        Self { fields: all.into_iter().map(|(name, kind)| BuiltInField { name, kind }).collect() }
    }
}

/// A value for a document.
#[derive(Deserialize, ToSchema)]
pub struct MetadataItem {
    pub id: Uuid,
    #[expect(dead_code, reason = "callers send it; the id alone counts")]
    name: Option<String>,
    #[serde(default)]
    pub value: Json_,
}

/// Values for a document.
#[derive(Deserialize, ToSchema)]
pub struct MetadataOperation {
    pub document_id: Uuid,
    pub metadata_list: Vec<MetadataItem>,
    /// Keeps the values that are not named.
    #[serde(default)]
    #[schema(required = false)]
    pub partial_update: bool,
}

/// Values for several documents.
#[derive(Deserialize, ToSchema)]
pub struct MetadataOperations {
    pub operation_data: Vec<MetadataOperation>,
}

impl MetadataOperations {
    pub fn into_operations(self) -> Vec<ox_app::knowledge::metadata::Operation> {
        let values = |list: Vec<MetadataItem>| list.into_iter().map(|item| (item.id, item.value)).collect();
        self.operation_data
            .into_iter()
            .map(|one| ox_app::knowledge::metadata::Operation {
                document_id: one.document_id.into(),
                values: values(one.metadata_list),
                partial: one.partial_update,
            })
            .collect()
    }
}
