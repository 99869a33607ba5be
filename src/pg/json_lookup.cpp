// SPDX-License-Identifier: PostgreSQL
#include "pg/json_lookup.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "common/jsonapi.h" // pg_parse_json
#include "mb/pg_wchar.h"    // pg_verify_mbstr, pg_any_to_server
}

namespace saas::pg {
namespace {

bool equal_ignoring_case(const char *a, int a_length, const char *b) {
    return static_cast<std::size_t>(a_length) == std::strlen(b) &&
           pg_strncasecmp(a, b, static_cast<std::size_t>(a_length)) == 0;
}

// A string, or the string in an array of one.
bool single_string(JsonbValue &value, std::string_view &out) {
    if (value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data) &&
        JsonContainerSize(value.val.binary.data) == 1)
        value = *getIthJsonbValueFromContainer(value.val.binary.data, 0);
    if (value.type != jbvString)
        return false;
    out = {value.val.string.val, static_cast<std::size_t>(value.val.string.len)};
    return true;
}

// The parser's callbacks: remember the string under `key` at depth one.
struct search {
    const char *key;
    char *value;
    int depth;
    bool wanted; // the next scalar belongs to the key
};

#if PG_VERSION_NUM >= 160000
using action_result = JsonParseErrorType;
#define SAAS_ACTION_DONE return JSON_SUCCESS
#else
using action_result = void;
#define SAAS_ACTION_DONE return
#endif

extern "C" {
static action_result enter(void *state) {
    static_cast<search *>(state)->depth++;
    SAAS_ACTION_DONE;
}
static action_result leave(void *state) {
    static_cast<search *>(state)->depth--;
    SAAS_ACTION_DONE;
}
static action_result field(void *state, char *name, bool) {
    auto *s = static_cast<search *>(state);
    s->wanted = s->depth == 1 && std::strcmp(name, s->key) == 0;
    if (s->wanted)
        s->value = nullptr;
    SAAS_ACTION_DONE;
}
static action_result element(void *state, bool) {
    static_cast<search *>(state)->wanted = false;
    SAAS_ACTION_DONE;
}
static action_result scalar(void *state, char *token, JsonTokenType type) {
    auto *s = static_cast<search *>(state);
    if (s->wanted && s->depth == 1 && type == JSON_TOKEN_STRING)
        s->value = token;
    s->wanted = false;
    SAAS_ACTION_DONE;
}
}
#undef SAAS_ACTION_DONE

// Nesting outside of strings, whether or not the rest is well formed.
bool too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if ((c == '[' || c == '{') && ++depth > k_max_json_depth) {
            return true;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

} // namespace

header_state find_header(Jsonb *headers, const char *name, std::string_view &value) {
    if (!JB_ROOT_IS_OBJECT(headers))
        return header_state::missing;
    JsonbIterator *iterator = JsonbIteratorInit(&headers->root);
    JsonbValue item;
    header_state state = header_state::missing;
    bool matches = false;
    JsonbIteratorToken token = WJB_DONE;
    while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE) {
        if (token == WJB_KEY) {
            matches = equal_ignoring_case(item.val.string.val, item.val.string.len, name);
        } else if (token == WJB_VALUE && matches) {
            if (state != header_state::missing || !single_string(item, value))
                return header_state::ambiguous;
            state = header_state::found;
        }
    }
    return state;
}

json_state find_string(std::string_view text, const char *key, char **value) {
    *value = nullptr;
    const auto length = static_cast<int>(text.size());
    if (!pg_verify_mbstr(PG_UTF8, text.data(), length, true))
        return json_state::not_utf8;
    if (too_deep(text))
        return json_state::too_deep;
    search state{key, nullptr, 0, false};
    JsonSemAction actions{};
    actions.semstate = &state;
    actions.object_start = enter;
    actions.object_end = leave;
    actions.array_start = enter;
    actions.array_end = leave;
    actions.object_field_start = field;
    actions.array_element_start = element;
    actions.scalar = scalar;
#if PG_VERSION_NUM >= 170000
    JsonLexContext *lexer =
        makeJsonLexContextCstringLen(nullptr, text.data(), text.size(), PG_UTF8, true);
#else
    JsonLexContext *lexer =
        makeJsonLexContextCstringLen(const_cast<char *>(text.data()), length, PG_UTF8, true);
#endif
    if (pg_parse_json(lexer, &actions) != JSON_SUCCESS)
        return json_state::not_json;
    if (state.value != nullptr)
        *value = pg_any_to_server(state.value, static_cast<int>(std::strlen(state.value)), PG_UTF8);
    return json_state::valid;
}

} // namespace saas::pg
