-- What a workspace decides about its calls of models beyond keys and stand-ins; no row: nothing.
CREATE TABLE model_policies (
    tenant_id {uuid} NOT NULL PRIMARY KEY,
    body {json} NOT NULL,
    updated_by {uuid},
    updated_at {time} NOT NULL
);

-- hit or semantic, when nobody was asked for the answer.
ALTER TABLE model_calls ADD COLUMN cache {text};
-- What it would have cost.
ALTER TABLE model_calls ADD COLUMN saved_price {text};
-- Why another model answered, or was asked as well: fallback, tier or hedge.
ALTER TABLE model_calls ADD COLUMN route {text};
-- The name of the rule.
ALTER TABLE model_calls ADD COLUMN rule {text};
