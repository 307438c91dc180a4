//! What a workspace decides about its calls beyond keys and stand-ins. Everything is off until somebody sets it.
//!
//! Models are named `provider id/model`.

use ox_types::AppId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// All rules of one workspace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    pub cache: CacheRules,
    /// The first that fits decides.
    pub tiers: Vec<TierRule>,
    pub hedging: HedgeRules,
    pub rates: Vec<RateRule>,
    pub access: Vec<AccessRule>,
}

impl Rules {
    /// Nothing is switched on.
    #[must_use]
    pub fn are_idle(&self) -> bool {
        !self.cache.enabled
            && !self.tiers.iter().any(|rule| rule.enabled)
            && self.hedging.models.is_empty()
            && self.rates.is_empty()
            && self.access.is_empty()
    }
}

/// Answers that are given again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheRules {
    pub enabled: bool,
    /// `None` is every model.
    pub models: Option<Vec<String>>,
    /// Also for questions that mean the same.
    pub semantic: bool,
    /// The least likeness of two such questions, 0 to 1.
    pub threshold: f64,
    pub max_age_seconds: u64,
    /// What the answers of the workspace may take in a process.
    pub max_megabytes: u32,
    /// Calls with a higher one are not answered from here; `None` is any.
    pub max_temperature: Option<f64>,
    /// Counts purges: answers of an earlier one are not found.
    pub epoch: u64,
}

impl Default for CacheRules {
    fn default() -> Self {
        Self {
            enabled: false,
            models: None,
            semantic: false,
            threshold: 0.95,
            max_age_seconds: 3_600,
            max_megabytes: 16,
            max_temperature: Some(0.3),
            epoch: 0,
        }
    }
}

impl CacheRules {
    /// Whether answers of a model are kept.
    #[must_use]
    pub fn is_for(&self, model: &str) -> bool {
        self.enabled && self.models.as_ref().is_none_or(|models| models.iter().any(|one| one == model))
    }

    /// Whether a call with this temperature may be answered from what is kept.
    #[must_use]
    pub fn takes(&self, temperature: f64) -> bool {
        self.max_temperature.is_none_or(|most| temperature <= most)
    }
}

/// Another model for some calls. What is left open fits every call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TierRule {
    pub name: String,
    pub enabled: bool,
    /// The model asked for.
    pub models: Vec<String>,
    pub apps: Vec<AppId>,
    /// Tags of apps; a call fits by its app or by one of its tags.
    pub tags: Vec<Uuid>,
    /// Codes of languages, as [`crate::language`] gives them.
    pub languages: Vec<String>,
    pub min_tokens: Option<u64>,
    pub max_tokens: Option<u64>,
    pub min_complexity: Option<u8>,
    pub max_complexity: Option<u8>,
    /// Who is asked.
    pub to: String,
    /// The apps that carry one of the tags; filled in by whoever reads the rules.
    #[serde(skip)]
    pub tagged: Vec<AppId>,
}

/// A second call where the first is slow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HedgeRules {
    pub models: Vec<HedgeRule>,
    /// The most calls of a model that are made twice, in percent.
    pub max_percent: u8,
}

impl Default for HedgeRules {
    fn default() -> Self {
        Self { models: Vec::new(), max_percent: 10 }
    }
}

/// When a call of a model is made twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HedgeRule {
    pub model: String,
    /// Without a first token; `None` is as long as 95 of 100 calls take.
    pub after_ms: Option<u64>,
}

/// How much may be asked of a model in a minute and at the same time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RateRule {
    pub id: Uuid,
    /// `None`: all models of the workspace together.
    pub model: Option<String>,
    pub requests_per_minute: Option<u32>,
    pub tokens_per_minute: Option<u64>,
    pub concurrent: Option<u32>,
    /// How long a call waits for its turn.
    pub wait_seconds: u32,
}

impl RateRule {
    /// Whether it counts calls of a model.
    #[must_use]
    pub fn is_for(&self, model: &str) -> bool {
        self.model.as_deref().is_none_or(|only| only == model)
    }
}

/// Whom an [`AccessRule`] is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Members of a role, by its wire name.
    Role(String),
    App(AppId),
}

/// What somebody may ask; `None` is everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    #[serde(flatten)]
    pub subject: Subject,
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// Regions of keys; a key that has none is not held back.
    #[serde(default)]
    pub regions: Option<Vec<String>>,
}

impl AccessRule {
    /// Whether it lets a model be asked.
    #[must_use]
    pub fn allows_model(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|one| one == model))
    }

    /// Whether it lets a key of a region be used.
    #[must_use]
    pub fn allows_region(&self, region: &str) -> bool {
        self.regions.as_ref().is_none_or(|regions| regions.iter().any(|one| one.eq_ignore_ascii_case(region)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_on_until_it_is_set_and_what_is_missing_is_usual() {
        let rules: Rules = serde_json::from_str("{}").unwrap();
        assert!(rules.are_idle() && rules == Rules::default());
        let rules: Rules = serde_json::from_str(r#"{"cache":{"enabled":true},"rates":[]}"#).unwrap();
        assert!(!rules.are_idle());
        assert_eq!((rules.cache.threshold, rules.cache.max_temperature), (0.95, Some(0.3)));
        let off = Rules { tiers: vec![TierRule::default()], ..Rules::default() };
        assert!(off.are_idle(), "a rule that is switched off is none");
        for on in [
            Rules { rates: vec![RateRule::default()], ..Rules::default() },
            Rules { tiers: vec![TierRule { enabled: true, ..TierRule::default() }], ..Rules::default() },
            Rules {
                hedging: HedgeRules { models: vec![HedgeRule::default()], ..HedgeRules::default() },
                ..Rules::default()
            },
        ] {
            assert!(!on.are_idle(), "{on:?}");
            let text = serde_json::to_string(&on).unwrap();
            assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), on);
        }
    }

    #[test]
    fn what_rules_allow() {
        let rule: AccessRule =
            serde_json::from_str(r#"{"role":"normal","models":["p/a"],"regions":["EU-west-1"]}"#).unwrap();
        assert_eq!(rule.subject, Subject::Role("normal".into()));
        assert!(rule.allows_model("p/a") && !rule.allows_model("p/b"));
        assert!(rule.allows_region("eu-west-1") && !rule.allows_region("us-east-1"));
        let open = AccessRule { models: None, regions: None, ..rule };
        assert!(open.allows_model("p/b") && open.allows_region("us-east-1"));
        let cache = CacheRules { enabled: true, models: Some(vec!["p/a".into()]), ..CacheRules::default() };
        assert!(cache.is_for("p/a") && !cache.is_for("p/b"));
        assert!(cache.takes(0.3) && !cache.takes(0.31));
        assert!(CacheRules { max_temperature: None, ..cache }.takes(2.0));
    }
}
