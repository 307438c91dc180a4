-- Stops that were asked for in a process that does not run what is to be stopped: the others read them here.
CREATE TABLE run_stops (
    id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    -- NULL: everything that runs of the app.
    task_id {uuid},
    -- Where only those who began something may stop it: who asks.
    user_id {uuid},
    asked_at {time} NOT NULL
);
CREATE INDEX ix_run_stops_asked_at ON run_stops (asked_at);

-- Array types that the JSON texts of an execution do not tell, by JSON pointer; NULL: there are none.
ALTER TABLE workflow_node_executions ADD COLUMN array_types {json};
