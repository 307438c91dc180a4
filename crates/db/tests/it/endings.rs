//! Deleted apps leave nothing, dead processes leave no message open.

use std::collections::BTreeMap;

use chrono::Duration;
use ox_db::{
    Database, Source as _,
    model::Process,
    now,
    repo::{
        deletions::{self, StoredFile},
        leases,
    },
};
use ox_testkit::on_each_database;
use ox_types::{AppId, new_uuid};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use uuid::Uuid;

/// Columns by which a row hangs on an app, itself or through another row.
const LINKS: &[&str] = &["app_id", "message_id", "conversation_id", "workflow_run_id", "run_id", "form_id"];
/// Files hang on the app's users; the app itself goes first, by another call.
const FILES: &[&str] = &["upload_files", "tool_files"];
/// Removed by another task of the upkeep.
const LATER: &[&str] = &["run_files", "run_stops", "workflow_draft_variable_files"];

async fn rows(db: &Database, sql: &str) -> Vec<sea_orm::QueryResult> {
    let statement = Statement::from_string(db.executor().get_database_backend(), sql);
    db.executor().query_all_raw(statement).await.unwrap()
}

/// Every table with the names and types of its columns.
async fn schema(db: &Database) -> BTreeMap<String, Vec<(String, String)>> {
    let sql = if db.is_postgres() {
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL) FROM pg_class c JOIN pg_attribute a ON \
         a.attrelid = c.oid WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT \
         c.relispartition AND a.attnum > 0 AND NOT a.attisdropped"
    } else {
        "SELECT m.name, p.name, p.type FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
    };
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for row in rows(db, sql).await {
        let text = |index| row.try_get_by_index::<String>(index).unwrap();
        tables.entry(text(0)).or_default().push((text(1), text(2)));
    }
    tables
}

/// The ids that tie the rows of one app together.
struct Family {
    app: AppId,
    ids: BTreeMap<&'static str, Uuid>,
}

impl Family {
    fn new() -> Self {
        let names = ["messages", "conversations", "workflow_runs", "human_input_forms", "workflows", "end_users"];
        Self { app: AppId::new(), ids: names.into_iter().map(|name| (name, new_uuid())).collect() }
    }

    fn id(&self, table: &str, column: &str) -> Uuid {
        let parent = match column {
            "id" => table,
            "app_id" => return self.app.0,
            "message_id" => "messages",
            "conversation_id" => "conversations",
            "workflow_run_id" | "run_id" => "workflow_runs",
            "form_id" => "human_input_forms",
            "workflow_id" => "workflows",
            "created_by" | "user_id" => "end_users",
            _ => return new_uuid(),
        };
        self.ids.get(parent).copied().unwrap_or_else(new_uuid)
    }

    /// One row of a table, whatever its columns are.
    fn insert(&self, backend: DbBackend, table: &str, columns: &[(String, String)]) -> String {
        let value = |(name, kind): &(String, String)| {
            let id = self.id(table, name);
            match (backend, kind.to_ascii_lowercase().as_str()) {
                (DbBackend::Postgres, "uuid") => format!("'{id}'"),
                (_, "blob") => format!("X'{}'", id.simple()),
                (_, kind) if kind.starts_with("timestamp") => "now()".to_owned(),
                (_, "boolean") => "false".to_owned(),
                (_, kind) if kind.contains("int") || kind.contains("double") => "1".to_owned(),
                _ if name.ends_with("_at") => format!("'{}'", now().format("%F %T%.6f+00:00")),
                _ => format!("'{}'", new_uuid()),
            }
        };
        let names: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let values: Vec<String> = columns.iter().map(value).collect();
        format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "))
    }
}

async fn run(db: &Database, sql: &str) {
    let tx = db.begin().await.unwrap();
    assert!(tx.executor().execute_unprepared(sql).await.is_ok(), "{sql}");
    tx.commit().await.unwrap();
}

