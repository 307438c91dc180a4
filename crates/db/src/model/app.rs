//! Apps, their web sites, keys and labels.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, AppId, Json, TenantId, WorkflowId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// An application.
#[derive(Clone, Debug, PartialEq)]
pub struct App {
    pub id: AppId,
    pub tenant_id: TenantId,
    pub name: String,
    pub description: String,
    /// `completion`, `chat`, `agent-chat`, `advanced-chat`, `workflow`, `channel`, `rag-pipeline`.
    pub mode: String,
    pub icon_type: Option<String>,
    pub icon: Option<String>,
    pub icon_background: Option<String>,
    pub app_model_config_id: Option<Uuid>,
    /// The published version.
    pub workflow_id: Option<WorkflowId>,
    pub status: String,
    pub enable_site: bool,
    pub enable_api: bool,
    pub api_rpm: i32,
    pub api_rph: i32,
    pub is_demo: bool,
    pub is_public: bool,
    pub is_universal: bool,
    pub tracing: Option<Json>,
    pub max_active_requests: Option<i32>,
    pub use_icon_as_answer_icon: bool,
    pub created_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_by: Option<AccountId>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::apps::Model> for App {
    fn from(row: entity::apps::Model) -> Self {
        Self {
            id: AppId(row.id),
            tenant_id: TenantId(row.tenant_id),
            name: row.name,
            description: row.description,
            mode: row.mode,
            icon_type: row.icon_type,
            icon: row.icon,
            icon_background: row.icon_background,
            app_model_config_id: row.app_model_config_id,
            workflow_id: row.workflow_id.map(WorkflowId),
            status: row.status,
            enable_site: row.enable_site,
            enable_api: row.enable_api,
            api_rpm: row.api_rpm,
            api_rph: row.api_rph,
            is_demo: row.is_demo,
            is_public: row.is_public,
            is_universal: row.is_universal,
            tracing: row.tracing.map(|json| json.0),
            max_active_requests: row.max_active_requests,
            use_icon_as_answer_icon: row.use_icon_as_answer_icon,
            created_by: row.created_by.map(AccountId),
            created_at: row.created_at,
            updated_by: row.updated_by.map(AccountId),
            updated_at: row.updated_at,
        }
    }
}

impl From<App> for entity::apps::Model {
    fn from(item: App) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            name: item.name,
            description: item.description,
            mode: item.mode,
            icon_type: item.icon_type,
            icon: item.icon,
            icon_background: item.icon_background,
            app_model_config_id: item.app_model_config_id,
            workflow_id: item.workflow_id.map(|id| id.0),
            status: item.status,
            enable_site: item.enable_site,
            enable_api: item.enable_api,
            api_rpm: item.api_rpm,
            api_rph: item.api_rph,
            is_demo: item.is_demo,
            is_public: item.is_public,
            is_universal: item.is_universal,
            tracing: item.tracing.map(JsonText),
            max_active_requests: item.max_active_requests,
            use_icon_as_answer_icon: item.use_icon_as_answer_icon,
            created_by: item.created_by.map(|id| id.0),
            created_at: item.created_at,
            updated_by: item.updated_by.map(|id| id.0),
            updated_at: item.updated_at,
        }
    }
}

