-- What an agent thought and did on the way to an answer: one row for each round.

CREATE TABLE message_agent_thoughts (
    id {uuid} NOT NULL PRIMARY KEY,
    message_id {uuid} NOT NULL,
    "position" {int} NOT NULL,
    thought {text},
    -- Joined by semicolons.
    tool {text},
    tool_labels_str {json} NOT NULL,
    tool_meta_str {json} NOT NULL,
    tool_input {text},
    observation {text},
    tool_process_data {text},
    -- The prompt of the round.
    message {text},
    message_token {int} NOT NULL,
    message_unit_price {text} NOT NULL,
    message_price_unit {text} NOT NULL,
    -- Ids of files of the message.
    message_files {json} NOT NULL,
    answer {text},
    answer_token {int} NOT NULL,
    answer_unit_price {text} NOT NULL,
    answer_price_unit {text} NOT NULL,
    tokens {int} NOT NULL,
    total_price {text} NOT NULL,
    currency {text} NOT NULL,
    latency {double} NOT NULL,
    created_by_role {text} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_message_agent_thoughts_message_id ON message_agent_thoughts (message_id);
