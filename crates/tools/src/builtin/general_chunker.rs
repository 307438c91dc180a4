//! `general_chunker`: a text into chunks that are found and cited as they are.

use ox_rag::{ChunkForm, Rules};
use serde_json::{Value, json};

use super::chunking;
use crate::{
    Parameter, Provider, Tool,
    call::Arguments,
    spec::{Run, Said},
};

pub const PROVIDER: Provider = Provider {
    name: "general_chunker",
    label: ("General chunker", "通用分段"),
    description: ("Cuts texts into chunks for a knowledge base.", "将文本切分为知识库的通用分段。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#2563eb"/>"##,
        r##"<path d="M6 6h12v4H6zM6 14h12v4H6z" fill="none" stroke="#fff" stroke-width="1.500"/></svg>"##
    ),
    labels: &["rag"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "general_chunker",
        label: ("General chunker", "通用分段"),
        description: ("Cuts a text into chunks that are found as they are.", "将文本切分为可直接检索的分段。"),
        for_model: "Cuts a text into chunks of a bounded length.",
        parameters: &[
            Parameter::text("input_variable", ("Text", "输入文本"), "The text to cut").needed(),
            Parameter::text("delimiter", ("Delimiter", "分段标识符"), "Where the text is cut first")
                .fixed()
                .or("\\n\\n"),
            Parameter::number("max_chunk_length", ("Longest chunk", "分段最大长度"), "")
                .fixed()
                .or("1024")
                .within(1.0, 1_000_000.0),
            Parameter::number("chunk_overlap_length", ("Overlap", "分段重叠长度"), "")
                .fixed()
                .or("50")
                .within(0.0, 1_000_000.0),
            Parameter::flag(
                "replace_consecutive_spaces",
                ("Replace consecutive spaces, newlines and tabs", "替换连续的空格、换行符和制表符"),
                "false",
            ),
            Parameter::flag(
                "delete_all_urls_and_email_addresses",
                ("Delete all URLs and email addresses", "删除所有 URL 和电子邮件地址"),
                "false",
            ),
        ],
        run: Run::Pure(run),
    }],
};

fn run(arguments: &Arguments) -> Said {
    let content = chunking::needed(arguments, &["input_variable", "input_text"])?;
    let separator = chunking::separator(arguments, &["delimiter", "separator"], "\n\n");
    let most = chunking::length(arguments, &["max_chunk_length", "max_length"], 1024, 1)?;
    let usual = u32::try_from(most / 20).unwrap_or(50).min(50);
    let overlap = chunking::length(arguments, &["chunk_overlap_length", "chunk_overlap"], usual, 0)?;
    let spaces = chunking::flag(arguments, &["replace_consecutive_spaces", "remove_extra_spaces"]);
    let addresses = chunking::flag(arguments, &["delete_all_urls_and_email_addresses", "remove_urls_emails"]);
    let rules = Rules {
        pre_processing_rules: Some(chunking::steps(spaces, addresses)),
        segmentation: Some(chunking::segmentation(&separator, most, overlap)),
        ..Rules::default()
    };
    let chunks = chunking::cut(ChunkForm::Text, rules, &content)?;
    let chunks: Vec<Value> = chunks.into_iter().map(|chunk| json!({"content": chunk.content, "files": []})).collect();
    chunking::give(json!({"general_chunks": chunks}))
}
