//! Short ways to write credential forms and parameter rules as data.

use ox_types::Json;

use crate::{FieldOption, FieldType, FormField, I18n, ParameterRule, ParameterType, ShowOn};

/// A text field.
pub fn text(variable: &str, en: &str, zh: &str) -> FormField {
    FormField {
        variable: variable.to_owned(),
        label: I18n::new(en, zh),
        kind: FieldType::TextInput,
        required: false,
        default: None,
        options: None,
        placeholder: None,
        max_length: 0,
        show_on: Vec::new(),
    }
}

/// The usual key field.
pub fn key(variable: &str) -> FormField {
    let field = text(variable, "API Key", "API 密钥");
    FormField { kind: FieldType::SecretInput, ..field }.hint("Paste your API key", "粘贴您的 API 密钥")
}

/// A choice; the first value is the default.
pub fn select(variable: &str, en: &str, zh: &str, options: &[(&str, &str, &str)]) -> FormField {
    let default = options.first().map(|(value, ..)| (*value).to_owned());
    let options = options
        .iter()
        .map(|(value, en, zh)| FieldOption {
            label: I18n::new(en, zh),
            value: (*value).to_owned(),
            show_on: Vec::new(),
        })
        .collect();
    FormField { kind: FieldType::Select, options: Some(options), default, ..text(variable, en, zh) }
}

impl FormField {
    pub(crate) fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) fn hint(mut self, en: &str, zh: &str) -> Self {
        self.placeholder = Some(I18n::new(en, zh));
        self
    }

    pub(crate) fn or(mut self, default: &str) -> Self {
        self.default = Some(default.to_owned());
        self
    }

    pub(crate) fn only_for(mut self, model_type: &str) -> Self {
        self.show_on = vec![ShowOn { variable: "__model_type".into(), value: model_type.to_owned() }];
        self
    }
}

/// Fields of a model nobody described: what the user knows about it.
pub fn custom_model_fields() -> Vec<FormField> {
    let no_yes = |no: &'static str, yes: &'static str| [(no, "Not supported", "不支持"), (yes, "Supported", "支持")];
    vec![
        select(
            "mode",
            "Completion mode",
            "对话方式",
            &[("chat", "Chat", "对话"), ("completion", "Completion", "补全")],
        )
        .only_for("llm"),
        text("context_size", "Context size", "上下文长度")
            .or("4096")
            .required()
            .hint("Tokens of prompt and answer together", "提示词与回答合计的 token 数"),
        text("max_tokens_to_sample", "Limit of max tokens", "最大 token 上限").or("4096").only_for("llm"),
        select(
            "function_calling_type",
            "Tool calls",
            "工具调用",
            &[
                ("no_call", "Not supported", "不支持"),
                ("tool_call", "Supported", "支持"),
                ("function_call", "Old function calls", "旧式函数调用"),
            ],
        )
        .only_for("llm"),
        select(
            "stream_function_calling",
            "Tool calls while streaming",
            "流式工具调用",
            &no_yes("not_supported", "supported"),
        )
        .only_for("llm"),
        select("vision_support", "Images", "图像输入", &no_yes("no_support", "support")).only_for("llm"),
        select("structured_output_support", "Structured output", "结构化输出", &no_yes("not_supported", "supported"))
            .only_for("llm"),
        text("max_chunks", "Texts in one request", "每次请求的文本数").or("1").only_for("text-embedding"),
        text("voices", "Voices", "可用音色").or("alloy").only_for("tts").hint("alloy, nova, …", "alloy, nova, …"),
    ]
}

