#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use ox_net::{Egress, Policy};
use ox_sandbox::Off;
use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, method, path, query_param},
};

use super::*;

fn tool(name: &str) -> &'static Tool {
    PROVIDERS.iter().find_map(|provider| provider.tool(name)).unwrap_or_else(|| panic!("no tool {name}"))
}

fn map(value: Json) -> Map<String, Json> {
    value.as_object().unwrap().clone()
}

fn ask(name: &str, parameters: Json) -> Said {
    let (Run::Pure(run) | Run::Heavy(run)) = tool(name).run else { panic!("{name} calls the world") };
    run(&Arguments::new(map(parameters), Map::new()))
}

fn say(name: &str, parameters: Json) -> Result<String, String> {
    ask(name, parameters).map(|said| match said.into_iter().next() {
        Some(CallMessage::Text(text)) => text,
        other => panic!("{other:?}"),
    })
}

#[test]
fn times() {
    for (tool, parameters, expected) in [
        ("localtime_to_timestamp", json!({"localtime": "2024-01-01 08:00:00"}), Ok("1704067200")),
        ("localtime_to_timestamp", json!({"localtime": "2024-01-01 00:00:00", "timezone": "UTC"}), Ok("1704067200")),
        ("localtime_to_timestamp", json!({"localtime": "soon"}), Err("Invalid time: soon")),
        ("timestamp_to_localtime", json!({"timestamp": 1_704_067_200}), Ok("2024-01-01 08:00:00")),
        ("timestamp_to_localtime", json!({"timestamp": "1704067200", "timezone": "UTC"}), Ok("2024-01-01 00:00:00")),
        ("timestamp_to_localtime", json!({"timestamp": "1e30"}), Err("Invalid timestamp: 1e30")),
        ("timezone_conversion", json!({"current_time": "2024-01-01 08:00:00"}), Ok("2024-01-01 09:00:00")),
        (
            "timezone_conversion",
            json!({"current_time": "2024-07-01 12:00:00", "current_timezone": "UTC", "target_timezone": "America/New_York"}),
            Ok("2024-07-01 08:00:00"),
        ),
        ("weekday", json!({"year": 2024, "month": "January", "day": 1}), Ok("January 1, 2024 is Monday.")),
        ("weekday", json!({"year": 2024, "month": 2, "day": 30}), Err("Invalid date: 2024-2-30")),
        ("current_time", json!({"timezone": "Mars/Base"}), Err("Invalid timezone: Mars/Base")),
        ("current_time", json!({"format": "%Q"}), Err("Invalid format: %Q")),
        ("current_time", json!({"format": "100%%"}), Ok("100%")),
        ("weekday", json!({"year": 2024, "day": 1}), Err("tool parameter month not found in tool config")),
    ] {
        let got = say(tool, parameters.clone());
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{tool} {parameters}");
    }
    let now = say("current_time", json!({})).unwrap();
    assert_eq!((now.len(), now.chars().filter(|c| *c == ':').count()), (19, 2), "{now}");
}

#[test]
fn sums() {
    for (expression, expected) in [
        ("1 + 2 * 3", Ok("7")),
        ("(1 + 2) * 3", Ok("9")),
        ("7 / 2", Ok("3.5")),
        ("6 / 2", Ok("3.0")),
        ("-7 // 2", Ok("-4")),
        ("-7 % 3", Ok("2")),
        ("2 ** 10", Ok("1024")),
        ("2 ** 3 ** 2", Ok("512")),
        ("-2 ** 2", Ok("-4")),
        ("2 ** -1", Ok("0.5")),
        ("sqrt(16) + abs(-3)", Ok("7.0")),
        ("1e3 + .5", Ok("1000.5")),
        ("9999999999 * 9999999999", Ok("99999999980000000001")),
        ("pi", Ok("3.141592653589793")),
        ("1 / 0", Err("The expression 1 / 0 has no finite value.")),
        ("2 +", Err("Invalid expression: 2 +")),
        ("2 2", Err("Invalid expression: 2 2")),
        ("__import__('os')", Err("Invalid expression: __import__('os')")),
        ("", Err("Invalid expression: ")),
    ] {
        let got = arithmetic::evaluate(expression);
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{expression}");
    }
    assert!(arithmetic::evaluate(&"(".repeat(9000)).is_err());
    assert!(arithmetic::evaluate(&"9**".repeat(3000)).is_err());
}

