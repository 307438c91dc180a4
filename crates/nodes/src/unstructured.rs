//! A service that reads documents instead of us: the operator's `UNSTRUCTURED_API_URL`.

use std::time::Duration;

use bytes::Bytes;
use ox_extract::Format;
use ox_net::{Class, Egress, Limits, Request};
use ox_types::{File, Json, boxed};

/// Reading a long document takes the service a while.
const LIMIT: Duration = Duration::from_secs(300);
/// Text and layout of a document.
const MOST: u64 = 128 * 1024 * 1024;
/// Formats that go to it; the others it would read no better.
const FORMATS: &[Format] = &[Format::Doc, Format::Ppt, Format::Pptx, Format::Epub, Format::Msg];

/// Where the service is.
#[derive(Clone)]
pub struct Unstructured {
    egress: Egress,
    url: String,
    key: Option<String>,
}

impl Unstructured {
    /// The service that the environment names (`UNSTRUCTURED_API_URL`, `UNSTRUCTURED_API_KEY`).
    #[must_use]
    pub fn from_env(read: impl Fn(&str) -> Option<String>, egress: Egress) -> Option<Self> {
        let text = |name: &str| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        Some(Self { egress, url: text("UNSTRUCTURED_API_URL")?, key: text("UNSTRUCTURED_API_KEY") })
    }

    /// Whether documents of this format go there.
    #[must_use]
    pub fn reads(format: Format) -> bool {
        FORMATS.contains(&format)
    }

    /// The text of a document: those of its elements, a line each.
    ///
    /// # Errors
    /// Why the service did not give it.
    #[boxed]
    pub async fn text(&self, file: &File, bytes: &Bytes) -> Result<String, String> {
        let failed = |why: &dyn std::fmt::Display| format!("The Unstructured API did not read the file: {why}");
        let boundary = format!("oxidify-{}", ox_types::new_uuid().simple());
        let name: String = file.filename.as_deref().unwrap_or("file").replace(['"', '\\', '\r', '\n'], "_");
        let mime = file.mime_type.as_deref().filter(|mime| !mime.contains(['\r', '\n']));
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: {}\r\n\r\n",
            mime.unwrap_or("application/octet-stream")
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        let limits = Limits { first_byte: LIMIT, read: LIMIT, total: LIMIT, body: MOST, ..Limits::default() };
        let mut request = Request::post_json(Class::Operator, self.url.as_str(), body).limits(limits);
        request.headers.clear();
        let mut request = request
            .header("content-type", &kind)
            .and_then(|request| request.header("accept", "application/json"))
            .map_err(|error| failed(&error))?;
        if let Some(key) = &self.key {
            request = request.secret_header("unstructured-api-key", key).map_err(|error| failed(&error))?;
        }
        let answer = self.egress.send(request).await.map_err(|error| failed(&error))?;
        let status = answer.status;
        let body = answer.bytes().await.map_err(|error| failed(&error))?;
        if !status.is_success() {
            let text: String = String::from_utf8_lossy(&body).chars().take(300).collect();
            return Err(failed(&format!("it answers {status}: {text}")));
        }
        let elements: Vec<Json> = serde_json::from_slice(&body).map_err(|error| failed(&error))?;
        let texts = elements.iter().filter_map(|element| element.get("text")?.as_str());
        Ok(texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n"))
    }
}