/// Configuration of a basic app; rows are immutable versions.
#[derive(Clone, Debug, PartialEq)]
pub struct AppModelConfig {
    pub id: Uuid,
    pub app_id: AppId,
    pub provider: Option<String>,
    pub model_id: Option<String>,
    pub configs: Option<Json>,
    pub opening_statement: Option<String>,
    pub suggested_questions: Option<Json>,
    pub suggested_questions_after_answer: Option<Json>,
    pub speech_to_text: Option<Json>,
    pub text_to_speech: Option<Json>,
    pub more_like_this: Option<Json>,
    pub model: Option<Json>,
    pub user_input_form: Option<Json>,
    pub dataset_query_variable: Option<String>,
    pub pre_prompt: Option<String>,
    pub agent_mode: Option<Json>,
    pub sensitive_word_avoidance: Option<Json>,
    pub retriever_resource: Option<Json>,
    pub prompt_type: String,
    pub chat_prompt_config: Option<Json>,
    pub completion_prompt_config: Option<Json>,
    pub dataset_configs: Option<Json>,
    pub external_data_tools: Option<Json>,
    pub file_upload: Option<Json>,
    pub created_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_by: Option<AccountId>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::app_model_configs::Model> for AppModelConfig {
    fn from(row: entity::app_model_configs::Model) -> Self {
        Self {
            id: row.id,
            app_id: AppId(row.app_id),
            provider: row.provider,
            model_id: row.model_id,
            configs: row.configs.map(|json| json.0),
            opening_statement: row.opening_statement,
            suggested_questions: row.suggested_questions.map(|json| json.0),
            suggested_questions_after_answer: row.suggested_questions_after_answer.map(|json| json.0),
            speech_to_text: row.speech_to_text.map(|json| json.0),
            text_to_speech: row.text_to_speech.map(|json| json.0),
            more_like_this: row.more_like_this.map(|json| json.0),
            model: row.model.map(|json| json.0),
            user_input_form: row.user_input_form.map(|json| json.0),
            dataset_query_variable: row.dataset_query_variable,
            pre_prompt: row.pre_prompt,
            agent_mode: row.agent_mode.map(|json| json.0),
            sensitive_word_avoidance: row.sensitive_word_avoidance.map(|json| json.0),
            retriever_resource: row.retriever_resource.map(|json| json.0),
            prompt_type: row.prompt_type,
            chat_prompt_config: row.chat_prompt_config.map(|json| json.0),
            completion_prompt_config: row.completion_prompt_config.map(|json| json.0),
            dataset_configs: row.dataset_configs.map(|json| json.0),
            external_data_tools: row.external_data_tools.map(|json| json.0),
            file_upload: row.file_upload.map(|json| json.0),
            created_by: row.created_by.map(AccountId),
            created_at: row.created_at,
            updated_by: row.updated_by.map(AccountId),
            updated_at: row.updated_at,
        }
    }
}

impl From<AppModelConfig> for entity::app_model_configs::Model {
    fn from(item: AppModelConfig) -> Self {
        Self {
            id: item.id,
            app_id: item.app_id.0,
            provider: item.provider,
            model_id: item.model_id,
            configs: item.configs.map(JsonText),
            opening_statement: item.opening_statement,
            suggested_questions: item.suggested_questions.map(JsonText),
            suggested_questions_after_answer: item.suggested_questions_after_answer.map(JsonText),
            speech_to_text: item.speech_to_text.map(JsonText),
            text_to_speech: item.text_to_speech.map(JsonText),
            more_like_this: item.more_like_this.map(JsonText),
            model: item.model.map(JsonText),
            user_input_form: item.user_input_form.map(JsonText),
            dataset_query_variable: item.dataset_query_variable,
            pre_prompt: item.pre_prompt,
            agent_mode: item.agent_mode.map(JsonText),
            sensitive_word_avoidance: item.sensitive_word_avoidance.map(JsonText),
            retriever_resource: item.retriever_resource.map(JsonText),
            prompt_type: item.prompt_type,
            chat_prompt_config: item.chat_prompt_config.map(JsonText),
            completion_prompt_config: item.completion_prompt_config.map(JsonText),
            dataset_configs: item.dataset_configs.map(JsonText),
            external_data_tools: item.external_data_tools.map(JsonText),
            file_upload: item.file_upload.map(JsonText),
            created_by: item.created_by.map(|id| id.0),
            created_at: item.created_at,
            updated_by: item.updated_by.map(|id| id.0),
            updated_at: item.updated_at,
        }
    }
}

/// The published web app of an application.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    pub id: Uuid,
    pub app_id: AppId,
    pub title: String,
    pub icon_type: Option<String>,
    pub icon: Option<String>,
    pub icon_background: Option<String>,
    pub description: Option<String>,
    pub default_language: String,
    pub chat_color_theme: Option<String>,
    pub chat_color_theme_inverted: bool,
    pub copyright: Option<String>,
    pub privacy_policy: Option<String>,
    pub custom_disclaimer: String,
    pub show_workflow_steps: bool,
    pub use_icon_as_answer_icon: bool,
    pub customize_domain: Option<String>,
    pub customize_token_strategy: String,
    pub prompt_public: bool,
    pub status: String,
    /// Public address of the web app.
    pub code: Option<String>,
    pub created_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_by: Option<AccountId>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::sites::Model> for Site {
    fn from(row: entity::sites::Model) -> Self {
        Self {
            id: row.id,
            app_id: AppId(row.app_id),
            title: row.title,
            icon_type: row.icon_type,
            icon: row.icon,
            icon_background: row.icon_background,
            description: row.description,
            default_language: row.default_language,
            chat_color_theme: row.chat_color_theme,
            chat_color_theme_inverted: row.chat_color_theme_inverted,
            copyright: row.copyright,
            privacy_policy: row.privacy_policy,
            custom_disclaimer: row.custom_disclaimer,
            show_workflow_steps: row.show_workflow_steps,
            use_icon_as_answer_icon: row.use_icon_as_answer_icon,
            customize_domain: row.customize_domain,
            customize_token_strategy: row.customize_token_strategy,
            prompt_public: row.prompt_public,
            status: row.status,
            code: row.code,
            created_by: row.created_by.map(AccountId),
            created_at: row.created_at,
            updated_by: row.updated_by.map(AccountId),
            updated_at: row.updated_at,
        }
    }
}

impl From<Site> for entity::sites::Model {
    fn from(item: Site) -> Self {
        Self {
            id: item.id,
            app_id: item.app_id.0,
            title: item.title,
            icon_type: item.icon_type,
            icon: item.icon,
            icon_background: item.icon_background,
            description: item.description,
            default_language: item.default_language,
            chat_color_theme: item.chat_color_theme,
            chat_color_theme_inverted: item.chat_color_theme_inverted,
            copyright: item.copyright,
            privacy_policy: item.privacy_policy,
            custom_disclaimer: item.custom_disclaimer,
            show_workflow_steps: item.show_workflow_steps,
            use_icon_as_answer_icon: item.use_icon_as_answer_icon,
            customize_domain: item.customize_domain,
            customize_token_strategy: item.customize_token_strategy,
            prompt_public: item.prompt_public,
            status: item.status,
            code: item.code,
            created_by: item.created_by.map(|id| id.0),
            created_at: item.created_at,
            updated_by: item.updated_by.map(|id| id.0),
            updated_at: item.updated_at,
        }
    }
}

/// A key of the Service API.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiToken {
    pub id: Uuid,
    pub app_id: Option<AppId>,
    pub tenant_id: Option<TenantId>,
    /// `app` or `dataset`.
    pub kind: String,
    pub token: String,
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub limits: KeyLimits,
}

