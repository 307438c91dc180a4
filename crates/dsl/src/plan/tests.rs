use ox_types::Json;
use serde_json::json;

use super::{Base, Plan, document, read};
use crate::{
    document::{AppDocument, Body},
    lint::{self, Severity},
    version::ImportStatus,
};

const MODEL: (&str, &str) = ("oxidify/scripted", "echo");

fn bases() -> Vec<Base> {
    vec![Base { id: "0193c000-0000-7000-8000-0000000000aa".into(), name: "Handbook".into() }]
}

fn plan(json: &Json) -> Result<Plan, Vec<String>> {
    read(&json.to_string(), &bases())
}

fn llm(id: &str, prompt: &str) -> Json {
    json!({"id": id, "kind": "llm", "prompt": prompt})
}

fn workflow(steps: &Json) -> Json {
    json!({"name": "W", "mode": "workflow", "inputs": [
        {"name": "mail", "type": "paragraph"}, {"name": "n", "type": "number"},
        {"name": "note", "required": false}, {"name": "tone", "type": "select", "options": ["warm", "cool"]},
    ], "steps": steps})
}

fn sorting() -> Json {
    json!({"id": "sort", "kind": "classifier", "query": "{{mail}}", "branches": [
        {"label": "Complaint", "steps": [
            {"id": "found", "kind": "knowledge", "query": "mail", "knowledge": ["Handbook"]},
            {"id": "sorry", "kind": "llm", "instructions": "Be {{tone}}.", "prompt": "{{found}}\n{{ mail }}"},
        ]},
        {"label": "Praise", "steps": [{"id": "thanks", "kind": "template", "text": "Thanks: {{mail}} ({{n}})"}]},
    ]})
}

/// The document of a plan, imported and without problems.
fn built(json: &Json) -> AppDocument {
    let plan = plan(json).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let text = document(&plan, MODEL, &bases()).unwrap();
    let errors: Vec<_> = lint::text(&text).into_iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert_eq!(errors, [], "{text}");
    let document = AppDocument::parse(&text).unwrap();
    assert_eq!(document.status, ImportStatus::Completed);
    document
}

