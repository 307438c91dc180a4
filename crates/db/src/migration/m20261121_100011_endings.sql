-- Who is writing the answer of a basic app's message; null once it is complete.
ALTER TABLE messages ADD COLUMN owner {uuid};
CREATE INDEX ix_messages_owner ON messages (owner) WHERE owner IS NOT NULL;

-- What its users have deleted and whose rows and files are still being removed.
CREATE TABLE deletions (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    kind {text} NOT NULL,
    target_id {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_deletions_created_at ON deletions (created_at);

-- The files of end users, who go with their app.
CREATE INDEX ix_upload_files_created_by ON upload_files (created_by);
CREATE INDEX ix_tool_files_user_id ON tool_files (user_id);
