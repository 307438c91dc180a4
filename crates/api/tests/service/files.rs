//! G: files and signed addresses.

use axum::{body::Body, http::Request};
use serde_json::json;

use crate::rig::{Answer, Rig, TestApp};

const BOUNDARY: &str = "test-boundary";

pub async fn upload(rig: &Rig, app: &TestApp, name: &str, mime: &str, bytes: &[u8], user: &str) -> Answer {
    send(rig, app, &[part("file", Some((name, mime)), bytes), part("user", None, user.as_bytes())]).await
}

fn part(name: &str, file: Option<(&str, &str)>, content: &[u8]) -> Vec<u8> {
    let mut out = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"").into_bytes();
    if let Some((filename, mime)) = file {
        out.extend(format!("; filename=\"{filename}\"\r\nContent-Type: {mime}").into_bytes());
    }
    out.extend(b"\r\n\r\n");
    out.extend(content);
    out.extend(b"\r\n");
    out
}

async fn send(rig: &Rig, app: &TestApp, parts: &[Vec<u8>]) -> Answer {
    let mut body: Vec<u8> = parts.concat();
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    let request = Request::post("/v1/files/upload")
        .header("authorization", format!("Bearer {}", app.key))
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(Body::from(body))
        .unwrap();
    rig.send(request).await
}

async fn open(rig: &Rig, url: &str) -> Answer {
    rig.send(Request::get(url).body(Body::empty()).unwrap()).await
}

/// G1 to G6.
#[tokio::test]
async fn uploads() {
    let rig = Rig::with(&[("UPLOAD_FILE_EXTENSION_BLACKLIST", "exe")]).await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let made = upload(&rig, &app, "ä b.png", "image/png", b"bytes", "abc-123").await;
    assert_eq!(made.status, 201, "G1 {}", made.text());
    let file = made.json();
    assert_eq!((&file["name"], &file["size"], &file["extension"]), (&json!("ä b.png"), &json!(5), &json!("png")));
    assert_eq!(file["mime_type"], "image/png");
    assert!(file["created_by"].is_string() && file["created_at"].is_i64());
    let file_part = part("file", Some(("a.txt", "text/plain")), b"x");
    send(&rig, &app, &[part("user", None, b"u")]).await.expect_error(
        400,
        "no_file_uploaded",
        "Please upload your file.",
    );
    send(&rig, &app, &[file_part.clone(), file_part]).await.expect_error(
        400,
        "too_many_files",
        "Only one file is allowed.",
    );
    let big = vec![0; 11 * 1024 * 1024];
    upload(&rig, &app, "a.png", "image/png", &big, "u").await.expect_error(413, "file_too_large", "");
    assert_eq!(upload(&rig, &app, "a.pdf", "application/pdf", &big, "u").await.status, 201, "G4");
    upload(&rig, &app, "a:b.txt", "text/plain", b"x", "u").await.expect_error(
        400,
        "invalid_param",
        "Filename contains invalid characters",
    );
    upload(&rig, &app, "x.exe", "application/octet-stream", b"x", "u").await.expect_error(
        400,
        "invalid_param",
        "File extension '.exe' is not allowed for security reasons",
    );
    let json = rig.post("/v1/files/upload", &app, json!({"user": "u"})).await;
    json.expect_error(400, "no_file_uploaded", "Please upload your file.");
}

