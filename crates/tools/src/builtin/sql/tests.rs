use std::path::Path;

use ox_net::{Egress, Policy};
use ox_nodes::CallMessage;
use serde_json::{Map, json};
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};

use super::*;
use crate::{World, call::Arguments};

#[test]
fn statements_that_only_read() {
    for (text, expected) in [
        ("select 1;", Some("select 1")),
        ("  WITH a AS (SELECT 1) SELECT * FROM a ; ; ", None),
        ("VALUES (1)", Some("VALUES (1)")),
        ("table t", Some("table t")),
        ("SELECT ';'", None),
        ("SELECT 1; DROP TABLE a", None),
        ("DELETE FROM a", None),
        ("INSERT INTO a VALUES (1)", None),
        ("ATTACH 'x' AS y", None),
        ("PRAGMA writable_schema = 1", None),
        ("EXPLAIN SELECT 1", None),
        ("-- a\nSELECT 1", None),
        ("", None),
    ] {
        assert_eq!(checked(text).ok().as_deref(), expected, "{text}");
    }
}

#[test]
fn addresses_of_databases() {
    for (address, expected) in [
        ("postgres://reader:p%40ss+word@db.example:6000/sales?sslmode=require", Some(("db.example", 6000))),
        ("postgresql://u@[::1]/x", Some(("::1", 5432))),
        ("postgres://u@db.example", Some(("db.example", 5432))),
        ("postgres://u@db.example/x?host=/var/run", None),
        ("postgres://u@db.example/x?sslrootcert=/etc/passwd", None),
        ("postgres://u@db.example/x?sslmode=perhaps", None),
        ("postgres:///x", None),
        ("mysql://u@db.example/x", None),
        ("db.example", None),
    ] {
        let found = postgres::options(address).ok().map(|(host, port, _)| (host, port));
        assert_eq!(found, expected.map(|(host, port)| (host.to_owned(), port)), "{address}");
    }
}

fn world(databases: &Path) -> World {
    ox_net::install_crypto_provider();
    World {
        egress: Egress::new(Policy::default()),
        code: std::sync::Arc::new(ox_sandbox::Off::default()),
        code_limits: ox_sandbox::CodeLimits::default(),
        caller: ox_net::Caller::default(),
        databases: databases.into(),
        space: None,
    }
}

async fn called(world: &World, tool: &str, url: &str, parameters: Json) -> Result<Json, String> {
    let parameters: Map<String, Json> = parameters.as_object().cloned().unwrap_or_default();
    let call = Call {
        arguments: Arguments::new(parameters, Map::new()),
        credentials: Map::from_iter([("url".to_owned(), url.into())]),
        world: world.clone(),
    };
    let tool = PROVIDER.tool(tool).unwrap();
    let said = crate::builtin::invoke(tool, call).await?;
    match said.last() {
        Some(CallMessage::Json(json)) => Ok(json.clone()),
        other => panic!("{other:?}"),
    }
}

