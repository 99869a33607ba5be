// SPDX-License-Identifier: PostgreSQL
// top_k_sketch from outside: the same bytes after reading and writing; merged with itself it is one
// again.
#include "core/sketch/top_k.hpp"

#include "sketch_fuzz.hpp"

#include <algorithm>

namespace sk = saas::core::sketch;
using namespace saas::fuzz; // NOLINT: a program of one file

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const sk::bytes sketch{data, size};
    blocks().clear();
    if (!accepted([&] { sk::check_top_k_sketch(sketch); }))
        return 0;
    const auto *state = sk::merge(sk::make_top_k_state(zeroed), sketch, zeroed);
    const auto again = written(*state);
    require(std::equal(again.begin(), again.end(), data, data + size));
    merge_or_refuse([&] {
        const auto *twice =
            sk::merge(sk::merge(sk::make_top_k_state(zeroed), *state, zeroed), sketch, zeroed);
        const auto both = written(*twice);
        sk::check_top_k_sketch(both);
        require(sk::summary_of_top_k(both).count == 2 * sk::summary_of_top_k(sketch).count);
    });
    return 0;
}
