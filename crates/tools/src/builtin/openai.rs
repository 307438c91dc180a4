//! `openai`: pictures by OpenAI's image models, or by any server that has their interface.

use ox_types::Json;
use serde_json::Map;

use super::images::{self, Wanted};
use crate::{
    Call, Choice, Parameter, Provider, Tool,
    spec::{Run, Said},
};

const AUTO: Choice = ("auto", ("Auto", "自动"));
const LOW: Choice = ("low", ("Low", "低"));
const MEDIUM: Choice = ("medium", ("Medium", "中"));
const HIGH: Choice = ("high", ("High", "高"));

const PROMPT: Parameter =
    Parameter::text("prompt", ("Prompt", "提示词"), "A detailed description of the image that is wanted").needed();
const NUMBER: Parameter =
    Parameter::number("n", ("Number of images", "图像数量"), "").or("1").within(1.0, 10.0).fixed();
const BACKGROUND: Parameter = Parameter::select(
    "background",
    ("Background", "背景"),
    "auto",
    &[AUTO, ("opaque", ("Opaque", "不透明")), ("transparent", ("Transparent (PNG, WebP)", "透明（PNG、WebP）"))],
);
const FORMAT: Parameter = Parameter::select(
    "output_format",
    ("Format", "输出格式"),
    "auto",
    &[AUTO, ("png", ("PNG", "PNG")), ("jpeg", ("JPEG", "JPEG")), ("webp", ("WebP", "WebP"))],
);
const COMPRESSION: Parameter =
    Parameter::number("output_compression", ("Compression (JPEG, WebP)", "压缩级别（JPEG、WebP）"), "")
        .or("100")
        .within(0.0, 100.0)
        .fixed();
const MODERATION: Parameter = Parameter::select("moderation", ("Moderation", "内容审核"), "auto", &[AUTO, LOW]);

const EDIT: (&str, &str) = (
    "Changes images, or makes a new one of several, as a description says. For tool nodes.",
    "按描述修改图像，或由多张图像合成一张新图像。用于工具节点。",
);
const EDITING: &[Parameter] = &[
    Parameter::files("image", ("Images", "图像"), "The images to work from").needed(),
    Parameter::text("prompt", ("Prompt", "提示词"), "What is to be changed or made").needed(),
    Parameter::files(
        "mask",
        ("Mask: transparent where the first image may change", "蒙版：透明处为第一张图像可修改的区域"),
        "A PNG of the size of the first image, transparent where it may change",
    ),
    Parameter::text("size", ("Image size: auto, or such as 1536x1024", "图像大小：auto 或如 1536x1024"), "")
        .or("auto")
        .fixed(),
    NUMBER,
    Parameter::select("quality", ("Image quality", "图像质量"), "auto", &[AUTO, LOW, MEDIUM, HIGH]),
    BACKGROUND,
    FORMAT,
    COMPRESSION,
];

