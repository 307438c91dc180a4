//! Where an answer sends its caller on to, and with what.

use http::{Method, StatusCode, header};

use crate::{NetError, Pinned, Reason, Request, Response, guard::denied};

/// Where the answer leads, when the caller goes there.
pub fn next_location(request: &Request, response: &Response) -> Option<String> {
    let moved = matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    if !moved || !request.follow_redirects {
        return None;
    }
    let value = response.headers.get(header::LOCATION)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The request of the next hop.
pub fn redirected(
    mut request: Request,
    from: &Pinned,
    status: StatusCode,
    location: &str,
) -> Result<Request, NetError> {
    let refuse = |reason, detail: String| NetError::from(denied(&from.target, reason, detail, ""));
    if location.chars().any(|character| character.is_control() || character == '\\') {
        return Err(refuse(Reason::Parse, "the redirect's address holds a control character or a backslash".into()));
    }
    let next = from.target.url.join(location);
    let next = next.map_err(|error| refuse(Reason::Parse, format!("the redirect's address is wrong: {error}")))?;
    if from.target.url.scheme() == "https" && next.scheme() == "http" && !request.class.may_downgrade() {
        return Err(refuse(Reason::Redirect, "a redirect from https to http".into()));
    }
    let same_origin = next.origin() == from.target.url.origin();
    if !same_origin {
        for name in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, header::HOST] {
            request.headers.remove(name);
        }
        for name in std::mem::take(&mut request.secret_headers) {
            request.headers.remove(name);
        }
    }
    let to_get = match status.as_u16() {
        303 => request.method != Method::HEAD,
        301 | 302 => request.method != Method::GET && request.method != Method::HEAD,
        _ => false,
    };
    if to_get {
        request.method = Method::GET;
        request.body = bytes::Bytes::new();
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::TRANSFER_ENCODING]
        {
            request.headers.remove(name);
        }
    }
    request.url = next.into();
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, Target};

    #[test]
    fn case_88_only_nodes_and_models_leave_https() {
        for (class, next, expected) in [
            (Class::Tool, "http://pub.test/", Err("redirect")),
            (Class::Fetch, "http://other.test/x", Err("redirect")),
            (Class::ExternalApi, "http://pub.test:8080/", Err("redirect")),
            (Class::Vendor, "http://pub.test/", Err("redirect")),
            (Class::Tool, "https://other.test/", Ok("https://other.test/")),
            (Class::HttpNode, "http://pub.test/", Ok("http://pub.test/")),
            (Class::Model, "http://pub.test/", Ok("http://pub.test/")),
        ] {
            let target = Target::parse("https://pub.test/a", class).unwrap();
            let from = Pinned { target, addresses: Vec::new(), rule: "public" };
            let request = Request::get(class, "https://pub.test/a");
            let next = redirected(request, &from, StatusCode::MOVED_PERMANENTLY, next);
            let found = next.as_ref().map(|request| request.url.as_str()).map_err(NetError::code);
            assert_eq!(found, expected, "{class:?}");
        }
    }
}
