//! Drives, against strict stand-ins of S3 and of WebDAV.

use std::{collections::BTreeMap, fmt::Write as _};

use axum::{
    body::Bytes,
    http::{Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use super::{
    pipelines::{live_with, run},
    *,
};

const ACCESS: &str = "AKIDOWL";
const SECRET: &str = "s3-secret-0123456789";
const PASSWORD: &str = "app-password-4711";
const REGION: &str = "eu-north-1";
const S3: &str = "/auth/plugin/datasource/langgenius/aws_s3_storage/aws_s3_storage";
const DAV: &str = "/auth/plugin/datasource/oxidify/webdav/webdav";

/// Key and text of what is in the bucket `owls`.
const OBJECTS: [(&str, &str); 5] = [
    ("notes/", ""),
    ("notes/foxes.md", FOXES),
    ("notes/night birds/ä+b.txt", "Nightjars fly at dusk."),
    ("notes/owls.txt", OWLS),
    ("readme.txt", "Read me."),
];
/// Paths and texts of a drive; folders end with a slash.
const FILES: [(&str, &str); 4] = [("Docs/", ""), ("Docs/Deep/", ""), ("Docs/夜 owls.txt", OWLS), ("plain.txt", FOXES)];

fn escaped(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn plain(text: &str) -> String {
    let text = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(text.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// HMAC by its definition, so that a fault of ours does not confirm itself.
fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let with = |mask: u8| block.iter().map(|byte| byte ^ mask).collect::<Vec<u8>>();
    let inner = Sha256::digest([with(0x36), text.as_bytes().to_vec()].concat());
    Sha256::digest([with(0x5c), inner.to_vec()].concat()).to_vec()
}

/// Whether a request is signed as S3 wants it; else the code of the error.
fn signature(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (time, digest) = (text("x-amz-date"), text("x-amz-content-sha256"));
    let empty = hex::encode(Sha256::digest(""));
    if digest != empty || time.len() != 16 {
        return Err("XAmzContentSHA256Mismatch");
    }
    let mut query: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()).collect();
    query.sort_unstable();
    let names = "host;x-amz-content-sha256;x-amz-date";
    let canonical = format!(
        "{method}\n{}\n{}\nhost:{}\nx-amz-content-sha256:{digest}\nx-amz-date:{time}\n\n{names}\n{empty}",
        uri.path(),
        query.join("&"),
        text("host")
    );
    let scope = format!("{}/{REGION}/s3/aws4_request", &time[..8]);
    let signed = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let start = mac(format!("AWS4{SECRET}").as_bytes(), &time[..8]);
    let key = [REGION, "s3", "aws4_request"].iter().fold(start, |key, part| mac(&key, part));
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, Signature={}",
        hex::encode(mac(&key, &signed))
    );
    if text("authorization") == expected { Ok(()) } else { Err("SignatureDoesNotMatch") }
}

fn xml(status: u16, body: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(CONTENT_TYPE, "application/xml")], format!("<?xml version=\"1.0\"?>{body}")).into_response()
}

fn s3_error(status: u16, code: &str) -> Response {
    xml(status, &format!("<Error><Code>{code}</Code><Message>No &amp; never.</Message></Error>"))
}

fn s3(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    if let Err(code) = signature(method, uri, headers) {
        return s3_error(403, code);
    }
    let path = plain(uri.path().strip_prefix("/s3/").unwrap());
    match path.split_once('/') {
        _ if method != Method::GET => s3_error(405, "MethodNotAllowed"),
        None if path.is_empty() => xml(
            200,
            "<ListAllMyBucketsResult><Buckets><Bucket><Name>owls</Name></Bucket><Bucket><Name>foxes</Name></Bucket></Buckets></ListAllMyBucketsResult>",
        ),
        None if path == "owls" => s3_list(uri),
        None => s3_error(404, "NoSuchBucket"),
        Some((bucket, key)) => match OBJECTS.iter().find(|(known, _)| bucket == "owls" && *known == key) {
            Some((_, text)) => ([(CONTENT_TYPE, "binary/octet-stream")], *text).into_response(),
            None => s3_error(404, "NoSuchKey"),
        },
    }
}

