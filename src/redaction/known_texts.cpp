// SPDX-License-Identifier: PostgreSQL
#include "redaction/known_texts.hpp"

#include "core/redaction/sql_text.hpp"

#include <array>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "common/hashfn.h"   // hash_bytes_extended
#include "parser/parser.h"   // standard_conforming_strings
#include "utils/hsearch.h"   // hash_create
#include "utils/memutils.h"  // TopMemoryContext
}

namespace saas::redaction {
namespace {

constexpr long k_generation = 8192; // texts

// Two generations: when the younger is full, the older goes.
std::array<HTAB *, 2> known{};
int younger = 0;

bool holds(HTAB *table, std::uint64_t hash) {
    return table != nullptr && hash_search(table, &hash, HASH_FIND, nullptr) != nullptr;
}

// The text that was masked last: a prepared statement is executed again and again.
std::uint64_t last_hash = 0;
char *last_masked = nullptr;

// The masked text, kept until another one is asked for.
const char *mask_of(const char *text) {
    const std::uint64_t hash = hash_text(text);
    if (last_masked != nullptr && hash == last_hash)
        return last_masked;
    const std::size_t bytes = std::strlen(text);
    const std::size_t room = core::redaction::mask_capacity(bytes) + 1;
    auto *masked = static_cast<char *>(MemoryContextAllocHuge(TopMemoryContext, room));
    std::size_t length = core::redaction::mask({text, bytes}, !standard_conforming_strings, masked);
    for (; length < bytes; ++length)
        masked[length] = ' ';
    masked[length] = '\0';
    if (last_masked != nullptr)
        pfree(last_masked);
    last_masked = masked;
    last_hash = hash;
    return masked;
}

HTAB *make_generation() {
    HASHCTL control{};
    control.keysize = sizeof(std::uint64_t);
    control.entrysize = sizeof(std::uint64_t);
    control.hcxt = TopMemoryContext;
    return hash_create("pg_saas redacted statements", 64, &control,
                       HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

} // namespace

std::uint64_t hash_text(const char *text) noexcept {
    return hash_bytes_extended(reinterpret_cast<const unsigned char *>(text),
                               static_cast<int>(std::strlen(text)), 0);
}

void remember_text(const char *text) {
    const auto current = static_cast<std::size_t>(younger);
    if (known[current] == nullptr)
        known[current] = make_generation();
    const std::uint64_t hash = hash_text(text);
    hash_search(known[current], &hash, HASH_ENTER, nullptr);
    if (hash_get_num_entries(known[current]) < k_generation)
        return;
    const std::size_t other = 1 - current;
    HTAB *oldest = known[other];
    known[other] = nullptr;
    younger = static_cast<int>(other);
    if (oldest != nullptr)
        hash_destroy(oldest);
}

bool is_masked(const char *text) noexcept {
    return std::strncmp(text, core::redaction::k_masked_prefix.data(),
                        core::redaction::k_masked_prefix.size()) == 0;
}

bool is_secret_text(const char *text) noexcept {
    if (is_masked(text))
        return true;
    if (known[0] == nullptr && known[1] == nullptr)
        return false;
    const std::uint64_t hash = hash_text(text);
    return holds(known[0], hash) || holds(known[1], hash);
}

const char *masked_text(const char *text) { return is_masked(text) ? text : mask_of(text); }

char *masked_copy(const char *text, MemoryContext context) {
    return MemoryContextStrdup(context, masked_text(text));
}

} // namespace saas::redaction
