//! Which models and regions a member or an app may use.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use ox_db::{Database, repo};
use ox_gateway::{AccessRule, Subject};
use ox_models::{Credentials, ErrorClass, ModelError, ModelScope};
use ox_types::{AccountId, TenantId, boxed};
use uuid::Uuid;

/// How long a changed role may go unnoticed.
const FRESH: Duration = Duration::from_secs(10);
/// Where keys say in which region they are.
const REGIONS: [&str; 2] = ["aws_region", "vertex_location"];
/// The end of the addresses that Azure has for each region.
const AZURE: &str = ".api.cognitive.microsoft.com";

/// The roles of members, for a while.
pub(super) struct Roles(Cache<(TenantId, Uuid), Option<String>>);

impl Default for Roles {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(20_000).time_to_live(FRESH).build())
    }
}

impl Roles {
    /// The role of whoever asks, if it is a member.
    async fn of(&self, db: &Database, scope: &ModelScope) -> ox_db::Result<Option<String>> {
        // From outside any name can be given.
        let account = scope.user.as_deref().filter(|_| scope.key_id.is_none()).and_then(|user| user.parse().ok());
        let Some(account) = account else { return Ok(None) };
        let key = (scope.tenant_id, account);
        if let Some(known) = self.0.get(&key).await {
            return Ok(known);
        }
        let member = repo::tenants::member(db, scope.tenant_id, AccountId(account)).await?;
        let role = member.map(|member| member.role);
        self.0.insert(key, role.clone()).await;
        Ok(role)
    }

    /// The rules that hold for a call.
    ///
    /// # Errors
    /// When the role cannot be read.
    #[boxed]
    pub async fn rules<'a>(
        &self,
        db: &Database,
        scope: &ModelScope,
        rules: &'a [AccessRule],
    ) -> ox_db::Result<Vec<&'a AccessRule>> {
        let by_role = rules.iter().any(|rule| matches!(rule.subject, Subject::Role(_)));
        let role = if by_role { self.of(db, scope).await? } else { None };
        let holds = |rule: &&AccessRule| match &rule.subject {
            Subject::Role(only) => role.as_deref() == Some(only),
            Subject::App(app) => scope.app_id == Some(*app),
        };
        Ok(rules.iter().filter(holds).collect())
    }
}

/// Whether a model may be asked.
pub(super) fn may_ask(rules: &[&AccessRule], model: &str) -> bool {
    rules.iter().all(|rule| rule.allows_model(model))
}

/// Whether a key may be used.
pub(super) fn may_use(rules: &[&AccessRule], credentials: &Credentials) -> bool {
    region(credentials).is_none_or(|region| rules.iter().all(|rule| rule.allows_region(&region)))
}

/// The region of a key, where it says one.
pub(super) fn region(credentials: &Credentials) -> Option<String> {
    let text = |name: &str| credentials.get(name).and_then(|value| value.as_str()).map(str::trim);
    let told = REGIONS.iter().find_map(|name| text(name).filter(|region| !region.is_empty()));
    let azure = || {
        let host = text("openai_api_base")?.split("://").last()?.split(['/', ':']).next()?;
        host.strip_suffix(AZURE).filter(|region| !region.is_empty() && !region.contains('.'))
    };
    told.or_else(azure).map(str::to_owned)
}

/// Why a model may not be asked, and who can change it.
pub(super) fn refused_model(rules: &[&AccessRule], provider: &str, model: &str) -> ModelError {
    let rule = rules.iter().find(|rule| !rule.allows_model(model));
    let listed = rule.and_then(|rule| rule.models.as_deref()).unwrap_or_default();
    let some: Vec<&str> = listed.iter().take(5).map(String::as_str).collect();
    let more = if listed.len() > some.len() { " and others" } else { "" };
    let text = format!(
        "The model {model} is not for {}, which may use {}{more}. {ADVICE}",
        rule.map_or_else(|| "this caller".to_owned(), |rule| whose(&rule.subject)),
        some.join(", ")
    );
    ModelError::new(ErrorClass::BadRequest, provider, text)
}

/// Why no key of a model may be used.
pub(super) fn refused_region(rules: &[&AccessRule], provider: &str, model: &str, found: &[String]) -> ModelError {
    let rule = rules.iter().find(|rule| found.iter().any(|region| !rule.allows_region(region)));
    let text = format!(
        "The model {model} is only set up in {}, and {} may use {}. {ADVICE}",
        found.join(", "),
        rule.map_or_else(|| "this caller".to_owned(), |rule| whose(&rule.subject)),
        rule.and_then(|rule| rule.regions.as_deref()).unwrap_or_default().join(", "),
    );
    ModelError::new(ErrorClass::BadRequest, provider, text)
}