fn s3_list(uri: &Uri) -> Response {
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let of = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    if (of("list-type"), of("delimiter"), of("encoding-type")) != ("2", "/", "url") {
        return s3_error(400, "InvalidArgument");
    }
    let prefix = of("prefix");
    let mut found = BTreeMap::new();
    for (key, text) in OBJECTS.iter().filter(|(key, _)| key.starts_with(prefix)) {
        let rest = &key[prefix.len()..];
        match rest.find('/') {
            Some(at) => found.insert(format!("{prefix}{}", &rest[..=at]), None),
            None => found.insert((*key).to_owned(), Some(text.len())),
        };
    }
    let start: usize = of("continuation-token").strip_prefix("t+").and_then(|at| at.parse().ok()).unwrap_or_default();
    let max: usize = of("max-keys").parse().unwrap();
    let mut body = String::from("<ListBucketResult><EncodingType>url</EncodingType>");
    for (key, size) in found.iter().skip(start).take(max) {
        let key = escaped(key).replace("%20", "+");
        match size {
            Some(size) => write!(body, "<Contents><Key>{key}</Key><Size>{size}</Size></Contents>").unwrap(),
            None => write!(body, "<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>").unwrap(),
        }
    }
    let more = found.len() > start + max;
    write!(body, "<IsTruncated>{more}</IsTruncated>").unwrap();
    if more {
        write!(body, "<NextContinuationToken>t+{}</NextContinuationToken>", start + max).unwrap();
    }
    xml(200, &format!("{body}</ListBucketResult>"))
}

fn dav(method: &Method, uri: &Uri, headers: &HeaderMap, body: &str) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let no = |status: u16| xml(status, "<d:error xmlns:d=\"DAV:\" xmlns:s=\"s\"><s:message>No.</s:message></d:error>");
    if text("authorization") != format!("Basic {}", BASE64_STANDARD.encode(format!("owl:{PASSWORD}"))) {
        return no(401);
    }
    let path = plain(uri.path().strip_prefix("/dav/files/owl/").unwrap());
    if method == Method::GET {
        let found = FILES.iter().find(|(known, _)| *known == path && !path.ends_with('/'));
        return found.map_or_else(|| no(404), |(_, text)| (*text).into_response());
    }
    let is_asked = method.as_str() == "PROPFIND" && text("content-type").starts_with("application/xml");
    if !is_asked || !body.contains("propfind") || !["0", "1"].contains(&text("depth")) {
        return no(400);
    }
    if !path.is_empty() && !FILES.iter().any(|(known, _)| *known == path) {
        return no(404);
    }
    let is_in = |known: &str| {
        let rest = known.strip_prefix(path.as_str()).unwrap_or_default().trim_end_matches('/');
        !rest.is_empty() && !rest.contains('/')
    };
    let mut all = vec![(path.as_str(), 0)];
    if text("depth") == "1" {
        all.extend(FILES.iter().filter(|(known, _)| is_in(known)).map(|(known, text)| (*known, text.len())));
    }
    let mut body = String::new();
    for (known, size) in all {
        let what = if known.is_empty() || known.ends_with('/') {
            "<d:resourcetype><d:collection/></d:resourcetype>".to_owned()
        } else {
            format!("<d:resourcetype/><d:getcontentlength>{size}</d:getcontentlength>")
        };
        let href = escaped(&format!("/dav/files/owl/{known}"));
        write!(body, "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{what}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>").unwrap();
    }
    xml(207, &format!("<d:multistatus xmlns:d=\"DAV:\">{body}</d:multistatus>"))
}