pub const PROVIDER: Provider = Provider {
    name: "openai",
    label: ("OpenAI images", "OpenAI 图像"),
    description: (
        "Draws images by OpenAI's image models, or by any server that has their interface.",
        "使用 OpenAI 的图像模型或任何兼容其接口的服务生成图像。",
    ),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#334155"/>"##,
        r##"<path d="M6 6.500h12v11H6zM6 15l4-4 3 3 2-2 3 3" fill="none" stroke="#fff" stroke-width="1.600" stroke-linejoin="round"/></svg>"##
    ),
    labels: &["image", "productivity"],
    form: images::FORM,
    trial: None,
    tools: &[
        Tool {
            name: "gpt_image_2_generate",
            label: ("GPT Image 2", "GPT Image 2"),
            description: ("Draws an image from a description.", "根据描述生成图像。"),
            for_model: "Draws images from a description by OpenAI's GPT Image 2 models.",
            parameters: &[
                Parameter::select(
                    "model",
                    ("Model", "模型"),
                    "gpt-image-2",
                    &[
                        ("gpt-image-2", ("GPT Image 2", "GPT Image 2")),
                        ("gpt-image-2.5-flare", ("GPT Image 2.5 Flare", "GPT Image 2.5 Flare")),
                        ("gpt-image-2.5-sunburst", ("GPT Image 2.5 Sunburst", "GPT Image 2.5 Sunburst")),
                    ],
                ),
                PROMPT,
                Parameter::text(
                    "size",
                    ("Image size: auto, or such as 1536x1024", "图像大小：auto 或如 1536x1024"),
                    "",
                )
                .or("auto")
                .fixed(),
                NUMBER,
                Parameter::select(
                    "quality",
                    ("Image quality", "图像质量"),
                    "auto",
                    &[
                        AUTO,
                        LOW,
                        MEDIUM,
                        HIGH,
                        ("xhigh", ("Extra high (2.5 only)", "超高（仅 2.5）")),
                        ("max", ("Maximum (2.5 only)", "最高（仅 2.5）")),
                    ],
                ),
                BACKGROUND,
                FORMAT,
                COMPRESSION,
                MODERATION,
            ],
            run: Run::Calls(|call| Box::pin(draw(call, "gpt-image-2"))),
        },
        Tool {
            name: "gpt_image_generate",
            label: ("GPT Image 1", "GPT Image 1"),
            description: ("Draws an image from a description.", "根据描述生成图像。"),
            for_model: "Draws images from a description by OpenAI's model gpt-image-1.",
            parameters: &[
                PROMPT,
                Parameter::select(
                    "size",
                    ("Image size", "图像大小"),
                    "auto",
                    &[
                        AUTO,
                        ("1024x1024", ("Square (1024x1024)", "方形 (1024x1024)")),
                        ("1024x1536", ("Portrait (1024x1536)", "竖向 (1024x1536)")),
                        ("1536x1024", ("Landscape (1536x1024)", "横向 (1536x1024)")),
                    ],
                ),
                NUMBER,
                Parameter::select("quality", ("Image quality", "图像质量"), "auto", &[AUTO, LOW, MEDIUM, HIGH]),
                BACKGROUND,
                FORMAT,
                COMPRESSION,
                MODERATION,
            ],
            run: Run::Calls(|call| Box::pin(draw(call, "gpt-image-1"))),
        },
        Tool {
            name: "gpt_image_2_edit",
            label: ("Edit images (GPT Image 2)", "编辑图像（GPT Image 2）"),
            description: EDIT,
            for_model: "Changes the given images as a description says, by OpenAI's GPT Image 2 models.",
            parameters: EDITING,
            run: Run::Calls(|call| Box::pin(change(call, "gpt-image-2"))),
        },
        Tool {
            name: "gpt_image_edit",
            label: ("Edit images (GPT Image 1)", "编辑图像（GPT Image 1）"),
            description: EDIT,
            for_model: "Changes the given images as a description says, by OpenAI's model gpt-image-1.",
            parameters: EDITING,
            run: Run::Calls(|call| Box::pin(change(call, "gpt-image-1"))),
        },
    ],
};

async fn draw(call: &Call, usual: &str) -> Said {
    images::make(call, wanted(call, usual)?).await
}

async fn change(call: &Call, usual: &str) -> Said {
    images::edit(call, wanted(call, usual)?).await
}

/// What is chosen; what the model may choose itself is left out.
fn wanted(call: &Call, usual: &str) -> Result<Wanted, String> {
    let arguments = &call.arguments;
    let mut fields = Map::new();
    for name in ["size", "quality", "background", "output_format", "moderation"] {
        let chosen = arguments.get(name).map(|value| value.trim().to_owned()).filter(|value| value != "auto");
        fields.extend(chosen.map(|value| (name.to_owned(), Json::from(value))));
    }
    // Only these two can be made smaller.
    if fields.get("output_format").and_then(Json::as_str).is_some_and(|format| format != "png") {
        fields.insert("output_compression".to_owned(), arguments.count("output_compression", 100, 0, 100)?.into());
    }
    let model = arguments.get("model").unwrap_or_else(|| usual.to_owned());
    let count = arguments.count("n", 1, 1, images::MOST)?;
    Ok(Wanted { model, fields, count, is_single: false })
}
