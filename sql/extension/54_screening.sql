-- Names as screening against watch-lists compares them. docs/modules/compliance.md describes how.
CREATE OR REPLACE FUNCTION saas.normalize_name(p_name text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_normalize_name';
COMMENT ON FUNCTION saas.normalize_name(text) IS
'A name in lower case without marks, in Latin letters where it is written in Latin, Cyrillic, Greek or Arabic ones, words separated by one blank. 22023 for a name of more than 1024 bytes.';

CREATE OR REPLACE FUNCTION saas.name_similarity(p_name text, p_names text[])
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_name_similarity';
COMMENT ON FUNCTION saas.name_similarity(text, text[]) IS
'How alike a name is to the one of the others that is most like it, 0 to 1, whatever the order of words, case, marks, alphabet and common spellings. 0 when there is none. 22023 for a name of more than 1024 bytes, 22004 for a NULL among them.';

CREATE OR REPLACE FUNCTION saas.name_keys(
    p_names text[],
    p_scope text DEFAULT '',
    p_looked_for boolean DEFAULT false
)
RETURNS integer[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_name_keys';
COMMENT ON FUNCTION saas.name_keys(text[], text, boolean) IS
'Keys for an index: names that are alike have at least one in common, mostly. p_looked_for: the keys to look for, instead of those to store. Names of different scopes share none.';
