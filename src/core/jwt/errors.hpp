// SPDX-License-Identifier: PostgreSQL
// The conditions of JSON Web Tokens. No message, detail or hint repeats anything of a token or a
// key.
#pragma once

#include "core/error.hpp"

namespace saas::core::jwt {

inline constexpr sqlstate k_malformed{"SA115"};    // not a token of the compact form, or a header
                                                   // that is refused
inline constexpr sqlstate k_no_key{"SA116"};       // algorithm or key identifier fit no key
inline constexpr sqlstate k_forged{"SA117"};       // the signature is not the key's
inline constexpr sqlstate k_not_valid{"SA118"};    // genuine, but not valid here or now
inline constexpr sqlstate k_unusable_key{"SA119"}; // a key or a key set that cannot be used

} // namespace saas::core::jwt
