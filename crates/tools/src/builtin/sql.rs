//! `sql`: questions to a database that a workspace has set up, reading only.
//!
//! One statement that begins with SELECT, WITH, VALUES or TABLE, in a transaction (`PostgreSQL`) or file (`SQLite`)
//! opened for reading, with limits on rows, bytes and time. What a role of the database may do beyond reading tables is
//! up to that role. `PostgreSQL` is reached by a connection of `ox_net` under the rules of the workspace; files of
//! `SQLite` lie in one directory of the server and nowhere else.

mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ox_types::Json;
use serde_json::json;

use super::show;
use crate::{
    Call, Field, Parameter, Provider, Tool,
    spec::{Run, Said},
};

/// Longest that a statement may take.
const LONGEST: Duration = Duration::from_secs(20);
/// Most rows of an answer.
const MOST_ROWS: u32 = 1000;
/// Bytes of an answer.
const MOST_BYTES: usize = 512 * 1024;

pub const PROVIDER: Provider = Provider {
    name: "sql",
    label: ("SQL", "SQL"),
    description: ("Reads a database with SQL.", "使用 SQL 读取数据库。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0f766e"/>"##,
        r##"<path d="M6 8c0-3 12-3 12 0v8c0 3-12 3-12 0zM6 8c0 3 12 3 12 0M6 12c0 3 12 3 12 0" fill="none" stroke="#fff" stroke-width="1.600"/></svg>"##
    ),
    labels: &["utilities", "productivity"],
    form: &[Field {
        name: "url",
        kind: "secret-input",
        required: true,
        default: None,
        label: ("Database", "数据库"),
        placeholder: (
            "postgres://reader:…@host:5432/db or sqlite:sales.db",
            "postgres://reader:…@host:5432/db 或 sqlite:sales.db",
        ),
        help: (
            "Use a role that may only read. Files of SQLite lie in the directory `databases` of the server's data.",
            "请使用只读角色。SQLite 文件位于服务器数据目录的 `databases` 中。",
        ),
        url: "",
    }],
    trial: Some(("sql_query", "query", "SELECT 1 AS one")),
    tools: &[
        Tool {
            name: "sql_query",
            label: ("Query", "查询"),
            description: ("Reads rows with one SQL statement.", "用一条 SQL 语句读取数据。"),
            for_model: "Reads rows of a database with one SQL statement (SELECT). Nothing can be changed.",
            parameters: &[
                Parameter::text("query", ("Statement", "语句"), "One SQL statement: SELECT, WITH, VALUES or TABLE")
                    .needed(),
                Parameter::number("max_rows", ("Most rows", "最多行数"), "").or("100").within(1.0, 1000.0).fixed(),
            ],
            run: Run::Calls(|call| Box::pin(query(call))),
        },
        Tool {
            name: "sql_schema",
            label: ("Tables", "数据表"),
            description: ("Lists tables and their columns.", "列出数据表及其列。"),
            for_model: "Lists the tables of the database with their columns and types. Call it before you write a query.",
            parameters: &[],
            run: Run::Calls(|call| Box::pin(schema(call))),
        },
    ],
};

/// What was read.
#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Json>,
    bytes: usize,
    /// There was more.
    is_cut: bool,
}

impl Rows {
    /// Takes a row; false when there is no room for it.
    fn take(&mut self, row: Json, size: usize, most: usize) -> bool {
        self.bytes += size;
        if self.rows.len() >= most || self.bytes > MOST_BYTES {
            self.is_cut = true;
            return false;
        }
        self.rows.push(row);
        true
    }
}

async fn query(call: &Call) -> Said {
    let statement = checked(&call.arguments.required("query")?)?;
    let most = call.arguments.count("max_rows", 100, 1, MOST_ROWS)?;
    ask(call, &statement, &statement, most).await
}

async fn schema(call: &Call) -> Said {
    ask(call, postgres::TABLES, sqlite::TABLES, MOST_ROWS).await
}

/// Asks the database that is set up, in its own words.
async fn ask(call: &Call, in_postgres: &str, in_sqlite: &str, most: u32) -> Said {
    let address = call.credential("url")?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let asked = async {
        match address.strip_prefix("sqlite:") {
            Some(name) => sqlite::ask(&call.world, name, in_sqlite, most).await,
            None => postgres::ask(&call.world, address, in_postgres, most).await,
        }
    };
    // A little more than the database itself is given.
    let answer = tokio::time::timeout(LONGEST + Duration::from_secs(15), asked).await;
    let Rows { rows, is_cut, .. } = answer
        .unwrap_or_else(|_| Err(format!("The database has not answered within {} seconds.", LONGEST.as_secs())))?;
    let mut told = json!({"rows": rows});
    if let (true, Json::Object(fields)) = (is_cut, &mut told) {
        fields.insert("note".to_owned(), "There are more rows; ask for fewer, or for sums.".into());
    }
    show(told)
}

/// A statement that only reads, without its end.
fn checked(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches(';').trim_end();
    // Even inside a text: what is one statement is then certain for every database.
    if text.contains(';') {
        return Err("Only one statement can be asked, without any semicolon in it.".to_owned());
    }
    let first = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let reads = ["SELECT", "WITH", "VALUES", "TABLE"];
    if !reads.iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return Err(format!("The statement must begin with {}.", reads.join(", ")));
    }
    Ok(text.to_owned())
}
