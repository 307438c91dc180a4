-- What a call used beside tokens, where that is known: searches, seconds of sound, characters.
ALTER TABLE model_calls ADD COLUMN units {bigint};
-- searches, seconds or characters.
ALTER TABLE model_calls ADD COLUMN unit {text};
