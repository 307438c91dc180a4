//! Features of an app, read with defaults; and the body of `/parameters`.

use ox_types::Json;
use serde_json::{Map, json};

/// Files allowed at once when the app does not say.
const DEFAULT_FILE_NUMBER: u64 = 3;

/// What an app offers beyond answering. Parts passed on as they are stay JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    pub opening_statement: String,
    pub suggested_questions: Vec<String>,
    pub suggested_questions_after_answer: bool,
    pub speech_to_text: bool,
    pub text_to_speech: bool,
    pub retriever_resource: bool,
    pub more_like_this: bool,
    /// Present when enabled.
    pub sensitive_word_avoidance: Option<Json>,
    /// Present when enabled.
    pub file_upload: Option<FileUpload>,
}

/// Which files may come with a message or run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileUpload {
    pub number_limits: u64,
    pub allowed_file_types: Vec<String>,
    pub allowed_file_extensions: Vec<String>,
    pub allowed_file_upload_methods: Vec<String>,
    /// Transfer methods of images, which are checked apart from other files.
    pub image_transfer_methods: Vec<String>,
    /// How closely a vision model looks: `high` or `low`.
    pub image_detail: String,
}

/// Sizes in MB, and counts, that `/parameters` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemLimits {
    pub image_file_size_limit: u64,
    pub video_file_size_limit: u64,
    pub audio_file_size_limit: u64,
    pub file_size_limit: u64,
    pub workflow_file_upload_limit: u64,
}

impl Default for SystemLimits {
    fn default() -> Self {
        Self {
            image_file_size_limit: 10,
            video_file_size_limit: 100,
            audio_file_size_limit: 50,
            file_size_limit: 15,
            workflow_file_upload_limit: 10,
        }
    }
}

impl Features {
    /// Reads `workflow.features`, or a `model_config`, which has the same keys.
    #[must_use]
    pub fn read(features: &Json) -> Self {
        let text = |key: &str| features.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let on = |key: &str, default: bool| match features.get(key) {
            Some(feature @ Json::Object(_)) => is_enabled(feature),
            _ => default,
        };
        Self {
            opening_statement: text("opening_statement"),
            suggested_questions: texts(features.get("suggested_questions")),
            suggested_questions_after_answer: on("suggested_questions_after_answer", false),
            speech_to_text: on("speech_to_text", false),
            text_to_speech: on("text_to_speech", false),
            retriever_resource: on("retriever_resource", true),
            more_like_this: on("more_like_this", false),
            sensitive_word_avoidance: features.get("sensitive_word_avoidance").filter(|f| is_enabled(f)).cloned(),
            file_upload: features.get("file_upload").and_then(FileUpload::read),
        }
    }
}

impl FileUpload {
    /// Reads the setting in its present or its old, images-only form; `None` when it is off.
    #[must_use]
    pub fn read(setting: &Json) -> Option<Self> {
        let image = setting.get("image").filter(|image| image.is_object());
        let image_on = image.is_some_and(is_enabled);
        let detail = image.and_then(|image| image.get("detail")).and_then(Json::as_str).unwrap_or("high").to_owned();
        let image_methods = || {
            let methods = texts(image.and_then(|image| image.get("transfer_methods")));
            if methods.is_empty() { both_methods() } else { methods }
        };
        if is_enabled(setting) {
            let methods = texts(setting.get("allowed_file_upload_methods"));
            return Some(Self {
                number_limits: count(setting.get("number_limits")),
                allowed_file_types: texts(setting.get("allowed_file_types")),
                allowed_file_extensions: texts(setting.get("allowed_file_extensions")),
                image_transfer_methods: if methods.is_empty() { image_methods() } else { methods.clone() },
                allowed_file_upload_methods: methods,
                image_detail: detail,
            });
        }
        if !image_on {
            return None;
        }
        let types = texts(setting.get("allowed_file_types"));
        Some(Self {
            number_limits: count(image.and_then(|image| image.get("number_limits"))),
            allowed_file_types: if types.is_empty() { vec!["image".into()] } else { types },
            allowed_file_extensions: Vec::new(),
            allowed_file_upload_methods: image_methods(),
            image_transfer_methods: image_methods(),
            image_detail: detail,
        })
    }
}

/// The body of `/parameters`: the stored features with defaults for what is absent.
#[must_use]
pub fn parameters(features: &Json, user_input_form: Json, limits: SystemLimits) -> Json {
    let or = |key: &str, default: Json| match features.get(key) {
        None | Some(Json::Null) => default,
        Some(value) => value.clone(),
    };
    let off = || json!({"enabled": false});
    let mut body = Map::new();
    let mut put = |key: &str, value: Json| body.insert(key.to_owned(), value);
    put("opening_statement", features.get("opening_statement").cloned().unwrap_or_default());
    put("suggested_questions", or("suggested_questions", json!([])));
    for key in ["suggested_questions_after_answer", "speech_to_text", "text_to_speech", "retriever_resource"] {
        put(key, or(key, off()));
    }
    put("annotation_reply", or("annotation_reply", off()));
    put("more_like_this", or("more_like_this", off()));
    put("user_input_form", user_input_form);
    put(
        "sensitive_word_avoidance",
        or("sensitive_word_avoidance", json!({"enabled": false, "type": "", "configs": []})),
    );
    put(
        "file_upload",
        or(
            "file_upload",
            json!({"image": {"enabled": false, "number_limits": DEFAULT_FILE_NUMBER, "detail": "high",
                "transfer_methods": ["remote_url", "local_file"]}}),
        ),
    );
    put(
        "system_parameters",
        json!({
            "image_file_size_limit": limits.image_file_size_limit,
            "video_file_size_limit": limits.video_file_size_limit,
            "audio_file_size_limit": limits.audio_file_size_limit,
            "file_size_limit": limits.file_size_limit,
            "workflow_file_upload_limit": limits.workflow_file_upload_limit,
        }),
    );
    Json::Object(body)
}

