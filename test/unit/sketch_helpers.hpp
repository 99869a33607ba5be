// SPDX-License-Identifier: PostgreSQL
// What the tests of sketches share: memory, and the bytes of a state.
#pragma once

#include "core/sketch/bytes.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace saas::test {

// Blocks that live until the end of the program, as an aggregate's memory does until its end.
inline std::vector<std::unique_ptr<std::uint64_t[]>> &blocks() {
    static std::vector<std::unique_ptr<std::uint64_t[]>> all;
    return all;
}

inline void *zeroed(std::size_t size) {
    blocks().push_back(std::make_unique<std::uint64_t[]>((size + 7) / 8));
    return blocks().back().get();
}

using sketch_bytes = std::vector<std::uint8_t>;

template <class State>
sketch_bytes bytes_of(const State &state) {
    sketch_bytes out(most_bytes(state));
    const std::size_t size = encode(state, out.data());
    EXPECT_LE(size, out.size());
    out.resize(size);
    return out;
}

// The SQLSTATE of the error that the call raises; empty without one.
inline std::string state_of(const std::function<void()> &call) {
    try {
        call();
    } catch (const core::error &e) {
        return std::string{e.state().code()};
    }
    return {};
}

// Every shorter beginning, one byte more, and every single changed bit: all must be refused or read
// as a sketch with a valid form; none may do harm. Returns how many were refused.
inline std::size_t refused_variants(const sketch_bytes &good, void (*check)(core::sketch::bytes)) {
    std::size_t refused = 0;
    const auto is_refused = [&](const sketch_bytes &bad) {
        // A copy of exact size, so that a sanitizer sees reads beyond the end.
        const auto exact = std::make_unique<std::uint8_t[]>(bad.size());
        std::copy(bad.begin(), bad.end(), exact.get());
        return !state_of([&] { check({exact.get(), bad.size()}); }).empty();
    };
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_TRUE(is_refused({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}))
            << "cut to " << size;
        ++refused;
    }
    sketch_bytes longer = good;
    longer.push_back(0);
    EXPECT_TRUE(is_refused(longer));
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            sketch_bytes bad = good;
            bad[i] = static_cast<std::uint8_t>(bad[i] ^ (1U << bit));
            refused += is_refused(bad) ? 1 : 0;
        }
    }
    return refused;
}

} // namespace saas::test
