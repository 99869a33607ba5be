// SPDX-License-Identifier: PostgreSQL
// The errors of encryption: docs/errors.md. None says anything of a value or a key.
#pragma once

#include "core/error.hpp"

namespace saas::encryption {

inline constexpr core::sqlstate k_sealed{"SA100"};
inline constexpr core::sqlstate k_decryption_failed{"SA101"};
inline constexpr core::sqlstate k_no_team{"SA102"};
inline constexpr core::sqlstate k_key_unusable{"SA103"};
inline constexpr core::sqlstate k_no_asset{"SA104"};
inline constexpr core::sqlstate k_key_file{"SA105"};
inline constexpr core::sqlstate k_keys_in_use{"SA106"};
inline constexpr core::sqlstate k_too_many_keys{"SA107"};
inline constexpr core::sqlstate k_bad_column_trigger{"SA110"};
inline constexpr core::sqlstate k_foreign_ciphertext{"SA111"};
inline constexpr core::sqlstate k_restricted{"SA163"};

// The same for every cause, so that nothing can be learned from it.
[[noreturn]] inline void decryption_failed() {
    throw core::error{k_decryption_failed, "decryption failed"};
}

} // namespace saas::encryption
