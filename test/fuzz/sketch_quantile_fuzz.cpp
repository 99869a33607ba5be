// SPDX-License-Identifier: PostgreSQL
// quantile_sketch from outside: the same bytes after reading and writing, and after adding and
// taking away.
#include "core/sketch/quantile.hpp"

#include "sketch_fuzz.hpp"

#include <algorithm>

namespace sk = saas::core::sketch;
using namespace saas::fuzz; // NOLINT: a program of one file

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const sk::bytes sketch{data, size};
    blocks().clear();
    if (!accepted([&] { sk::check_quantile_sketch(sketch); }))
        return 0;
    merge_or_refuse([&] {
        auto *state = sk::merge(sk::make_quantile_state(zeroed), sketch, zeroed);
        const auto again = written(*state);
        require(std::equal(again.begin(), again.end(), data, data + size));
        double fractions[] = {1, 0, 0.5};
        double values[3];
        if (sk::quantiles(sketch, fractions, values)) {
            require(sk::key_of(values[1]) <= sk::key_of(values[2]));
            require(sk::key_of(values[2]) <= sk::key_of(values[0]));
            require(*sk::rank_of(sketch, values[0]) == 1);
        }
        auto *twice =
            sk::merge(sk::merge(sk::make_quantile_state(zeroed), *state, zeroed), sketch, zeroed);
        sk::take(twice, sketch);
        require(written(*twice) == again);
    });
    return 0;
}
