//! Files by every door that takes one: names, types, lengths; and what is shown of them afterwards.

use axum::{
    Router,
    body::Body,
    extract::Query,
    http::{Method, Request, header, request::Builder},
    response::{IntoResponse, Response},
};
use ox_testkit::TestDb;
use ox_types::FileId;
use serde_json::{Value, json};

use crate::{
    page_access::{Page, passport},
    routes::workflow_file,
    support::{Answer, Session, TestServer, app_file, file_form},
};

/// The ways in for a form with a file.
const DOORS: [&str; 6] = ["key", "console", "page", "form", "pipeline", "document"];

struct Doors {
    server: TestServer,
    owner: Session,
    key: String,
    code: String,
    passport: String,
    form: String,
    shelf: String,
    dataset: String,
    _database: TestDb,
}

/// A run waits for somebody who is to send a file: the token of its form.
async fn waiting(server: &TestServer, owner: &Session) -> String {
    let form = json!({
        "type": "human-input", "title": "Ask", "form_content": "{{#$output.doc#}}",
        "inputs": [{"type": "file", "output_variable_name": "doc"}],
        "delivery_methods": [{"id": "w", "type": "webapp", "enabled": true, "config": {}}],
        "user_actions": [{"id": "yes", "title": "Yes"}], "timeout": 2, "timeout_unit": "hour",
    });
    let start = json!({"type": "start", "title": "Start", "variables": []});
    let end = json!({"type": "end", "title": "End", "outputs": []});
    let nodes = [("s", start), ("form", form), ("e", end)];
    let file = workflow_file("Asking", &nodes, &[("s", "source", "form"), ("form", "yes", "e")]);
    let (_, key) = server.app(owner, &file).await;
    let body = json!({"inputs": {}, "user": "ann", "response_mode": "streaming"});
    let told = server.v1(&key, Method::POST, "/workflows/run", Some(body)).await.text;
    let token = told.split("\"form_token\":\"").nth(1).and_then(|rest| rest.split('"').next());
    token.unwrap_or_else(|| panic!("{told}")).to_owned()
}

