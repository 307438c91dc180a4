-- Whether a file was ever bound to a chunk of it: searches of the others need not ask.
ALTER TABLE datasets ADD COLUMN has_attachments {bool} NOT NULL DEFAULT false;
UPDATE datasets SET has_attachments = true WHERE id IN (SELECT dataset_id FROM segment_attachment_bindings);

-- What a file is still bound to, and the pictures of a document.
CREATE INDEX ix_segment_attachment_bindings_attachment_id ON segment_attachment_bindings (attachment_id);
CREATE INDEX ix_upload_files_used_by ON upload_files (used_by) WHERE used_by IS NOT NULL;
