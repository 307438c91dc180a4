-- Mails that are to be sent, and what came of them for a while.

CREATE TABLE mails (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid},
    app_id {uuid},
    "kind" {text} NOT NULL,
    recipient_id {uuid},
    address {text} NOT NULL,
    subject {text} NOT NULL,
    body {text} NOT NULL,
    status {text} NOT NULL,
    attempts {int} NOT NULL,
    next_attempt_at {time} NOT NULL,
    error {text},
    created_at {time} NOT NULL,
    finished_at {time}
);
CREATE INDEX ix_mails_pending ON mails (next_attempt_at) WHERE status = 'pending';
CREATE INDEX ix_mails_app_id ON mails (app_id);
CREATE INDEX ix_mails_finished_at ON mails (finished_at);