/// G7 to G13.
#[tokio::test]
async fn previews_and_signed_addresses() {
    let rig = Rig::new().await;
    let vision = json!({"file_upload": {"image": {"enabled": true, "number_limits": 3, "detail": "high",
        "transfer_methods": ["remote_url", "local_file"]}}});
    let app = rig.basic_app("chat", "echo", json!({}), vision).await;
    let other = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let file = upload(&rig, &app, "cat.png", "image/png", b"the cat", "abc-123").await.json();
    let id = file["id"].as_str().unwrap();
    let preview = format!("/v1/files/{id}/preview");
    rig.get(&preview, &app).await.expect_error(404, "file_not_found", "File not found in message context");
    let body = json!({"inputs": {}, "query": "hi", "user": "abc-123",
        "files": [{"type": "image", "transfer_method": "local_file", "upload_file_id": id}]});
    let answer = rig.post("/v1/chat-messages", &app, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let conversation = answer.json()["conversation_id"].clone();
    let shown = rig.get(&preview, &app).await;
    assert_eq!((shown.status.as_u16(), &shown.body[..]), (200, b"the cat".as_slice()), "G8");
    assert_eq!(shown.headers["cache-control"], "public, max-age=3600");
    assert_eq!(shown.headers["content-type"], "image/png");
    let attached = rig.get(&format!("{preview}?as_attachment=true"), &app).await;
    assert_eq!(attached.headers["content-disposition"], "attachment; filename*=UTF-8''cat.png", "G9");
    assert_eq!(attached.headers["content-type"], "application/octet-stream");
    rig.get(&preview, &other).await.expect_error(403, "file_access_denied", "");
    let list = format!("/v1/messages?conversation_id={}&user=abc-123", conversation.as_str().unwrap());
    let files = &rig.get(&list, &app).await.json()["data"][0]["message_files"];
    assert_eq!((&files[0]["filename"], &files[0]["belongs_to"]), (&json!("cat.png"), &json!("user")));
    let url = file["source_url"].as_str().unwrap();
    let signed = open(&rig, url).await;
    assert_eq!((signed.status.as_u16(), &signed.body[..]), (200, b"the cat".as_slice()), "G11");
    let sign = url.split("sign=").nth(1).unwrap();
    let flipped = if sign.starts_with('A') { "B" } else { "A" };
    let changed = url.replace(&format!("sign={sign}"), &format!("sign={flipped}{}", &sign[1..]));
    open(&rig, &changed).await.expect_error(404, "not_found", "File not found or signature is invalid");
    open(&rig, url.split('?').next().unwrap()).await.expect_error_with(400, "invalid_param", &["timestamp"]);
    let tool = url.replace(&format!("/files/{id}/file-preview"), &format!("/files/tools/{id}.png"));
    assert_eq!(open(&rig, &tool).await.status, 200);
    let tool = changed.replace(&format!("/files/{id}/file-preview"), &format!("/files/tools/{id}.png"));
    open(&rig, &tool).await.expect_error(403, "forbidden", "Invalid request.");
    let html = upload(&rig, &app, "a.html", "text/html", b"<script>", "abc-123").await.json();
    let html = open(&rig, html["source_url"].as_str().unwrap()).await;
    assert!(html.headers["content-disposition"].to_str().unwrap().starts_with("attachment"), "G13");
    assert_eq!(html.headers["x-content-type-options"], "nosniff");
    assert_eq!(html.headers["content-type"], "application/octet-stream");
}

/// G11, when its time is over.
#[tokio::test]
async fn signed_addresses_run_out() {
    let rig = Rig::with(&[("FILES_ACCESS_TIMEOUT", "0")]).await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let file = upload(&rig, &app, "a.txt", "text/plain", b"x", "u").await.json();
    let old = rig.services.files.signer.sign(
        ox_app::files::SignedKind::FilePreview,
        file["id"].as_str().unwrap(),
        chrono::Utc::now().timestamp() - 1,
        "00000000000000000000000000000000",
    );
    let sign = old.sign.replace('=', "%3D");
    let url = format!(
        "/files/{}/file-preview?timestamp={}&nonce={}&sign={sign}",
        file["id"].as_str().unwrap(),
        old.timestamp,
        old.nonce
    );
    open(&rig, &url).await.expect_error(404, "not_found", "File not found or signature is invalid");
}

/// What a browser would run is a download; what is two things at once is what it says it is.
#[tokio::test]
async fn nothing_runs_under_our_address() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".as_slice();
    let page = b"GIF89a/*\0\0*/=1;/*<html><script>alert(1)</script></html>*/".as_slice();
    let archive = b"%PDF-1.7\n%%EOF\nPK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".as_slice();
    for (name, mime, bytes, shown) in [
        ("a.svg", "image/svg+xml", svg, None),
        ("a.png", "image/svg+xml", svg, None),
        ("a.png", "IMAGE/SVG+XML", svg, None),
        ("a.svg", "image/png", svg, None),
        ("a.svgz", "image/png", svg, None),
        ("a.png", "multipart/x-mixed-replace; boundary=x", page, None),
        ("a.js", "text/javascript", page, None),
        ("a.gif", "image/gif", page, Some("image/gif")),
        ("a.html.gif", "image/gif", page, Some("image/gif")),
        ("a.pdf", "application/pdf", archive, Some("application/pdf")),
        ("a.txt", "text/plain", page, Some("text/plain")),
    ] {
        let made = upload(&rig, &app, name, mime, bytes, "u").await;
        assert_eq!(made.status, 201, "{name} {mime}: {}", made.text());
        let file = open(&rig, made.json()["source_url"].as_str().unwrap()).await;
        assert_eq!((file.status.as_u16(), &file.body[..]), (200, bytes), "{name} {mime}");
        assert_eq!(file.headers["x-content-type-options"], "nosniff", "{name} {mime}");
        assert_eq!(file.headers["content-type"], shown.unwrap_or("application/octet-stream"), "{name} {mime}");
        let disposition = file.headers.get("content-disposition").map(|value| value.to_str().unwrap());
        let expected = shown.is_none().then(|| format!("attachment; filename*=UTF-8''{name}"));
        assert_eq!(disposition, expected.as_deref(), "{name} {mime}");
    }
}

