use ox_net::{Egress, Policy};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, method, path, query_param},
};

use super::{request::built, *};

#[expect(clippy::needless_pass_by_value, reason = "called with `json!`")]
fn document(paths: Value) -> String {
    json!({"openapi": "3.1.0", "info": {"title": "T"}, "servers": [{"url": "https://{place}.test/v1/", "variables": {"place": {"default": "api"}}}],
        "paths": paths, "components": {"schemas": {
            "Node": {"type": "object", "properties": {"value": {"type": "string"}, "next": {"$ref": "#/components/schemas/Node"}}},
            "Base": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "description": "Id"}}},
        }}})
    .to_string()
}

#[expect(clippy::needless_pass_by_value, reason = "called with `json!`")]
fn invocation(parameters: Value) -> Invocation {
    Invocation { parameters: parameters.as_object().unwrap().clone(), ..Invocation::default() }
}

#[test]
fn operations_become_tools() {
    let text = document(json!({
        "/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "schema": {"type": "integer"}}, {"name": "x", "in": "query", "description": "old"}],
            "get": {"operationId": "get pet", "summary": "S", "parameters": [{"name": "x", "in": "query", "description": "new", "schema": {"enum": ["a", "b"]}}]},
            "post": {"requestBody": {"required": true, "content": {"application/json": {"schema": {"allOf": [
                {"$ref": "#/components/schemas/Base"}, {"properties": {"tree": {"$ref": "#/components/schemas/Node"}, "ok": {"type": ["null", "boolean"]}}}]}}}}},
        },
    }));
    let found = parse(&text).unwrap();
    assert_eq!((found.kind, found.description.as_str(), found.bundles.len()), ("openapi", "T", 2));
    let [get, post] = &found.bundles[..] else { panic!() };
    assert_eq!(
        (get.server_url.as_str(), get.operation_id.as_str(), get.summary.as_deref()),
        ("https://api.test/v1/pets/{id}", "get_pet", Some("S"))
    );
    let kinds: Vec<_> = get.parameters.iter().map(|p| (p.name.as_str(), p.kind.as_str(), p.required)).collect();
    assert_eq!(kinds, [("id", "number", true), ("x", "select", false)]);
    assert_eq!(get.parameters[1].llm_description.as_deref(), Some("new"));
    assert_eq!(post.operation_id, "pets_id_post");
    // The body has an id, too: told, and not twice.
    let kinds: Vec<_> = post.parameters.iter().map(|p| (p.name.as_str(), p.kind.as_str(), p.required)).collect();
    assert_eq!(
        kinds,
        [("id", "number", true), ("x", "string", false), ("tree", "object", false), ("ok", "boolean", false)]
    );
    assert!(found.warnings["pets_id_post"].as_str().unwrap().contains("id"));
    // The schema that contains itself ends.
    assert!(post.parameters[2].input_schema.to_string().len() < 500);
}

#[test]
fn documents_that_are_none() {
    for (text, why) in [
        ("", "neither a JSON nor a YAML object"),
        ("<html>", "It is HTML"),
        ("[1]", "neither a JSON nor a YAML object"),
        ("a: [", "invalid schema"),
        ("openapi: 2.9.9\npaths: {}", "neither 'openapi: 3"),
        ("openapi: 3.0.0\nservers: [{url: 'https://a.test'}]", "No paths found"),
        ("openapi: 3.0.0\npaths: {/a: {get: {}}}", "No server found"),
        ("swagger: '2.0'\npaths: {/a: {get: {}}}", "No server found"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let outside = document(json!({"/a": {"get": {"parameters": [{"$ref": "https://evil.test/x.json#/a"}]}}}));
    assert!(parse(&outside).unwrap_err().0.contains("leads outside"));
    let nowhere = document(json!({"/a": {"get": {"parameters": [{"$ref": "#/nothing"}]}}}));
    assert!(parse(&nowhere).unwrap_err().0.contains("leads nowhere"));
    let many: Value = (0..101).map(|n| (format!("/p{n}"), json!({"get": {}}))).collect::<Map<_, _>>().into();
    assert!(parse(&document(many)).unwrap_err().0.contains("more than 100"));
    assert!(parse(&" ".repeat(MAX_DOCUMENT + 1)).unwrap_err().0.contains("larger than 5 MB"));
    // Each level doubles what the one below is: told, not computed.
    let mut schemas = Map::new();
    schemas.insert("s0".into(), json!({"type": "string"}));
    for n in 1..40 {
        let below = json!({"$ref": format!("#/x/s{}", n - 1)});
        schemas.insert(format!("s{n}"), json!({"properties": {"a": below, "b": below}}));
    }
    let bomb = json!({"openapi": "3.0.0", "servers": [{"url": "https://a.test"}], "x": schemas,
        "paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/x/s39"}}}}}}}});
    assert!(
        parse(&bomb.to_string()).is_ok_and(|found| found.bundles[0].openapi.to_string().len() < 40_000_000)
            || parse(&bomb.to_string()).unwrap_err().0.contains("too large")
    );
}

