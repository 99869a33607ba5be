// SPDX-License-Identifier: PostgreSQL
// Rows of saas.encryption_keys, read from its indexes and written as saas_internal.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/encryption/data_key.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// Which key is meant: that of the tenant, of a subject, of an index over a column, of an export.
struct key_owner {
    core::uuid team;
    std::string_view kind; // subject, tenant, index, export; a literal
    std::optional<core::uuid> subject;
    std::optional<core::uuid> asset;
};

struct key_row {
    std::uint64_t number = 0;
    core::uuid team{};
    std::string kind;
    std::optional<core::uuid> subject;
    std::optional<core::uuid> asset;
    std::uint32_t version = 0;
    std::string status; // active, decrypt_only, shredded, hold
    bool restricted = false; // the subject's data may be stored alone (GDPR Art. 18)
    std::uint32_t epoch = 0;
    std::vector<std::uint8_t> wrapped; // empty when destroyed
    std::uint64_t uses = 0;

    [[nodiscard]] core::encryption::data_key_identity identity() const {
        return {number, team, kind, subject, asset, version, epoch};
    }
};

// The key of that number, as committed by now or by this transaction.
[[nodiscard]] std::optional<key_row> read_key(const core::uuid &team, std::uint64_t number);

// The newest version of an owner's key, whatever its status.
[[nodiscard]] std::optional<key_row> read_newest_key(const key_owner &owner);

// The highest epoch that a key of the team was ever wrapped in; 0 for none.
[[nodiscard]] std::uint32_t highest_epoch(const core::uuid &team);

// Whether keys of the team are wrapped in an epoch before this one: those under legal hold, or the others.
[[nodiscard]] bool has_keys_before(const core::uuid &team, bool held, std::uint32_t epoch);

// Inserts the row, unless another session has made that version of that key: then nothing. False
// when there is no such team; the team of zeros is the platform's own.
bool insert_key(const key_row &row, std::span<const std::uint8_t> check_value);

// Writes the count of uses, unless another session has the row or knows more. Does nothing where it
// could fail: in a read-only transaction, and in one that keeps to its snapshot.
void write_uses(const core::uuid &team, std::uint64_t number, std::uint64_t uses);

} // namespace saas::encryption