/// A name is a name: what a path could be made of is refused, and the rest does not become a part of one.
#[tokio::test]
async fn names_of_files_lead_nowhere() {
    let rig = Rig::with(&[("UPLOAD_FILE_EXTENSION_BLACKLIST", "exe")]).await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    for name in
        ["../../etc/passwd.txt", "a/b.txt", "/etc/passwd", "..\\\\..\\\\x.txt", "~/x.txt", "C:x.txt", ".", "..", "..."]
    {
        let answer = upload(&rig, &app, name, "text/plain", b"x", "u").await;
        answer.expect_error(400, "invalid_param", "Filename contains invalid characters");
    }
    // Windows drops what is behind the program's name.
    for name in ["x.exe.", "x.exe ", "x.EXE. ."] {
        let answer = upload(&rig, &app, name, "text/plain", b"x", "u").await;
        answer.expect_error(400, "invalid_param", "File extension '.exe' is not allowed");
    }
    let long = format!("x.{}", "e".repeat(300));
    for (name, extension) in [
        ("..%2f..%2fx.txt", "txt"),
        ("....txt", "txt"),
        (".htaccess", "htaccess"),
        ("a.txt ", "txt"),
        ("a.%00", ""),
        ("a.\u{2028}x", ""),
        (long.as_str(), ""),
    ] {
        let made = upload(&rig, &app, name, "text/plain", b"x", "u").await;
        assert_eq!(made.status, 201, "{name}: {}", made.text());
        let made = made.json();
        assert_eq!(made["extension"], extension, "{name}");
        assert!(name.starts_with(made["name"].as_str().unwrap()), "{made}");
        let opened = open(&rig, made["source_url"].as_str().unwrap()).await;
        assert_eq!((opened.status.as_u16(), &opened.body[..]), (200, b"x".as_slice()), "{name}");
    }
}

/// A signature is for one file, one kind of address, one time; and it opens nothing that is gone.
#[tokio::test]
async fn a_signature_serves_for_nothing_else() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let file = upload(&rig, &app, "a.png", "image/png", b"a", "u").await.json();
    let other = upload(&rig, &app, "b.png", "image/png", b"b", "u").await.json();
    let url = file["source_url"].as_str().unwrap();
    assert_eq!(open(&rig, url).await.status, 200);
    let part = |name: &str| url.split(&format!("{name}=")).nth(1).unwrap().split('&').next().unwrap().to_owned();
    let (timestamp, nonce, sign) = (part("timestamp"), part("nonce"), part("sign"));
    let later = (timestamp.parse::<i64>().unwrap() + 1).to_string();
    let id = file["id"].as_str().unwrap();
    let address = |id: &str, kind: &str, timestamp: &str, nonce: &str, sign: &str| {
        format!("/files/{id}/{kind}?timestamp={timestamp}&nonce={nonce}&sign={sign}")
    };
    for url in [
        address(other["id"].as_str().unwrap(), "file-preview", &timestamp, &nonce, &sign),
        address(id, "image-preview", &timestamp, &nonce, &sign),
        address(id, "file-preview", &later, &nonce, &sign),
        address(id, "file-preview", "99999999999999999999", &nonce, &sign),
        address(id, "file-preview", &timestamp, "0", &sign),
        address(id, "file-preview", &timestamp, &nonce, "A"),
    ] {
        open(&rig, &url).await.expect_error(404, "not_found", "File not found or signature is invalid");
    }
    let found = rig.services.files.find(rig.owner.tenant_id(), id.parse().unwrap()).await.unwrap().unwrap();
    rig.services.files.remove(&found).await.unwrap();
    open(&rig, url).await.expect_error(404, "not_found", "File not found or signature is invalid");
}
