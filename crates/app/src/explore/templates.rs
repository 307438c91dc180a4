//! Apps to begin with, which come with this program. Their files name the workspace's own default model.

use ox_models::ModelKind;
use ox_types::{Json, boxed};
use uuid::{Uuid, uuid};

use crate::{Error, Principal, Result, Services, providers};

/// A text in English and in Chinese.
type Texts = (&'static str, &'static str);

/// A template.
#[derive(Debug)]
struct Template {
    id: Uuid,
    mode: &'static str,
    name: Texts,
    description: Texts,
    category: Texts,
    icon: (&'static str, &'static str),
    /// The file after its head: `model_config` or `workflow`.
    body: &'static str,
}

const WRITING: Texts = ("Writing", "写作");
const WORK: Texts = ("Work", "办公");
const RESEARCH: Texts = ("Research", "研究");
const LEARNING: Texts = ("Learning", "学习");

const TEMPLATES: &[Template] = &[
    Template {
        id: uuid!("0193c000-0000-7000-8000-000000000001"),
        mode: "chat",
        name: ("Writing coach", "写作教练"),
        description: (
            "Improves a text for those who will read it, and says what was changed.",
            "针对读者改进文本，并说明改动之处。",
        ),
        category: WRITING,
        icon: ("✍️", "#FFF4ED"),
        body: include_str!("templates/writing_coach.yaml"),
    },
    Template {
        id: uuid!("0193c000-0000-7000-8000-000000000002"),
        mode: "completion",
        name: ("Translator", "翻译"),
        description: (
            "Translates a text and leaves names, numbers and Markdown as they are.",
            "翻译文本，并保留名称、数字与 Markdown 格式。",
        ),
        category: WRITING,
        icon: ("🌍", "#E0F2FE"),
        body: include_str!("templates/translator.yaml"),
    },
    Template {
        id: uuid!("0193c000-0000-7000-8000-000000000003"),
        mode: "completion",
        name: ("Meeting minutes", "会议纪要"),
        description: (
            "Makes minutes of rough notes: summary, decisions, tasks, open questions.",
            "将零散笔记整理为纪要：摘要、决定、任务与待定问题。",
        ),
        category: WORK,
        icon: ("🗒️", "#ECFDF3"),
        body: include_str!("templates/meeting_minutes.yaml"),
    },
    Template {
        id: uuid!("0193c000-0000-7000-8000-000000000004"),
        mode: "workflow",
        name: ("Text summary", "文本摘要"),
        description: ("A short summary of a long text and its key points.", "为长文本生成简短摘要与要点。"),
        category: RESEARCH,
        icon: ("📚", "#EFF4FF"),
        body: include_str!("templates/text_summary.yaml"),
    },
    Template {
        id: uuid!("0193c000-0000-7000-8000-000000000005"),
        mode: "workflow",
        name: ("Draft and review", "起草与审校"),
        description: (
            "Three calls of a model: a draft, an editor's remarks, the revised text.",
            "三次模型调用：起草、编辑点评、修订成稿。",
        ),
        category: WRITING,
        icon: ("🖋️", "#F4EBFF"),
        body: include_str!("templates/draft_and_review.yaml"),
    },
    Template {
        id: uuid!("0193c000-0000-7000-8000-000000000006"),
        mode: "workflow",
        name: ("Web page digest", "网页速读"),
        description: ("Fetches a web page and answers a question from it.", "抓取网页，并根据其内容回答问题。"),
        category: RESEARCH,
        icon: ("🌐", "#E6F4FF"),
        body: include_str!("templates/web_page_digest.yaml"),
    },
    Template {
        id: uuid!("0193c000-0000-7000-8000-000000000007"),
        mode: "advanced-chat",
        name: ("Patient tutor", "耐心导师"),
        description: (
            "Teaches a subject step by step and asks back. It remembers the talk.",
            "循序渐进地讲解一门学科并提问，且能记住对话。",
        ),
        category: LEARNING,
        icon: ("🎓", "#FFFAEB"),
        body: include_str!("templates/patient_tutor.yaml"),
    },
    Template {
        id: uuid!("0193c000-0000-7000-8000-000000000008"),
        mode: "agent-chat",
        name: ("Desk agent", "桌面助手"),
        description: (
            "An agent with a calculator and a clock. The model must be able to call tools.",
            "带有计算器与时钟的智能体。所选模型需支持工具调用。",
        ),
        category: WORK,
        icon: ("🧮", "#F2F4F7"),
        body: include_str!("templates/desk_agent.yaml"),
    },
];

/// A template in one language.
#[derive(Clone, Copy, Debug)]
pub struct TemplateView {
    pub id: Uuid,
    pub mode: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub category: &'static str,
    pub icon: &'static str,
    pub icon_background: &'static str,
}

fn told(texts: Texts, language: &str) -> &'static str {
    if language.starts_with("zh") { texts.1 } else { texts.0 }
}

fn view(item: &Template, language: &str) -> TemplateView {
    TemplateView {
        id: item.id,
        mode: item.mode,
        name: told(item.name, language),
        description: told(item.description, language),
        category: told(item.category, language),
        icon: item.icon.0,
        icon_background: item.icon.1,
    }
}

/// Every template.
#[must_use]
pub fn list(language: &str) -> Vec<TemplateView> {
    TEMPLATES.iter().map(|item| view(item, language)).collect()
}

/// A template with its file.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn find(
    services: &Services,
    principal: &Principal,
    id: Uuid,
    language: &str,
) -> Result<(TemplateView, String)> {
    let item = TEMPLATES.iter().find(|item| item.id == id).ok_or_else(|| Error::not_found("Template not found."))?;
    let model = providers::default_model(services, principal.tenant_id(), ModelKind::Llm).await?;
    let (provider, name) = model.map(|model| (model.provider, model.name)).unwrap_or_default();
    Ok((view(item, language), file(item, language, &provider, &name)))
}

/// The file of a template; without a model its makers choose one.
fn file(item: &Template, language: &str, provider: &str, model: &str) -> String {
    let TemplateView { mode, name, description, icon, icon_background, .. } = view(item, language);
    let quoted = |text: &str| Json::from(text).to_string();
    let body = item.body.replace("\"%PROVIDER%\"", &quoted(provider)).replace("\"%MODEL%\"", &quoted(model));
    format!(
        "app: {{name: {}, mode: {mode}, icon: {}, icon_type: emoji, icon_background: {}, description: {}, \
         use_icon_as_answer_icon: false}}\nkind: app\nversion: 0.6.0\ndependencies: []\n{body}",
        quoted(name),
        quoted(icon),
        quoted(icon_background),
        quoted(description)
    )
}

#[cfg(test)]
mod tests {
    use ox_dsl::{document::AppDocument, version::ImportStatus};

    use super::*;

    #[test]
    fn every_file_can_be_read_in_both_languages() {
        for item in TEMPLATES {
            for language in ["en-US", "zh-Hans"] {
                let text = file(item, language, "oxidify/scripted", "echo");
                let document = AppDocument::parse(&text).unwrap();
                assert_eq!(document.status, ImportStatus::Completed, "{}", item.name.0);
                assert_eq!(
                    (document.mode_name.as_str(), document.info.name.as_str()),
                    (item.mode, told(item.name, language))
                );
                document.body().unwrap();
                assert!(!text.contains("%MODEL%"), "{text}");
                assert!(text.contains("\"oxidify/scripted\""));
            }
        }
        let mut ids: Vec<Uuid> = TEMPLATES.iter().map(|item| item.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), TEMPLATES.len());
    }
}