async fn filled(path: &Path) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let made = "CREATE TABLE sales (id INTEGER, city TEXT, price REAL, photo BLOB);
        INSERT INTO sales VALUES (1, 'Rome', 2.5, x'00ff'), (2, 'Bern', NULL, NULL), (3, 'Oslo', 4, NULL);";
    connection.execute(made).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_file_is_read() {
    let home = tempfile::tempdir().unwrap();
    let databases = home.path().join("databases");
    std::fs::create_dir(&databases).unwrap();
    filled(&databases.join("sales.db")).await;
    filled(&home.path().join("secret.db")).await;
    std::os::unix::fs::symlink(home.path().join("secret.db"), databases.join("link.db")).unwrap();
    let world = world(&databases);
    let ask = |statement: &str| {
        let (world, statement) = (world.clone(), statement.to_owned());
        async move { called(&world, "sql_query", "sqlite:sales.db", json!({"query": statement, "max_rows": 2})).await }
    };
    assert_eq!(
        ask("SELECT * FROM sales WHERE id < 3 ORDER BY id").await.unwrap(),
        json!({"rows": [{"id": 1, "city": "Rome", "price": 2.5, "photo": "AP8="},
            {"id": 2, "city": "Bern", "price": null, "photo": null}]})
    );
    let cut = ask("SELECT id FROM sales ORDER BY id -- all of them").await.unwrap();
    assert_eq!((&cut["rows"], cut["note"].is_string()), (&json!([{"id": 1}, {"id": 2}]), true));
    assert_eq!(
        ask("WITH s AS (SELECT sum(price) AS p FROM sales) SELECT p FROM s").await.unwrap()["rows"][0]["p"],
        6.5
    );
    assert_eq!(ask("VALUES (7)").await.unwrap()["rows"][0]["column1"], 7);
    for (statement, why) in [
        ("SELECT * FROM none_such", "The database says: no such table"),
        ("WITH a AS (SELECT 1) DELETE FROM sales", "The database says"),
        ("SELECT 1) UNION SELECT load_extension('x'", "The database says"),
        ("UPDATE sales SET id = 1", "The statement must begin with"),
        ("SELECT 1; SELECT 2", "Only one statement"),
    ] {
        let error = ask(statement).await.unwrap_err();
        assert!(error.starts_with(why), "{statement}: {error}");
    }
    let large = "SELECT hex(zeroblob(400000)) AS a UNION ALL SELECT 'b'";
    assert_eq!(ask(large).await.unwrap()["rows"], json!([]), "a row larger than an answer may be");
    let tables = called(&world, "sql_schema", "sqlite:sales.db", json!({})).await.unwrap();
    assert_eq!(tables["rows"], json!([{"table": "sales", "columns": "id INTEGER, city TEXT, price REAL, photo BLOB"}]));
    for name in ["none.db", "../secret.db", "link.db", "/etc/passwd", "", ".hidden", "sales.db?mode=rwc"] {
        let error = called(&world, "sql_query", &format!("sqlite:{name}"), json!({"query": "SELECT 1"})).await;
        assert!(error.is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_server_is_reached_under_the_rules_of_the_workspace() {
    let home = tempfile::tempdir().unwrap();
    let closed = world(home.path());
    let error = called(&closed, "sql_query", "postgres://u:p@127.0.0.1:1/x", json!({"query": "SELECT 1"}));
    let error = error.await.unwrap_err();
    assert!(error.contains("127.0.0.1"), "{error}");
    // Against a real one, where the tests are given one.
    let Ok(url) = std::env::var("OXIDIFY_TEST_SQL_URL") else {
        println!("without OXIDIFY_TEST_SQL_URL no PostgreSQL is asked");
        return;
    };
    let mut open = world(home.path());
    let allowed = |name: &str| (name == "SSRF_PROXY_ALLOW_PRIVATE_IPS").then(|| "127.0.0.1".to_owned());
    open.egress = Egress::new(Policy::from_env(allowed).0);
    let ask = |statement: &str| {
        let (world, url, query) = (open.clone(), url.clone(), json!({"query": statement, "max_rows": 2}));
        async move { called(&world, "sql_query", &url, query).await }
    };
    let found = ask("SELECT 1 AS one, 'x' AS text, now() IS NOT NULL AS t, NULL::int AS n, 1.5::numeric AS d").await;
    assert_eq!(found.unwrap()["rows"], json!([{"one": 1, "text": "x", "t": true, "n": null, "d": 1.5}]));
    let cut = ask("SELECT * FROM generate_series(1, 1000000) AS n").await.unwrap();
    assert_eq!((&cut["rows"], cut["note"].is_string()), (&json!([{"n": 1}, {"n": 2}]), true));
    for statement in [
        "WITH a AS (SELECT set_config('transaction_read_only', 'off', false)) SELECT * FROM a",
        "SELECT nextval('a')",
        "WITH a AS (INSERT INTO b VALUES (1) RETURNING 1) SELECT * FROM a",
    ] {
        assert!(ask(statement).await.is_err(), "{statement}");
    }
}
