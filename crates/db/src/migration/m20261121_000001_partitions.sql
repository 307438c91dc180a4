CREATE TABLE workflow_runs_default PARTITION OF workflow_runs DEFAULT;
CREATE TABLE workflow_node_executions_default PARTITION OF workflow_node_executions DEFAULT;
CREATE TABLE messages_default PARTITION OF messages DEFAULT;

-- Makes the daily partitions from a day on; returns how many were made. A day whose rows already are in the
-- default partition stays there.
CREATE FUNCTION oxidify_create_partitions(from_day date, days integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
    first_day date;
    made integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['workflow_runs', 'workflow_node_executions', 'messages'] LOOP
        FOR step IN 0 .. days - 1 LOOP
            first_day := from_day + step;
            child := parent || '_' || to_char(first_day, 'YYYYMMDD');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            BEGIN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    child, parent,
                    first_day::text || ' 00:00:00+00', (first_day + 1)::text || ' 00:00:00+00'
                );
                made := made + 1;
            EXCEPTION WHEN check_violation OR duplicate_table THEN
                RAISE NOTICE 'partition % not made: %', child, SQLERRM;
            END;
        END LOOP;
    END LOOP;
    RETURN made;
END;
$$;