#[test]
fn workflows_are_drawn_as_planned() {
    let cases = [
        (json!([llm("a", "Sum up {{mail}}")]), vec!["start>a", "a>end"]),
        (
            json!([llm("a", "{{mail}}"), {"id": "b", "kind": "template", "text": "# {{a}}"}]),
            vec!["start>a", "a>b", "b>end"],
        ),
        (
            json!([sorting(), llm("last", "Polish {{sort}}")]),
            vec![
                "start>sort",
                "sort>found",
                "found>sorry",
                "sorry>sort_join",
                "sort>thanks",
                "thanks>sort_join",
                "sort_join>last",
                "last>end",
            ],
        ),
    ];
    for (steps, expected) in cases {
        let Body::Workflow(body) = built(&workflow(&steps)).body().unwrap() else { panic!("a graph is expected") };
        let edges: Vec<String> = body.graph["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| format!("{}>{}", edge["source"].as_str().unwrap(), edge["target"].as_str().unwrap()))
            .collect();
        assert_eq!(edges, expected);
    }
}

#[test]
fn names_become_selectors() {
    let Body::Workflow(body) = built(&workflow(&json!([sorting()]))).body().unwrap() else { panic!("a graph") };
    let data = |id: &str| {
        let nodes = body.graph["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["id"] == id).unwrap()["data"].clone()
    };
    let sorry = data("sorry");
    assert_eq!(sorry["prompt_template"][0]["text"], "Be {{#start.tone#}}.");
    assert_eq!(sorry["prompt_template"][1]["text"], "{{#context#}}\n{{#start.mail#}}");
    assert_eq!(sorry["context"], json!({"enabled": true, "variable_selector": ["found", "result"]}));
    assert_eq!(data("found")["dataset_ids"], json!([bases()[0].id]));
    assert_eq!(data("thanks")["template"], "Thanks: {{mail}} ({{n}})");
    assert_eq!(data("thanks")["variables"][1], json!({"variable": "n", "value_selector": ["start", "n"]}));
    assert_eq!(data("sort_join")["variables"], json!([["sorry", "text"], ["thanks", "output"]]));
    assert_eq!(data("sort")["classes"][1], json!({"id": "2", "name": "Praise"}));
    assert_eq!(data("end")["outputs"][0]["value_selector"], json!(["sort_join", "output"]));
    assert_eq!(data("sort")["model"]["provider"], MODEL.0);
}

#[test]
fn a_chat_is_configured() {
    let document = built(&json!({
        "name": " Guide ", "icon": "🧭", "mode": "chat", "instructions": "Answer in {{ language }}.", "surprise": [1],
        "inputs": [{"name": "language", "label": "Language", "type": "select", "options": ["en", "zh"]}],
        "opening_statement": "Hello", "suggested_questions": ["Where?"], "knowledge": ["Handbook"], "steps": null,
    }));
    assert_eq!((document.info.name.as_str(), document.info.icon.as_str()), ("Guide", "🧭"));
    let Body::Basic(config) = document.body().unwrap() else { panic!("a basic app is expected") };
    assert_eq!(config["pre_prompt"], "Answer in {{language}}.");
    assert_eq!(config["user_input_form"][0]["select"]["options"], json!(["en", "zh"]));
    assert_eq!(config["dataset_configs"]["datasets"]["datasets"][0]["dataset"]["id"], json!(bases()[0].id));
    assert_eq!((&config["opening_statement"], &config["model"]["name"]), (&json!("Hello"), &json!(MODEL.1)));
}

#[test]
fn prose_fences_and_thoughts_are_passed_over() {
    let json = json!({"name": "A", "mode": "chat", "instructions": "Help.", "icon": "not an icon"}).to_string();
    for text in [
        json.clone(),
        format!("Here it is:\n```json\n{json}\n```\nEnjoy."),
        format!("<think>maybe {{\"name\": 1}}</think>{json}"),
    ] {
        assert_eq!(read(&text, &[]).unwrap().name, "A", "{text}");
    }
}

#[test]
fn what_cannot_be_built_is_told() {
    let chat = |fields: Json| {
        let mut plan = json!({"name": "A", "mode": "chat", "instructions": "Help."});
        plan.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        plan
    };
    let many: Vec<Json> = (0..13).map(|number| llm(&format!("s{number}"), "x")).collect();
    let cases = [
        (json!({"mode": "chat"}), "missing field `name`"),
        (chat(json!({"mode": "robot"})), "unknown variant `robot`"),
        (chat(json!({"instructions": " "})), "instructions is empty"),
        (chat(json!({"name": "x".repeat(101)})), "name is longer than 100"),
        (chat(json!({"instructions": "{{who}}"})), "uses {{who}}"),
        (chat(json!({"knowledge": ["Secrets"]})), "none of the knowledge bases"),
        (chat(json!({"steps": [llm("a", "x")]})), "A chat has no steps"),
        (chat(json!({"inputs": [{"name": "Großes Wort"}]})), "must begin with a letter"),
        (chat(json!({"inputs": [{"name": "sys"}]})), "meaning of its own"),
        (chat(json!({"inputs": [{"name": "a", "type": "select"}]})), "needs options"),
        (workflow(&json!([])), "A workflow needs steps"),
        (workflow(&json!(many)), "more than 12 steps"),
        (workflow(&json!([{"id": "a", "kind": "http", "url": "http://10.0.0.1"}])), "unknown variant `http`"),
        (workflow(&json!([{"id": "a", "kind": "code", "code": "1"}])), "unknown variant `code`"),
        (workflow(&json!([llm("mail", "x")])), "used twice"),
        (workflow(&json!([llm("a", "{{b}}"), llm("b", "x")])), "uses {{b}}"),
        (workflow(&json!([sorting(), llm("z", "{{sorry}}")])), "uses {{sorry}}"),
        (workflow(&json!([{"id": "a", "kind": "template", "text": "{% for x in y %}"}])), "no other template syntax"),
        (
            workflow(&json!([{"id": "a", "kind": "knowledge", "query": "mail", "knowledge": ["Handbook"]}])),
            "only searches",
        ),
        (
            workflow(&json!([{"id": "a", "kind": "knowledge", "query": "note", "knowledge": ["Handbook"]}])),
            "must be required",
        ),
        (workflow(&json!([{"id": "a", "kind": "classifier", "query": "n", "branches": []}])), "which is no text"),
    ];
    for (json, expected) in cases {
        let wrong = plan(&json).unwrap_err();
        assert!(wrong.iter().any(|text| text.contains(expected)), "{expected}: {wrong:?}");
        assert!(wrong.len() <= 10, "{wrong:?}");
    }
    for (text, expected) in [("", "no JSON object"), ("{a}", "not valid JSON"), ("} {", "no JSON object")] {
        assert!(read(text, &[]).unwrap_err()[0].contains(expected), "{text}");
    }
    assert!(read(&"x".repeat(70_000), &[]).unwrap_err()[0].contains("longer than"));
}
