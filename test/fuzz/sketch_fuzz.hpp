// SPDX-License-Identifier: PostgreSQL
// What every sketch promises about bytes from outside: they are refused with 22P03, or they are a
// sketch that reads the same after it was merged into nothing and written again.
#pragma once

#include "core/sketch/bytes.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

namespace saas::fuzz {

inline std::vector<std::unique_ptr<std::uint64_t[]>> &blocks() {
    static std::vector<std::unique_ptr<std::uint64_t[]>> all;
    return all;
}

inline void *zeroed(std::size_t size) {
    blocks().push_back(std::make_unique<std::uint64_t[]>((size + 7) / 8));
    return blocks().back().get();
}

template <class State>
std::vector<std::uint8_t> written(const State &state) {
    std::vector<std::uint8_t> out(most_bytes(state));
    const std::size_t size = encode(state, out.data());
    if (size > out.size())
        std::abort();
    out.resize(size);
    return out;
}

inline void require(bool truth) {
    if (!truth)
        std::abort();
}

// Whether the bytes are a sketch. Any error but 22P03 is a defect.
template <class Check>
bool accepted(Check check) {
    try {
        check();
        return true;
    } catch (const core::error &e) {
        require(e.state().code() == "22P03");
        return false;
    }
}

// Merging may refuse what is out of range or does not fit, nothing else.
template <class Work>
void merge_or_refuse(Work work) {
    try {
        work();
    } catch (const core::error &e) {
        require(e.state().code() == "22003" || e.state().code() == "22023");
    }
}

} // namespace saas::fuzz
