// SPDX-License-Identifier: PostgreSQL
// The key file: the shred keys of all tenants, each wrapped by a root key. It lies outside the
// database and its backups, so that destroying an entry reaches every copy of the data keys under
// it. Numbers are big-endian:
//
//      0   8  "SAASKEYS"             24   8  generation: counts the writings of the file
//      8   2  version, 1             32   8  check value of the root key that authenticates it
//     10   2  bytes of an entry, 112 40   n  entries, ascending by tenant, purpose, epoch
//     12   4  0                          32  HMAC-SHA256 of all before, under a key from that root
//     16   8  number of entries
//
// An entry: tenant 16, epoch 4, purpose 1, state 1, 0 (2), created at 8 (microseconds since 1970),
// check value of the root key that wraps it 8, wrapped key 72.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/encryption/data_key.hpp"
#include "core/encryption/derive.hpp"

namespace saas::core::encryption {

enum class key_purpose : std::uint8_t { shred = 1, hold = 2 }; // hold: of subjects under legal hold
enum class key_state : std::uint8_t {
    current = 1, // wraps new data keys
    former = 2,  // only opens what it wrapped
};

struct key_file_entry {
    uuid tenant;
    key_purpose purpose;
    std::uint32_t epoch; // from 1, one after another within tenant and purpose
    key_state state;
    std::int64_t created_at; // microseconds since 1970
    key_check root;
    wrapped_key wrapped;
};

// Root keys: the first one wraps, the others only open what they wrapped.
using root_keys = std::span<const secret_key>;
inline constexpr std::size_t k_most_roots = 4;

class key_file {
public:
    // Reads a file. nullopt when it is none, was cut or changed, or none of the roots is its.
    [[nodiscard]] static std::optional<key_file> parse(std::span<const std::uint8_t> bytes,
                                                       root_keys roots);

    // The file's bytes, authenticated by the first root; the generation is one more.
    [[nodiscard]] std::vector<std::uint8_t> build(root_keys roots) const;

    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
    [[nodiscard]] const std::vector<key_file_entry> &entries() const noexcept { return entries_; }

    // The entry of an epoch, or the current one; null when there is none.
    [[nodiscard]] const key_file_entry *find(const uuid &tenant, key_purpose purpose,
                                             std::uint32_t epoch) const noexcept;
    [[nodiscard]] const key_file_entry *current(const uuid &tenant,
                                                key_purpose purpose) const noexcept;

    // Adds a new random key as the current one of its tenant and purpose; the one before becomes
    // former. Its epoch follows the highest that is in the file or that `after` names.
    const key_file_entry &add_epoch(aead &cipher, root_keys roots, const uuid &tenant,
                                    key_purpose purpose, std::int64_t now, std::uint32_t after = 0);

    // Removes an entry for good, once the file is written. False when there is none.
    bool remove(const uuid &tenant, key_purpose purpose, std::uint32_t epoch);

    // Wraps every entry by the first root. False, with nothing changed, when one does not open.
    [[nodiscard]] bool rewrap(aead &cipher, root_keys roots);

private:
    std::uint64_t generation_ = 0;
    std::vector<key_file_entry> entries_; // in the order of the file
};

// Opens an entry. False when none of the roots wrapped it, or it was changed.
[[nodiscard]] bool unwrap_entry(aead &cipher, root_keys roots, const key_file_entry &entry,
                                secret_key &key);

// Reads a root key from what a command printed, a file or a variable holds: 64 hexadecimal digits
// or 44 characters of Base64 a line, the newest first; a line may end in CR LF. How many there are;
// 0, with `out` wiped, for anything else, for a key of zeros, and for more than fit.
[[nodiscard]] std::size_t parse_root_keys(std::string_view text,
                                          std::span<secret_key, k_most_roots> out);

} // namespace saas::core::encryption
