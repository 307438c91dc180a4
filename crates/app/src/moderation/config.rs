//! The setting: read for a run, and checked before it is saved.

use ox_types::{Json, TenantId, boxed};
use uuid::Uuid;

use crate::{Error, Result, Services};

const MAX_ROWS: usize = 100;
const MAX_KEYWORDS: usize = 10_000;
const MAX_PRESET: usize = 100;

/// How texts are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Words in lower case.
    Keywords(Vec<String>),
    /// A moderation model.
    Model,
    /// An API extension.
    Api(Uuid),
    /// Why nothing can be checked.
    Unusable(String),
}

/// One direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    pub enabled: bool,
    pub preset: String,
}

/// The setting of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moderation {
    pub kind: Kind,
    pub inputs: Side,
    pub outputs: Side,
}

impl Moderation {
    /// Reads `sensitive_word_avoidance`; `None` when it is off, or checks neither direction.
    pub fn read(feature: &Json) -> Option<Self> {
        if !feature.get("enabled").and_then(Json::as_bool).unwrap_or(false) {
            return None;
        }
        let config = feature.get("config").unwrap_or(&Json::Null);
        let side = |name: &str| {
            let side = config.get(name);
            let preset = side.and_then(|side| side.get("preset_response")).and_then(Json::as_str).unwrap_or_default();
            let enabled = side.and_then(|side| side.get("enabled")).and_then(Json::as_bool).unwrap_or(false);
            Side { enabled, preset: preset.to_owned() }
        };
        let (inputs, outputs) = (side("inputs_config"), side("outputs_config"));
        (inputs.enabled || outputs.enabled).then(|| Self { kind: kind(feature, config), inputs, outputs })
    }
}

fn kind(feature: &Json, config: &Json) -> Kind {
    match feature.get("type").and_then(Json::as_str).unwrap_or_default() {
        "keywords" => Kind::Keywords(words(config)),
        "openai_moderation" => Kind::Model,
        "api" => match extension(config) {
            Ok(id) => Kind::Api(id),
            Err(error) => Kind::Unusable(error.message),
        },
        other => Kind::Unusable(format!("Moderation of the type '{other}' is not available here.")),
    }
}

fn extension(config: &Json) -> Result<Uuid> {
    let id = config.get("api_based_extension_id").and_then(Json::as_str).unwrap_or_default();
    if id.is_empty() {
        return Err(Error::invalid_field("sensitive_word_avoidance", "api_based_extension_id is required"));
    }
    let gone = "API-based Extension not found. Please check it again.";
    id.parse().map_err(|_| Error::invalid_field("sensitive_word_avoidance", gone))
}