/// A parameter rule filled from the usual template of its name.
pub fn rule(name: &str) -> Option<ParameterRule> {
    let (template, kind, en, zh, default, range, precision): (_, _, _, _, Option<Json>, Option<(f64, f64)>, _) =
        match name {
            "temperature" => {
                ("temperature", ParameterType::Float, "Temperature", "温度", None, Some((0.0, 2.0)), Some(2))
            }
            "top_p" => ("top_p", ParameterType::Float, "Top P", "Top P", None, Some((0.0, 1.0)), Some(2)),
            "presence_penalty" => (
                "presence_penalty",
                ParameterType::Float,
                "Presence penalty",
                "存在惩罚",
                None,
                Some((-2.0, 2.0)),
                Some(2),
            ),
            "frequency_penalty" => (
                "frequency_penalty",
                ParameterType::Float,
                "Frequency penalty",
                "频率惩罚",
                None,
                Some((-2.0, 2.0)),
                Some(2),
            ),
            "max_tokens" => ("max_tokens", ParameterType::Int, "Max tokens", "最大标记", None, None, Some(0)),
            "max_completion_tokens" => {
                ("max_tokens", ParameterType::Int, "Max completion tokens", "最大补全标记", None, None, Some(0))
            }
            "max_output_tokens" | "num_predict" => {
                ("max_tokens", ParameterType::Int, "Max output tokens", "最大输出标记", None, None, Some(0))
            }
            "top_k" | "k" => ("top_k", ParameterType::Int, "Top K", "Top K", None, Some((0.0, 500.0)), Some(0)),
            "p" => ("top_p", ParameterType::Float, "Top P", "Top P", None, Some((0.0, 1.0)), Some(2)),
            "repeat_penalty" => {
                ("", ParameterType::Float, "Repeat penalty", "重复惩罚", None, Some((-2.0, 2.0)), Some(2))
            }
            "num_ctx" => ("", ParameterType::Int, "Context window", "上下文窗口", None, Some((1.0, 1e8)), Some(0)),
            "keep_alive" => ("", ParameterType::String, "Keep alive", "保持加载", None, None, None),
            "thinking" | "think" => ("", ParameterType::Boolean, "Thinking", "思考", None, None, None),
            "thinking_budget" => {
                ("", ParameterType::Int, "Thinking budget", "思考预算", None, Some((-1.0, 1e6)), Some(0))
            }
            "thinking_level" => ("", ParameterType::String, "Thinking level", "思考级别", None, None, None),
            "include_thoughts" => ("", ParameterType::Boolean, "Show thoughts", "显示思考过程", None, None, None),
            "effort" => ("", ParameterType::String, "Effort", "投入程度", None, None, None),
            "prompt_caching_system_message" => {
                ("", ParameterType::Boolean, "Cache system message", "缓存系统消息", None, None, None)
            }
            "prompt_caching_tool_definitions" => {
                ("", ParameterType::Boolean, "Cache tool definitions", "缓存工具定义", None, None, None)
            }
            "seed" => ("", ParameterType::Int, "Seed", "种子", None, None, Some(0)),
            "reasoning_effort" => ("", ParameterType::String, "Reasoning effort", "推理程度", None, None, None),
            "reasoning_summary" => ("", ParameterType::String, "Reasoning summary", "推理摘要", None, None, None),
            "response_format" => {
                ("response_format", ParameterType::String, "Response format", "回复格式", None, None, None)
            }
            "json_schema" => ("json_schema", ParameterType::Text, "JSON schema", "JSON Schema", None, None, None),
            _ => return None,
        };
    let options: &[&str] = match name {
        "response_format" => &["text", "json_object", "json_schema"],
        "thinking_level" => &["minimal", "low", "medium", "high"],
        "effort" => &["low", "medium", "high", "xhigh", "max"],
        "reasoning_summary" => &["auto", "concise", "detailed"],
        _ => &[],
    };
    Some(ParameterRule {
        name: name.to_owned(),
        use_template: Some(template.to_owned()).filter(|template| !template.is_empty()),
        label: I18n::new(en, zh),
        kind,
        help: help(name),
        required: false,
        default,
        min: range.map(|(min, _)| min),
        max: range.map(|(_, max)| max),
        precision,
        options: options.iter().map(|&option| option.to_owned()).collect(),
    })
}

fn help(name: &str) -> Option<I18n> {
    let (en, zh) = match name {
        "temperature" => {
            ("Higher values make the answer more varied, lower ones more focused.", "数值越高回答越多样，越低越集中。")
        }
        "top_p" => {
            ("Only the likeliest tokens up to this share are considered.", "只考虑累计概率达到该值的最可能标记。")
        }
        "presence_penalty" => ("Positive values favour new topics.", "正值鼓励谈论新的话题。"),
        "frequency_penalty" => {
            ("Positive values make repeating the same words less likely.", "正值减少重复相同的词语。")
        }
        "max_tokens" | "max_completion_tokens" | "max_output_tokens" | "num_predict" => {
            ("Most tokens the answer may have.", "回答最多可包含的标记数。")
        }
        "thinking" | "think" => ("The model thinks before it answers.", "模型在回答前先思考。"),
        "thinking_budget" => ("Most tokens the thinking may have.", "思考最多可使用的标记数。"),
        "include_thoughts" => ("The answer comes with a summary of the thoughts.", "回答附带思考过程的摘要。"),
        "effort" | "thinking_level" => ("How much work goes into an answer.", "为回答投入多少。"),
        "num_ctx" => ("Tokens of prompt and answer that are kept in view.", "模型可同时看到的提示词与回答标记数。"),
        "keep_alive" => ("How long the model stays loaded, such as 5m.", "模型保持加载的时间，例如 5m。"),
        "prompt_caching_system_message" | "prompt_caching_tool_definitions" => (
            "What is the same in every call is kept by the provider and costs less.",
            "每次调用相同的内容由服务商缓存，费用更低。",
        ),
        "seed" => {
            ("The same seed gives the same answer as far as the provider can.", "相同的种子会尽可能得到相同的回答。")
        }
        "reasoning_effort" => ("How long the model may think before it answers.", "模型在回答前思考的程度。"),
        "reasoning_summary" => (
            "The answer comes with a summary of the reasoning. Some accounts must be verified by the provider first.",
            "回答附带推理过程的摘要，部分账户须先经服务商验证。",
        ),
        "response_format" => ("The form the answer must have.", "回答必须采用的格式。"),
        "json_schema" => ("Schema of the answer when the format is json_schema.", "格式为 json_schema 时回答的结构。"),
        _ => return None,
    };
    Some(I18n::new(en, zh))
}
