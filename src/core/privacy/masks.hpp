// SPDX-License-Identifier: PostgreSQL
// What stands in the place of a personal value where the value itself must not be seen. Texts are valid
// UTF-8.
#pragma once

#include "core/hmac_key.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace saas::core::privacy {

// What a mask shows of a text, where it stands in the text.
struct shown_parts {
    std::string_view head;
    std::string_view tail;
};

// The first `first` and the last `last` characters; nothing of a text that is not longer than both and two more.
[[nodiscard]] shown_parts partial_parts(std::string_view value, std::size_t first,
                                        std::size_t last) noexcept;

// The first letter of an address and of its domain, and the top-level domain with its dot; all empty for a text that is no
// address.
struct address_parts {
    std::string_view name;
    std::string_view domain;
    std::string_view top_level;
};
[[nodiscard]] address_parts email_parts(std::string_view address) noexcept;

// The first `first` and the last `last` characters with three fillers between. Of a text that is not longer
// than both and two more nothing is shown, so that what is hidden cannot be guessed from its length.
[[nodiscard]] std::string partial(std::string_view value, std::size_t first, std::size_t last,
                                  std::string_view filler);

// "ada@example.org" as "a***@e***.org": the first letters and the top-level domain. A text that is no
// address is hidden whole.
[[nodiscard]] std::string partial_email(std::string_view address);

// 32 hexadecimal digits: the first half of HMAC-SHA256 of the text. Equal texts give equal pseudonyms
// under one key, and without the key nothing can be tried out.
inline constexpr std::size_t k_pseudonym_length = 32;
void write_pseudonym(std::string_view value, const hmac_key &key, char *out) noexcept;

// The same as a UUID (version 8 of RFC 9562).
inline constexpr std::size_t k_pseudonymous_uuid_length = 36;
void write_pseudonymous_uuid(std::string_view value, const hmac_key &key, char *out) noexcept;

// A believable value that belongs to nobody: first_name, last_name, full_name, email, company, street,
// city, postal_code, country, phone, ip, url or text. It is chosen by HMAC-SHA256 of the seed under the key,
// so the same seed gives the same value. E-mail addresses and URLs are of example domains (RFC 2606) and,
// but for chance of 2^-64, different for different seeds; telephone numbers are of the range for
// fiction (+1 … 555 01xx), IP addresses of the range for measurements (RFC 2544). Throws 22023 for another
// kind.
[[nodiscard]] std::string fake(std::string_view kind, std::string_view seed, const hmac_key &key);

} // namespace saas::core::privacy
