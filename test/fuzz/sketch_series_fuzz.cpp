// SPDX-License-Identifier: PostgreSQL
// counter_sketch and level_sketch from outside: read, written and joined.
#include "core/sketch/series.hpp"

#include "sketch_fuzz.hpp"

#include <algorithm>

namespace sk = saas::core::sketch;
using namespace saas::fuzz; // NOLINT: a program of one file

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const sk::bytes sketch{data, size};
    blocks().clear();
    if (!accepted([&] {
            (size > 0 && data[0] == 0x43 ? sk::check_counter_sketch
                                         : sk::check_level_sketch)(sketch);
        }))
        return 0;
    const auto *state =
        sk::merge(sk::make_series_state(sk::series_kind::none, zeroed), sketch, zeroed);
    const auto again = written(*state);
    require(accepted(
        [&] { (again[0] == 0x43 ? sk::check_counter_sketch : sk::check_level_sketch)(again); }));
    require(written(*sk::merge(sk::make_series_state(sk::series_kind::none, zeroed), again,
                               zeroed)) == again);
    merge_or_refuse([&] {
        const auto all = sk::join(sketch).all;
        std::vector<std::uint8_t> joined(sk::most_bytes_joined());
        joined.resize(sk::encode_joined(*state, joined.data()));
        require(sk::join(joined).all.has_value() == all.has_value());
    });
    return 0;
}
