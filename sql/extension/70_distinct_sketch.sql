-- Distinct counts. docs/modules/sketches.md describes the sketches.
CREATE TYPE saas.distinct_sketch;

CREATE OR REPLACE FUNCTION saas.distinct_sketch_in(cstring)
RETURNS saas.distinct_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_in';
COMMENT ON FUNCTION saas.distinct_sketch_in(cstring) IS
'Input of saas.distinct_sketch: \x and the hexadecimal digits of its binary form. 22P02 for anything else.';

CREATE OR REPLACE FUNCTION saas.distinct_sketch_out(saas.distinct_sketch)
RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_out';
COMMENT ON FUNCTION saas.distinct_sketch_out(saas.distinct_sketch) IS
'Output of saas.distinct_sketch.';

CREATE OR REPLACE FUNCTION saas.distinct_sketch_recv(internal)
RETURNS saas.distinct_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_recv';
COMMENT ON FUNCTION saas.distinct_sketch_recv(internal) IS
'Binary input of saas.distinct_sketch. 22P03 for bytes that are no such sketch.';

CREATE OR REPLACE FUNCTION saas.distinct_sketch_send(saas.distinct_sketch)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_send';
COMMENT ON FUNCTION saas.distinct_sketch_send(saas.distinct_sketch) IS
'Binary output of saas.distinct_sketch; the same bytes on every machine.';

CREATE TYPE saas.distinct_sketch (
    INPUT = saas.distinct_sketch_in,
    OUTPUT = saas.distinct_sketch_out,
    RECEIVE = saas.distinct_sketch_recv,
    SEND = saas.distinct_sketch_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE saas.distinct_sketch IS
'Set of values for counting the distinct ones: HyperLogLog, standard error 0.07 % up to 6,000 values, 0.57 % beyond, at most 17 kB.';

CREATE OR REPLACE FUNCTION saas.distinct_sketch_merge_state(saas.distinct_sketch, saas.distinct_sketch)
RETURNS saas.distinct_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_merge_state';
COMMENT ON FUNCTION saas.distinct_sketch_merge_state(saas.distinct_sketch, saas.distinct_sketch) IS
'Transition and combination of aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.distinct_sketch_final(saas.distinct_sketch)
RETURNS saas.distinct_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_final';
COMMENT ON FUNCTION saas.distinct_sketch_final(saas.distinct_sketch) IS
'End of aggregates: the finished sketch.';

CREATE OR REPLACE FUNCTION saas.merge(p_a saas.distinct_sketch, p_b saas.distinct_sketch)
RETURNS saas.distinct_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_merge';
COMMENT ON FUNCTION saas.merge(saas.distinct_sketch, saas.distinct_sketch) IS
'Both sketches as one; NULL counts as empty.';

CREATE OR REPLACE FUNCTION saas.distinct_sketch_add(saas.distinct_sketch, anyelement)
RETURNS saas.distinct_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_add';
COMMENT ON FUNCTION saas.distinct_sketch_add(saas.distinct_sketch, anyelement) IS
'Transition of aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.distinct_sketch_count(saas.distinct_sketch)
RETURNS bigint
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_estimate';
COMMENT ON FUNCTION saas.distinct_sketch_count(saas.distinct_sketch) IS
'The estimated number of distinct values in the sketch; 0 for NULL.';

CREATE OR REPLACE AGGREGATE saas.distinct_sketch(anyelement) (
    SFUNC = saas.distinct_sketch_add,
    STYPE = saas.distinct_sketch,
    SSPACE = 2048,
    FINALFUNC = saas.distinct_sketch_final,
    COMBINEFUNC = saas.distinct_sketch_merge_state,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.distinct_sketch(anyelement) IS
'The sketch of the values that are not NULL; NULL without any. 0A000 for types without a lasting form: cast them to text.';

CREATE OR REPLACE AGGREGATE saas.approx_count_distinct(anyelement) (
    SFUNC = saas.distinct_sketch_add,
    STYPE = saas.distinct_sketch,
    SSPACE = 2048,
    FINALFUNC = saas.distinct_sketch_count,
    COMBINEFUNC = saas.distinct_sketch_merge_state,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.approx_count_distinct(anyelement) IS
'The estimated number of distinct values that are not NULL; 0 without any.';

CREATE OR REPLACE AGGREGATE saas.merge(saas.distinct_sketch) (
    SFUNC = saas.distinct_sketch_merge_state,
    STYPE = saas.distinct_sketch,
    SSPACE = 4096,
    FINALFUNC = saas.distinct_sketch_final,
    COMBINEFUNC = saas.distinct_sketch_merge_state,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.merge(saas.distinct_sketch) IS
'All sketches as one: the same bytes as if it had been built from all values.';

CREATE OR REPLACE FUNCTION saas.sketch_info(p_sketch saas.distinct_sketch)
RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_info';
COMMENT ON FUNCTION saas.sketch_info(saas.distinct_sketch) IS
'What the sketch is: version, size, form, precision, estimate, standard error.';

-- Type and aggregate share their name. A cast that is declared keeps distinct_sketch(text column) from
-- being read as a conversion of the text by the input function.
CREATE OR REPLACE FUNCTION saas.distinct_sketch_from_text(p_sketch text)
RETURNS saas.distinct_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_distinct_sketch_from_text';
COMMENT ON FUNCTION saas.distinct_sketch_from_text(text) IS
'The sketch that the text is the form of. 22P02 for anything else.';

CREATE CAST (text AS saas.distinct_sketch) WITH FUNCTION saas.distinct_sketch_from_text(text);
CREATE CAST (varchar AS saas.distinct_sketch) WITH FUNCTION saas.distinct_sketch_from_text(text);
