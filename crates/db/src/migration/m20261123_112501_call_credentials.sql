-- By which stored key a call was made, where it was made by one.
ALTER TABLE model_calls ADD COLUMN credential_id {uuid};
