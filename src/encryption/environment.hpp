// SPDX-License-Identifier: PostgreSQL
// Secrets that come in the environment of the process.
#pragma once

#include <cstddef>

#include "pg/prelude.hpp"

namespace saas::encryption {

// Takes a variable out of the environment: copies its value into `out` and removes it, also from
// what /proc shows of this process. False when there is none or it does not fit.
bool take_environment_variable(const char *name, char *out, std::size_t capacity,
                               std::size_t &size) noexcept;

} // namespace saas::encryption