#[test]
fn the_registry_is_in_order() {
    let names: Vec<_> = PROVIDERS.iter().map(|provider| provider.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
    for provider in PROVIDERS {
        assert!(provider.icon.starts_with("<svg ") && provider.icon.ends_with("</svg>"), "{}", provider.name);
        assert!(!provider.labels.is_empty() && !provider.tools.is_empty());
        for tool in provider.tools {
            assert!(!tool.for_model.is_empty() && !tool.label.1.is_empty(), "{}", tool.name);
            for parameter in tool.parameters {
                let is_asked = parameter.form == ox_nodes::ParameterForm::Llm;
                assert!(!is_asked || !parameter.for_model.is_empty(), "{} {}", tool.name, parameter.name);
                let known = parameter.options.iter().any(|(value, _)| Some(*value) == parameter.default);
                assert!(parameter.options.is_empty() || known, "{} {}", tool.name, parameter.name);
            }
        }
        if let Some((name, parameter, _)) = provider.trial {
            assert!(provider.tool(name).unwrap().parameters.iter().any(|known| known.name == parameter));
        }
    }
    for (id, found) in [
        ("time", true),
        ("langgenius/time/time", true),
        ("langgenius/google/google", true),
        ("someone/time/time", false),
        ("", false),
        ("nothing", false),
    ] {
        assert_eq!(find(id).is_some(), found, "{id}");
    }
}

#[test]
fn json_by_paths() {
    let shop = json!({"store": {"book": [{"t": "A", "p": 8}, {"t": "B", "p": 12}, {"t": "C", "p": 9}], "sign": "ü"}})
        .to_string();
    for (filter, expected) in [
        ("$.store.book[0].t", "A"),
        ("store.book[-1].t", "C"),
        ("$.store.book[*].t", r#"["A","B","C"]"#),
        ("$..t", r#"["A","B","C"]"#),
        ("$['store']['book'][1:].p", "[12,9]"),
        ("$.store.book[0,2].p", "[8,9]"),
        ("$.store.book[?(@.p < 10)].t", r#"["A","C"]"#),
        ("$.store.book[?(@.t == 'B')].p", "12"),
        ("$.nothing", "[]"),
    ] {
        assert_eq!(say("parse", json!({"content": shop, "json_filter": filter})).as_deref(), Ok(expected), "{filter}");
    }
    assert_eq!(say("parse", json!({"content": "{\"a\": \"ü😀\"}"})).as_deref(), Ok(r#"{"a":"\u00fc\ud83d\ude00"}"#));
    assert_eq!(
        say("parse", json!({"content": "{\"a\": \"ü\"}", "ensure_ascii": false})).as_deref(),
        Ok(r#"{"a":"ü"}"#)
    );
    for wrong in ["$.[", "$.a[", "$.a[x]", "$..", "$.a[?b]"] {
        assert!(
            say("parse", json!({"content": "{}", "json_filter": wrong})).unwrap_err().contains("cannot be read"),
            "{wrong}"
        );
    }
    assert!(say("parse", json!({"content": "{oops"})).unwrap_err().starts_with("content is not JSON"));
    let changed = |tool: &str, more: Json| {
        let mut parameters = map(json!({"content": r#"{"a":[1,2,3],"b":{"c":"x y"}}"#}));
        parameters.extend(map(more));
        say(tool, parameters.into())
    };
    for (tool, more, expected) in [
        ("json_insert", json!({"query": "$.a", "new_value": "4"}), Ok(r#"{"a":[1,2,3,4],"b":{"c":"x y"}}"#)),
        ("json_insert", json!({"query": "$.a[1]", "new_value": "9"}), Ok(r#"{"a":[1,9,2,3],"b":{"c":"x y"}}"#)),
        ("json_insert", json!({"query": "$.b.d.e", "new_value": "hi"}), Err("Nothing is at '$.b.d.e'.")),
        (
            "json_insert",
            json!({"query": "$.b.d.e", "new_value": "hi", "create_path": true}),
            Ok(r#"{"a":[1,2,3],"b":{"c":"x y","d":{"e":"hi"}}}"#),
        ),
        (
            "json_replace",
            json!({"query": "$.b.c", "replace_pattern": "x", "replace_value": "z"}),
            Ok(r#"{"a":[1,2,3],"b":{"c":"z y"}}"#),
        ),
        (
            "json_replace",
            json!({"query": "$.b", "replace_model": "key", "replace_value": "z"}),
            Ok(r#"{"a":[1,2,3],"z":{"c":"x y"}}"#),
        ),
        (
            "json_replace",
            json!({"query": "$.a[*]", "replace_model": "value", "replace_value": "0", "value_decode": true}),
            Ok(r#"{"a":[0,0,0],"b":{"c":"x y"}}"#),
        ),
        ("json_delete", json!({"query": "$.a[0:2]"}), Ok(r#"{"a":[3],"b":{"c":"x y"}}"#)),
        ("json_delete", json!({"query": "$"}), Err("The whole document cannot be deleted.")),
    ] {
        let got = changed(tool, more.clone());
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{tool} {more}");
    }
}

#[test]
fn texts_and_tables() {
    for (tool, parameters, expected) in [
        ("regex_extract", json!({"content": "a1 b22", "expression": "[a-z]\\d+"}), Ok(r#"["a1","b22"]"#)),
        ("regex_extract", json!({"content": "k=v x=y", "expression": "(\\w)=(\\w)"}), Ok(r#"[["k","v"],["x","y"]]"#)),
        ("regex_replace", json!({"content": "a-b", "expression": "(a)-(b)", "replacement": "$2-$1"}), Ok("b-a")),
        ("text_split", json!({"content": "a,b", "separator": ","}), Ok(r#"["a","b"]"#)),
        ("text_replace", json!({"content": "a.a", "search": ".", "replacement": ""}), Ok("aa")),
        ("text_convert", json!({"content": "it's me", "operation": "title"}), Ok("It's Me")),
        ("text_convert", json!({"content": "ü &", "operation": "url_encode"}), Ok("%C3%BC%20%26")),
        ("text_convert", json!({"content": "%C3%BC%20%26", "operation": "url_decode"}), Ok("ü &")),
        ("text_convert", json!({"content": "hi", "operation": "base64_encode"}), Ok("aGk=")),
        ("text_convert", json!({"content": "b\na\nb", "operation": "unique_lines"}), Ok("b\na")),
        ("text_convert", json!({"content": "x", "operation": "fly"}), Err("There is no operation 'fly'.")),
        (
            "csv_to_json",
            json!({"content": "\u{feff}a,b\n1,\"x, y\"\n2"}),
            Ok(r#"[{"a":"1","b":"x, y"},{"a":"2","b":""}]"#),
        ),
        ("csv_to_json", json!({"content": "a;b\n1;2", "delimiter": ";", "columns": "b"}), Ok(r#"[{"b":"2"}]"#)),
        ("csv_to_json", json!({"content": "a\n1", "columns": "z"}), Err("There is no column 'z'; there are: a.")),
        ("json_to_csv", json!({"content": [{"a": 1}, {"b": "x,y"}]}), Ok("a,b\n1,\n,\"x,y\"\n")),
    ] {
        let got = say(tool, parameters.clone());
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{tool} {parameters}");
    }
    assert!(say("regex_extract", json!({"content": "a", "expression": "("})).unwrap_err().contains("cannot be read"));
}

#[test]
fn pictures_are_drawn() {
    let svg = |mut parameters: Json| {
        parameters["format"] = json!("svg");
        parameters
    };
    let picture = |tool: &str, parameters: Json| match &ask(tool, svg(parameters))?[..] {
        [CallMessage::Blob { bytes, mime, filename: Some(name) }]
            if mime == "image/svg+xml" && name.ends_with(".svg") =>
        {
            let svg = String::from_utf8(bytes.to_vec()).unwrap();
            assert!(
                svg.starts_with("<svg ") && svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"),
                "{svg}"
            );
            Ok::<_, String>(svg)
        }
        other => panic!("{other:?}"),
    };
    let bars = picture("bar_chart", json!({"data": "1;-2;3.5", "x_axis": "a;b<;c", "title": "T & t"})).unwrap();
    assert!(bars.matches("<rect").count() == 4 && bars.contains("b&lt;") && bars.contains("T &amp; t"));
    assert!(picture("line_chart", json!({"data": "5"})).unwrap().contains("<circle"));
    assert!(picture("line_chart", json!({"data": "0,0,0"})).is_ok());
    let pie = picture("pie_chart", json!({"data": "1;1;2", "categories": "a;b;c"})).unwrap();
    assert!(pie.contains("c (50.0%)"), "{pie}");
    assert!(picture("pie_chart", json!({"data": "5", "categories": "all"})).unwrap().contains("<circle"));
    for (tool, parameters, why) in [
        ("bar_chart", json!({"data": "1;x"}), "'x' in the data is not a number."),
        ("bar_chart", json!({"data": "1;2", "x_axis": "a"}), "There are 2 numbers but 1 names (x_axis)."),
        ("pie_chart", json!({"data": "0;0", "categories": "a;b"}), "The numbers of a pie chart are not negative"),
        ("qrcode_generator", json!({"content": "x".repeat(3000)}), "3000 bytes are too many"),
    ] {
        assert!(picture(tool, parameters).unwrap_err().starts_with(why), "{tool}");
    }
    for (tool, parameters) in [
        ("bar_chart", json!({"data": "1;2", "title": "Ω"})),
        ("line_chart", json!({"data": "1;2"})),
        ("pie_chart", json!({"data": "1;2", "categories": "a;b"})),
    ] {
        let drawn = ask(tool, parameters).unwrap();
        let [CallMessage::Blob { bytes, mime, filename: Some(name) }] = drawn.as_slice() else { panic!("{drawn:?}") };
        assert_eq!((mime.as_str(), name.as_str()), ("image/png", format!("{tool}.png").as_str()));
        // 800 by 480, at twice that.
        assert_eq!(bytes.get(16..24).unwrap(), [0, 0, 6, 64, 0, 0, 3, 192]);
    }
    let code = ask("qrcode_generator", json!({"content": "hello", "border": 1})).unwrap();
    let [CallMessage::Blob { bytes, mime, filename: Some(name) }] = code.as_slice() else { panic!("{code:?}") };
    assert_eq!((mime.as_str(), name.as_str()), ("image/png", "qrcode.png"));
    // 23 modules of eight pixels.
    assert_eq!(bytes.get(16..24).unwrap(), [0, 0, 0, 184, 0, 0, 0, 184]);
}

fn world(open: bool) -> World {
    ox_net::install_crypto_provider();
    let allowed = |name: &str| (open && name == "SSRF_PROXY_ALLOW_PRIVATE_IPS").then(|| "127.0.0.1".to_owned());
    let (policy, _) = Policy::from_env(allowed);
    World {
        egress: Egress::new(policy),
        code: Arc::new(Off::default()),
        code_limits: CodeLimits::default(),
        caller: ox_net::Caller::default(),
        databases: std::path::Path::new("").into(),
        space: None,
    }
}

async fn call(world: World, name: &str, parameters: Json, credentials: Json) -> Said {
    let arguments = Arguments::new(map(parameters), Map::new());
    invoke(tool(name), Call { arguments, credentials: map(credentials), world }).await
}

fn text(said: &[CallMessage]) -> &str {
    match said.first() {
        Some(CallMessage::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_world_is_asked() {
    let server = MockServer::start().await;
    let base = server.uri();
    Mock::given(method("GET"))
        .and(path("/s/search"))
        .and(query_param("q", "rust & co"))
        .and(query_param("format", "json"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"results": [{"title": "R", "url": "u"}]})))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/b"))
        .and(header("x-subscription-token", "key"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"web": {"results": [{"title": "B", "url": "u", "description": "d"}]}})),
        )
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/w"))
        .and(query_param("q", "Zocca,IT"))
        .and(query_param("appid", "key"))
        .and(query_param("units", "metric"))
        .and(query_param("lang", "en"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"name": "Zocca", "main": {"temp": 25.3}})))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/t/search"))
        .and(header("authorization", "Bearer tvly"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"answer": "42", "results": [{"title": "T", "url": "u", "content": "c"}]})),
        )
        .mount(&server)
        .await;
    Mock::given(path("/page"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_raw("<html><head><title>Page</title></head><body><p>Hello</p></body></html>", "text/html"),
        )
        .mount(&server)
        .await;
    Mock::given(path("/feed"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_string("<rss><channel><title>F</title><item><title>One</title></item></channel></rss>"),
        )
        .mount(&server)
        .await;
    Mock::given(path("/big"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(vec![b'x'; 6 << 20], "text/html"))
        .mount(&server)
        .await;
    Mock::given(path("/no"))
        .respond_with(ResponseTemplate::new(401).set_body_string("who are you?"))
        .mount(&server)
        .await;
    let none = || json!({});
    let searxng = |at: &str| json!({"searxng_base_url": format!("{base}/{at}")});
    let said = call(world(true), "searxng_search", json!({"query": "rust & co"}), searxng("s/")).await.unwrap();
    assert!(text(&said).contains("\"title\":\"R\""));
    let said = call(
        world(true),
        "brave_search",
        json!({"query": "x"}),
        json!({"brave_search_api_key": "key", "base_url": format!("{base}/b")}),
    )
    .await
    .unwrap();
    assert_eq!(text(&said), r#"[{"title":"B","link":"u","snippet":"d"}]"#);
    let weather = |at: &str| json!({"api_key": "key", "base_url": format!("{base}/{at}")});
    let place = json!({"city": "Zocca,IT", "lang": "en_us"});
    let said = call(world(true), "weather", place.clone(), weather("w")).await.unwrap();
    assert_eq!(text(&said), r#"{"name":"Zocca","main":{"temp":25.3}}"#);
    let said = call(
        world(true),
        "tavily_search",
        json!({"query": "x"}),
        json!({"tavily_api_key": "tvly", "base_url": format!("{base}/t")}),
    )
    .await
    .unwrap();
    assert_eq!(text(&said), "Answer: 42\n\n# T\nURL: u\nc");
    let said = call(world(true), "webscraper", json!({"url": format!("{base}/page")}), none()).await.unwrap();
    assert_eq!(text(&said), format!("TITLE: Page\nURL: {base}/page\nTEXT:\n\nHello"));
    let said = call(world(true), "rss_reader", json!({"url": format!("{base}/feed")}), none()).await.unwrap();
    assert!(text(&said).contains("\"title\":\"One\""));
    let said = call(
        world(true),
        "http_request",
        json!({"url": format!("{base}/no"), "headers": "X-A: b", "body": "{}", "method": "post"}),
        none(),
    )
    .await
    .unwrap();
    assert!(text(&said).contains("\"status_code\":401"));
    for (name, parameters, credentials, why) in [
        ("webscraper", json!({"url": format!("{base}/big")}), none(), "larger than the 5 MB"),
        ("webscraper", json!({"url": format!("{base}/no")}), none(), "HTTP 401 Unauthorized: who are you?"),
        ("brave_search", json!({"query": "x"}), none(), "The credential 'brave_search_api_key' is not set."),
        ("weather", place, weather("no"), "OpenWeather refused the credentials"),
        (
            "brave_search",
            json!({"query": "x"}),
            json!({"brave_search_api_key": "k", "base_url": format!("{base}/no")}),
            "Brave refused the credentials",
        ),
        ("searxng_search", json!({"query": "x"}), searxng("page"), "SearXNG answered HTTP 404"),
        ("http_request", json!({"url": "file:///etc/passwd"}), none(), "blocked"),
        ("simple_code", json!({"language": "python3", "code": "print(1)"}), none(), "Code execution is off"),
    ] {
        let error = call(world(true), name, parameters.clone(), credentials).await.unwrap_err();
        assert!(error.contains(why), "{name} {parameters}: {error}");
    }
    let shut = call(world(false), "webscraper", json!({"url": format!("{base}/page")}), none()).await.unwrap_err();
    assert!(shut.contains("blocked by SSRF protection"), "{shut}");
}

#[tokio::test]
async fn images_are_made_of_others() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use crate::openapi::Attachment;
    let server = MockServer::start().await;
    let png = b"\x89PNG\r\n\x1a\nrest".to_vec();
    Mock::given(method("POST"))
        .and(path("/v1/images/edits"))
        .and(header("authorization", "Bearer sk-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"data": [{"b64_json": STANDARD.encode(&png)}]})))
        .mount(&server)
        .await;
    let file = |name: &str, bytes: &[u8]| Attachment {
        filename: name.into(),
        mime: "application/octet-stream".into(),
        bytes: bytes.to_vec().into(),
    };
    let change = async |images: Vec<Attachment>, mask: Vec<Attachment>| {
        let files = [("image".to_owned(), images), ("mask".to_owned(), mask)].into_iter().collect();
        let parameters = map(json!({"prompt": "a red cat", "quality": "high", "n": 1}));
        let arguments = Arguments::new(parameters, Map::new()).with_files(files);
        let credentials = map(json!({"openai_api_key": "sk-1", "openai_base_url": server.uri()}));
        invoke(tool("gpt_image_edit"), Call { arguments, credentials, world: world(true) }).await
    };
    let said = change(vec![file("a.png", &png), file("b.png", &png)], vec![file("m.png", &png)]).await.unwrap();
    assert_eq!(text(&said), "1 image was made.");
    assert!(matches!(said.last(), Some(CallMessage::Blob { mime, .. }) if mime == "image/png"), "{said:?}");
    let asked = server.received_requests().await.unwrap();
    assert!(asked[0].headers["content-type"].to_str().unwrap().starts_with("multipart/form-data; boundary="));
    let body = String::from_utf8_lossy(&asked[0].body).into_owned();
    for (part, times) in [
        ("name=\"image[]\"; filename=\"a.png\"\r\nContent-Type: image/png", 1),
        ("name=\"image[]\"", 2),
        ("name=\"mask\"; filename=\"m.png\"", 1),
        ("name=\"prompt\"\r\n\r\na red cat\r\n", 1),
        ("name=\"model\"\r\n\r\ngpt-image-1\r\n", 1),
        ("name=\"quality\"\r\n\r\nhigh\r\n", 1),
        ("name=\"size\"", 0),
    ] {
        assert_eq!(body.matches(part).count(), times, "{part}: {body}");
    }
    for (images, why) in [
        (vec![], "No image is given"),
        (vec![file("a.txt", b"hello")], "'a.txt' is not an image"),
        (vec![file("a.png", &png); 17], "At most 16 images"),
    ] {
        let error = change(images, Vec::new()).await.unwrap_err();
        assert!(error.contains(why), "{why}: {error}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "what cannot be is not asked for");
}

#[tokio::test]
async fn images_are_files() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use wiremock::matchers::body_json;
    let server = MockServer::start().await;
    let base = server.uri();
    let png = b"\x89PNG\r\n\x1a\nrest".to_vec();
    let inline = json!({"b64_json": STANDARD.encode(&png), "revised_prompt": "a red cat"});
    let linked = json!({"url": format!("{base}/made.webp")});
    let images = |items: Json| {
        ResponseTemplate::new(200).set_body_json(json!({"created": 1, "data": items, "usage": {"total_tokens": 9}}))
    };
    for (body, answer) in [
        (
            json!({"model": "dall-e-3", "prompt": "a cat", "n": 1, "size": "1024x1792", "quality": "hd", "style": "vivid",
                "response_format": "b64_json"}),
            images(json!([inline])),
        ),
        (
            json!({"model": "dall-e-2", "prompt": "a cat", "n": 2, "size": "256x256", "response_format": "b64_json"}),
            images(json!([linked, inline])),
        ),
        (
            json!({"model": "gpt-image-2", "prompt": "a cat", "n": 1, "quality": "high", "output_format": "webp",
                "output_compression": 80}),
            images(json!([linked])),
        ),
        (json!({"model": "my-own", "prompt": "a cat", "n": 1}), images(json!([inline]))),
        (json!({"model": "gpt-image-1", "prompt": "a page", "n": 1}), images(json!([{"url": format!("{base}/page")}]))),
        (json!({"model": "gpt-image-1", "prompt": "nothing", "n": 1}), images(json!([]))),
        (
            json!({"model": "gpt-image-1", "prompt": "something bad", "n": 1}),
            ResponseTemplate::new(400).set_body_json(json!({"error": {"message": "rejected by the safety system"}})),
        ),
    ] {
        Mock::given(method("POST"))
            .and(path("/v1/images/generations"))
            .and(header("authorization", "Bearer sk-1"))
            .and(body_json(body))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    Mock::given(path("/made.webp"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(b"RIFF\0\0\0\0WEBPrest".to_vec(), "image/webp"))
        .mount(&server)
        .await;
    Mock::given(path("/page")).respond_with(ResponseTemplate::new(200).set_body_string("<html>")).mount(&server).await;
    let credentials = |more: Json| {
        let mut all = map(json!({"openai_api_key": "sk-1", "openai_base_url": base}));
        all.extend(map(more));
        Json::Object(all)
    };
    for (name, parameters, more, names) in [
        // One request for each, as that model makes one at a time.
        (
            "dalle3",
            json!({"prompt": "a cat", "size": "vertical", "quality": "hd", "n": 2}),
            json!({}),
            vec!["image-1.png", "image-2.png"],
        ),
        ("dalle2", json!({"prompt": "a cat", "size": "small", "n": 2}), json!({}), vec!["image-1.webp", "image-2.png"]),
        (
            "gpt_image_2_generate",
            json!({"prompt": "a cat", "size": "auto", "quality": "high", "output_format": "webp", "output_compression": 80}),
            json!({"openai_base_url": format!("{base}/v1/")}),
            vec!["image-1.webp"],
        ),
        ("gpt_image_generate", json!({"prompt": "a cat"}), json!({"image_model": "my-own"}), vec!["image-1.png"]),
    ] {
        let said =
            call(world(true), name, parameters, credentials(more)).await.unwrap_or_else(|why| panic!("{name}: {why}"));
        let found: Vec<&str> = said
            .iter()
            .filter_map(|message| match message {
                CallMessage::Blob { filename, mime, .. } if mime.starts_with("image/") => filename.as_deref(),
                _ => None,
            })
            .collect();
        assert_eq!(found, names, "{name}");
        assert!(text(&said).contains("made"), "{name}");
    }
    for (parameters, why) in [
        (json!({"prompt": "a page"}), "something else than an image"),
        (json!({"prompt": "nothing"}), "made no image"),
        (json!({"prompt": "something bad"}), "rejected by the safety system"),
        (json!({}), "tool parameter prompt not found"),
    ] {
        let error = call(world(true), "gpt_image_generate", parameters, credentials(json!({}))).await.unwrap_err();
        assert!(error.contains(why), "{why}: {error}");
    }
    let keyless = call(world(true), "dalle2", json!({"prompt": "x"}), json!({})).await.unwrap_err();
    assert!(keyless.contains("openai_api_key"), "{keyless}");
}
