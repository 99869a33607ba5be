// SPDX-License-Identifier: PostgreSQL
// distinct_sketch from outside: the same bytes after reading and writing, and merged with itself.
#include "core/sketch/distinct.hpp"

#include "sketch_fuzz.hpp"

#include <algorithm>

namespace sk = saas::core::sketch;
using namespace saas::fuzz; // NOLINT: a program of one file

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const sk::bytes sketch{data, size};
    blocks().clear();
    if (!accepted([&] { sk::check_distinct_sketch(sketch); }))
        return 0;
    const auto *state = sk::merge(sk::make_distinct_state(zeroed), sketch, zeroed);
    const auto again = written(*state);
    require(std::equal(again.begin(), again.end(), data, data + size));
    require(sk::estimate_of(sketch) == sk::estimate_of(*state));
    require(sk::estimate_of(sketch) >= 0);
    const auto *twice =
        sk::merge(sk::merge(sk::make_distinct_state(zeroed), *state, zeroed), sketch, zeroed);
    require(written(*twice) == again);
    return 0;
}
