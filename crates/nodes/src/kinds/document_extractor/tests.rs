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
            "TextExtractionError: Unstructured API URL is not configured for DOC file processing.",
        ),
    ] {
        assert_eq!(run(value).await.unwrap_err(), expected);
    }
    let missing = testing::run("document-extractor", json!({"variable_selector": ["s", "file"]}), Pool::new()).await;
    assert_eq!(missing.unwrap_err().error, "File variable not found for selector: ['s', 'file']");
}
