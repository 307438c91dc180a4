//! `parentchild_chunker`: small chunks that are found, in larger ones that are cited.

use ox_rag::{ChunkForm, ParentMode, Rules};
use serde_json::{Value, json};

use super::chunking;
use crate::{
    Choice, Parameter, Provider, Tool,
    call::Arguments,
    spec::{Run, Said},
};

const MODES: &[Choice] = &[("paragraph", ("Paragraphs", "段落")), ("full-doc", ("The whole document", "全文"))];

pub const PROVIDER: Provider = Provider {
    name: "parentchild_chunker",
    label: ("Parent-child chunker", "父子分段"),
    description: (
        "Cuts texts into parents that are cited and parts of them that are found.",
        "将文本切分为用于引用的父分段和用于检索的子分段。",
    ),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#7c3aed"/>"##,
        r##"<path d="M5 6h14v12H5zM8 9h8v2H8zM8 13h8v2H8z" fill="none" stroke="#fff" stroke-width="1.500"/></svg>"##
    ),
    labels: &["rag"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "parentchild_chunker",
        label: ("Parent-child chunker", "父子分段"),
        description: ("Cuts a text into parents and their parts.", "将文本切分为父分段与子分段。"),
        for_model: "Cuts a text into parents and their parts.",
        parameters: &[
            Parameter::text("input_text", ("Text", "输入文本"), "The text to cut").needed(),
            Parameter::select("parent_mode", ("What a parent is", "父分段模式"), "paragraph", MODES),
            Parameter::text("separator", ("Delimiter of parents", "父分段标识符"), "").fixed().or("\\n\\n"),
            Parameter::number("max_length", ("Longest parent", "父分段最大长度"), "")
                .fixed()
                .or("1024")
                .within(1.0, 1_000_000.0),
            Parameter::text("subchunk_separator", ("Delimiter of parts", "子分段标识符"), "").fixed().or("\\n"),
            Parameter::number("subchunk_max_length", ("Longest part", "子分段最大长度"), "")
                .fixed()
                .or("512")
                .within(1.0, 1_000_000.0),
            Parameter::flag(
                "remove_extra_spaces",
                ("Replace consecutive spaces, newlines and tabs", "替换连续的空格、换行符和制表符"),
                "false",
            ),
            Parameter::flag(
                "remove_urls_emails",
                ("Delete all URLs and email addresses", "删除所有 URL 和电子邮件地址"),
                "false",
            ),
        ],
        run: Run::Pure(run),
    }],
};

fn run(arguments: &Arguments) -> Said {
    let content = chunking::needed(arguments, &["input_text", "input_variable"])?;
    let mode = match arguments.get("parent_mode").as_deref() {
        None | Some("paragraph") => ParentMode::Paragraph,
        Some("full-doc" | "full_doc") => ParentMode::FullDoc,
        Some(other) => return Err(format!("parent_mode must be paragraph or full-doc, not '{other}'.")),
    };
    let parents = chunking::separator(arguments, &["separator", "delimiter"], "\n\n");
    let parts = chunking::separator(arguments, &["subchunk_separator"], "\n");
    let most = chunking::length(arguments, &["max_length", "max_chunk_length"], 1024, 1)?;
    let most_of_part = chunking::length(arguments, &["subchunk_max_length"], 512, 1)?;
    let spaces = chunking::flag(arguments, &["remove_extra_spaces"]);
    let addresses = chunking::flag(arguments, &["remove_urls_emails"]);
    let rules = Rules {
        pre_processing_rules: Some(chunking::steps(spaces, addresses)),
        segmentation: Some(chunking::segmentation(&parents, most, 0)),
        parent_mode: Some(mode),
        subchunk_segmentation: Some(chunking::segmentation(&parts, most_of_part, 0)),
    };
    let chunks = chunking::cut(ChunkForm::Hierarchical, rules, &content)?;
    let chunks: Vec<Value> = chunks
        .into_iter()
        .map(|chunk| json!({"parent_content": chunk.content, "child_contents": chunk.children, "files": []}))
        .collect();
    chunking::give(json!({"parent_mode": mode.as_str(), "parent_child_chunks": chunks}))
}
