// SPDX-License-Identifier: PostgreSQL
// Looks for card numbers in arbitrary text. Properties: what is found lies within the text, begins
// with a digit and holds at least twelve; masking keeps the length and all that is no digit, and
// ends in a text in which nothing is found.
#include "core/payments/card_number.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace payments = saas::core::payments;

namespace {

void require(bool holds) {
    if (!holds)
        std::abort();
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string before(reinterpret_cast<const char *>(data), size);
    std::string text = before;
    const auto found = payments::find_card_number(text);
    if (found)
        require(found->begin + 12 <= found->end && found->end <= text.size());
    require((payments::mask_card_numbers(text) > 0) == found.has_value());
    require(text.size() == size);
    for (std::size_t i = 0; i < size; i += 1) {
        const bool in_wide = i > 1 && before[i - 2] == '\xEF' && before[i - 1] == '\xBC';
        require(text[i] == before[i] || (is_digit(before[i]) && is_digit(text[i])) || in_wide);
    }
    require(!payments::find_card_number(text));
    return 0;
}
