//! Pictures inside documents: kept, named in the chunks, given with what is found, gone with their document.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::{knowledge::Shelf, support::TestServer};

/// A page of letters with a picture of eight by eight pixels.
fn illustrated() -> String {
    let content = "BT /F1 12 Tf 72 720 Td (The lighthouse stands on a rock) Tj ET /I1 Do";
    let pixels = "9".repeat(64);
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 612 792] >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> /XObject << /I1 6 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        format!("<< /Type /XObject /Subtype /Image /Width 8 /Height 8 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 64 >>\nstream\n{pixels}\nendstream"),
    ];
    let mut out = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let table = out.len();
    out.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        out.push_str(&format!("{place:010} 00000 n \n"));
    }
    out + &format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1)
}

/// The answer to a look at a signed address.
async fn opened(shelf: &Shelf, url: &Value) -> (StatusCode, String) {
    let url = url.as_str().unwrap_or_else(|| panic!("{url}"));
    let path = url.find("/files/").map(|at| url[at..].to_owned()).unwrap();
    let answer = shelf.server.send(Request::get(path).body(Body::empty()).unwrap()).await;
    let mime = answer.headers.get(header::CONTENT_TYPE).map(|mime| mime.to_str().unwrap().to_owned());
    (answer.status, mime.unwrap_or_default())
}

/// Whether nothing is behind an address any more, soon.
async fn is_gone(shelf: &Shelf, url: &Value) -> bool {
    for _ in 0..200 {
        if opened(shelf, url).await.0 == StatusCode::NOT_FOUND {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    false
}

/// A file that takes the place of another removes it with the pictures that were in it.
#[tokio::test]
async fn a_replaced_file_is_gone() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Replaced").await;
    let rule = "{\"process_rule\": {\"mode\": \"automatic\"}}";
    let path = format!("/datasets/{id}/document/create-by-file");
    let made = shelf.multipart(&path, &[("data", "", rule), ("file", "light.pdf", &illustrated())]).await.json();
    shelf.ended(&id, made["batch"].as_str().unwrap()).await;
    let document = format!("/datasets/{id}/documents/{}", made["document"]["id"].as_str().unwrap());
    let before = shelf.get(&format!("{document}/download")).await.json()["url"].clone();
    let picture = shelf.get(&format!("{document}/segments")).await.json()["data"][0]["attachments"][0].clone();
    assert_eq!(opened(&shelf, &before).await.0, StatusCode::OK);

    let path = format!("{document}/update-by-file");
    let changed = shelf.multipart(&path, &[("data", "", rule), ("file", "dark.txt", "No light is left.")]).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let ended = shelf.ended(&id, changed.json()["batch"].as_str().unwrap()).await;
    assert_eq!(ended["indexing_status"], "completed", "{ended}");
    assert!(is_gone(&shelf, &before).await, "the file that was replaced");
    assert!(is_gone(&shelf, &picture["source_url"]).await, "its picture");
    let now = shelf.get(&format!("{document}/download")).await.json()["url"].clone();
    assert_eq!(opened(&shelf, &now).await.0, StatusCode::OK, "the file that took its place");
}

async fn pictures_follow_their_document(shelf: Shelf) {
    let id = shelf.dataset("Lights").await;
    let path = format!("/datasets/{id}/document/create-by-file");
    let rule = "{\"process_rule\": {\"mode\": \"automatic\"}}";
    let made = shelf.multipart(&path, &[("data", "", rule), ("file", "light.pdf", &illustrated())]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let made = made.json();
    let ended = shelf.ended(&id, made["batch"].as_str().unwrap()).await;
    assert_eq!((&ended["indexing_status"], &ended["error"]), (&json!("completed"), &Value::Null), "{ended}");
    let document = format!("/datasets/{id}/documents/{}", made["document"]["id"].as_str().unwrap());

    let chunks = shelf.get(&format!("{document}/segments")).await.json();
    let chunk = &chunks["data"][0];
    let attachments = chunk["attachments"].as_array().unwrap();
    assert_eq!(attachments.len(), 1, "{chunks}");
    let picture = &attachments[0];
    assert_eq!((&picture["extension"], &picture["mime_type"]), (&json!("png"), &json!("image/png")));
    let named = format!("![image](/files/{}/file-preview)", picture["id"].as_str().unwrap());
    assert!(chunk["content"].as_str().unwrap().ends_with(&named), "{chunk}");
    assert!(chunk["sign_content"].as_str().unwrap().contains("sign="), "{chunk}");
    assert_eq!(opened(&shelf, &picture["source_url"]).await, (StatusCode::OK, "image/png".to_owned()));

    let found = shelf.post(&format!("/datasets/{id}/retrieve"), json!({"query": "lighthouse"})).await.json();
    let files = found["records"][0]["files"].as_array().unwrap_or_else(|| panic!("{found}"));
    assert_eq!((files.len(), &files[0]["id"]), (1, &picture["id"]), "{found}");
    assert_eq!(opened(&shelf, &files[0]["source_url"]).await.0, StatusCode::OK);

    // A preview keeps nothing; the same file again is another document with a picture of its own.
    let again = shelf.multipart(&path, &[("data", "", rule), ("file", "again.pdf", &illustrated())]).await.json();
    shelf.ended(&id, again["batch"].as_str().unwrap()).await;
    let other = format!("/datasets/{id}/documents/{}/segments", again["document"]["id"].as_str().unwrap());
    let other = shelf.get(&other).await.json()["data"][0]["attachments"][0].clone();
    assert_ne!(other["id"], picture["id"]);

    assert_eq!(shelf.call(Method::DELETE, &document, None).await.status, StatusCode::NO_CONTENT);
    assert!(is_gone(&shelf, &picture["source_url"]).await, "it went with its document");
    assert_eq!(opened(&shelf, &other["source_url"]).await.0, StatusCode::OK, "the other one stays");

    // A picture stays while one chunk has it, and goes with the last.
    let chunks = format!("/datasets/{id}/documents/{}/segments", again["document"]["id"].as_str().unwrap());
    let first = shelf.get(&chunks).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let body = json!({"segments": [{"content": "The same light.", "attachment_ids": [other["id"]]}]});
    let second = shelf.post(&chunks, body).await.json();
    assert_eq!(second["data"][0]["attachments"][0]["id"], other["id"], "{second}");
    let second = second["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(shelf.call(Method::DELETE, &format!("{chunks}/{first}"), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(opened(&shelf, &other["source_url"]).await.0, StatusCode::OK, "a chunk still has it");
    assert_eq!(shelf.call(Method::DELETE, &format!("{chunks}/{second}"), None).await.status, StatusCode::NO_CONTENT);
    assert!(is_gone(&shelf, &other["source_url"]).await, "it went with its last chunk");
}

#[tokio::test]
async fn pictures_follow_their_document_on_sqlite() {
    pictures_follow_their_document(Shelf::new().await).await;
}

#[tokio::test]
async fn pictures_follow_their_document_on_postgresql() {
    let Some(database) = ox_testkit::postgres().await.unwrap() else {
        println!("skipped: there is no PostgreSQL on this machine");
        return;
    };
    pictures_follow_their_document(Shelf::on(TestServer::start(database.database.clone()).await).await).await;
}