#[test]
fn schemas_with_cycles_end() {
    let schemas = json!({
        "Self": {"$ref": "#/x/Self"},
        "A": {"$ref": "#/x/B"}, "B": {"$ref": "#/x/C"}, "C": {"$ref": "#/x/A"},
        "List": {"type": "array", "items": {"$ref": "#/x/List"}},
        "Base": {"allOf": [{"$ref": "#/x/Derived"}]}, "Derived": {"allOf": [{"$ref": "#/x/Base"}, {"required": ["id"]}]},
        "Tree": {"type": "object", "properties": {"left": {"$ref": "#/x/Tree"}, "right": {"$ref": "#/x/Tree"}, "of": {"$ref": "#/x/List"}}},
    });
    let open = json!({"type": "object"});
    let list = json!({"type": "array", "items": open});
    let tree = json!({"type": "object", "properties": {"left": open, "right": open, "of": list}});
    for (name, expected) in [
        ("Self", open.clone()),
        ("A", open.clone()),
        ("List", list.clone()),
        ("Base", json!({"allOf": [{"allOf": [open, {"required": ["id"]}]}]})),
        ("Tree", tree),
    ] {
        let document = json!({"openapi": "3.0.0", "servers": [{"url": "https://a.test"}], "x": schemas,
            "paths": {"/a": {"post": {
                "parameters": [{"name": "p", "in": "query", "schema": {"$ref": format!("#/x/{name}")}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": format!("#/x/{name}")}}}}}}}});
        let reference = json!({"$ref": format!("#/x/{name}")});
        assert_eq!(refs::Resolver::new(&document).resolve(&reference).unwrap(), expected, "{name}");
        let found = parse(&document.to_string()).unwrap();
        assert_eq!(found.bundles[0].parameters[0].name, "p", "{name}");
        assert!(!found.bundles[0].openapi.to_string().contains("$ref"), "{name}");
    }
    // The document itself is no schema, and ends as well.
    let document = json!({"openapi": "3.0.0", "servers": [{"url": "https://a.test"}],
        "paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#"}}}}}}}});
    assert!(parse(&document.to_string()).is_ok());
}

