// SPDX-License-Identifier: PostgreSQL
#include "redaction/met_names.hpp"

#include "core/redaction/secrets.hpp"
#include "core/redaction/sql_text.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/hsearch.h"  // hash_create
#include "utils/memutils.h" // TopMemoryContext
}

namespace saas::redaction {
namespace {

struct name_entry {
    char name[NAMEDATALEN];
};
HTAB *met = nullptr;

bool is_met(const char *name) {
    return met != nullptr && hash_search(met, name, HASH_FIND, nullptr) != nullptr;
}

} // namespace

void meet_name(const char *name) {
    if (name == nullptr)
        return;
    if (met == nullptr) {
        HASHCTL control{};
        control.keysize = NAMEDATALEN;
        control.entrysize = sizeof(name_entry);
        control.hcxt = TopMemoryContext;
        met = hash_create("pg_saas names with secrets", 64, &control,
                          HASH_STRINGS | HASH_ELEM | HASH_CONTEXT);
    }
    char key[NAMEDATALEN] = {};
    strlcpy(key, name, NAMEDATALEN);
    hash_search(met, key, HASH_ENTER, nullptr);
}

bool names_secrets(const char *text, unanalysed statement) noexcept {
    core::redaction::name_scanner names{text, core::redaction::strings::code, false};
    core::redaction::name_use use;
    while (names.next(use)) {
        if (use.symbol)
            continue;
        if ((use.called || use.target || use.source) && is_met(use.name))
            return true;
        if (use.escaped || (use.called && core::redaction::names_secret_function(use.name)))
            return true;
        if (use.called && statement == unanalysed::yes && std::strcmp(use.schema, "saas") == 0)
            return true;
    }
    return false;
}

bool may_handle_secrets(const char *text) noexcept {
    core::redaction::name_scanner names{text, core::redaction::strings::opaque, false};
    core::redaction::name_use use;
    while (names.next(use)) {
        if (use.called || use.target || use.source || use.escaped)
            return true;
    }
    return false;
}

} // namespace saas::redaction
