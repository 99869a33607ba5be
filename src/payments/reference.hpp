// SPDX-License-Identifier: PostgreSQL
// Rows of reference tables, from the memory of the backend. Safe to call while C++ objects are alive.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace saas::payments {

struct known_currency {
    std::array<char, 3> code{}; // capital letters
    int exponent = 0;           // ISO 4217
    int provider_exponent = 0;  // in which the provider counts charges
};

// The currency of that code, in small or capital letters; nothing for an unknown one and for one without
// minor unit.
[[nodiscard]] std::optional<known_currency> find_currency(std::string_view provider,
                                                          std::string_view code);

// Our state for the status that an object has at a provider, of saas.provider_status_map. It points into
// memory of the backend that the next call may free.
[[nodiscard]] std::optional<std::string_view> find_state(std::string_view provider,
                                                         std::string_view object,
                                                         std::string_view status);

} // namespace saas::payments
