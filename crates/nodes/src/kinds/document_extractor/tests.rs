use ox_engine::Pool;
use ox_types::FileKind;

use super::*;
use crate::testing;

fn named(name: &str) -> File {
    let extension = name.rsplit_once('.').map(|(_, end)| format!(".{end}"));
    File { kind: FileKind::Document, mime_type: None, extension, ..testing::file(name) }
}

async fn run(value: Value) -> Result<NodeOutput, String> {
    let mut pool = Pool::new();
    pool.set("s", "file", value);
    let result = testing::run("document-extractor", json!({"variable_selector": ["s", "file"]}), pool).await;
    result.map_err(|failure| format!("{}: {}", failure.error_type, failure.error))
}

#[tokio::test]
async fn one_file_many_files_no_file() {
    let list = |files: Vec<File>| Value::array(files.into_iter().map(Value::from).collect());
    for (value, expected) in [
        (Value::from(named("a.txt")), json!("content of a.txt")),
        (list(vec![named("a.txt"), named("b.md")]), json!(["content of a.txt", "content of b.md"])),
        (list(vec![named("a.csv")]), json!(["| content of a.csv |\n| ---------------- |\n"])),
        (Value::None, json!([])),
        (Value::array_of(ValueType::ArrayFile, Vec::new()), json!([])),
        (
            Value::from(File { extension: None, mime_type: Some("text/plain".into()), ..named("x") }),
            json!("content of x"),
        ),
    ] {
        let output = run(value).await.unwrap();
        assert_eq!(output.outputs["text"].to_json(), expected);
        assert_eq!(output.inputs["variable_selector"].to_json(), json!(["s", "file"]));
        if expected == json!([]) {
            assert_eq!(output.outputs["text"].value_type(), ValueType::ArrayString);
        }
    }
    let output = run(Value::from(named("a.txt"))).await.unwrap();
    assert_eq!(output.process_data["documents"].to_json()[0]["filename"], "a.txt");
}

#[tokio::test]
async fn what_goes_wrong() {
    let bare = File { extension: None, mime_type: None, ..named("x") };
    let odd = File { extension: Some(".exe".into()), ..named("x") };
    let picture = File { extension: None, mime_type: Some("image/png".into()), ..named("x") };
    let huge = File { size: 200 * 1024 * 1024, ..named("a.txt") };
    for (value, expected) in [
        (Value::from("text"), "DocumentExtractorError: Variable ['s', 'file'] is not an ArrayFileSegment"),
        (
            Value::array(vec![Value::from("x")]),
            "DocumentExtractorError: Variable ['s', 'file'] is not an ArrayFileSegment",
        ),
        (
            Value::from(bare),
            "UnsupportedFileTypeError: Unable to determine file type: MIME type or file extension is missing",
        ),
        (Value::from(odd), "UnsupportedFileTypeError: Unsupported Extension Type: .exe"),
        (Value::from(picture), "UnsupportedFileTypeError: Unsupported MIME type: image/png"),
        (Value::from(huge), "TextExtractionError: The file is too large to read: its size exceeds 104857600 bytes."),
        (
            Value::from(named("a.json")),
            "TextExtractionError: Failed to extract text from JSON: expected value at line 1 column 1",
        ),
        (
            Value::from(named("a.doc")),
            "TextExtractionError: Failed to extract text from DOC: it is not a compound file, or its tables are damaged",
        ),
    ] {
        assert_eq!(run(value).await.unwrap_err(), expected);
    }
    let missing = testing::run("document-extractor", json!({"variable_selector": ["s", "file"]}), Pool::new()).await;
    assert_eq!(missing.unwrap_err().error, "File variable not found for selector: ['s', 'file']");
}

/// A service that reads documents, where the operator has one.
#[tokio::test]
async fn the_service_reads_what_it_is_for() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/general/v0/general", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut heard = Vec::new();
        for answer in [
            r#"200 OK|[{"type": "Title", "text": "One"}, {"text": ""}, {"text": "two"}, {"no": 1}]"#,
            "401 Unauthorized|{\"detail\": \"API key is invalid\"}",
            "200 OK|<html>",
        ] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 65536];
            let mut length = 0;
            while !String::from_utf8_lossy(&request[..length]).ends_with("--\r\n") {
                length += stream.read(&mut request[length..]).await.unwrap();
            }
            heard.push(String::from_utf8_lossy(&request[..length]).into_owned());
            let (status, body) = answer.split_once('|').unwrap();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
        heard
    });
    let setting = |name: &str| match name {
        "UNSTRUCTURED_API_URL" => Some(url.clone()),
        "UNSTRUCTURED_API_KEY" => Some("secret".to_owned()),
        _ => None,
    };
    let egress = ox_net::Egress::new(ox_net::Policy::default());
    assert!(Unstructured::from_env(|_| Some(" ".to_owned()), egress.clone()).is_none());
    let service = Unstructured::from_env(setting, egress);
    let call = async |name: &str| {
        let mut pool = Pool::new();
        pool.set("s", "file", Value::from(named(name)));
        let data = json!({"variable_selector": ["s", "file"]});
        let ports = Ports { unstructured: service.clone(), ..testing::ports() };
        let (result, _) = testing::run_with(ports, "document-extractor", data, pool).await;
        result.map_or_else(
            |failure| format!("{}: {}", failure.error_type, failure.error),
            |output| output.outputs["text"].to_json().as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(call("a.doc").await, "One\ntwo");
    assert_eq!(call("a.txt").await, "content of a.txt", "read here");
    let refused = call("a.pptx").await;
    assert!(
        refused.contains("TextExtractionError") && refused.contains("401") && refused.contains("API key"),
        "{refused}"
    );
    assert!(call("a.epub").await.contains("did not read the file"));
    let heard = served.await.unwrap().remove(0);
    assert!(heard.starts_with("POST /general/v0/general HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("unstructured-api-key: secret") && heard.contains("filename=\"a.doc\""), "{heard}");
    assert!(heard.contains("\r\n\r\ncontent of a.doc\r\n--oxidify-"), "{heard}");
}
