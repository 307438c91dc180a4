-- Calls of models that the workspace's own rules refused, counted by day: nobody was asked, so they are no calls.
CREATE TABLE model_refusals (
    tenant_id {uuid} NOT NULL,
    -- YYYY-MM-DD, UTC
    day {text} NOT NULL,
    -- rate, access or budget
    reason {text} NOT NULL,
    -- provider/model
    model {text} NOT NULL,
    count {bigint} NOT NULL,
    last_at {time} NOT NULL,
    -- What the last one was told.
    last_why {text} NOT NULL,
    last_app_id {uuid},
    PRIMARY KEY (tenant_id, day, reason, model)
);
