-- Readings in time: counters and levels. docs/modules/sketches.md describes the sketches.
CREATE TYPE saas.counter_sketch;

CREATE OR REPLACE FUNCTION saas.counter_sketch_in(cstring)
RETURNS saas.counter_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_sketch_in';
COMMENT ON FUNCTION saas.counter_sketch_in(cstring) IS
'Input of saas.counter_sketch: \x and the hexadecimal digits of its binary form. 22P02 for anything else.';

CREATE OR REPLACE FUNCTION saas.counter_sketch_out(saas.counter_sketch)
RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_sketch_out';
COMMENT ON FUNCTION saas.counter_sketch_out(saas.counter_sketch) IS
'Output of saas.counter_sketch.';

CREATE OR REPLACE FUNCTION saas.counter_sketch_recv(internal)
RETURNS saas.counter_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_sketch_recv';
COMMENT ON FUNCTION saas.counter_sketch_recv(internal) IS
'Binary input of saas.counter_sketch. 22P03 for bytes that are no such sketch.';

CREATE OR REPLACE FUNCTION saas.counter_sketch_send(saas.counter_sketch)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_sketch_send';
COMMENT ON FUNCTION saas.counter_sketch_send(saas.counter_sketch) IS
'Binary output of saas.counter_sketch; the same bytes on every machine.';

