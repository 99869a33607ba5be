// SPDX-License-Identifier: PostgreSQL
// The keys that a backend keeps: a fixed number of slots in memory that is left out of core dumps
// and locked where the limits allow. What is dropped is wiped.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>

#include "core/encryption/secret.hpp"
#include "core/uuid.hpp"
#include "encryption/key_rows.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

inline constexpr std::size_t k_kept_key_bytes = 64;

struct kept_key {
    std::uint64_t number = 0;
    core::uuid team{};
    std::optional<core::uuid> subject; // whose key it is; without, that of the tenant
    std::uint8_t use = 0;
    std::uint8_t size = 0;
    bool recent = false;
    bool restricted = false;
    std::uint32_t reserved = 0; // uses that are counted already
    std::uint32_t reserve = 1;  // how many are counted next: more each time
    core::encryption::secret<k_kept_key_bytes> key;
};

class key_cache {
public:
    key_cache();
    key_cache(const key_cache &) = delete;
    key_cache &operator=(const key_cache &) = delete;

    // A key by number, or by owner; null when it is not kept. Holds until the next insert().
    [[nodiscard]] const kept_key *find(std::uint64_t number, std::uint8_t use) noexcept;
    [[nodiscard]] kept_key *find_owner(const key_owner &owner, std::uint8_t use) noexcept;

    // Keeps a key, in the place of one that was not asked for lately when all are taken.
    kept_key &insert(const key_row &row, std::uint8_t use, std::span<const std::uint8_t> key);

    // Remembers that this is the key its owner encrypts with.
    void name_owner(const key_owner &owner, const kept_key &key);

    void clear() noexcept;

private:
    struct owner_name {
        core::uuid team;
        core::uuid subject; // zeros for none
        core::uuid asset;
        std::uint8_t kind; // its first letter
        std::uint8_t use;
        bool operator==(const owner_name &) const = default;
    };
    struct owner_hash {
        std::size_t operator()(const owner_name &name) const noexcept;
    };
    static owner_name name_of(const key_owner &owner, std::uint8_t use) noexcept;
    [[nodiscard]] kept_key &free_slot() noexcept;

    kept_key *slots_ = nullptr;
    std::size_t count_ = 0;
    std::size_t hand_ = 0;
    boost::unordered_flat_map<std::uint64_t, kept_key *> by_number_;
    boost::unordered_flat_map<owner_name, std::uint64_t, owner_hash> by_owner_; // its number
    // Most values of a statement are for one owner.
    owner_name last_owner_{};
    kept_key *last_ = nullptr;
};

} // namespace saas::encryption
