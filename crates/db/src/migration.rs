//! Schema changes, append-only: one file each, registered in [`MIGRATIONS`]. A change must work while the
//! previous version is still serving.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

use crate::{Error, Result};

/// SQL files in order. Types in braces are written for each database, see [`dialect`].
const MIGRATIONS: &[Step] = &[
    Step {
        name: "m20261121_000001_initial",
        sql: include_str!("migration/m20261121_000001_initial.sql"),
        postgres: include_str!("migration/m20261121_000001_partitions.sql"),
    },
    Step {
        name: "m20261121_100012_draft_work",
        sql: include_str!("migration/m20261121_100012_draft_work.sql"),
        postgres: "",
    },
    Step {
        name: "m20261121_100011_endings",
        sql: include_str!("migration/m20261121_100011_endings.sql"),
        postgres: "",
    },
    Step {
        name: "m20261121_100013_human_input_and_triggers",
        sql: include_str!("migration/m20261121_100013_human_input_and_triggers.sql"),
        postgres: "",
    },
    Step { name: "m20261121_100021_mails", sql: include_str!("migration/m20261121_100021_mails.sql"), postgres: "" },
    Step {
        name: "m20261121_100022_network_rules",
        sql: include_str!("migration/m20261121_100022_network_rules.sql"),
        postgres: "",
    },
    Step {
        name: "m20261121_210011_stops_and_types",
        sql: include_str!("migration/m20261121_210011_stops_and_types.sql"),
        postgres: "",
    },
    Step {
        name: "m20261121_210013_api_extensions",
        sql: include_str!("migration/m20261121_210013_api_extensions.sql"),
        postgres: "",
    },
    Step {
        name: "m20261121_210014_annotations",
        sql: include_str!("migration/m20261121_210014_annotations.sql"),
        postgres: "",
    },
    Step { name: "m20261122_010001_doors", sql: include_str!("migration/m20261122_010001_doors.sql"), postgres: "" },
    Step { name: "m20261122_010002_traces", sql: include_str!("migration/m20261122_010002_traces.sql"), postgres: "" },
    Step { name: "m20261122_010004_webapp", sql: include_str!("migration/m20261122_010004_webapp.sql"), postgres: "" },
    Step {
        name: "m20261122_050001_knowledge",
        sql: include_str!("migration/m20261122_050001_knowledge.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_050002_annotation_reply",
        sql: include_str!("migration/m20261122_050002_annotation_reply.sql"),
        postgres: "",
    },
    Step { name: "m20261122_060001_tools", sql: include_str!("migration/m20261122_060001_tools.sql"), postgres: "" },
    Step {
        name: "m20261122_060002_agent_thoughts",
        sql: include_str!("migration/m20261122_060002_agent_thoughts.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_060003_gateway",
        sql: include_str!("migration/m20261122_060003_gateway.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_060004_evaluation",
        sql: include_str!("migration/m20261122_060004_evaluation.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_070001_index_marks",
        sql: include_str!("migration/m20261122_070001_index_marks.sql"),
        postgres: "",
    },
    Step { name: "m20261122_110001_spend", sql: include_str!("migration/m20261122_110001_spend.sql"), postgres: "" },
    Step {
        name: "m20261122_110002_gateway_keys",
        sql: include_str!("migration/m20261122_110002_gateway_keys.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_110003_pipelines",
        sql: include_str!("migration/m20261122_110003_pipelines.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_150001_pipeline_templates",
        sql: include_str!("migration/m20261122_150001_pipeline_templates.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_151001_model_policies",
        sql: include_str!("migration/m20261122_151001_model_policies.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_180101_attachments",
        sql: include_str!("migration/m20261122_180101_attachments.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_180102_summaries",
        sql: include_str!("migration/m20261122_180102_summaries.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_180301_run_files",
        sql: include_str!("migration/m20261122_180301_run_files.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_180401_plugin_triggers",
        sql: include_str!("migration/m20261122_180401_plugin_triggers.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_181901_call_units",
        sql: include_str!("migration/m20261122_181901_call_units.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_214601_model_refusals",
        sql: include_str!("migration/m20261122_214601_model_refusals.sql"),
        postgres: "",
    },
    Step {
        name: "m20261122_215301_trigger_subscriptions",
        sql: include_str!("migration/m20261122_215301_trigger_subscriptions.sql"),
        postgres: "",
    },
    Step {
        name: "m20261123_000101_tool_credentials",
        sql: include_str!("migration/m20261123_000101_tool_credentials.sql"),
        postgres: "",
    },
    Step {
        name: "m20261123_000102_tool_permissions",
        sql: include_str!("migration/m20261123_000102_tool_permissions.sql"),
        postgres: "",
    },
    Step {
        name: "m20261123_111401_index_rebuilds",
        sql: include_str!("migration/m20261123_111401_index_rebuilds.sql"),
        postgres: "",
    },
    Step {
        name: "m20261123_112501_call_credentials",
        sql: include_str!("migration/m20261123_112501_call_credentials.sql"),
        postgres: "",
    },
    Step {
        name: "m20261123_143901_tool_sign_ins",
        sql: include_str!("migration/m20261123_143901_tool_sign_ins.sql"),
        postgres: "",
    },
];

#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    /// For every database.
    sql: &'static str,
    /// Only for PostgreSQL, afterwards.
    postgres: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let backend = manager.get_database_backend();
        connection.execute_unprepared(&dialect(self.sql, backend)).await?;
        if backend == DbBackend::Postgres && !self.postgres.is_empty() {
            connection.execute_unprepared(self.postgres).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        // All pending steps run in the one transaction that also holds the lock.
        Some(false)
    }
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        MIGRATIONS.iter().map(|step| Box::new(*step) as Box<dyn MigrationTrait>).collect()
    }
}

/// Brings the schema up to date inside a transaction that excludes other processes.
pub(crate) async fn run(tx: &sea_orm::DatabaseTransaction) -> Result<()> {
    for applied in Migrator::get_migration_models_of(tx).await? {
        if !MIGRATIONS.iter().any(|step| step.name == applied) {
            return Err(Error::Newer(applied));
        }
    }
    Ok(Migrator::up(tx, None).await?)
}

impl Migrator {
    async fn get_migration_models_of(tx: &sea_orm::DatabaseTransaction) -> Result<Vec<String>> {
        Self::install(tx).await?;
        Ok(Self::get_migration_models(tx).await?.into_iter().map(|row| row.version).collect())
    }
}

/// Writes the column types and partitioning of one database into a migration.
fn dialect(sql: &str, backend: DbBackend) -> String {
    let types: [(&str, &str, &str); 10] = [
        // token, SQLite, PostgreSQL
        ("{uuid}", "BLOB", "uuid"),
        ("{text}", "TEXT", "text"),
        ("{time}", "TEXT", "timestamptz"),
        ("{bool}", "BOOLEAN", "boolean"),
        ("{int}", "INTEGER", "integer"),
        ("{bigint}", "BIGINT", "bigint"),
        ("{bytes}", "BLOB", "bytea"),
        ("{double}", "DOUBLE", "double precision"),
        // Text: the JSON types reorder keys, which users see.
        ("{json}", "TEXT", "text"),
        ("{partition_by}", "", "PARTITION BY RANGE (created_at)"),
    ];
    types.iter().fold(sql.to_owned(), |sql, (token, sqlite, postgres)| {
        sql.replace(token, if backend == DbBackend::Postgres { postgres } else { sqlite })
    })
}