CREATE TYPE saas.counter_sketch (
    INPUT = saas.counter_sketch_in,
    OUTPUT = saas.counter_sketch_out,
    RECEIVE = saas.counter_sketch_recv,
    SEND = saas.counter_sketch_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE saas.counter_sketch IS
'How much a counter rose over a stretch of time, with its resets.';

CREATE OR REPLACE FUNCTION saas.counter_sketch_merge_state(saas.counter_sketch, saas.counter_sketch)
RETURNS saas.counter_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_sketch_merge_state';
COMMENT ON FUNCTION saas.counter_sketch_merge_state(saas.counter_sketch, saas.counter_sketch) IS
'Transition and combination of aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.counter_sketch_final(saas.counter_sketch)
RETURNS saas.counter_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_sketch_final';
COMMENT ON FUNCTION saas.counter_sketch_final(saas.counter_sketch) IS
'End of aggregates: the finished sketch.';

CREATE OR REPLACE FUNCTION saas.merge(p_a saas.counter_sketch, p_b saas.counter_sketch)
RETURNS saas.counter_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_sketch_merge';
COMMENT ON FUNCTION saas.merge(saas.counter_sketch, saas.counter_sketch) IS
'Both sketches as one; NULL counts as empty.';

CREATE OR REPLACE FUNCTION saas.counter_sketch_add(
    saas.counter_sketch,
    timestamptz,
    double precision
)
RETURNS saas.counter_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_sketch_add';
COMMENT ON FUNCTION saas.counter_sketch_add(saas.counter_sketch, timestamptz, double precision) IS
'Transition of aggregates; refused outside.';

CREATE OR REPLACE AGGREGATE saas.counter_sketch(timestamptz, double precision) (
    SFUNC = saas.counter_sketch_add,
    STYPE = saas.counter_sketch,
    SSPACE = 1024,
    FINALFUNC = saas.counter_sketch_final,
    COMBINEFUNC = saas.counter_sketch_merge_state,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.counter_sketch(timestamptz, double precision) IS
'The stretch from the first reading to the last, whatever the order of rows; rows with NULL do not count. A reading below the one before is a reset to 0.';

CREATE OR REPLACE AGGREGATE saas.merge(saas.counter_sketch) (
    SFUNC = saas.counter_sketch_merge_state,
    STYPE = saas.counter_sketch,
    SSPACE = 1024,
    FINALFUNC = saas.counter_sketch_final,
    COMBINEFUNC = saas.counter_sketch_merge_state,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.merge(saas.counter_sketch) IS
'Stretches of one counter that follow one another in time as one. 22023 when they overlap.';

CREATE OR REPLACE FUNCTION saas.delta(p_sketch saas.counter_sketch)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_delta';
COMMENT ON FUNCTION saas.delta(saas.counter_sketch) IS
'How much the counter rose between its first and its last reading.';

CREATE OR REPLACE FUNCTION saas.rate(p_sketch saas.counter_sketch)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_rate';
COMMENT ON FUNCTION saas.rate(saas.counter_sketch) IS
'How much the counter rose a second between its first and its last reading; NULL when there is no time between.';

CREATE OR REPLACE FUNCTION saas.resets(p_sketch saas.counter_sketch)
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_resets';
COMMENT ON FUNCTION saas.resets(saas.counter_sketch) IS
'How often the counter began again.';

CREATE OR REPLACE FUNCTION saas.sketch_info(p_sketch saas.counter_sketch)
RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_counter_sketch_info';
COMMENT ON FUNCTION saas.sketch_info(saas.counter_sketch) IS
'What the sketch is: version, size, number of readings, seconds, delta, resets.';

CREATE TYPE saas.level_sketch;

CREATE OR REPLACE FUNCTION saas.level_sketch_in(cstring)
RETURNS saas.level_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_level_sketch_in';
COMMENT ON FUNCTION saas.level_sketch_in(cstring) IS
'Input of saas.level_sketch: \x and the hexadecimal digits of its binary form. 22P02 for anything else.';

CREATE OR REPLACE FUNCTION saas.level_sketch_out(saas.level_sketch)
RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_level_sketch_out';
COMMENT ON FUNCTION saas.level_sketch_out(saas.level_sketch) IS
'Output of saas.level_sketch.';

CREATE OR REPLACE FUNCTION saas.level_sketch_recv(internal)
RETURNS saas.level_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_level_sketch_recv';
COMMENT ON FUNCTION saas.level_sketch_recv(internal) IS
'Binary input of saas.level_sketch. 22P03 for bytes that are no such sketch.';

CREATE OR REPLACE FUNCTION saas.level_sketch_send(saas.level_sketch)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_level_sketch_send';
COMMENT ON FUNCTION saas.level_sketch_send(saas.level_sketch) IS
'Binary output of saas.level_sketch; the same bytes on every machine.';

CREATE TYPE saas.level_sketch (
    INPUT = saas.level_sketch_in,
    OUTPUT = saas.level_sketch_out,
    RECEIVE = saas.level_sketch_recv,
    SEND = saas.level_sketch_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE saas.level_sketch IS
'A level over a stretch of time, for its average weighted by time.';

CREATE OR REPLACE FUNCTION saas.level_sketch_merge_state(saas.level_sketch, saas.level_sketch)
RETURNS saas.level_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_level_sketch_merge_state';
COMMENT ON FUNCTION saas.level_sketch_merge_state(saas.level_sketch, saas.level_sketch) IS
'Transition and combination of aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.level_sketch_final(saas.level_sketch)
RETURNS saas.level_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_level_sketch_final';
COMMENT ON FUNCTION saas.level_sketch_final(saas.level_sketch) IS
'End of aggregates: the finished sketch.';

CREATE OR REPLACE FUNCTION saas.merge(p_a saas.level_sketch, p_b saas.level_sketch)
RETURNS saas.level_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_level_sketch_merge';
COMMENT ON FUNCTION saas.merge(saas.level_sketch, saas.level_sketch) IS
'Both sketches as one; NULL counts as empty.';

CREATE OR REPLACE FUNCTION saas.level_sketch_add(saas.level_sketch, timestamptz, double precision)
RETURNS saas.level_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_level_sketch_add';
COMMENT ON FUNCTION saas.level_sketch_add(saas.level_sketch, timestamptz, double precision) IS
'Transition of aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.level_sketch_add(
    saas.level_sketch,
    timestamptz,
    double precision,
    text
)
RETURNS saas.level_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_level_sketch_add_method';
COMMENT ON FUNCTION saas.level_sketch_add(saas.level_sketch, timestamptz, double precision, text) IS
'Transition of aggregates; refused outside.';

CREATE OR REPLACE AGGREGATE saas.level_sketch(timestamptz, double precision) (
    SFUNC = saas.level_sketch_add,
    STYPE = saas.level_sketch,
    SSPACE = 1024,
    FINALFUNC = saas.level_sketch_final,
    COMBINEFUNC = saas.level_sketch_merge_state,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.level_sketch(timestamptz, double precision) IS
'The stretch from the first reading to the last, whatever the order of rows; each value holds until the next. Rows with NULL do not count.';

CREATE OR REPLACE AGGREGATE saas.level_sketch(timestamptz, double precision, text) (
    SFUNC = saas.level_sketch_add,
    STYPE = saas.level_sketch,
    SSPACE = 1024,
    FINALFUNC = saas.level_sketch_final,
    COMBINEFUNC = saas.level_sketch_merge_state,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.level_sketch(timestamptz, double precision, text) IS
'The same by a method: locf, each value holds until the next, or linear, a straight line to the next.';

CREATE OR REPLACE AGGREGATE saas.merge(saas.level_sketch) (
    SFUNC = saas.level_sketch_merge_state,
    STYPE = saas.level_sketch,
    SSPACE = 1024,
    FINALFUNC = saas.level_sketch_final,
    COMBINEFUNC = saas.level_sketch_merge_state,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.merge(saas.level_sketch) IS
'Stretches of one level that follow one another in time as one. 22023 when they overlap or differ in method.';

CREATE OR REPLACE FUNCTION saas.time_weighted_average(p_sketch saas.level_sketch)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_time_weighted_average';
COMMENT ON FUNCTION saas.time_weighted_average(saas.level_sketch) IS
'The average between the first reading and the last, weighted by time; the value itself when there is no time between.';

CREATE OR REPLACE FUNCTION saas.time_weighted_average(
    p_sketch saas.level_sketch,
    p_until timestamptz
)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_time_weighted_average_until';
COMMENT ON FUNCTION saas.time_weighted_average(saas.level_sketch, timestamptz) IS
'The same until a later time: the last value holds until then. 22023 when it is before the last reading.';

CREATE OR REPLACE FUNCTION saas.sketch_info(p_sketch saas.level_sketch)
RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_level_sketch_info';
COMMENT ON FUNCTION saas.sketch_info(saas.level_sketch) IS
'What the sketch is: version, size, method, number of readings, seconds, last value.';
