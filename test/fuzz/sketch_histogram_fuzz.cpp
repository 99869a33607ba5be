// SPDX-License-Identifier: PostgreSQL
// histogram_sketch from outside: read, written, added and taken away.
#include "core/sketch/histogram.hpp"

#include "sketch_fuzz.hpp"

#include <algorithm>

namespace sk = saas::core::sketch;
using namespace saas::fuzz; // NOLINT: a program of one file

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const sk::bytes sketch{data, size};
    blocks().clear();
    if (!accepted([&] { sk::check_histogram_sketch(sketch); }))
        return 0;
    auto *state = sk::merge(sk::make_histogram_state(zeroed), sketch, zeroed);
    const auto again = written(*state);
    sk::check_histogram_sketch(again);
    merge_or_refuse([&] {
        auto *twice =
            sk::merge(sk::merge(sk::make_histogram_state(zeroed), *state, zeroed), sketch, zeroed);
        sk::take(twice, *state);
        require(written(*twice) == again);
    });
    return 0;
}