/// What a key may do; nothing set is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyLimits {
    pub requests_per_minute: Option<i32>,
    /// Runs at the same time.
    pub concurrent_runs: Option<i32>,
    /// Names of groups of operations, separated by commas.
    pub scopes: Option<String>,
}

impl From<entity::api_tokens::Model> for ApiToken {
    fn from(row: entity::api_tokens::Model) -> Self {
        Self {
            id: row.id,
            app_id: row.app_id.map(AppId),
            tenant_id: row.tenant_id.map(TenantId),
            kind: row.kind,
            token: row.token,
            last_used_at: row.last_used_at,
            created_at: row.created_at,
            limits: KeyLimits {
                requests_per_minute: row.requests_per_minute,
                concurrent_runs: row.concurrent_runs,
                scopes: row.scopes,
            },
        }
    }
}

impl From<ApiToken> for entity::api_tokens::Model {
    fn from(item: ApiToken) -> Self {
        Self {
            id: item.id,
            app_id: item.app_id.map(|id| id.0),
            tenant_id: item.tenant_id.map(|id| id.0),
            kind: item.kind,
            token: item.token,
            last_used_at: item.last_used_at,
            created_at: item.created_at,
            requests_per_minute: item.limits.requests_per_minute,
            concurrent_runs: item.limits.concurrent_runs,
            scopes: item.limits.scopes,
        }
    }
}

/// An app in the Explore list of a workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct InstalledApp {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub app_owner_tenant_id: TenantId,
    pub position: i32,
    pub is_pinned: bool,
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl From<entity::installed_apps::Model> for InstalledApp {
    fn from(row: entity::installed_apps::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            app_owner_tenant_id: TenantId(row.app_owner_tenant_id),
            position: row.position,
            is_pinned: row.is_pinned,
            last_used_at: row.last_used_at,
            created_at: row.created_at,
        }
    }
}

impl From<InstalledApp> for entity::installed_apps::Model {
    fn from(item: InstalledApp) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            app_owner_tenant_id: item.app_owner_tenant_id.0,
            position: item.position,
            is_pinned: item.is_pinned,
            last_used_at: item.last_used_at,
            created_at: item.created_at,
        }
    }
}

/// Who may open the published page of an app, where not everybody may.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteAccess {
    pub app_id: AppId,
    pub tenant_id: TenantId,
    /// `private_all`, `private`.
    pub mode: String,
    /// Those who may, where they are chosen one by one.
    pub members: Vec<AccountId>,
    pub updated_at: DateTime<Utc>,
}

impl SiteAccess {
    pub(crate) fn of(row: entity::site_access::Model, members: Vec<AccountId>) -> Self {
        Self {
            app_id: AppId(row.app_id),
            tenant_id: TenantId(row.tenant_id),
            mode: row.mode,
            members,
            updated_at: row.updated_at,
        }
    }
}

impl From<SiteAccess> for entity::site_access::Model {
    fn from(item: SiteAccess) -> Self {
        Self { app_id: item.app_id.0, tenant_id: item.tenant_id.0, mode: item.mode, updated_at: item.updated_at }
    }
}

/// A label for apps or knowledge bases.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    pub id: Uuid,
    pub tenant_id: TenantId,
    /// `app` or `knowledge`.
    pub kind: String,
    pub name: String,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
}

impl From<entity::tags::Model> for Tag {
    fn from(row: entity::tags::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            kind: row.kind,
            name: row.name,
            created_by: AccountId(row.created_by),
            created_at: row.created_at,
        }
    }
}

impl From<Tag> for entity::tags::Model {
    fn from(item: Tag) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            kind: item.kind,
            name: item.name,
            created_by: item.created_by.0,
            created_at: item.created_at,
        }
    }
}

/// A label on one object.
#[derive(Clone, Debug, PartialEq)]
pub struct TagBinding {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub tag_id: Uuid,
    pub target_id: Uuid,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
}

impl From<entity::tag_bindings::Model> for TagBinding {
    fn from(row: entity::tag_bindings::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            tag_id: row.tag_id,
            target_id: row.target_id,
            created_by: AccountId(row.created_by),
            created_at: row.created_at,
        }
    }
}

impl From<TagBinding> for entity::tag_bindings::Model {
    fn from(item: TagBinding) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            tag_id: item.tag_id,
            target_id: item.target_id,
            created_by: item.created_by.0,
            created_at: item.created_at,
        }
    }
}