/// Checks the structure of features before a draft is saved; unknown keys are no problem.
///
/// # Errors
/// The first feature whose form is wrong, by name.
pub fn check(features: &Json) -> Result<(), String> {
    let fields = features.as_object().ok_or("features must be a mapping")?;
    for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let right = match key.as_str() {
            "opening_statement" => value.is_string(),
            "suggested_questions" => value.as_array().is_some_and(|items| items.iter().all(Json::is_string)),
            "file_upload"
            | "more_like_this"
            | "retriever_resource"
            | "sensitive_word_avoidance"
            | "speech_to_text"
            | "suggested_questions_after_answer"
            | "text_to_speech" => {
                value.is_object() && value.get("enabled").is_none_or(|flag| flag.is_boolean() || flag.is_null())
            }
            _ => true,
        };
        if !right {
            return Err(format!("features.{key} has a wrong form"));
        }
    }
    Ok(())
}

fn is_enabled(feature: &Json) -> bool {
    feature.get("enabled").and_then(Json::as_bool).unwrap_or(false)
}

fn texts(list: Option<&Json>) -> Vec<String> {
    list.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}

fn both_methods() -> Vec<String> {
    vec!["remote_url".into(), "local_file".into()]
}

fn count(number: Option<&Json>) -> u64 {
    number.and_then(Json::as_u64).filter(|number| *number > 0).unwrap_or(DEFAULT_FILE_NUMBER)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Features, FileUpload, SystemLimits, check, parameters};

    #[test]
    fn file_upload_in_its_forms() {
        let off = [json!({}), json!({"enabled": false}), json!({"image": {"enabled": false}}), json!(null), json!([])];
        for setting in off {
            assert_eq!(FileUpload::read(&setting), None, "{setting}");
        }
        let old = FileUpload::read(&json!({"image": {"enabled": true, "number_limits": 2, "transfer_methods": ["local_file"], "detail": "low"}})).unwrap();
        assert_eq!(old.number_limits, 2);
        assert_eq!(old.allowed_file_types, ["image"]);
        assert_eq!(old.allowed_file_upload_methods, ["local_file"]);
        assert_eq!(old.image_detail, "low");
        let bare = FileUpload::read(&json!({"image": {"enabled": true}})).unwrap();
        assert_eq!(
            (bare.number_limits, bare.allowed_file_upload_methods),
            (3, vec!["remote_url".to_owned(), "local_file".to_owned()])
        );
        let new = FileUpload::read(
            &json!({"enabled": true, "allowed_file_types": ["document"], "allowed_file_extensions": [".X"],
            "allowed_file_upload_methods": ["remote_url"], "number_limits": 5, "image": {"enabled": false}}),
        )
        .unwrap();
        assert_eq!((new.number_limits, new.allowed_file_types), (5, vec!["document".to_owned()]));
    }

    #[test]
    fn absent_features_have_defaults() {
        let features = Features::read(&json!({}));
        assert!(features.retriever_resource && !features.text_to_speech);
        let features =
            Features::read(&json!({"retriever_resource": {"enabled": false}, "suggested_questions": ["a", 1],
            "opening_statement": null, "sensitive_word_avoidance": {"enabled": true, "type": "keywords"}}));
        assert!(!features.retriever_resource);
        assert_eq!(features.suggested_questions, ["a"]);
        assert_eq!(features.sensitive_word_avoidance.unwrap()["type"], "keywords");
        let body = parameters(
            &json!({"opening_statement": "Hello", "more_like_this": {"enabled": true, "x": 1}}),
            json!([]),
            SystemLimits::default(),
        );
        assert_eq!(body["more_like_this"]["x"], 1);
        assert_eq!(body["sensitive_word_avoidance"], json!({"enabled": false, "type": "", "configs": []}));
        assert_eq!(body["system_parameters"]["file_size_limit"], 15);
        assert_eq!(body["file_upload"]["image"]["detail"], "high");
    }

    #[test]
    fn wrong_forms_are_named() {
        assert_eq!(check(&json!({"text_to_speech": {"enabled": true}, "unknown": 1, "opening_statement": ""})), Ok(()));
        assert_eq!(check(&json!({"text_to_speech": true})).unwrap_err(), "features.text_to_speech has a wrong form");
        assert_eq!(
            check(&json!({"suggested_questions": [1]})).unwrap_err(),
            "features.suggested_questions has a wrong form"
        );
        assert_eq!(check(&json!([])).unwrap_err(), "features must be a mapping");
    }
}
