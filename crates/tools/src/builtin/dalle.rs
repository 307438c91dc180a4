//! `dalle`: pictures by OpenAI's DALL·E models.

use serde_json::{Map, json};

use super::images::{self, Wanted};
use crate::{
    Call, Parameter, Provider, Tool,
    spec::{Run, Said},
};

const PROMPT: Parameter =
    Parameter::text("prompt", ("Prompt", "提示词"), "A detailed description of the image that is wanted").needed();
const NUMBER: Parameter =
    Parameter::number("n", ("Number of images", "图像数量"), "").or("1").within(1.0, 10.0).fixed();

pub const PROVIDER: Provider = Provider {
    name: "dalle",
    label: ("DALL-E", "DALL-E 绘画"),
    description: ("Draws images by OpenAI's DALL-E models.", "使用 OpenAI 的 DALL-E 模型生成图像。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0f766e"/>"##,
        r##"<path d="M6 17l4-6 3 4 2-2 3 4zM15 7.500a1.500 1.500 0 1 0 .01 0" fill="none" stroke="#fff" stroke-width="1.600" stroke-linejoin="round"/></svg>"##
    ),
    labels: &["image", "productivity"],
    form: images::FORM,
    trial: None,
    tools: &[
        Tool {
            name: "dalle2",
            label: ("DALL-E 2", "DALL-E 2 绘画"),
            description: ("Draws an image from a description.", "根据描述生成图像。"),
            for_model: "Draws images from a description by DALL-E 2.",
            parameters: &[
                PROMPT,
                Parameter::select(
                    "size",
                    ("Image size", "图像大小"),
                    "large",
                    &[
                        ("small", ("Small (256x256)", "小 (256x256)")),
                        ("medium", ("Medium (512x512)", "中 (512x512)")),
                        ("large", ("Large (1024x1024)", "大 (1024x1024)")),
                    ],
                ),
                NUMBER,
            ],
            run: Run::Calls(|call| Box::pin(second(call))),
        },
        Tool {
            name: "dalle3",
            label: ("DALL-E 3", "DALL-E 3 绘画"),
            description: ("Draws an image from a description.", "根据描述生成图像。"),
            for_model: "Draws images from a description by DALL-E 3.",
            parameters: &[
                PROMPT,
                Parameter::select(
                    "size",
                    ("Image size", "图像大小"),
                    "square",
                    &[
                        ("square", ("Square (1024x1024)", "方形 (1024x1024)")),
                        ("vertical", ("Vertical (1024x1792)", "竖向 (1024x1792)")),
                        ("horizontal", ("Horizontal (1792x1024)", "横向 (1792x1024)")),
                    ],
                ),
                NUMBER,
                Parameter::select(
                    "quality",
                    ("Image quality", "图像质量"),
                    "standard",
                    &[("standard", ("Standard", "标准")), ("hd", ("HD", "高清"))],
                ),
                Parameter::select(
                    "style",
                    ("Image style", "图像风格"),
                    "vivid",
                    &[("vivid", ("Vivid", "生动")), ("natural", ("Natural", "自然"))],
                ),
            ],
            run: Run::Calls(|call| Box::pin(third(call))),
        },
    ],
};

/// A size by its name; one that has none is taken as it is.
fn size(call: &Call, usual: &str) -> String {
    let asked = call.arguments.get("size").unwrap_or_else(|| usual.to_owned());
    let known = [
        ("small", "256x256"),
        ("medium", "512x512"),
        ("large", "1024x1024"),
        ("square", "1024x1024"),
        ("vertical", "1024x1792"),
        ("horizontal", "1792x1024"),
    ];
    known.iter().find(|(name, _)| *name == asked.trim()).map_or(asked, |(_, size)| (*size).to_owned())
}

async fn second(call: &Call) -> Said {
    let fields = Map::from_iter([
        ("size".to_owned(), size(call, "large").into()),
        ("response_format".to_owned(), json!("b64_json")),
    ]);
    let count = call.arguments.count("n", 1, 1, images::MOST)?;
    images::make(call, Wanted { model: "dall-e-2".to_owned(), fields, count, is_single: false }).await
}

async fn third(call: &Call) -> Said {
    let choice = |name: &str, usual: &str| call.arguments.get(name).unwrap_or_else(|| usual.to_owned());
    let fields = Map::from_iter([
        ("size".to_owned(), size(call, "square").into()),
        ("quality".to_owned(), choice("quality", "standard").into()),
        ("style".to_owned(), choice("style", "vivid").into()),
        ("response_format".to_owned(), json!("b64_json")),
    ]);
    let count = call.arguments.count("n", 1, 1, images::MOST)?;
    images::make(call, Wanted { model: "dall-e-3".to_owned(), fields, count, is_single: true }).await
}
