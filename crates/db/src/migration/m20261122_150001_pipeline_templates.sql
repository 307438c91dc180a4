-- Pipelines that a workspace keeps as templates, the live version of a pipeline, and the way from a pipeline to its
-- knowledge base.
CREATE TABLE pipeline_customized_templates (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    name {text} NOT NULL,
    description {text} NOT NULL,
    icon {json} NOT NULL,
    position {int} NOT NULL,
    -- text_model, hierarchical_model, qa_model
    chunk_structure {text} NOT NULL,
    yaml_content {text} NOT NULL,
    install_count {int} NOT NULL,
    language {text} NOT NULL,
    created_by {uuid} NOT NULL,
    updated_by {uuid},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_pipeline_customized_templates_tenant_id_name ON pipeline_customized_templates (tenant_id, name);

ALTER TABLE pipelines ADD COLUMN workflow_id {uuid};

CREATE INDEX ix_datasets_pipeline_id ON datasets (pipeline_id);
