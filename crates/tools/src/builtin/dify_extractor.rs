//! `dify_extractor`: the text of a file, under the name that pipelines of the compatible system know.

use super::{chunking, say};
use crate::{
    Parameter, Provider, Tool,
    call::Arguments,
    spec::{Run, Said},
};

pub const PROVIDER: Provider = Provider {
    name: "dify_extractor",
    label: ("Text of a file", "文件文本提取"),
    description: ("Reads the text of a document for a knowledge base.", "提取文档文本，用于知识库。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#b45309"/>"##,
        r##"<path d="M7 5h7l4 4v10H7zM10 13h5M10 16h5" stroke="#fff" stroke-width="1.500" fill="none"/></svg>"##
    ),
    labels: &["rag"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "dify_extractor",
        label: ("Text of a file", "文件文本提取"),
        description: ("The text of a document.", "文档的文本内容。"),
        for_model: "Gives the text of a document.",
        parameters: &[FILE],
        run: Run::Pure(run),
    }],
};

/// Whoever calls the tool gives the text of the file in its place.
const FILE: Parameter = {
    let mut parameter = Parameter::text("file", ("File", "文件"), "The document").needed();
    parameter.kind = "file";
    parameter
};

fn run(arguments: &Arguments) -> Said {
    say(chunking::needed(arguments, &["file"])?)
}