async fn count(db: &Database, table: &str) -> i64 {
    rows(db, &format!("SELECT COUNT(*) FROM {table}")).await.first().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn a_deletion_empties_every_table_of_the_app_and_touches_no_other() {
    on_each_database(|db| async move {
        let backend = db.executor().get_database_backend();
        let tables: Vec<_> = schema(&db)
            .await
            .into_iter()
            .filter(|(table, columns)| {
                let is_ours = FILES.contains(&table.as_str())
                    || table == "workflows"
                    || columns.iter().any(|(name, _)| LINKS.contains(&name.as_str()));
                is_ours && !LATER.contains(&table.as_str())
            })
            .collect();
        assert!(tables.len() > 20, "{tables:?}");
        let (gone, kept) = (Family::new(), Family::new());
        for family in [&gone, &kept] {
            for (table, columns) in &tables {
                run(&db, &family.insert(backend, table, columns)).await;
            }
        }
        let hanging = deletions::hanging(&db).await.unwrap();
        let files = deletions::files(&db, gone.app).await.unwrap();
        let of_tools = files.iter().filter(|file| file.is_of_tool).count();
        assert_eq!((files.len() - of_tools, of_tools), (1, 2), "found by its user and by its conversation: {files:?}");
        let tx = db.begin().await.unwrap();
        deletions::forget_files(&tx, &files).await.unwrap();
        let mut steps = 0;
        while deletions::step(&tx, gone.app, &hanging).await.unwrap() {
            steps += 1;
            assert!(steps < 1000);
        }
        tx.commit().await.unwrap();
        for (table, _) in &tables {
            assert_eq!(count(&db, table).await, 1, "{table}");
        }
        assert_eq!(deletions::files(&db, gone.app).await.unwrap(), Vec::<StoredFile>::new());
    })
    .await;
}

#[tokio::test]
async fn messages_of_a_dead_process_end_with_an_error_and_those_of_a_living_one_go_on() {
    on_each_database(|db| async move {
        let backend = db.executor().get_database_backend();
        let tables = schema(&db).await;
        let process = |seconds: i64| Process {
            id: new_uuid(),
            host: "h".into(),
            pid: 1,
            started_at: now(),
            heartbeat_at: now(),
            expires_at: now() + Duration::seconds(seconds),
        };
        let (dead, living, me) = (process(-5), process(60), process(60));
        let tx = db.begin().await.unwrap();
        for it in [&dead, &living, &me] {
            leases::register(&tx, it.clone()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let literal = |id: Uuid| match backend {
            DbBackend::Postgres => format!("'{id}'"),
            _ => format!("X'{}'", id.simple()),
        };
        for (query, owner) in [("dead", dead.id), ("living", living.id), ("mine", me.id), ("gone", new_uuid())] {
            let family = Family::new();
            run(&db, &family.insert(backend, "messages", &tables["messages"])).await;
            let owner = literal(owner);
            let id = literal(family.ids["messages"]);
            run(
                &db,
                &format!("UPDATE messages SET status = 'normal', query = '{query}', owner = {owner} WHERE id = {id}"),
            )
            .await;
        }
        let authors = leases::dead_authors(&db, me.id, now()).await.unwrap();
        assert_eq!(authors.len(), 2, "the dead one and the one nobody knows");
        for author in authors.into_iter().chain([living.id]) {
            let tx = db.begin().await.unwrap();
            let ended = leases::end_messages_of(&tx, author, "the server stopped").await.unwrap();
            assert_eq!(ended, u64::from(author != living.id));
            tx.commit().await.unwrap();
        }
        let found = rows(&db, "SELECT query, status, error, owner IS NULL FROM messages ORDER BY query").await;
        let found: Vec<(String, String, bool)> = found
            .iter()
            .map(|row| {
                let text = |index| row.try_get_by_index::<String>(index).unwrap();
                (text(0), text(1), row.try_get_by_index::<bool>(3).unwrap())
            })
            .collect();
        let expected =
            [("dead", "error", true), ("gone", "error", true), ("living", "normal", false), ("mine", "normal", false)];
        assert_eq!(found, expected.map(|(query, status, ended)| (query.to_owned(), status.to_owned(), ended)));
        assert!(leases::dead_authors(&db, me.id, now()).await.unwrap().is_empty());
    })
    .await;
}
