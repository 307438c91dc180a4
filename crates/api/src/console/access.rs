//! What each console route asks of its caller.

use axum::http::Method;
use ox_app::{
    Access::{self, AfterSetup, Member, MemberWith, Public},
    principal::Permission::{
        ApiKeyDelete, ApiKeyManage, AppEdit, AppPublish, AppView, FileUpload, LogView, MemberManage, ModelManage,
        ModelView, TagEdit, WorkspaceManage,
    },
};

use crate::access::{Rule, rule};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

const VIEW: Access = MemberWith(AppView);
const EDIT: Access = MemberWith(AppEdit);
const LOGS: Access = MemberWith(LogView);
const MODELS: Access = MemberWith(ModelView);
const MODEL_ADMIN: Access = MemberWith(ModelManage);

/// One line for each route and method.
pub const RULES: &[Rule] = &[
    // before and around the session
    rule(GET, "/ping", Public),
    rule(GET, "/setup", Public),
    rule(POST, "/setup", Public),
    rule(GET, "/init", Public),
    rule(POST, "/init", Public),
    rule(GET, "/system-features", Public),
    rule(GET, "/version", Public),
    rule(POST, "/login", AfterSetup),
    rule(POST, "/logout", AfterSetup),
    rule(POST, "/refresh-token", Public),
    rule(GET, "/activate/check", Public),
    rule(POST, "/activate", Public),
    rule(GET, "/features", Member),
    // account
    rule(GET, "/account/profile", Member),
    rule(POST, "/account/name", Member),
    rule(POST, "/account/avatar", Member),
    rule(POST, "/account/interface-language", Member),
    rule(POST, "/account/interface-theme", Member),
    rule(POST, "/account/timezone", Member),
    rule(POST, "/account/password", Member),
    // workspaces and members
    rule(GET, "/workspaces", Member),
    rule(POST, "/workspaces/current", Member),
    rule(POST, "/workspaces/switch", Member),
    rule(POST, "/workspaces/info", MemberWith(WorkspaceManage)),
    rule(GET, "/workspaces/current/members", Member),
    rule(GET, "/workspaces/current/dataset-operators", Member),
    rule(POST, "/workspaces/current/members/invite-email", MemberWith(MemberManage)),
    rule(DELETE, "/workspaces/current/members/{member_id}", MemberWith(MemberManage)),
    rule(PUT, "/workspaces/current/members/{member_id}/update-role", MemberWith(MemberManage)),
    // models
    rule(GET, "/workspaces/current/model-providers", MODELS),
    rule(GET, "/workspaces/current/model-providers/{provider}/credentials", MODELS),
    rule(POST, "/workspaces/current/model-providers/{provider}/credentials", MODEL_ADMIN),
    rule(PUT, "/workspaces/current/model-providers/{provider}/credentials", MODEL_ADMIN),
    rule(DELETE, "/workspaces/current/model-providers/{provider}/credentials", MODEL_ADMIN),
    rule(POST, "/workspaces/current/model-providers/{provider}/credentials/switch", MODEL_ADMIN),
    rule(POST, "/workspaces/current/model-providers/{provider}/credentials/validate", MODEL_ADMIN),
    rule(POST, "/workspaces/current/model-providers/{provider}/preferred-provider-type", MODEL_ADMIN),
    rule(GET, "/workspaces/current/model-providers/{provider}/models", MODELS),
    rule(POST, "/workspaces/current/model-providers/{provider}/models", MODEL_ADMIN),
    rule(DELETE, "/workspaces/current/model-providers/{provider}/models", MODEL_ADMIN),
    rule(GET, "/workspaces/current/model-providers/{provider}/models/credentials", MODELS),
    rule(POST, "/workspaces/current/model-providers/{provider}/models/credentials", MODEL_ADMIN),
    rule(PUT, "/workspaces/current/model-providers/{provider}/models/credentials", MODEL_ADMIN),
    rule(DELETE, "/workspaces/current/model-providers/{provider}/models/credentials", MODEL_ADMIN),
    rule(POST, "/workspaces/current/model-providers/{provider}/models/credentials/switch", MODEL_ADMIN),
    rule(POST, "/workspaces/current/model-providers/{provider}/models/credentials/validate", MODEL_ADMIN),
    rule(PATCH, "/workspaces/current/model-providers/{provider}/models/enable", MODEL_ADMIN),
    rule(PATCH, "/workspaces/current/model-providers/{provider}/models/disable", MODEL_ADMIN),
    rule(GET, "/workspaces/current/model-providers/{provider}/models/parameter-rules", MODELS),
    rule(GET, "/workspaces/current/models/model-types/{model_type}", MODELS),
    rule(GET, "/workspaces/current/default-model", MODELS),
    rule(POST, "/workspaces/current/default-model", MODEL_ADMIN),
    // A picture in an <img>, which cannot send the CSRF header.
    rule(GET, "/workspaces/{tenant_id}/model-providers/{provider}/{icon_type}/{lang}", Public),
    // apps
    rule(GET, "/apps", VIEW),
    rule(POST, "/apps", EDIT),
    rule(GET, "/apps/{app_id}", VIEW),
    rule(PUT, "/apps/{app_id}", EDIT),
    rule(DELETE, "/apps/{app_id}", EDIT),
    rule(POST, "/apps/{app_id}/name", EDIT),
    rule(POST, "/apps/{app_id}/icon", EDIT),
    rule(POST, "/apps/{app_id}/copy", EDIT),
    rule(GET, "/apps/{app_id}/export", EDIT),
    rule(POST, "/apps/imports", EDIT),
    rule(POST, "/apps/imports/{import_id}/confirm", EDIT),
    rule(GET, "/apps/imports/{app_id}/check-dependencies", EDIT),
    rule(GET, "/apps/{app_id}/api-keys", VIEW),
    rule(POST, "/apps/{app_id}/api-keys", MemberWith(ApiKeyManage)),
    rule(DELETE, "/apps/{app_id}/api-keys/{api_key_id}", MemberWith(ApiKeyDelete)),
    rule(POST, "/apps/{app_id}/model-config", EDIT),
    rule(POST, "/apps/{app_id}/site", EDIT),
    rule(POST, "/apps/{app_id}/site/access-token-reset", MemberWith(ApiKeyDelete)),
    rule(POST, "/apps/{app_id}/site-enable", EDIT),
    rule(POST, "/apps/{app_id}/api-enable", MemberWith(ApiKeyDelete)),
    // workflow
    rule(GET, "/apps/{app_id}/workflows/draft", EDIT),
    rule(POST, "/apps/{app_id}/workflows/draft", EDIT),
    rule(GET, "/apps/{app_id}/workflows/draft/problems", EDIT),
    rule(GET, "/apps/{app_id}/workflows/publish", EDIT),
    rule(POST, "/apps/{app_id}/workflows/publish", MemberWith(AppPublish)),
    rule(GET, "/apps/{app_id}/workflows", EDIT),
    rule(PATCH, "/apps/{app_id}/workflows/{workflow_id}", EDIT),
    rule(DELETE, "/apps/{app_id}/workflows/{workflow_id}", EDIT),
    rule(POST, "/apps/{app_id}/workflows/{workflow_id}/restore", EDIT),
    rule(GET, "/apps/{app_id}/workflows/default-workflow-block-configs", EDIT),
    rule(GET, "/apps/{app_id}/workflows/default-workflow-block-configs/{block_type}", EDIT),
    // debug runs
    rule(POST, "/apps/{app_id}/workflows/draft/run", EDIT),
    rule(POST, "/apps/{app_id}/advanced-chat/workflows/draft/run", EDIT),
    rule(POST, "/apps/{app_id}/workflow-runs/tasks/{task_id}/stop", EDIT),
    rule(POST, "/apps/{app_id}/chat-messages", EDIT),
    rule(POST, "/apps/{app_id}/completion-messages", EDIT),
    rule(POST, "/apps/{app_id}/chat-messages/{task_id}/stop", VIEW),
    rule(POST, "/apps/{app_id}/completion-messages/{task_id}/stop", VIEW),
    rule(GET, "/apps/{app_id}/chat-messages/{message_id}/suggested-questions", VIEW),
    // runs and logs
    rule(GET, "/apps/{app_id}/workflow-runs", VIEW),
    rule(GET, "/apps/{app_id}/advanced-chat/workflow-runs", VIEW),
    rule(GET, "/apps/{app_id}/workflow-runs/{run_id}", VIEW),
    rule(GET, "/apps/{app_id}/workflow-runs/{run_id}/node-executions", VIEW),
    rule(GET, "/apps/{app_id}/workflow-app-logs", VIEW),
    rule(GET, "/apps/{app_id}/chat-conversations", LOGS),
    rule(GET, "/apps/{app_id}/chat-conversations/{conversation_id}", LOGS),
    rule(DELETE, "/apps/{app_id}/chat-conversations/{conversation_id}", LOGS),
    rule(GET, "/apps/{app_id}/completion-conversations", LOGS),
    rule(GET, "/apps/{app_id}/completion-conversations/{conversation_id}", LOGS),
    rule(DELETE, "/apps/{app_id}/completion-conversations/{conversation_id}", LOGS),
    rule(GET, "/apps/{app_id}/chat-messages", LOGS),
    rule(GET, "/apps/{app_id}/messages/{message_id}", VIEW),
    rule(POST, "/apps/{app_id}/feedbacks", VIEW),
    // labels and files
    rule(GET, "/tags", Member),
    rule(POST, "/tags", MemberWith(TagEdit)),
    rule(PATCH, "/tags/{tag_id}", MemberWith(TagEdit)),
    rule(DELETE, "/tags/{tag_id}", EDIT),
    rule(POST, "/tag-bindings/create", MemberWith(TagEdit)),
    rule(POST, "/tag-bindings/remove", MemberWith(TagEdit)),
    rule(GET, "/files/upload", Member),
    rule(POST, "/files/upload", MemberWith(FileUpload)),
    rule(GET, "/files/support-type", Member),
];
