use ox_engine::{Chunk, Pool};

use super::*;
use crate::{
    CallMessage,
    testing::{self, Caller},
};

async fn run(
    kind: Option<&str>,
    info: Option<Value>,
    messages: Vec<CallMessage>,
) -> (Result<Json, String>, Vec<Chunk>) {
    let caller = Caller { messages: messages.into_iter().map(Ok).collect(), ..Caller::default() };
    let mut ports = testing::ports();
    ports.datasources = Arc::new(caller);
    let mut pool = Pool::new();
    if let Some(kind) = kind {
        pool.set("sys", "datasource_type", kind);
    }
    if let Some(info) = info {
        pool.set("sys", "datasource_info", info);
    }
    let data = json!({"plugin_id": "p", "provider_name": "notion", "provider_type": "online_document",
        "datasource_name": "pages", "datasource_parameters": {"depth": {"type": "constant", "value": 1}}});
    let (result, chunks) = testing::run_with(ports, "datasource", data, pool).await;
    let result = result.map(|output| Value::object(output.outputs).to_json());
    (result.map_err(|failure| format!("{}: {}", failure.error_type, failure.error)), chunks)
}

#[tokio::test]
async fn sources_of_every_kind() {
    let file = || Value::from(testing::file("a.pdf"));
    let info = |json: Json| Some(Value::from_json(&json));
    let got = run(Some("local_file"), Some(file()), vec![]).await.0.unwrap();
    assert_eq!((&got["file"]["filename"], &got["datasource_type"]), (&json!("a.pdf"), &json!("local_file")));
    let kept = vec![CallMessage::File(Box::new(testing::file("drive.pdf")))];
    let got = run(Some("online_drive"), info(json!({"id": "1"})), kept).await.0.unwrap();
    assert_eq!(got["file"]["filename"], "drive.pdf");
    let page = json!({"source_url": "https://a.b", "content": "c", "title": "t", "description": "d"});
    let got = run(Some("website_crawl"), info(page), vec![]).await.0.unwrap();
    assert_eq!(
        got,
        json!({"source_url": "https://a.b", "content": "c", "title": "t", "description": "d", "datasource_type": "website_crawl"})
    );
    let pieces = vec![
        CallMessage::Variable { name: "content".into(), value: json!("a"), stream: true },
        CallMessage::Variable { name: "content".into(), value: json!("b"), stream: true },
        CallMessage::Variable { name: "page_id".into(), value: json!("7"), stream: false },
    ];
    let (got, chunks) = run(Some("online_document"), info(json!({"page": 1})), pieces).await;
    assert_eq!(got.unwrap(), json!({"content": "ab", "page_id": "7", "datasource_type": "online_document"}));
    let texts: Vec<(&str, bool)> = chunks
        .iter()
        .filter_map(|chunk| match chunk {
            Chunk::Text { name, text, is_final } if name == "content" => Some((text.as_str(), *is_final)),
            _ => None,
        })
        .collect();
    assert_eq!((texts, chunks.len()), (vec![("a", false), ("b", false), ("", true)], 3));
}

#[tokio::test]
async fn what_goes_wrong() {
    for (kind, info, expected) in [
        (None, Some(Value::from("x")), "DatasourceNodeError: Datasource type is not set"),
        (Some("website_crawl"), None, "DatasourceNodeError: Datasource info is not set"),
        (Some("dream"), Some(Value::from("x")), "DatasourceNodeError: Unsupported datasource provider: dream"),
        (Some("online_drive"), Some(Value::from("x")), "DatasourceFileError: File is not exist"),
    ] {
        assert_eq!(run(kind, info, vec![]).await.0.unwrap_err(), expected);
    }
    let mut pool = Pool::new();
    pool.set("sys", "datasource_type", "online_document");
    pool.set("sys", "datasource_info", "x");
    let absent = testing::run("datasource", json!({"datasource_name": "pages", "provider_name": "notion"}), pool).await;
    assert_eq!(absent.unwrap_err().error, "This server has no datasource 'pages' of 'notion'.");
}
