-- Histograms with given bounds. docs/modules/sketches.md describes the sketches.
CREATE TYPE saas.histogram_sketch;

CREATE OR REPLACE FUNCTION saas.histogram_sketch_in(cstring)
RETURNS saas.histogram_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_in';
COMMENT ON FUNCTION saas.histogram_sketch_in(cstring) IS
'Input of saas.histogram_sketch: \x and the hexadecimal digits of its binary form. 22P02 for anything else.';

CREATE OR REPLACE FUNCTION saas.histogram_sketch_out(saas.histogram_sketch)
RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_out';
COMMENT ON FUNCTION saas.histogram_sketch_out(saas.histogram_sketch) IS
'Output of saas.histogram_sketch.';

CREATE OR REPLACE FUNCTION saas.histogram_sketch_recv(internal)
RETURNS saas.histogram_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_recv';
COMMENT ON FUNCTION saas.histogram_sketch_recv(internal) IS
'Binary input of saas.histogram_sketch. 22P03 for bytes that are no such sketch.';

CREATE OR REPLACE FUNCTION saas.histogram_sketch_send(saas.histogram_sketch)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_send';
COMMENT ON FUNCTION saas.histogram_sketch_send(saas.histogram_sketch) IS
'Binary output of saas.histogram_sketch; the same bytes on every machine.';

CREATE TYPE saas.histogram_sketch (
    INPUT = saas.histogram_sketch_in,
    OUTPUT = saas.histogram_sketch_out,
    RECEIVE = saas.histogram_sketch_recv,
    SEND = saas.histogram_sketch_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE saas.histogram_sketch IS
'Counts of numbers between given bounds: exact, merged and subtracted without loss.';

CREATE OR REPLACE FUNCTION saas.histogram_sketch_merge_state(saas.histogram_sketch, saas.histogram_sketch)
RETURNS saas.histogram_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_merge_state';
COMMENT ON FUNCTION saas.histogram_sketch_merge_state(saas.histogram_sketch, saas.histogram_sketch) IS
'Transition and combination of aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.histogram_sketch_final(saas.histogram_sketch)
RETURNS saas.histogram_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_final';
COMMENT ON FUNCTION saas.histogram_sketch_final(saas.histogram_sketch) IS
'End of aggregates: the finished sketch.';

CREATE OR REPLACE FUNCTION saas.merge(p_a saas.histogram_sketch, p_b saas.histogram_sketch)
RETURNS saas.histogram_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_merge';
COMMENT ON FUNCTION saas.merge(saas.histogram_sketch, saas.histogram_sketch) IS
'Both sketches as one; NULL counts as empty.';

CREATE OR REPLACE FUNCTION saas.histogram_sketch_add(
    saas.histogram_sketch,
    double precision,
    double precision[]
)
RETURNS saas.histogram_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_add';
COMMENT ON FUNCTION saas.histogram_sketch_add(saas.histogram_sketch, double precision, double precision[]) IS
'Transition of aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.histogram_sketch_remove(
    saas.histogram_sketch,
    double precision,
    double precision[]
)
RETURNS saas.histogram_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_remove';
COMMENT ON FUNCTION saas.histogram_sketch_remove(saas.histogram_sketch, double precision, double precision[]) IS
'Inverse transition of window aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.histogram_sketch_unmerge(
    saas.histogram_sketch,
    saas.histogram_sketch
)
RETURNS saas.histogram_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_unmerge';
COMMENT ON FUNCTION saas.histogram_sketch_unmerge(saas.histogram_sketch, saas.histogram_sketch) IS
'Inverse transition of window aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.subtract(p_from saas.histogram_sketch, p_what saas.histogram_sketch)
RETURNS saas.histogram_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_subtract';
COMMENT ON FUNCTION saas.subtract(saas.histogram_sketch, saas.histogram_sketch) IS
'The histogram without the values of the other one. 22023 for other bounds, and when they are not in it.';

CREATE OR REPLACE AGGREGATE saas.histogram_sketch(double precision, double precision[]) (
    SFUNC = saas.histogram_sketch_add,
    STYPE = saas.histogram_sketch,
    SSPACE = 1024,
    FINALFUNC = saas.histogram_sketch_final,
    COMBINEFUNC = saas.histogram_sketch_merge_state,
    MSFUNC = saas.histogram_sketch_add,
    MINVFUNC = saas.histogram_sketch_remove,
    MSTYPE = saas.histogram_sketch,
    MSSPACE = 1024,
    MFINALFUNC = saas.histogram_sketch_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.histogram_sketch(double precision, double precision[]) IS
'Counts the values that are not NULL between the bounds: finite, ascending, the same for all rows. A value equal to a bound is below it; NaN is above all.';

CREATE OR REPLACE AGGREGATE saas.merge(saas.histogram_sketch) (
    SFUNC = saas.histogram_sketch_merge_state,
    STYPE = saas.histogram_sketch,
    SSPACE = 1024,
    FINALFUNC = saas.histogram_sketch_final,
    COMBINEFUNC = saas.histogram_sketch_merge_state,
    MSFUNC = saas.histogram_sketch_merge_state,
    MINVFUNC = saas.histogram_sketch_unmerge,
    MSTYPE = saas.histogram_sketch,
    MSSPACE = 1024,
    MFINALFUNC = saas.histogram_sketch_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.merge(saas.histogram_sketch) IS
'All histograms as one; 22023 unless they have the same bounds.';

CREATE OR REPLACE FUNCTION saas.histogram_bounds(p_sketch saas.histogram_sketch)
RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_bounds';
COMMENT ON FUNCTION saas.histogram_bounds(saas.histogram_sketch) IS
'The bounds of the histogram.';

CREATE OR REPLACE FUNCTION saas.histogram_counts(p_sketch saas.histogram_sketch)
RETURNS bigint[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_counts';
COMMENT ON FUNCTION saas.histogram_counts(saas.histogram_sketch) IS
'How many values are up to each bound and above the one before, and last how many are above all.';

CREATE OR REPLACE FUNCTION saas.sketch_info(p_sketch saas.histogram_sketch)
RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_histogram_sketch_info';
COMMENT ON FUNCTION saas.sketch_info(saas.histogram_sketch) IS
'What the sketch is: version, size, number of values and bounds.';
