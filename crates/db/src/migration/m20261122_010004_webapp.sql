-- Who may open a published page where not everybody may. An app without a row is open to all.
CREATE TABLE site_access (
    app_id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    -- `private_all`: the members of the workspace; `private`: those of site_access_members.
    mode {text} NOT NULL,
    updated_at {time} NOT NULL
);

CREATE TABLE site_access_members (
    app_id {uuid} NOT NULL,
    account_id {uuid} NOT NULL,
    PRIMARY KEY (app_id, account_id)
);

-- What one person ran from a page. Runs by key, which are most, cost nothing here.
CREATE INDEX ix_workflow_app_logs_of_person ON workflow_app_logs (app_id, created_by, created_at)
    WHERE created_from <> 'service-api';
