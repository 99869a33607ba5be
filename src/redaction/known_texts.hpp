// SPDX-License-Identifier: PostgreSQL
// The statements of this session that were found to handle secrets, by a hash of their texts: a
// prepared statement is analysed once and executed, logged and shown later.
#pragma once

#include <cstdint>

#include "pg/prelude.hpp"

namespace saas::redaction {

[[nodiscard]] std::uint64_t hash_text(const char *text) noexcept;

// Remembers at least the last few thousand texts. May raise when memory is short.
void remember_text(const char *text);

// Whether the text is masked or was remembered.
[[nodiscard]] bool is_secret_text(const char *text) noexcept;

// Whether the text is masked.
[[nodiscard]] bool is_masked(const char *text) noexcept;

// The masked text, filled up with blanks to the length of the original, so that positions in that stay
// inside. Holds until the next call; a masked text is given back as it is.
[[nodiscard]] const char *masked_text(const char *text);

// The same, allocated in `context`.
[[nodiscard]] char *masked_copy(const char *text, MemoryContext context);

} // namespace saas::redaction