#[test]
fn swagger_becomes_the_same() {
    let text = "swagger: '2.0'\nhost: api.test\nbasePath: /v2\nschemes: [http, https]\nparameters:\n  lim: {name: limit, in: query, type: integer}\npaths:\n  /up:\n    post:\n      operationId: up\n      parameters:\n        - $ref: '#/parameters/lim'\n        - {name: file, in: formData, type: file, required: true}\n        - {name: note, in: formData, type: string}\n  /make:\n    put:\n      parameters:\n        - {name: b, in: body, schema: {$ref: '#/definitions/B'}}\ndefinitions:\n  B: {type: object, properties: {n: {type: number}}}\n";
    let found = parse(text).unwrap();
    assert_eq!(found.kind, "swagger");
    let up = &found.bundles[0];
    assert_eq!(up.server_url, "https://api.test/v2/up");
    let kinds: Vec<_> = up.parameters.iter().map(|p| (p.name.as_str(), p.kind.as_str(), p.required)).collect();
    assert_eq!(kinds, [("limit", "number", false), ("file", "file", true), ("note", "string", false)]);
    let file = Attachment { filename: "a\".txt".into(), mime: "text/plain".into(), bytes: "hello".into() };
    let mut call = invocation(json!({"limit": "3", "file": {}, "note": "n"}));
    call.files.insert("file".into(), vec![file]);
    let request = built(up, &call).unwrap();
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    assert!(request.url.ends_with("/up?limit=3"), "{}", request.url);
    assert!(body.contains("filename=\"a%22.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n"), "{body}");
    assert!(request.headers["content-type"].to_str().unwrap().starts_with("multipart/form-data; boundary="));
    let request = built(&found.bundles[1], &invocation(json!({"n": "2.5"}))).unwrap();
    assert_eq!((request.method.as_str(), &request.body[..]), ("PUT", &br#"{"n":2.5}"#[..]));
}

#[test]
fn requests_are_built_by_place() {
    let text = document(json!({"/a/{name}": {"post": {
        "parameters": [
            {"name": "name", "in": "path"}, {"name": "tags", "in": "query", "schema": {"type": "array"}},
            {"name": "flat", "in": "query", "explode": false, "schema": {"type": "array"}},
            {"name": "deep", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
            {"name": "X-Note", "in": "header"}, {"name": "sid", "in": "cookie"},
            {"name": "page", "in": "query", "schema": {"type": "integer", "default": 1}}],
        "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {"properties": {"q": {"type": "string"}, "n": {"type": "integer"}}, "required": ["q"]}}}},
    }}}));
    let bundle = parse(&text).unwrap().bundles.remove(0);
    let parameters = json!({"name": "../x y/ü", "tags": ["a b", "c"], "flat": "[1,2]", "deep": {"k": "v"}, "X-Note": "hi", "sid": "s", "q": "1&2", "n": ""});
    let mut call = invocation(parameters.clone());
    call.idempotency_key = Some("once".into());
    call.auth = serde_json::from_value(
        json!({"auth_type": "api_key_header", "api_key_value": "k", "api_key_header_prefix": "bearer"}),
    )
    .unwrap();
    let request = built(&bundle, &call).unwrap();
    assert_eq!(
        request.url,
        "https://api.test/v1/a/..%2Fx%20y%2F%C3%BC?tags=a+b&tags=c&flat=1%2C2&deep%5Bk%5D=v&page=1"
    );
    assert_eq!((&request.body[..], request.retries), (&b"q=1%262"[..], Some(0)));
    for (name, value) in [
        ("x-note", "hi"),
        ("cookie", "sid=s"),
        ("authorization", "Bearer k"),
        ("idempotency-key", "once"),
        ("content-type", "application/x-www-form-urlencoded"),
    ] {
        assert_eq!(request.headers[name], value, "{name}");
    }
    assert!(request.secret_headers.iter().any(|name| name == "authorization"));
    for (auth, expected) in [
        (
            json!({"auth_type": "api_key_header", "api_key_value": "k", "api_key_header_prefix": "basic", "api_key_header": "X-Key"}),
            Ok(("x-key", "Basic k")),
        ),
        (
            json!({"auth_type": "api_key", "api_key_value": "k", "api_key_header_prefix": "custom"}),
            Ok(("authorization", "k")),
        ),
        (json!({"auth_type": "api_key_header"}), Err("Missing api_key_value")),
    ] {
        call.auth = serde_json::from_value(auth).unwrap();
        let request = built(&bundle, &call);
        match expected {
            Ok((name, value)) => assert_eq!(request.unwrap().headers[name], value),
            Err(why) => assert_eq!(request.unwrap_err().0, why),
        }
    }
    call.auth = serde_json::from_value(
        json!({"auth_type": "api_key_query", "api_key_value": "k&", "api_key_query_param": "token"}),
    )
    .unwrap();
    assert!(built(&bundle, &call).unwrap().url.ends_with("&page=1&token=k%26"));
    let missing = built(&bundle, &invocation(json!({"name": "x"}))).unwrap_err();
    assert_eq!(missing.0, "Missing required parameter q");
    assert_eq!(
        built(&bundle, &invocation(json!({"name": ".."}))).map(|r| r.url).unwrap_err().0,
        "Missing required parameter q"
    );
}

fn open() -> Egress {
    ox_net::install_crypto_provider();
    let (policy, _) = Policy::from_env(|name| (name == "SSRF_PROXY_ALLOW_PRIVATE_IPS").then(|| "127.0.0.1".to_owned()));
    Egress::new(policy)
}

#[tokio::test]
async fn answers_of_every_kind() {
    let server = MockServer::start().await;
    let reply = |way: &str, template: ResponseTemplate| Mock::given(path(way)).respond_with(template);
    Mock::given(method("POST"))
        .and(path("/json"))
        .and(query_param("k", "v"))
        .and(header("authorization", "Bearer s"))
        .and(body_json(json!({"n": 1})))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"ok": true})))
        .mount(&server)
        .await;
    reply("/list", ResponseTemplate::new(200).set_body_json(json!([{"a": 1}, {"a": 2}]))).mount(&server).await;
    reply("/text", ResponseTemplate::new(200).set_body_string("plain words")).mount(&server).await;
    reply("/empty", ResponseTemplate::new(204)).mount(&server).await;
    reply(
        "/png",
        ResponseTemplate::new(200)
            .set_body_raw(vec![0x89, 0x50, 0xff], "image/png")
            .insert_header("content-disposition", "attachment; filename=\"../p.png\""),
    )
    .mount(&server)
    .await;
    reply("/big", ResponseTemplate::new(200).set_body_raw(vec![b'x'; 5 * 1024 * 1024 + 1], "text/plain"))
        .mount(&server)
        .await;
    reply("/bad", ResponseTemplate::new(422).set_body_string("no such thing")).mount(&server).await;
    reply("/html", ResponseTemplate::new(200).set_body_raw("<html>sorry</html>", "text/html")).mount(&server).await;
    let get = |name: &str| Bundle {
        server_url: format!("{}/{name}", server.uri()),
        method: "get".into(),
        summary: None,
        operation_id: name.into(),
        parameters: Vec::new(),
        author: String::new(),
        icon: None,
        openapi: json!({}),
        output_schema: Value::Null,
    };
    let mut post = get("json");
    post.method = "post".into();
    post.openapi = json!({"parameters": [{"name": "k", "in": "query"}], "requestBody": {"content": {"application/json": {"schema": {"properties": {"n": {"type": "integer"}}}}}}});
    let mut signed = invocation(json!({"k": "v", "n": "1"}));
    signed.auth = serde_json::from_value(
        json!({"auth_type": "api_key_header", "api_key_value": "s", "api_key_header_prefix": "bearer"}),
    )
    .unwrap();
    let said = call(&open(), &post, &signed).await.unwrap();
    assert!(
        matches!(&said[..], [CallMessage::Text(text), CallMessage::Json(data)] if text == r#"{"ok":true}"# && data["ok"] == true),
        "{said:?}"
    );
    let ask = async |name: &str| call(&open(), &get(name), &Invocation::default()).await;
    assert_eq!(ask("list").await.unwrap().len(), 3);
    assert!(matches!(&ask("text").await.unwrap()[..], [CallMessage::Text(text)] if text == "plain words"));
    assert!(matches!(&ask("html").await.unwrap()[..], [CallMessage::Text(text)] if text.contains("sorry")));
    assert!(
        matches!(&ask("empty").await.unwrap()[..], [CallMessage::Text(text)] if text.starts_with("Empty response"))
    );
    assert!(
        matches!(&ask("png").await.unwrap()[..], [CallMessage::Blob { mime, filename, .. }] if mime == "image/png" && filename.as_deref() == Some("p.png"))
    );
    assert!(ask("big").await.unwrap_err().contains("larger than the 5 MB"));
    assert_eq!(ask("bad").await.unwrap_err(), "Request failed with status code 422 and no such thing");
    let shut = call(&Egress::new(Policy::default()), &get("text"), &Invocation::default()).await.unwrap_err();
    assert!(shut.contains("blocked by SSRF protection"), "{shut}");
}