fn words(config: &Json) -> Vec<String> {
    let text = config.get("keywords").and_then(Json::as_str).unwrap_or_default();
    text.lines().map(str::trim).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Whether a text holds one of the words, in any case.
pub(super) fn holds(words: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// Checks the setting before an app with it is saved or published.
///
/// # Errors
/// 400 naming what is wrong.
#[boxed]
pub(crate) async fn check(services: &Services, tenant: TenantId, feature: Option<&Json>) -> Result<()> {
    let Some(feature) = feature.filter(|feature| !feature.is_null()) else { return Ok(()) };
    let Some(id) = check_form(feature)? else { return Ok(()) };
    let found = ox_db::repo::api_extensions::find(&services.db, tenant, id).await?;
    found.map(|_| ()).ok_or_else(|| wrong("API-based Extension not found. Please check it again."))
}

fn wrong(text: impl Into<String>) -> Error {
    Error::invalid_field("sensitive_word_avoidance", text)
}

/// What can be told without looking anywhere; the extension that must be there.
fn check_form(feature: &Json) -> Result<Option<Uuid>> {
    if !feature.is_object() {
        return Err(wrong("sensitive_word_avoidance must be of dict type"));
    }
    if !feature.get("enabled").and_then(Json::as_bool).unwrap_or(false) {
        return Ok(None);
    }
    let kind = feature.get("type").and_then(Json::as_str).filter(|kind| !kind.is_empty());
    let kind = kind.ok_or_else(|| wrong("sensitive_word_avoidance.type is required"))?;
    let config = feature.get("config").unwrap_or(&Json::Null);
    check_sides(config, kind)?;
    match kind {
        "keywords" => check_words(config).map(|()| None),
        "openai_moderation" => Ok(None),
        "api" => extension(config).map(Some),
        other => Err(wrong(format!("sensitive_word_avoidance.type '{other}' is not available here"))),
    }
}

fn check_sides(config: &Json, kind: &str) -> Result<()> {
    let mut any = false;
    for name in ["inputs_config", "outputs_config"] {
        let side = config.get(name).filter(|side| side.is_object());
        let side = side.ok_or_else(|| wrong(format!("{name} must be a dict")))?;
        if !side.get("enabled").and_then(Json::as_bool).unwrap_or(false) {
            continue;
        }
        any = true;
        if kind == "api" {
            continue;
        }
        let preset = side.get("preset_response").and_then(Json::as_str).unwrap_or_default();
        if preset.trim().is_empty() {
            return Err(wrong(format!("{name}.preset_response is required")));
        }
        if preset.chars().count() > MAX_PRESET {
            return Err(wrong(format!("{name}.preset_response must be less than {MAX_PRESET} characters")));
        }
    }
    if any { Ok(()) } else { Err(wrong("At least one of inputs_config or outputs_config must be enabled")) }
}

fn check_words(config: &Json) -> Result<()> {
    let text = config.get("keywords").and_then(Json::as_str).unwrap_or_default();
    if words(config).is_empty() {
        return Err(wrong("keywords is required"));
    }
    if text.chars().count() > MAX_KEYWORDS {
        return Err(wrong(format!("keywords length must be less than {MAX_KEYWORDS}")));
    }
    if text.lines().count() > MAX_ROWS {
        return Err(wrong(format!("the number of rows for the keywords must be less than {MAX_ROWS}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn feature(kind: &str, config: impl Into<Json>) -> Json {
        let mut whole = json!({
            "inputs_config": {"enabled": true, "preset_response": "No."}, "outputs_config": {"enabled": false},
        });
        whole.as_object_mut().unwrap().extend(config.into().as_object().unwrap().clone());
        json!({"enabled": true, "type": kind, "config": whole})
    }

    #[test]
    fn settings_are_read_or_say_why_not() {
        let read = Moderation::read(&feature("keywords", json!({"keywords": "Bad\n\n  worse \n"}))).unwrap();
        assert_eq!(read.kind, Kind::Keywords(vec!["bad".into(), "worse".into()]));
        assert_eq!((read.inputs.preset.as_str(), read.outputs.enabled), ("No.", false));
        assert_eq!(Moderation::read(&json!({"enabled": false, "type": "keywords"})), None);
        assert_eq!(Moderation::read(&json!({"enabled": true, "type": "keywords"})), None, "checks nothing");
        for (kind, config, word) in [
            ("cloud", json!({}), "cloud"),
            ("api", json!({}), "required"),
            ("api", json!({"api_based_extension_id": "x"}), "not found"),
        ] {
            let read = Moderation::read(&feature(kind, config)).unwrap();
            assert!(matches!(&read.kind, Kind::Unusable(why) if why.contains(word)), "{read:?}");
        }
    }

    #[test]
    fn words_are_found_in_any_case() {
        let words = vec!["b\u{e4}d".to_owned(), "x y".to_owned()];
        for (text, expected) in [("so B\u{c4}D", true), ("X Y", true), ("xy", false), ("", false)] {
            assert_eq!(holds(&words, text), expected, "{text}");
        }
    }

    #[test]
    fn settings_are_checked_before_they_are_saved() {
        let rows = |count: usize| vec!["w"; count].join("\n");
        for (setting, problem) in [
            (json!([]), Some("dict type")),
            (json!({"enabled": false, "type": 5}), None),
            (json!({"enabled": true}), Some("type is required")),
            (json!({"enabled": true, "type": "keywords"}), Some("inputs_config must be a dict")),
            (feature("keywords", json!({"keywords": "a"})), None),
            (feature("keywords", json!({"keywords": " \n"})), Some("keywords is required")),
            (feature("keywords", json!({"keywords": rows(101)})), Some("rows")),
            (feature("keywords", json!({"keywords": "x".repeat(10_001)})), Some("length")),
            (feature("keywords", json!({"keywords": "a", "inputs_config": {"enabled": false}})), Some("At least one")),
            (
                feature("keywords", json!({"keywords": "a", "inputs_config": {"enabled": true}})),
                Some("preset_response is required"),
            ),
            (
                feature(
                    "keywords",
                    json!({"keywords": "a", "inputs_config": {"enabled": true, "preset_response": "x".repeat(101)}}),
                ),
                Some("less than 100"),
            ),
            (feature("openai_moderation", json!({})), None),
            (feature("api", json!({})), Some("api_based_extension_id is required")),
            (feature("cloud", json!({})), Some("not available")),
        ] {
            let got = check_form(&setting).err().map(|error| error.message);
            match problem {
                None => assert_eq!(got, None, "{setting}"),
                Some(word) => assert!(got.as_deref().is_some_and(|got| got.contains(word)), "{setting}: {got:?}"),
            }
        }
    }
}
