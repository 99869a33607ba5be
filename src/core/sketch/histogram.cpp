// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace saas::core::sketch {
namespace {

constexpr std::uint64_t k_largest = std::numeric_limits<std::int64_t>::max();

double *bounds_at(histogram_state *state) {
    return reinterpret_cast<double *>(state + 1);
}
std::uint64_t *counts_at(histogram_state *state) {
    return reinterpret_cast<std::uint64_t *>(bounds_at(state) + state->bounds);
}

std::size_t size_for(std::size_t bounds) {
    return sizeof(histogram_state) + bounds * sizeof(double) + (bounds + 1) * sizeof(std::uint64_t);
}

bool ascending(std::span<const double> bounds) {
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        if (!std::isfinite(bounds[i]) || (i > 0 && !(bounds[i - 1] < bounds[i])))
            return false;
    }
    return !bounds.empty() && bounds.size() <= k_most_bounds;
}

histogram_state *allocate_state(std::size_t bounds, allocate more) {
    const std::size_t size = size_for(bounds);
    auto *state = static_cast<histogram_state *>(more(size));
    state->size = static_cast<std::uint32_t>(size);
    state->bounds = static_cast<std::uint32_t>(bounds);
    return state;
}

// The bucket of a value: the first bound that is not below it. NaN is above all.
std::size_t bucket_of(const histogram_state &state, double value) {
    const auto bounds = bounds_of(state);
    if (std::isnan(value))
        return bounds.size();
    return static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) -
                                    bounds.begin());
}

[[noreturn]] void not_there() {
    throw error{k_invalid_parameter_value,
                "the histogram does not contain what is to be taken away"};
}

void require_same_bounds(const histogram_state &state, std::span<const double> bounds) {
    if (!has_bounds(state, bounds))
        throw error{k_invalid_parameter_value,
                    "the histograms have different bounds",
                    {},
                    "Only histograms with the same bounds can be merged."};
}

} // namespace

histogram_state *make_histogram_state(std::span<const double> bounds, allocate more) {
    if (!ascending(bounds))
        throw error{k_invalid_parameter_value,
                    "the bounds of a histogram must be 1 to 1000 finite numbers in ascending order",
                    {},
                    "For example ARRAY[10, 50, 100, 500]."};
    histogram_state *state = allocate_state(bounds.size(), more);
    std::copy(bounds.begin(), bounds.end(), bounds_at(state));
    return state;
}

histogram_state *make_histogram_state(allocate more) {
    return allocate_state(0, more);
}

std::span<const double> bounds_of(const histogram_state &state) noexcept {
    return {reinterpret_cast<const double *>(&state + 1), state.bounds};
}

std::span<const std::uint64_t> counts_of(const histogram_state &state) noexcept {
    return {reinterpret_cast<const std::uint64_t *>(reinterpret_cast<const double *>(&state + 1) +
                                                    state.bounds),
            state.bounds + std::size_t{1}};
}

bool has_bounds(const histogram_state &state, std::span<const double> bounds) noexcept {
    const auto own = bounds_of(state);
    return std::equal(own.begin(), own.end(), bounds.begin(), bounds.end());
}

void add(histogram_state *state, double value) noexcept {
    ++counts_at(state)[bucket_of(*state, value)];
    ++state->count;
}

void take(histogram_state *state, double value) {
    std::uint64_t &count = counts_at(state)[bucket_of(*state, value)];
    if (count == 0)
        not_there();
    --count;
    --state->count;
}

histogram_state *merge(histogram_state *state, const histogram_state &other, allocate more) {
    if (other.bounds == 0)
        return state;
    if (state->bounds == 0)
        state = make_histogram_state(bounds_of(other), more);
    require_same_bounds(*state, bounds_of(other));
    if (other.count > k_largest - state->count)
        throw error{k_numeric_value_out_of_range, "too many values in one histogram"};
    const auto counts = counts_of(other);
    for (std::size_t i = 0; i < counts.size(); ++i)
        counts_at(state)[i] += counts[i];
    state->count += other.count;
    return state;
}

void take(histogram_state *state, const histogram_state &other) {
    require_same_bounds(*state, bounds_of(other));
    const auto counts = counts_of(other);
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts_at(state)[i] < counts[i])
            not_there();
        counts_at(state)[i] -= counts[i];
    }
    state->count -= other.count;
}

namespace {

// Reads a histogram into room for the largest.
struct room {
    alignas(histogram_state) std::uint8_t
        data[sizeof(histogram_state) + (2 * k_most_bounds + 1) * sizeof(std::uint64_t)];
};

const histogram_state &read(bytes sketch, room &into) {
    reader data{sketch};
    data.header('H');
    const std::uint64_t bounds = data.varint();
    if (bounds > k_most_bounds)
        malformed("It has too many bounds.");
    auto *state = reinterpret_cast<histogram_state *>(into.data);
    *state = {static_cast<std::uint32_t>(size_for(bounds)), static_cast<std::uint32_t>(bounds), 0};
    for (std::uint64_t i = 0; i < bounds; ++i)
        bounds_at(state)[i] = data.number();
    if (bounds != 0 && !ascending(bounds_of(*state)))
        malformed("Its bounds do not ascend.");
    if (bounds == 0) {
        counts_at(state)[0] = 0;
    } else {
        for (std::uint64_t i = 0; i <= bounds; ++i) {
            const std::uint64_t count = data.varint();
            if (count > k_largest - state->count)
                malformed("It has too many values.");
            counts_at(state)[i] = count;
            state->count += count;
        }
    }
    data.finish();
    return *state;
}

} // namespace

histogram_state *merge(histogram_state *state, bytes sketch, allocate more) {
    room other; // NOLINT: read() fills what it uses
    return merge(state, read(sketch, other), more);
}

std::size_t most_bytes(const histogram_state &state) noexcept {
    return 2 + k_longest_varint + state.bounds * sizeof(double) +
           (state.bounds + 1) * k_longest_varint;
}

std::size_t encode(const histogram_state &state, std::uint8_t *out) {
    writer target{out};
    target.header('H');
    target.varint(state.bounds);
    for (const double bound : bounds_of(state))
        target.number(bound == 0 ? 0.0 : bound); // -0 and 0 are one bound
    if (state.bounds != 0) {
        for (const std::uint64_t count : counts_of(state))
            target.varint(count);
    }
    return target.size();
}

void check_histogram_sketch(bytes sketch) {
    room state; // NOLINT: read() fills what it uses
    (void)read(sketch, state);
}

} // namespace saas::core::sketch