impl Doors {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let database = ox_testkit::sqlite().await.unwrap();
        let server = TestServer::reaching(database.database.clone(), settings).await;
        let owner = server.owner().await;
        let (app, key) = server.app(&owner, &app_file("chat")).await;
        let view = server.get(&owner, &format!("/apps/{app}")).await.json();
        let code = view["site"]["code"].as_str().unwrap().to_owned();
        let passport = passport(&Page { server: &server, app, code: code.clone() }.enter("").await);
        let form = waiting(&server, &owner).await;
        let shelf = server.post(&owner, "/datasets/api-keys", json!({})).await.json();
        let dataset = json!({"name": "Shelf", "indexing_technique": "economy"});
        let dataset = server.post(&owner, "/datasets", dataset).await.json()["id"].as_str().unwrap().to_owned();
        let shelf = shelf["token"].as_str().unwrap().to_owned();
        Self { server, owner, key, code, passport, form, shelf, dataset, _database: database }
    }

    /// A request to a door, without its body.
    fn at(&self, door: &str) -> Builder {
        let bearer = |key: &str| format!("Bearer {key}");
        match door {
            "key" => Request::post("/v1/files/upload").header(header::AUTHORIZATION, bearer(&self.key)),
            "console" => Request::post("/console/api/files/upload")
                .header(header::COOKIE, self.owner.header())
                .header("x-csrf-token", self.owner.csrf()),
            "page" => Request::post("/api/files/upload")
                .header("x-app-code", &self.code)
                .header("x-app-passport", &self.passport),
            "form" => Request::post(format!("/api/form/human_input/{}/files", self.form)),
            "pipeline" => {
                Request::post("/v1/datasets/pipeline/file-upload").header(header::AUTHORIZATION, bearer(&self.shelf))
            }
            _ => Request::post(format!("/v1/datasets/{}/document/create-by-file", self.dataset))
                .header(header::AUTHORIZATION, bearer(&self.shelf)),
        }
    }

    async fn send(&self, request: Builder, body: Vec<u8>) -> Answer {
        let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=xx");
        self.server.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Sends a file of that name and type.
    async fn give(&self, door: &str, name: &str, mime: &str, bytes: &[u8]) -> Answer {
        self.send(self.at(door), body_of(door, name, mime, bytes)).await
    }

    /// What is kept of a file that was taken.
    async fn kept(&self, door: &str, answer: &Answer) -> ox_app::model::UploadFile {
        let told = answer.json();
        assert_eq!(answer.status, if door == "document" { 200 } else { 201 }, "{door}: {told}");
        let id = if door == "document" { &told["document"]["data_source_info"]["upload_file_id"] } else { &told["id"] };
        let id: FileId = id.as_str().unwrap_or_else(|| panic!("{door}: {told}")).parse().unwrap();
        self.server.services.files.find_signed(id).await.unwrap().unwrap()
    }

    /// A kept file as a browser gets it.
    async fn shown(&self, id: FileId) -> Answer {
        let url = self.server.services.files.preview_url(id);
        let answer = self.server.send(Request::get(url).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        answer
    }
}

/// A form for a door: a document's has its settings beside the file.
fn body_of(door: &str, name: &str, mime: &str, bytes: &[u8]) -> Vec<u8> {
    let file = file_form(name, mime, bytes);
    if door != "document" {
        return file;
    }
    let settings = json!({"indexing_technique": "economy", "process_rule": {"mode": "automatic"}});
    let settings = format!("--xx\r\ncontent-disposition: form-data; name=\"data\"\r\n\r\n{settings}\r\n");
    [settings.as_bytes(), &file].concat()
}

/// No part of a path, nothing that hides, and not longer than is kept.
fn is_plain(name: &str) -> bool {
    let hides = |c: char| c.is_control() || "/\\\u{202e}\u{202d}\u{2066}".contains(c);
    !name.is_empty() && name.chars().count() <= 200 && !name.chars().any(hides) && !name.trim_matches('.').is_empty()
}

#[tokio::test]
async fn names_are_names_at_every_door() {
    let doors = Doors::new(&[]).await;
    let long = format!("{}.txt", "n".repeat(300));
    let cut = format!("{}.txt", "n".repeat(196));
    for door in DOORS {
        for (name, kept) in [
            ("../../etc/passwd.txt", None),
            ("/etc/passwd.txt", None),
            ("..\\\\..\\\\x.txt", None),
            ("C:x.txt", None),
            ("..", None),
            ("\u{202e}", None),
            ("a\0b.txt", None),
            ("x.exe", None),
            ("x.ex\u{202e}e", None),
            (long.as_str(), Some(cut.as_str())),
            ("bill\u{202e}fdp.txt", Some("billfdp.txt")),
            ("CON.txt", Some("CON.txt")),
            ("📄 報告.txt", Some("📄 報告.txt")),
            ("..%2f..%2fx.txt", Some("..%2f..%2fx.txt")),
        ] {
            let answer = doors.give(door, name, "text/plain", b"some words").await;
            let Some(kept) = kept else {
                assert_eq!(answer.status, 400, "{door} {name:?}: {}", answer.text);
                continue;
            };
            let file = doors.kept(door, &answer).await;
            assert_eq!(file.name, kept, "{door} {name:?}");
            assert!(is_plain(&file.name) && !file.key.contains(".."), "{door} {name:?}: {}", file.key);
            assert_eq!(doors.shown(file.id).await.text, "some words", "{door} {name:?}");
        }
    }
}

#[tokio::test]
async fn active_content_is_a_download_whichever_door_it_came_by() {
    let doors = Doors::new(&[]).await;
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let page = "<!doctype html><script>alert(1)</script>";
    for door in DOORS {
        for (name, mime, text) in [
            ("a.svg", "image/svg+xml", svg),
            ("a.html", "text/html", page),
            ("a.xml", "text/xml", svg),
            ("a.txt", "text/html", page),
            ("a.md", "image/svg+xml", svg),
            ("a.html", "text/plain", page),
        ] {
            let answer = doors.give(door, name, mime, text.as_bytes()).await;
            // Knowledge may not read it; then it is not kept as a document.
            if door == "document" && [400, 415].contains(&answer.status.as_u16()) {
                continue;
            }
            let file = doors.kept(door, &answer).await;
            let shown = doors.shown(file.id).await;
            assert_eq!(shown.text, text, "{door} {name} {mime}");
            assert_eq!(shown.headers["content-type"], "application/octet-stream", "{door} {name} {mime}");
            let disposition = shown.headers["content-disposition"].to_str().unwrap();
            assert_eq!(disposition, format!("attachment; filename*=UTF-8''{name}"), "{door} {name} {mime}");
        }
    }
}

#[tokio::test]
async fn lengths_are_counted_not_believed() {
    let limits = ["UPLOAD_FILE_SIZE_LIMIT", "UPLOAD_IMAGE_FILE_SIZE_LIMIT", "UPLOAD_VIDEO_FILE_SIZE_LIMIT"];
    let mut settings: Vec<(&str, &str)> = limits.iter().map(|name| (*name, "1")).collect();
    settings.push(("UPLOAD_AUDIO_FILE_SIZE_LIMIT", "1"));
    let doors = Doors::new(&settings).await;
    for door in DOORS {
        let whole = body_of(door, "a.txt", "text/plain", b"some words");
        // The request says another length, then the part does.
        for said in ["0", "3", "99999999999"] {
            let answer = doors.send(doors.at(door).header(header::CONTENT_LENGTH, said), whole.clone()).await;
            if answer.status.is_success() {
                assert_eq!(doors.kept(door, &answer).await.size, 10, "{door} {said}");
            } else {
                assert!([400, 413].contains(&answer.status.as_u16()), "{door} {said}: {}", answer.text);
            }
            let text = String::from_utf8(whole.clone()).unwrap();
            let lying = text
                .replace("content-type: text/plain", &format!("content-type: text/plain\r\ncontent-length: {said}"));
            let answer = doors.send(doors.at(door), lying.into_bytes()).await;
            assert_eq!(doors.kept(door, &answer).await.size, 10, "{door} {said} of the part");
        }
        // It breaks off, or has another boundary than it says.
        for cut in [0, 30, whole.len() - 12, whole.len() - 4] {
            let answer = doors.send(doors.at(door), whole[..cut].to_vec()).await;
            assert_eq!(answer.status, 400, "{door} cut at {cut}: {}", answer.text);
        }
        let text = String::from_utf8(whole).unwrap().replace("--xx", "--yy");
        assert_eq!(doors.send(doors.at(door), text.into_bytes()).await.status, 400, "{door}");
        let none = doors.at(door).header(header::CONTENT_TYPE, "multipart/form-data").body(Body::from("x")).unwrap();
        assert_eq!(doors.server.send(none).await.status, 400, "{door}");
        // More than a file may have, and more than a body may.
        for kilobytes in [1536, 4096] {
            let bytes = vec![b'x'; kilobytes * 1024];
            let answer = doors.give(door, "a.txt", "text/plain", &bytes).await;
            let told = (answer.status.as_u16(), answer.code());
            assert_eq!(told, (413, "file_too_large".into()), "{door} {kilobytes} kB: {}", answer.text);
        }
        // Two at once are none.
        let file = |name: &str| {
            format!("--xx\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\nx\r\n")
        };
        let two = format!("{}{}--xx--\r\n", file("a.txt"), file("b.txt"));
        let answer = doors.send(doors.at(door), two.into_bytes()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "too_many_files".into()), "{door}: {}", answer.text);
    }
}

