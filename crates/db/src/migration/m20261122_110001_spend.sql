-- What each call of a model used, the sums of it, and how much may be used.

CREATE TABLE model_calls (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid},
    -- An account, an end user, or whom a caller from outside names.
    user_id {text},
    key_id {uuid},
    run_id {uuid},
    node_id {text},
    provider {text} NOT NULL,
    model {text} NOT NULL,
    kind {text} NOT NULL,
    -- What was asked for, when another model answered.
    wanted_provider {text},
    wanted_model {text},
    prompt_tokens {bigint} NOT NULL,
    cached_tokens {bigint} NOT NULL,
    completion_tokens {bigint} NOT NULL,
    price {text} NOT NULL,
    currency {text} NOT NULL,
    -- Counted here, as the provider did not tell.
    estimated {bool} NOT NULL,
    latency_ms {bigint} NOT NULL,
    first_token_ms {bigint},
    -- ok, cancelled, or the class of the error.
    outcome {text} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_model_calls_tenant_id_created_at ON model_calls (tenant_id, created_at, id);
CREATE INDEX ix_model_calls_created_at ON model_calls (created_at, id);

-- Added to in the transaction of the calls; outlives them.
CREATE TABLE model_spend_days (
    tenant_id {uuid} NOT NULL,
    -- workspace, app, user or key
    scope {text} NOT NULL,
    -- The id in its scope; empty for the workspace.
    subject {text} NOT NULL,
    -- YYYY-MM-DD, UTC
    day {text} NOT NULL,
    currency {text} NOT NULL,
    calls {bigint} NOT NULL,
    tokens {bigint} NOT NULL,
    -- In ten-millionths.
    price {bigint} NOT NULL,
    PRIMARY KEY (tenant_id, scope, subject, day, currency)
);

CREATE TABLE model_budgets (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    name {text} NOT NULL,
    scope {text} NOT NULL,
    -- Whose; empty: each app, user or key has one of its own.
    subject {text},
    -- day, month or total
    period {text} NOT NULL,
    -- warn, throttle or stop
    action {text} NOT NULL,
    token_limit {bigint},
    money_limit {text},
    currency {text} NOT NULL,
    -- Calls in a minute, once a throttling budget is spent.
    calls_per_minute {int} NOT NULL,
    enabled {bool} NOT NULL,
    mail {bool} NOT NULL,
    webhook_url {text},
    -- Encrypted.
    webhook_secret {text},
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_model_budgets_tenant_id_created_at ON model_budgets (tenant_id, created_at, id);

-- What was told about a budget: once for each threshold of each of its windows.
CREATE TABLE model_budget_alerts (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    budget_id {uuid} NOT NULL,
    subject {text} NOT NULL,
    -- The first day of the window, or total.
    period_start {text} NOT NULL,
    -- In percent.
    threshold {int} NOT NULL,
    used_tokens {bigint} NOT NULL,
    -- In ten-millionths.
    used_price {bigint} NOT NULL,
    -- Of the webhook: none, pending, delivered or failed.
    status {text} NOT NULL,
    attempts {int} NOT NULL,
    next_attempt_at {time} NOT NULL,
    last_error {text},
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_model_budget_alerts_budget_id_threshold ON model_budget_alerts (budget_id, subject, period_start, threshold);
CREATE INDEX ix_model_budget_alerts_pending ON model_budget_alerts (next_attempt_at) WHERE status = 'pending';
