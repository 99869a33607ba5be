-- The most frequent texts. docs/modules/sketches.md describes the sketches.
CREATE TYPE saas.top_k_sketch;

CREATE OR REPLACE FUNCTION saas.top_k_sketch_in(cstring)
RETURNS saas.top_k_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_top_k_sketch_in';
COMMENT ON FUNCTION saas.top_k_sketch_in(cstring) IS
'Input of saas.top_k_sketch: \x and the hexadecimal digits of its binary form. 22P02 for anything else.';

CREATE OR REPLACE FUNCTION saas.top_k_sketch_out(saas.top_k_sketch)
RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_top_k_sketch_out';
COMMENT ON FUNCTION saas.top_k_sketch_out(saas.top_k_sketch) IS
'Output of saas.top_k_sketch.';

CREATE OR REPLACE FUNCTION saas.top_k_sketch_recv(internal)
RETURNS saas.top_k_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_top_k_sketch_recv';
COMMENT ON FUNCTION saas.top_k_sketch_recv(internal) IS
'Binary input of saas.top_k_sketch. 22P03 for bytes that are no such sketch.';

CREATE OR REPLACE FUNCTION saas.top_k_sketch_send(saas.top_k_sketch)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_top_k_sketch_send';
COMMENT ON FUNCTION saas.top_k_sketch_send(saas.top_k_sketch) IS
'Binary output of saas.top_k_sketch; the same bytes on every machine.';

CREATE TYPE saas.top_k_sketch (
    INPUT = saas.top_k_sketch_in,
    OUTPUT = saas.top_k_sketch_out,
    RECEIVE = saas.top_k_sketch_recv,
    SEND = saas.top_k_sketch_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE saas.top_k_sketch IS
'The most frequent texts with their counts: space-saving; with capacity C no count is off by more than N / (C + 1) of N texts.';

CREATE OR REPLACE FUNCTION saas.top_k_sketch_merge_state(saas.top_k_sketch, saas.top_k_sketch)
RETURNS saas.top_k_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_top_k_sketch_merge_state';
COMMENT ON FUNCTION saas.top_k_sketch_merge_state(saas.top_k_sketch, saas.top_k_sketch) IS
'Transition and combination of aggregates; refused outside.';

CREATE OR REPLACE FUNCTION saas.top_k_sketch_final(saas.top_k_sketch)
RETURNS saas.top_k_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_top_k_sketch_final';
COMMENT ON FUNCTION saas.top_k_sketch_final(saas.top_k_sketch) IS
'End of aggregates: the finished sketch.';

CREATE OR REPLACE FUNCTION saas.merge(p_a saas.top_k_sketch, p_b saas.top_k_sketch)
RETURNS saas.top_k_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_top_k_sketch_merge';
COMMENT ON FUNCTION saas.merge(saas.top_k_sketch, saas.top_k_sketch) IS
'Both sketches as one; NULL counts as empty.';

CREATE OR REPLACE FUNCTION saas.top_k_sketch_add(saas.top_k_sketch, text, integer)
RETURNS saas.top_k_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_top_k_sketch_add';
COMMENT ON FUNCTION saas.top_k_sketch_add(saas.top_k_sketch, text, integer) IS
'Transition of aggregates; refused outside.';

CREATE OR REPLACE AGGREGATE saas.top_k_sketch(text, integer) (
    SFUNC = saas.top_k_sketch_add,
    STYPE = saas.top_k_sketch,
    SSPACE = 8192,
    FINALFUNC = saas.top_k_sketch_final,
    COMBINEFUNC = saas.top_k_sketch_merge_state,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.top_k_sketch(text, integer) IS
'The sketch of the texts that are not NULL, with a capacity from 1 to 10000: ten times the number of texts wanted is a good one. Up to twice the capacity of different texts are counted exactly.';

CREATE OR REPLACE AGGREGATE saas.merge(saas.top_k_sketch) (
    SFUNC = saas.top_k_sketch_merge_state,
    STYPE = saas.top_k_sketch,
    SSPACE = 8192,
    FINALFUNC = saas.top_k_sketch_final,
    COMBINEFUNC = saas.top_k_sketch_merge_state,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.merge(saas.top_k_sketch) IS
'All sketches as one, with the least of their capacities.';

CREATE OR REPLACE FUNCTION saas.top_k(
    p_sketch saas.top_k_sketch,
    p_most integer,
    OUT value text,
    OUT count bigint,
    OUT error bigint
)
RETURNS SETOF record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'saas_top_k';
COMMENT ON FUNCTION saas.top_k(saas.top_k_sketch, integer) IS
'The most frequent texts, the most frequent first. The true count is between count - error and count.';

CREATE OR REPLACE FUNCTION saas.sketch_info(p_sketch saas.top_k_sketch)
RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_top_k_sketch_info';
COMMENT ON FUNCTION saas.sketch_info(saas.top_k_sketch) IS
'What the sketch is: version, size, number of texts, capacity, counters in use, floor: what no text that is missing can exceed.';
