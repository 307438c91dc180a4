-- Answers that an app's makers wrote themselves, and when they were given.

CREATE TABLE message_annotations (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    conversation_id {uuid},
    message_id {uuid},
    question {text} NOT NULL,
    content {text} NOT NULL,
    hit_count {int} NOT NULL,
    account_id {uuid} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_message_annotations_app_id_created_at ON message_annotations (app_id, created_at, id);
CREATE UNIQUE INDEX uq_message_annotations_message_id ON message_annotations (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX ix_message_annotations_conversation_id ON message_annotations (conversation_id)
    WHERE conversation_id IS NOT NULL;

CREATE TABLE app_annotation_hit_histories (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    annotation_id {uuid} NOT NULL,
    source {text} NOT NULL,
    question {text} NOT NULL,
    account_id {uuid} NOT NULL,
    score {double} NOT NULL,
    message_id {uuid} NOT NULL,
    annotation_question {text} NOT NULL,
    annotation_content {text} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_app_annotation_hit_histories_annotation_id ON app_annotation_hit_histories (annotation_id, created_at);
CREATE INDEX ix_app_annotation_hit_histories_app_id ON app_annotation_hit_histories (app_id);
