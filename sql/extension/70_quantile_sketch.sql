-- Quantiles. docs/modules/sketches.md describes the sketches.
CREATE TYPE saas.quantile_sketch;

CREATE OR REPLACE FUNCTION saas.quantile_sketch_in(cstring)
RETURNS saas.quantile_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_in';
COMMENT ON FUNCTION saas.quantile_sketch_in(cstring) IS
'Input of saas.quantile_sketch: \x and the hexadecimal digits of its binary form. 22P02 for anything else.';

CREATE OR REPLACE FUNCTION saas.quantile_sketch_out(saas.quantile_sketch)
RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_out';
COMMENT ON FUNCTION saas.quantile_sketch_out(saas.quantile_sketch) IS
'Output of saas.quantile_sketch.';

CREATE OR REPLACE FUNCTION saas.quantile_sketch_recv(internal)
RETURNS saas.quantile_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_recv';
COMMENT ON FUNCTION saas.quantile_sketch_recv(internal) IS
'Binary input of saas.quantile_sketch. 22P03 for bytes that are no such sketch.';

CREATE OR REPLACE FUNCTION saas.quantile_sketch_send(saas.quantile_sketch)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_send';
COMMENT ON FUNCTION saas.quantile_sketch_send(saas.quantile_sketch) IS
'Binary output of saas.quantile_sketch; the same bytes on every machine.';

CREATE TYPE saas.quantile_sketch (
    INPUT = saas.quantile_sketch_in,
    OUTPUT = saas.quantile_sketch_out,
    RECEIVE = saas.quantile_sketch_recv,
    SEND = saas.quantile_sketch_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE saas.quantile_sketch IS
'Distribution of numbers: DDSketch with 64 buckets for each power of two, relative error at most 0.78 %, merged and subtracted without loss.';

CREATE OR REPLACE FUNCTION saas.quantile_sketch_merge_state(saas.quantile_sketch, saas.quantile_sketch)
RETURNS saas.quantile_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_merge_state';
COMMENT ON FUNCTION saas.quantile_sketch_merge_state(saas.quantile_sketch, saas.quantile_sketch) IS
'Transition and combination of aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.quantile_sketch_final(saas.quantile_sketch)
RETURNS saas.quantile_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_final';
COMMENT ON FUNCTION saas.quantile_sketch_final(saas.quantile_sketch) IS
'End of aggregates: the finished sketch.';

CREATE OR REPLACE FUNCTION saas.merge(p_a saas.quantile_sketch, p_b saas.quantile_sketch)
RETURNS saas.quantile_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_merge';
COMMENT ON FUNCTION saas.merge(saas.quantile_sketch, saas.quantile_sketch) IS
'Both sketches as one; NULL counts as empty.';

CREATE OR REPLACE FUNCTION saas.quantile_sketch_add(saas.quantile_sketch, double precision)
RETURNS saas.quantile_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_add';
COMMENT ON FUNCTION saas.quantile_sketch_add(saas.quantile_sketch, double precision) IS
'Transition of aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.quantile_sketch_remove(saas.quantile_sketch, double precision)
RETURNS saas.quantile_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_remove';
COMMENT ON FUNCTION saas.quantile_sketch_remove(saas.quantile_sketch, double precision) IS
'Inverse transition of window aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.quantile_sketch_unmerge(saas.quantile_sketch, saas.quantile_sketch)
RETURNS saas.quantile_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_unmerge';
COMMENT ON FUNCTION saas.quantile_sketch_unmerge(saas.quantile_sketch, saas.quantile_sketch) IS
'Inverse transition of window aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.subtract(p_from saas.quantile_sketch, p_what saas.quantile_sketch)
RETURNS saas.quantile_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_subtract';
COMMENT ON FUNCTION saas.subtract(saas.quantile_sketch, saas.quantile_sketch) IS
'The sketch without the values of the other one: the inverse of merge. 22023 when they are not in it.';

CREATE OR REPLACE AGGREGATE saas.quantile_sketch(double precision) (
    SFUNC = saas.quantile_sketch_add,
    STYPE = saas.quantile_sketch,
    SSPACE = 1024,
    FINALFUNC = saas.quantile_sketch_final,
    COMBINEFUNC = saas.quantile_sketch_merge_state,
    MSFUNC = saas.quantile_sketch_add,
    MINVFUNC = saas.quantile_sketch_remove,
    MSTYPE = saas.quantile_sketch,
    MSSPACE = 1024,
    MFINALFUNC = saas.quantile_sketch_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.quantile_sketch(double precision) IS
'The sketch of the values that are not NULL; NULL without any. Infinities and NaN count as in the order of SQL.';

CREATE OR REPLACE AGGREGATE saas.merge(saas.quantile_sketch) (
    SFUNC = saas.quantile_sketch_merge_state,
    STYPE = saas.quantile_sketch,
    SSPACE = 4096,
    FINALFUNC = saas.quantile_sketch_final,
    COMBINEFUNC = saas.quantile_sketch_merge_state,
    MSFUNC = saas.quantile_sketch_merge_state,
    MINVFUNC = saas.quantile_sketch_unmerge,
    MSTYPE = saas.quantile_sketch,
    MSSPACE = 4096,
    MFINALFUNC = saas.quantile_sketch_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.merge(saas.quantile_sketch) IS
'All sketches as one: the same bytes as if it had been built from all values.';

CREATE OR REPLACE FUNCTION saas.approx_percentile(
    p_sketch saas.quantile_sketch,
    p_fraction double precision
)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_approx_percentile';
COMMENT ON FUNCTION saas.approx_percentile(saas.quantile_sketch, double precision) IS
'The value at this fraction of the order, as percentile_cont, off by at most 0.78 %. NULL for an empty sketch; 22003 unless 0 <= fraction <= 1.';

CREATE OR REPLACE FUNCTION saas.approx_percentile(
    p_sketch saas.quantile_sketch,
    p_fractions double precision[]
)
RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_approx_percentiles';
COMMENT ON FUNCTION saas.approx_percentile(saas.quantile_sketch, double precision[]) IS
'Several percentiles in one pass, in the order asked for; NULL for NULL.';

CREATE OR REPLACE FUNCTION saas.approx_percentile_rank(
    p_sketch saas.quantile_sketch,
    p_value double precision
)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_approx_percentile_rank';
COMMENT ON FUNCTION saas.approx_percentile_rank(saas.quantile_sketch, double precision) IS
'The fraction of values up to this one, counting its bucket whole, which reaches at most 1.6 % further. NULL for an empty sketch.';

CREATE OR REPLACE FUNCTION saas.quantile_sketch_count(p_sketch saas.quantile_sketch)
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_count';
COMMENT ON FUNCTION saas.quantile_sketch_count(saas.quantile_sketch) IS
'How many values the sketch has seen.';

CREATE OR REPLACE FUNCTION saas.sketch_info(p_sketch saas.quantile_sketch)
RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_quantile_sketch_info';
COMMENT ON FUNCTION saas.sketch_info(saas.quantile_sketch) IS
'What the sketch is: version, size, number of values and buckets, least and greatest value, relative error.';
