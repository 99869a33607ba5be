// SPDX-License-Identifier: PostgreSQL
// Asking for room on the stack instead of failing for want of it.
#pragma once

#include <cstddef>

namespace saas::pg {

// Whether so many bytes more fit on the stack within max_stack_depth. Raises nothing.
[[nodiscard]] bool has_stack(std::size_t bytes) noexcept;

} // namespace saas::pg
