// SPDX-License-Identifier: PostgreSQL
// Data keys ready for use, kept in the backend in memory that is wiped.
#pragma once

#include <optional>
#include <span>

#include "core/encryption/ciphertext.hpp"
#include "encryption/key_rows.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// What a key is used for. No two uses share bytes.
enum class key_use : std::uint8_t { xaes_256_gcm = 1, aes_256_gcm = 2, aes_256_siv = 3, index = 4 };

[[nodiscard]] constexpr key_use use_of(core::encryption::algorithm chosen) noexcept {
    return static_cast<key_use>(chosen);
}

struct usable_key {
    std::uint64_t number;
    std::optional<core::uuid> subject;   // whose key it is; without, that of the tenant
    bool restricted;                     // the subject's values open for the subject alone
    std::span<const std::uint8_t> bytes; // 32, or 64 for AES-256-SIV; hold until the next call
};

// Registers for changes of encryption_keys and for the ends of transactions. Called once, by
// _PG_init.
void initialise_data_keys();

// The key to encrypt with: the owner's newest version, made on first use. Throws SA100, SA102 for a
// team that is not there, SA103 when the key was destroyed, is used up or does not open, SA105. The
// caller has checked that the team is the one to act for.
[[nodiscard]] usable_key key_to_encrypt(const key_owner &owner, key_use use);

// The key of that number of the team, to decrypt with; nullopt when there is none that opens.
// Throws SA100.
[[nodiscard]] std::optional<usable_key> key_to_decrypt(const core::uuid &team, std::uint64_t number,
                                                       key_use use);

// Makes a version of an owner's key under the team's current epoch, which is begun when there is
// none. Nothing when another session was faster. Throws as key_to_encrypt() does.
void make_key(const key_owner &owner, std::uint32_t version);

// The data key in a row. False when its shred key is not in the key file or it was changed. Throws
// SA100, SA105.
[[nodiscard]] bool open_key(const key_row &row, core::encryption::secret_key &key);

// The cipher whose contexts this backend keeps; forgets its keys when keys change.
[[nodiscard]] core::encryption::value_cipher &cipher();

// Another one, to open values that cipher() then encrypts anew: each keeps the schedule of its key.
[[nodiscard]] core::encryption::value_cipher &former_cipher();

// Wipes every key that is kept.
void forget_keys() noexcept;

} // namespace saas::encryption