/// A server that says of its files what its address asks for.
async fn elsewhere() -> u16 {
    #[derive(serde::Deserialize)]
    struct Wanted {
        disposition: Option<String>,
        mime: String,
    }
    async fn answer(Query(wanted): Query<Wanted>) -> Response {
        let mut response = "<svg><script>alert(1)</script></svg>".into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, wanted.mime.parse().unwrap());
        if let Some(name) = wanted.disposition {
            headers.insert(header::CONTENT_DISPOSITION, header::HeaderValue::from_bytes(name.as_bytes()).unwrap());
        }
        response
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    port
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn files_by_address_are_named_and_shown_like_others() {
    let doors = Doors::new(&[]).await;
    let port = elsewhere().await;
    let long = format!("{}.svg", "n".repeat(300));
    let mut cases: Vec<(String, Option<String>)> = Vec::new();
    for name in ["../../etc/passwd", "a\\b.svg", "a\u{202e}gpj.svg", "CON", "📄.svg", "a\0b.svg", "..", long.as_str()]
    {
        cases.push((encoded(name), None));
        let said = format!("attachment; filename*=UTF-8''{}", encoded(name));
        cases.push(("x".to_owned(), Some(said)));
    }
    cases.push(("x".to_owned(), Some("attachment; filename=\"../../x.svg\"".to_owned())));
    let mut taken = 0;
    for (path, disposition) in cases {
        for mime in ["image/svg+xml", "text/html"] {
            let more = disposition.as_ref().map(|text| format!("&disposition={}", encoded(text))).unwrap_or_default();
            let url = format!("http://127.0.0.1:{port}/{path}?mime={}{more}", encoded(mime));
            for door in ["console", "page"] {
                let request = match door {
                    "console" => Request::post("/console/api/remote-files/upload")
                        .header(header::COOKIE, doors.owner.header())
                        .header("x-csrf-token", doors.owner.csrf()),
                    _ => Request::post("/api/remote-files/upload")
                        .header("x-app-code", &doors.code)
                        .header("x-app-passport", &doors.passport),
                };
                let body: Value = json!({ "url": url });
                let request = request.header(header::CONTENT_TYPE, "application/json");
                let answer = doors.server.send(request.body(Body::from(body.to_string())).unwrap()).await;
                if answer.status == 400 {
                    continue;
                }
                taken += 1;
                let file = doors.kept(door, &answer).await;
                assert!(is_plain(&file.name), "{door} {url}: {:?}", file.name);
                assert!(!file.key.contains(".."), "{door} {url}: {}", file.key);
                let shown = doors.shown(file.id).await;
                assert_eq!(shown.headers["content-type"], "application/octet-stream", "{door} {url}: {}", file.name);
                assert!(shown.headers["content-disposition"].to_str().unwrap().starts_with("attachment"), "{url}");
            }
        }
    }
    assert!(taken > 40, "{taken}");
    // A program is not taken by this way either.
    let url = format!("http://127.0.0.1:{port}/x.exe?mime=image%2Fpng");
    let answer = doors.server.post(&doors.owner, "/remote-files/upload", json!({ "url": url })).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
}
