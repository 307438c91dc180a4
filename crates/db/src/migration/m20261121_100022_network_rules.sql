-- Where the calls of a workspace's apps may go, within the operator's policy; no row: no rules of its own.
CREATE TABLE tenant_network_rules (
    tenant_id {uuid} NOT NULL PRIMARY KEY,
    -- Keep to the destinations of `allowed`.
    only_listed {bool} NOT NULL,
    -- A destination a line.
    allowed {text} NOT NULL,
    private {text} NOT NULL,
    updated_by {uuid},
    updated_at {time} NOT NULL
);
