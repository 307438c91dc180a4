-- Types in braces are written for each database by `migration::dialect`.

CREATE TABLE accounts (
    id {uuid} NOT NULL PRIMARY KEY,
    name {text} NOT NULL,
    email {text} NOT NULL,
    password {text},
    password_salt {text},
    avatar {text},
    interface_language {text},
    interface_theme {text},
    timezone {text},
    last_login_at {time},
    last_login_ip {text},
    last_active_at {time} NOT NULL,
    status {text} NOT NULL,
    initialized_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_accounts_email ON accounts (email);

CREATE TABLE tenants (
    id {uuid} NOT NULL PRIMARY KEY,
    name {text} NOT NULL,
    encrypted_data_key {text},
    plan {text} NOT NULL,
    status {text} NOT NULL,
    custom_config {json},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);

CREATE TABLE tenant_account_joins (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    account_id {uuid} NOT NULL,
    "current" {bool} NOT NULL,
    role {text} NOT NULL,
    invited_by {uuid},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tenant_account_joins_tenant_id_account_id ON tenant_account_joins (tenant_id, account_id);
CREATE INDEX ix_tenant_account_joins_account_id ON tenant_account_joins (account_id);

CREATE TABLE account_integrates (
    id {uuid} NOT NULL PRIMARY KEY,
    account_id {uuid} NOT NULL,
    provider {text} NOT NULL,
    open_id {text} NOT NULL,
    encrypted_token {text} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_account_integrates_account_id_provider ON account_integrates (account_id, provider);
CREATE UNIQUE INDEX uq_account_integrates_provider_open_id ON account_integrates (provider, open_id);

CREATE TABLE dify_setups (
    version {text} NOT NULL PRIMARY KEY,
    setup_at {time} NOT NULL
);

CREATE TABLE settings (
    "key" {text} NOT NULL PRIMARY KEY,
    "value" {json} NOT NULL,
    updated_at {time} NOT NULL
);

CREATE TABLE audit_events (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid},
    account_id {uuid},
    actor {text} NOT NULL,
    action {text} NOT NULL,
    object_type {text} NOT NULL,
    object_id {text} NOT NULL,
    "before" {json},
    "after" {json},
    ip {text},
    request_id {text},
    created_at {time} NOT NULL
);
CREATE INDEX ix_audit_events_tenant_id_created_at ON audit_events (tenant_id, created_at);
CREATE INDEX ix_audit_events_object_type_object_id ON audit_events (object_type, object_id);

CREATE TABLE kv_entries (
    "key" {text} NOT NULL PRIMARY KEY,
    "value" {text} NOT NULL,
    expires_at {time}
);
CREATE INDEX ix_kv_entries_expires_at ON kv_entries (expires_at);

CREATE TABLE apps (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    name {text} NOT NULL,
    description {text} NOT NULL,
    mode {text} NOT NULL,
    icon_type {text},
    icon {text},
    icon_background {text},
    app_model_config_id {uuid},
    workflow_id {uuid},
    status {text} NOT NULL,
    enable_site {bool} NOT NULL,
    enable_api {bool} NOT NULL,
    api_rpm {int} NOT NULL,
    api_rph {int} NOT NULL,
    is_demo {bool} NOT NULL,
    is_public {bool} NOT NULL,
    is_universal {bool} NOT NULL,
    tracing {json},
    max_active_requests {int},
    use_icon_as_answer_icon {bool} NOT NULL,
    created_by {uuid},
    created_at {time} NOT NULL,
    updated_by {uuid},
    updated_at {time} NOT NULL
);
CREATE INDEX ix_apps_tenant_id_created_at ON apps (tenant_id, created_at);

CREATE TABLE app_model_configs (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    provider {text},
    model_id {text},
    configs {json},
    opening_statement {text},
    suggested_questions {json},
    suggested_questions_after_answer {json},
    speech_to_text {json},
    text_to_speech {json},
    more_like_this {json},
    model {json},
    user_input_form {json},
    dataset_query_variable {text},
    pre_prompt {text},
    agent_mode {json},
    sensitive_word_avoidance {json},
    retriever_resource {json},
    prompt_type {text} NOT NULL,
    chat_prompt_config {json},
    completion_prompt_config {json},
    dataset_configs {json},
    external_data_tools {json},
    file_upload {json},
    created_by {uuid},
    created_at {time} NOT NULL,
    updated_by {uuid},
    updated_at {time} NOT NULL
);
CREATE INDEX ix_app_model_configs_app_id ON app_model_configs (app_id);

CREATE TABLE sites (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    title {text} NOT NULL,
    icon_type {text},
    icon {text},
    icon_background {text},
    description {text},
    default_language {text} NOT NULL,
    chat_color_theme {text},
    chat_color_theme_inverted {bool} NOT NULL,
    copyright {text},
    privacy_policy {text},
    custom_disclaimer {text} NOT NULL,
    show_workflow_steps {bool} NOT NULL,
    use_icon_as_answer_icon {bool} NOT NULL,
    customize_domain {text},
    customize_token_strategy {text} NOT NULL,
    prompt_public {bool} NOT NULL,
    status {text} NOT NULL,
    code {text},
    created_by {uuid},
    created_at {time} NOT NULL,
    updated_by {uuid},
    updated_at {time} NOT NULL
);
CREATE INDEX ix_sites_app_id ON sites (app_id);
CREATE UNIQUE INDEX uq_sites_code ON sites (code);

CREATE TABLE api_tokens (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid},
    tenant_id {uuid},
    "type" {text} NOT NULL,
    token {text} NOT NULL,
    last_used_at {time},
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_api_tokens_token ON api_tokens (token);
CREATE INDEX ix_api_tokens_app_id ON api_tokens (app_id);
CREATE INDEX ix_api_tokens_tenant_id ON api_tokens (tenant_id);

CREATE TABLE installed_apps (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    app_owner_tenant_id {uuid} NOT NULL,
    position {int} NOT NULL,
    is_pinned {bool} NOT NULL,
    last_used_at {time},
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_installed_apps_tenant_id_app_id ON installed_apps (tenant_id, app_id);
CREATE INDEX ix_installed_apps_app_id ON installed_apps (app_id);

CREATE TABLE tags (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    "type" {text} NOT NULL,
    name {text} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tags_tenant_id_type_name ON tags (tenant_id, "type", name);

CREATE TABLE tag_bindings (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    tag_id {uuid} NOT NULL,
    target_id {uuid} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tag_bindings_tag_id_target_id ON tag_bindings (tag_id, target_id);
CREATE INDEX ix_tag_bindings_target_id ON tag_bindings (target_id);

CREATE TABLE workflows (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    "type" {text} NOT NULL,
    version {text} NOT NULL,
    marked_name {text} NOT NULL,
    marked_comment {text} NOT NULL,
    graph {json} NOT NULL,
    features {json} NOT NULL,
    environment_variables {json} NOT NULL,
    conversation_variables {json} NOT NULL,
    rag_pipeline_variables {json} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL,
    updated_by {uuid},
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_workflows_app_id_version ON workflows (app_id, version);
CREATE INDEX ix_workflows_tenant_id_app_id_version ON workflows (tenant_id, app_id, version);

CREATE TABLE workflow_draft_variables (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    node_id {text} NOT NULL,
    name {text} NOT NULL,
    description {text} NOT NULL,
    selector {json} NOT NULL,
    value_type {text} NOT NULL,
    "value" {json} NOT NULL,
    visible {bool} NOT NULL,
    editable {bool} NOT NULL,
    node_execution_id {uuid},
    file_id {uuid},
    is_default_value {bool} NOT NULL,
    last_edited_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_workflow_draft_variables_app_id_node_id_name ON workflow_draft_variables (app_id, node_id, name);

CREATE TABLE workflow_runs (
    id {uuid} NOT NULL,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    workflow_id {uuid} NOT NULL,
    "type" {text} NOT NULL,
    triggered_from {text} NOT NULL,
    version {text} NOT NULL,
    graph {text},
    inputs {text},
    status {text} NOT NULL,
    outputs {text},
    error {text},
    elapsed_time {double} NOT NULL,
    total_tokens {bigint} NOT NULL,
    total_steps {int} NOT NULL,
    total_price {text},
    currency {text},
    exceptions_count {int} NOT NULL,
    created_by_role {text} NOT NULL,
    created_by {uuid} NOT NULL,
    owner {uuid},
    resume {text},
    labels {text},
    created_at {time} NOT NULL,
    finished_at {time},
    PRIMARY KEY (id, created_at)
) {partition_by};
CREATE INDEX ix_workflow_runs_app_id_created_at_id ON workflow_runs (app_id, created_at, id);
CREATE INDEX ix_workflow_runs_owner ON workflow_runs (owner) WHERE finished_at IS NULL;

CREATE TABLE workflow_node_executions (
    id {uuid} NOT NULL,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    workflow_id {uuid} NOT NULL,
    triggered_from {text} NOT NULL,
    workflow_run_id {uuid},
    "index" {int} NOT NULL,
    finish_seq {int},
    predecessor_node_id {text},
    node_id {text} NOT NULL,
    node_type {text} NOT NULL,
    title {text} NOT NULL,
    frame {text},
    handle {text},
    retry_index {int} NOT NULL,
    inputs {text},
    process_data {text},
    outputs {text},
    updates {text},
    status {text} NOT NULL,
    error {text},
    error_type {text},
    elapsed_time {double} NOT NULL,
    execution_metadata {text},
    debug {bool} NOT NULL,
    created_by_role {text} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL,
    finished_at {time},
    PRIMARY KEY (id, created_at)
) {partition_by};
CREATE INDEX ix_workflow_node_executions_workflow_run_id_index ON workflow_node_executions (workflow_run_id, "index");
CREATE INDEX ix_workflow_node_executions_workflow_id_node_id_created_at ON workflow_node_executions (workflow_id, node_id, created_at) WHERE debug;

CREATE TABLE workflow_app_logs (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    workflow_id {uuid} NOT NULL,
    workflow_run_id {uuid} NOT NULL,
    created_from {text} NOT NULL,
    created_by_role {text} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_workflow_app_logs_app_id_created_at_id ON workflow_app_logs (app_id, created_at, id);
CREATE INDEX ix_workflow_app_logs_workflow_run_id ON workflow_app_logs (workflow_run_id);

CREATE TABLE run_intents (
    id {uuid} NOT NULL PRIMARY KEY,
    run_id {uuid} NOT NULL,
    node_execution_id {uuid} NOT NULL,
    kind {text} NOT NULL,
    idempotency_key {text},
    created_at {time} NOT NULL
);
CREATE INDEX ix_run_intents_run_id ON run_intents (run_id);

CREATE TABLE processes (
    id {uuid} NOT NULL PRIMARY KEY,
    host {text} NOT NULL,
    pid {bigint} NOT NULL,
    started_at {time} NOT NULL,
    heartbeat_at {time} NOT NULL,
    expires_at {time} NOT NULL
);
CREATE INDEX ix_processes_expires_at ON processes (expires_at);

CREATE TABLE workflow_conversation_variables (
    id {uuid} NOT NULL,
    conversation_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    data {json} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    PRIMARY KEY (id, conversation_id)
);
CREATE INDEX ix_workflow_conversation_variables_conversation_id ON workflow_conversation_variables (conversation_id);

CREATE TABLE conversations (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    app_model_config_id {uuid},
    model_provider {text},
    model_id {text},
    override_model_configs {json},
    mode {text} NOT NULL,
    name {text} NOT NULL,
    summary {text},
    inputs {json} NOT NULL,
    introduction {text},
    system_instruction {text},
    system_instruction_tokens {int} NOT NULL,
    status {text} NOT NULL,
    invoke_from {text},
    from_source {text} NOT NULL,
    from_end_user_id {uuid},
    from_account_id {uuid},
    read_at {time},
    read_account_id {uuid},
    dialogue_count {int} NOT NULL,
    is_deleted {bool} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_conversations_app_id_from_source_from_end_user_id_updated ON conversations (app_id, from_source, from_end_user_id, updated_at);
CREATE INDEX ix_conversations_app_id_from_account_id_updated_at ON conversations (app_id, from_account_id, updated_at);
CREATE INDEX ix_conversations_app_id_updated_at_id ON conversations (app_id, updated_at, id);

CREATE TABLE messages (
    id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    conversation_id {uuid} NOT NULL,
    parent_message_id {uuid},
    model_provider {text},
    model_id {text},
    override_model_configs {text},
    inputs {text} NOT NULL,
    query {text} NOT NULL,
    message {text},
    answer {text} NOT NULL,
    message_tokens {int} NOT NULL,
    message_unit_price {text} NOT NULL,
    message_price_unit {text} NOT NULL,
    answer_tokens {int} NOT NULL,
    answer_unit_price {text} NOT NULL,
    answer_price_unit {text} NOT NULL,
    total_price {text},
    currency {text} NOT NULL,
    provider_response_latency {double} NOT NULL,
    status {text} NOT NULL,
    error {text},
    message_metadata {text},
    invoke_from {text},
    from_source {text} NOT NULL,
    from_end_user_id {uuid},
    from_account_id {uuid},
    agent_based {bool} NOT NULL,
    workflow_run_id {uuid},
    app_mode {text},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    PRIMARY KEY (id, created_at)
) {partition_by};
CREATE INDEX ix_messages_conversation_id_created_at_id ON messages (conversation_id, created_at, id);
CREATE INDEX ix_messages_app_id_created_at_id ON messages (app_id, created_at, id);
CREATE INDEX ix_messages_workflow_run_id ON messages (workflow_run_id) WHERE workflow_run_id IS NOT NULL;

CREATE TABLE message_feedbacks (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    conversation_id {uuid} NOT NULL,
    message_id {uuid} NOT NULL,
    rating {text} NOT NULL,
    from_source {text} NOT NULL,
    content {text},
    from_end_user_id {uuid},
    from_account_id {uuid},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_message_feedbacks_message_id_from_source ON message_feedbacks (message_id, from_source);
CREATE INDEX ix_message_feedbacks_app_id_created_at ON message_feedbacks (app_id, created_at);
CREATE INDEX ix_message_feedbacks_conversation_id ON message_feedbacks (conversation_id);

CREATE TABLE message_files (
    id {uuid} NOT NULL PRIMARY KEY,
    message_id {uuid} NOT NULL,
    "type" {text} NOT NULL,
    transfer_method {text} NOT NULL,
    belongs_to {text},
    url {text},
    upload_file_id {uuid},
    created_by_role {text} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_message_files_message_id ON message_files (message_id);
CREATE INDEX ix_message_files_upload_file_id ON message_files (upload_file_id);

CREATE TABLE saved_messages (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    message_id {uuid} NOT NULL,
    created_by_role {text} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_saved_messages_app_id_message_id_created_by ON saved_messages (app_id, message_id, created_by);

CREATE TABLE pinned_conversations (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    conversation_id {uuid} NOT NULL,
    created_by_role {text} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_pinned_conversations_app_id_conversation_id_created_by ON pinned_conversations (app_id, conversation_id, created_by);

CREATE TABLE end_users (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid},
    "type" {text} NOT NULL,
    external_user_id {text},
    name {text},
    is_anonymous {bool} NOT NULL,
    session_id {text} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_end_users_tenant_id_app_id_session_id_type ON end_users (tenant_id, app_id, session_id, "type");

CREATE TABLE upload_files (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    storage_type {text} NOT NULL,
    "key" {text} NOT NULL,
    name {text} NOT NULL,
    size {bigint} NOT NULL,
    extension {text} NOT NULL,
    mime_type {text},
    created_by_role {text} NOT NULL,
    created_by {uuid} NOT NULL,
    used {bool} NOT NULL,
    used_by {uuid},
    used_at {time},
    hash {text},
    source_url {text} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_upload_files_tenant_id_created_at ON upload_files (tenant_id, created_at);

CREATE TABLE tool_files (
    id {uuid} NOT NULL PRIMARY KEY,
    user_id {uuid} NOT NULL,
    tenant_id {uuid} NOT NULL,
    conversation_id {uuid},
    file_key {text} NOT NULL,
    mimetype {text} NOT NULL,
    original_url {text},
    name {text} NOT NULL,
    size {bigint} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_tool_files_conversation_id ON tool_files (conversation_id);

CREATE TABLE providers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    provider_name {text} NOT NULL,
    provider_type {text} NOT NULL,
    is_valid {bool} NOT NULL,
    last_used {time},
    credential_id {uuid},
    quota_type {text} NOT NULL,
    quota_limit {bigint},
    quota_used {bigint} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_providers_tenant_id_provider_name_provider_type_quota_typ ON providers (tenant_id, provider_name, provider_type, quota_type);

CREATE TABLE provider_credentials (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    provider_name {text} NOT NULL,
    credential_name {text} NOT NULL,
    encrypted_config {json} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_provider_credentials_tenant_id_provider_name ON provider_credentials (tenant_id, provider_name);

CREATE TABLE provider_models (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    provider_name {text} NOT NULL,
    model_name {text} NOT NULL,
    model_type {text} NOT NULL,
    credential_id {uuid},
    is_valid {bool} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_provider_models_tenant_id_provider_name_model_name_model_ ON provider_models (tenant_id, provider_name, model_name, model_type);

CREATE TABLE provider_model_credentials (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    provider_name {text} NOT NULL,
    model_name {text} NOT NULL,
    model_type {text} NOT NULL,
    credential_name {text} NOT NULL,
    encrypted_config {json} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_provider_model_credentials_tenant_id_provider_name_model_ ON provider_model_credentials (tenant_id, provider_name, model_name, model_type);

CREATE TABLE provider_model_settings (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    provider_name {text} NOT NULL,
    model_name {text} NOT NULL,
    model_type {text} NOT NULL,
    enabled {bool} NOT NULL,
    load_balancing_enabled {bool} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_provider_model_settings_tenant_id_provider_name_model_nam ON provider_model_settings (tenant_id, provider_name, model_name, model_type);

CREATE TABLE load_balancing_model_configs (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    provider_name {text} NOT NULL,
    model_name {text} NOT NULL,
    model_type {text} NOT NULL,
    name {text} NOT NULL,
    encrypted_config {json},
    credential_id {uuid},
    credential_source_type {text},
    enabled {bool} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_load_balancing_model_configs_tenant_id_provider_name_mode ON load_balancing_model_configs (tenant_id, provider_name, model_type);

CREATE TABLE tenant_default_models (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    provider_name {text} NOT NULL,
    model_name {text} NOT NULL,
    model_type {text} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tenant_default_models_tenant_id_model_type ON tenant_default_models (tenant_id, model_type);

CREATE TABLE tenant_preferred_model_providers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    provider_name {text} NOT NULL,
    preferred_provider_type {text} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tenant_preferred_model_providers_tenant_id_provider_name ON tenant_preferred_model_providers (tenant_id, provider_name);
