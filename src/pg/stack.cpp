// SPDX-License-Identifier: PostgreSQL
#include "pg/stack.hpp"

#include "pg/prelude.hpp"

namespace saas::pg {

// Goes there and looks. A step is far smaller than what the server keeps free beyond
// max_stack_depth (512 kB), so the look itself is safe.
[[gnu::noinline]] bool has_stack(std::size_t bytes) noexcept {
    constexpr std::size_t k_step = 16'384;
    volatile char block[k_step];
    block[0] = 0;
    if (stack_is_too_deep())
        return false;
    bool enough = bytes <= k_step || has_stack(bytes - k_step);
    return enough && block[0] == 0; // reads the block, so that the call is no tail call
}

} // namespace saas::pg