use ox_nodes::CallMessage;

#[test]
fn the_sign_in_that_a_document_names() {
    let paths = json!({"/x": {"get": {"operationId": "x"}}});
    let three = json!({"openapi": "3.0.0", "servers": [{"url": "https://a.test"}], "paths": paths, "components": {"securitySchemes": {
        "key": {"type": "apiKey"}, "way": {"type": "oauth2", "flows": {"authorizationCode": {
            "authorizationUrl": "https://a.test/authorize", "tokenUrl": "https://a.test/token", "scopes": {"read": "", "write": ""}}}}}}});
    let two = json!({"swagger": "2.0", "host": "a.test", "schemes": ["https"], "paths": paths, "securityDefinitions": {"way": {
        "type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://a.test/authorize", "tokenUrl": "https://a.test/token",
        "scopes": {"read": "", "write": ""}}}});
    for document in [three, two] {
        let found = parse(&document.to_string()).unwrap().oauth.unwrap();
        assert_eq!(
            (found.authorization_url.as_str(), found.token_url.as_str()),
            ("https://a.test/authorize", "https://a.test/token")
        );
        let mut scopes: Vec<_> = found.scope.split(' ').collect();
        scopes.sort_unstable();
        assert_eq!(scopes, ["read", "write"]);
    }
    let implicit = json!({"openapi": "3.0.0", "servers": [{"url": "https://a.test"}], "paths": paths, "components": {"securitySchemes": {
        "way": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://a.test/authorize", "scopes": {}}}}}}});
    assert_eq!(parse(&implicit.to_string()).unwrap().oauth, None);
}
