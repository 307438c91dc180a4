//! Names of providers in documents: `organization/plugin/provider`, and the short old form.

use std::fmt;

/// Plugins whose name differs from the provider's in the old short form.
const MODEL_PLUGINS: [(&str, &str); 1] = [("google", "gemini")];
const TOOL_PLUGINS: [(&str, &str); 4] = [
    ("gitee_ai", "gitee_ai_tool"),
    ("jina", "jina_tool"),
    ("siliconflow", "siliconflow_tool"),
    ("stepfun", "stepfun_tool"),
];
/// Tool providers that are part of the platform and belong to no plugin.
const HARD_CODED_TOOLS: [&str; 4] = ["audio", "code", "time", "webscraper"];

/// A provider's full name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderName {
    pub organization: String,
    pub plugin: String,
    pub provider: String,
}

impl ProviderName {
    /// Reads a model provider's name in any spelling; `None` when it is empty or malformed.
    #[must_use]
    pub fn model(text: &str) -> Option<Self> {
        Self::read(text, &MODEL_PLUGINS)
    }

    /// Reads a tool provider's name; `None` also for those that belong to no plugin.
    #[must_use]
    pub fn tool(text: &str) -> Option<Self> {
        if HARD_CODED_TOOLS.contains(&text) { None } else { Self::read(text, &TOOL_PLUGINS) }
    }

    fn read(text: &str, plugins: &[(&str, &str)]) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let valid = |part: &&str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        };
        if !parts.iter().all(valid) {
            return None;
        }
        let (organization, plugin, provider) = match parts.as_slice() {
            [name] => {
                let plugin = plugins.iter().find(|(old, _)| old == name).map_or(*name, |(_, plugin)| plugin);
                ("langgenius", plugin, *name)
            }
            [organization, plugin, provider] => (*organization, *plugin, *provider),
            _ => return None,
        };
        Some(Self { organization: organization.into(), plugin: plugin.into(), provider: provider.into() })
    }

    /// `organization/plugin`, the name under which it is installed.
    #[must_use]
    pub fn plugin_id(&self) -> String {
        format!("{}/{}", self.organization, self.plugin)
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.organization, self.plugin, self.provider)
    }
}

#[cfg(test)]
mod tests {
    use super::ProviderName;

    #[test]
    fn spellings() {
        let model = |text: &str| ProviderName::model(text).map(|name| name.to_string());
        let tool = |text: &str| ProviderName::tool(text).map(|name| name.plugin_id());
        assert_eq!(model("openai").as_deref(), Some("langgenius/openai/openai"));
        assert_eq!(model("google").as_deref(), Some("langgenius/gemini/google"));
        assert_eq!(model("a/b/c").as_deref(), Some("a/b/c"));
        for wrong in ["", "a/b", "a//c", "a/b/c/d", "a b", "语言"] {
            assert_eq!(model(wrong), None, "{wrong}");
        }
        assert_eq!(tool("jina").as_deref(), Some("langgenius/jina_tool"));
        assert_eq!(tool("time"), None);
        assert_eq!(tool("langgenius/perplexity/perplexity").as_deref(), Some("langgenius/perplexity"));
    }
}