async fn answered(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8_lossy(&body);
    match uri.path() {
        path if path.starts_with("/s3/") => s3(&method, &uri, &headers),
        path if path.starts_with("/dav/") => dav(&method, &uri, &headers, &body),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn drives() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answered);
    tokio::task::spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

fn s3_key(base: &str, secret: &str) -> Value {
    json!({"name": "Store", "credentials": {"access_key_id": ACCESS, "secret_access_key": secret,
        "region_name": REGION, "base_url": format!("{base}/s3")}})
}

fn dav_key(base: &str, password: &str) -> Value {
    json!({"credentials": {"base_url": format!("{base}/dav/files/owl/"), "username": "owl", "password": password}})
}

/// A pipeline from files, that begins with a drive.
async fn line(shelf: &Shelf, plugin: &str, provider: &str) -> (String, String) {
    let changes = [
        ("plugin_id: langgenius/file", format!("plugin_id: {plugin}")),
        ("provider_type: local_file", "provider_type: online_drive".to_owned()),
        ("provider_name: file", format!("provider_name: {provider}")),
        ("datasource_name: upload-file", format!("datasource_name: {provider}")),
    ];
    let changes: Vec<(&str, &str)> = changes.iter().map(|(from, to)| (*from, to.as_str())).collect();
    live_with(shelf, "general-files", &changes).await
}

/// The last event of a look.
async fn look(shelf: &Shelf, pipeline: &str, inputs: Value) -> Value {
    let path = format!("/rag/pipelines/{pipeline}/workflows/published/datasource/nodes/datasource/run");
    let body = json!({"inputs": inputs, "datasource_type": "online_drive"});
    let answer = call(shelf, Method::POST, &path, Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let last = answer.text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back();
    serde_json::from_str(last.unwrap_or_else(|| panic!("{}", answer.text))).unwrap()
}

fn names(event: &Value) -> Vec<&str> {
    assert_eq!(event["event"], "datasource_completed", "{event}");
    event["data"][0]["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn files_of_a_store_become_documents() {
    ox_testkit::on_each_database(|database| async move {
        let base = drives().await;
        let shelf = shelf(database, &fakes().await).await;
        let wrong = call(&shelf, Method::POST, S3, Some(s3_key(&base, "another"))).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.text);
        assert!(
            wrong.text.contains("does not take the key (code 403): SignatureDoesNotMatch No & never."),
            "{}",
            wrong.text
        );
        let mut elsewhere = s3_key(&base, SECRET);
        elsewhere["credentials"]["region_name"] = json!("evil.example/");
        let wrong = call(&shelf, Method::POST, S3, Some(elsewhere)).await;
        assert!(wrong.status == StatusCode::BAD_REQUEST && wrong.text.contains("region"), "{}", wrong.text);
        good(&shelf, Method::POST, S3, Some(s3_key(&base, SECRET))).await;
        let listed = call(&shelf, Method::GET, S3, None).await;
        assert!(!listed.text.contains(SECRET) && listed.text.contains(ACCESS), "{}", listed.text);
        // A stored key goes to no other address.
        let id = listed.json()["result"][0]["id"].clone();
        let mut moved = listed.json()["result"][0]["credential"].clone();
        moved["base_url"] = json!("http://127.0.0.1:1");
        let form = json!({"credential_id": id, "credentials": moved});
        let moved = call(&shelf, Method::POST, &format!("{S3}/update"), Some(form)).await;
        assert!(moved.status == StatusCode::BAD_REQUEST && moved.text.contains("key again"), "{}", moved.text);

        let line = line(&shelf, "langgenius/aws_s3_storage", "aws_s3_storage").await;
        let top = look(&shelf, &line.1, json!({"prefix": "", "max_keys": 30})).await;
        let buckets: Vec<&Value> = top["data"].as_array().unwrap().iter().map(|one| &one["bucket"]).collect();
        assert_eq!(buckets, ["owls", "foxes"]);
        let first = look(&shelf, &line.1, json!({"bucket": "owls", "prefix": "notes/", "max_keys": 2})).await;
        assert_eq!((names(&first), &first["data"][0]["is_truncated"]), (vec!["foxes.md"], &json!(true)), "{first}");
        let rest = json!({"bucket": "owls", "prefix": "notes/", "max_keys": 2,
            "next_page_parameters": first["data"][0]["next_page_parameters"]});
        let rest = look(&shelf, &line.1, rest).await;
        assert_eq!((names(&rest), &rest["data"][0]["is_truncated"]), (vec!["night birds", "owls.txt"], &json!(false)));
        let files = rest["data"][0]["files"].as_array().unwrap();
        assert_eq!(files[0], json!({"id": "notes/night birds/", "name": "night birds", "size": 0, "type": "folder"}));
        assert_eq!(files[1]["size"], OWLS.len());
        let nobody = look(&shelf, &line.1, json!({"bucket": "wolves", "prefix": ""})).await;
        assert_eq!(nobody["event"], "datasource_error");
        assert!(nobody["error"].as_str().unwrap().contains("NoSuchBucket"), "{nobody}");

        let item = |id: &str, name: &str| json!({"bucket": "owls", "id": id, "name": name, "size": 5, "type": "file"});
        let form = json!({"datasource_type": "online_drive", "datasource_info_list":
            [item("notes/owls.txt", "owls.txt"), item("notes/night birds/ä+b.txt", "ä+b.txt")]});
        let documents = run(&shelf, &line, form).await;
        let told: Vec<&str> = documents.iter().map(|document| document["name"].as_str().unwrap()).collect();
        assert_eq!(told, ["owls.txt", "ä+b.txt"]);
        assert_eq!(text_of(&shelf, &line.0, &documents[0]).await, OWLS);
        assert_eq!(text_of(&shelf, &line.0, &documents[1]).await, "Nightjars fly at dusk.");
        let info = &documents[0]["data_source_info"];
        assert_eq!(
            (&documents[0]["data_source_type"], &info["size"], &info["bucket"]),
            (&json!("online_drive"), &json!(5), &json!("owls")),
            "{info}"
        );

        let path = format!("/rag/pipelines/{}/workflows/published/run", line.1);
        let folder = json!({"bucket": "owls", "id": "notes/", "name": "notes", "type": "folder"});
        let mut form = json!({"inputs": {}, "start_node_id": "datasource", "datasource_type": "online_drive",
            "datasource_info_list": [folder]});
        let refusal = call(&shelf, Method::POST, &path, Some(form.clone())).await;
        assert_eq!(refusal.status, StatusCode::BAD_REQUEST, "{}", refusal.text);
        form["datasource_info_list"] = json!([item("notes/gone.txt", "gone.txt")]);
        good(&shelf, Method::POST, &path, Some(form)).await;
        let documents = settled(&shelf, &line.0).await;
        let gone = documents.iter().find(|document| document["name"] == "gone.txt").unwrap();
        assert_eq!(gone["indexing_status"], "error", "{gone}");
        assert!(gone["error"].as_str().unwrap().contains("does not have this (code 404): NoSuchKey"), "{gone}");
    })
    .await;
}

#[tokio::test]
async fn files_of_a_webdav_drive_become_documents() {
    ox_testkit::on_each_database(|database| async move {
        let base = drives().await;
        let shelf = shelf(database, &fakes().await).await;
        let wrong = call(&shelf, Method::POST, DAV, Some(dav_key(&base, "another"))).await;
        assert!(
            wrong.status == StatusCode::BAD_REQUEST && wrong.text.contains("does not take the key"),
            "{}",
            wrong.text
        );
        good(&shelf, Method::POST, DAV, Some(dav_key(&base, PASSWORD))).await;
        let listed = call(&shelf, Method::GET, "/auth/plugin/datasource/list", None).await;
        assert!(!listed.text.contains(PASSWORD) && listed.text.contains("\"owl\""), "{}", listed.text);

        let line = line(&shelf, "oxidify/webdav", "webdav").await;
        let top = look(&shelf, &line.1, json!({"prefix": "", "max_keys": 1})).await;
        assert_eq!((names(&top), &top["data"][0]["bucket"]), (vec!["Docs"], &Value::Null), "{top}");
        let rest = json!({"prefix": "", "max_keys": 1, "next_page_parameters": top["data"][0]["next_page_parameters"]});
        let rest = look(&shelf, &line.1, rest).await;
        assert_eq!((names(&rest), &rest["data"][0]["is_truncated"]), (vec!["plain.txt"], &json!(false)));
        let docs = look(&shelf, &line.1, json!({"prefix": top["data"][0]["files"][0]["id"]})).await;
        assert_eq!(names(&docs), ["Deep", "夜 owls.txt"]);
        let file = docs["data"][0]["files"][1].clone();
        assert_eq!(file, json!({"id": "Docs/夜 owls.txt", "name": "夜 owls.txt", "size": OWLS.len(), "type": "file"}));
        let path = format!("/rag/pipelines/{}/workflows/published/datasource/nodes/datasource/run", line.1);
        let above = json!({"inputs": {"prefix": "../"}, "datasource_type": "online_drive"});
        let above = call(&shelf, Method::POST, &path, Some(above)).await;
        assert_eq!(above.status, StatusCode::BAD_REQUEST, "{}", above.text);

        let form = json!({"datasource_type": "online_drive", "datasource_info_list": [file.clone()]});
        let documents = run(&shelf, &line, form).await;
        assert_eq!(documents[0]["name"], "夜 owls.txt");
        assert_eq!(text_of(&shelf, &line.0, &documents[0]).await, OWLS);
        // The datasource alone, in the editor.
        let path = format!("/rag/pipelines/{}/workflows/draft/datasource/variables-inspect", line.1);
        let body = json!({"datasource_type": "online_drive", "datasource_info": file, "start_node_id": "datasource",
            "start_node_title": "Drive"});
        let step = good(&shelf, Method::POST, &path, Some(body)).await;
        assert_eq!(step["status"], "succeeded", "{step}");
        assert_eq!(step["outputs"]["datasource_type"], "online_drive", "{step}");
        let file = &step["outputs"]["file"];
        assert_eq!(
            (&file["filename"], &file["type"], &file["size"]),
            (&json!("夜 owls.txt"), &json!("document"), &json!(OWLS.len())),
            "{step}"
        );
    })
    .await;
}