/// Why somebody may not use a model that is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whose list it is: `role` or `app`.
    pub by: &'static str,
    /// What the list does not have: `model` or `region`.
    pub what: &'static str,
    pub message: String,
}

/// Whether a model with these keys would be refused, and why.
pub(super) fn refusal(
    rules: &[&AccessRule],
    provider: &str,
    model: &str,
    keys: &[Arc<Credentials>],
) -> Option<Refusal> {
    let told = |rule: &AccessRule, what, error: ModelError| {
        let by = match rule.subject {
            Subject::Role(_) => "role",
            Subject::App(_) => "app",
        };
        Refusal { by, what, message: error.text }
    };
    if let Some(rule) = rules.iter().find(|rule| !rule.allows_model(model)) {
        return Some(told(rule, "model", refused_model(rules, provider, model)));
    }
    if keys.is_empty() || keys.iter().any(|key| may_use(rules, key)) {
        return None;
    }
    let found: Vec<String> = keys.iter().filter_map(|key| region(key)).collect();
    let rule = rules.iter().find(|rule| found.iter().any(|region| !rule.allows_region(region)))?;
    Some(told(rule, "region", refused_region(rules, provider, model, &found)))
}

const ADVICE: &str = "Choose one of these, or ask an owner or admin of the workspace to change the list (Settings, Model \
    gateway, Policies).";

fn whose(subject: &Subject) -> String {
    match subject {
        Subject::Role(role) => format!("members with the role \"{role}\""),
        Subject::App(_) => "this app".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_say_where_they_are() {
        for (credentials, expected) in [
            (json!({"aws_region": "eu-west-1"}), Some("eu-west-1")),
            (json!({"vertex_location": " us-central1 "}), Some("us-central1")),
            (json!({"openai_api_base": "https://westeurope.api.cognitive.microsoft.com/"}), Some("westeurope")),
            (json!({"openai_api_base": "https://mine.openai.azure.com/"}), None),
            (json!({"openai_api_base": "https://api.cognitive.microsoft.com"}), None),
            (json!({"aws_region": ""}), None),
            (json!({"aws_region": 5}), None),
            (json!({}), None),
        ] {
            let credentials: Credentials = credentials.as_object().unwrap().clone();
            assert_eq!(region(&credentials).as_deref(), expected, "{credentials:?}");
        }
    }

    #[test]
    fn refusals_are_known_before_anybody_asks() {
        let list = |subject: Subject, models: Option<&[&str]>, regions: Option<&[&str]>| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            AccessRule { subject, models: models.map(owned), regions: regions.map(owned) }
        };
        let role = list(Subject::Role("normal".into()), Some(&["p/small"]), None);
        let app = list(Subject::App(ox_types::AppId::new()), None, Some(&["eu-west-1"]));
        let key = |region: &str| Arc::new(json!({"aws_region": region}).as_object().unwrap().clone());
        let plain = Arc::new(Credentials::new());
        for (rules, model, keys, expected) in [
            (vec![], "p/big", vec![], None),
            (vec![&role, &app], "p/small", vec![], None),
            (vec![&role, &app], "p/big", vec![key("eu-west-1")], Some(("role", "model"))),
            (vec![&role, &app], "p/small", vec![key("us-east-1")], Some(("app", "region"))),
            (vec![&role, &app], "p/small", vec![key("us-east-1"), key("eu-west-1")], None),
            (vec![&app], "p/big", vec![plain], None),
        ] {
            let found = refusal(&rules, "p", model, &keys);
            assert_eq!(found.as_ref().map(|found| (found.by, found.what)), expected, "{model}");
            assert!(found.is_none_or(|found| found.message.contains("owner or admin")));
        }
    }

    #[test]
    fn refusals_say_what_to_change() {
        let rule = AccessRule {
            subject: Subject::Role("normal".into()),
            models: Some(vec!["p/small".into()]),
            regions: Some(vec!["eu-west-1".into()]),
        };
        let rules = [&rule];
        assert!(may_ask(&rules, "p/small") && !may_ask(&rules, "p/big") && may_ask(&[], "p/big"));
        let key = |region: &str| json!({"aws_region": region}).as_object().unwrap().clone();
        assert!(may_use(&rules, &key("eu-west-1")) && !may_use(&rules, &key("us-east-1")));
        assert!(may_use(&rules, &Credentials::new()), "a key without a region");
        let model = refused_model(&rules, "p", "p/big").to_string();
        let region = refused_region(&rules, "p", "p/small", &["us-east-1".into()]).to_string();
        for (text, words) in [(model, ["p/big", "p/small"]), (region, ["us-east-1", "eu-west-1"])] {
            for word in words.into_iter().chain(["\"normal\"", "owner or admin", "Policies"]) {
                assert!(text.contains(word), "no {word}: {text}");
            }
        }
    }
}
