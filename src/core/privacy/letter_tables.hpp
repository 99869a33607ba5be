// SPDX-License-Identifier: PostgreSQL
// Letters that are the same as another one with a mark (canonical decompositions), and in what order marks stand.
#pragma once

#include <cstdint>
#include <span>

namespace saas::core::privacy {

// `letter` is `first` followed by `second`; second 0: it is `first` alone.
struct letter_pair {
    char32_t letter;
    char32_t first;
    char32_t second;
};

// Marks from `first` to `last` are of one class: marks of a lower class go before those of a higher one.
struct mark_range {
    char32_t first;
    char32_t last;
    std::uint8_t order; // canonical combining class, 1 … 254
};

// Sorted by letter. Those of Hangul, which are computed, are left out, and so are compatibility ideographs and what is
// an ASCII sign with a mark.
[[nodiscard]] std::span<const letter_pair> composed_letters() noexcept;

// Those that are written apart even where others are composed.
[[nodiscard]] std::span<const letter_pair> never_composed_letters() noexcept;

// Sorted.
[[nodiscard]] std::span<const mark_range> mark_ranges() noexcept;

} // namespace saas::core::privacy
