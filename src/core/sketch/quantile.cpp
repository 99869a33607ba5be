// SPDX-License-Identifier: PostgreSQL
// Reading quantile sketches.
#include "core/sketch/quantile.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

namespace saas::core::sketch {
namespace {

constexpr bucket_key k_lowest_key = -k_infinity_key;
constexpr std::uint64_t k_keys = static_cast<std::uint64_t>(k_nan_key - k_lowest_key) + 1;

double positive_value(bucket_key key) {
    const auto part = static_cast<double>(key % 64);
    const double lower = std::bit_cast<double>(static_cast<std::uint64_t>(key) << 46);
    // 2ab / (a + b) with a / b = (64 + part) / (65 + part), without overflow in the last bucket.
    return lower * (2 * (65 + part) / (129 + 2 * part));
}

// Between neighbours in the order of values.
double interpolate(bucket_key lower, bucket_key upper, double fraction) {
    const double from = value_of(lower);
    if (lower == upper || fraction == 0 || lower == k_lowest_key || upper >= k_infinity_key)
        return from;
    const double to = value_of(upper);
    return from * (1 - fraction) + to * fraction;
}

[[noreturn]] void bad_fraction() {
    throw error{k_numeric_value_out_of_range,
                "a percentile must be between 0 and 1",
                {},
                "0.95 asks for the value that 95 % of all values do not exceed."};
}

} // namespace

double value_of(bucket_key key) noexcept {
    if (key == 0)
        return 0;
    if (key == k_nan_key)
        return std::numeric_limits<double>::quiet_NaN();
    if (key == k_infinity_key)
        return std::numeric_limits<double>::infinity();
    if (key == k_lowest_key)
        return -std::numeric_limits<double>::infinity();
    return key > 0 ? positive_value(key) : -positive_value(-key);
}

value_range range_of(bucket_key key) noexcept {
    if (key == 0 || key >= k_infinity_key || key == k_lowest_key)
        return {value_of(key), value_of(key)};
    const auto magnitude = static_cast<std::uint64_t>(key < 0 ? -key : key);
    const double near = std::bit_cast<double>(magnitude << 46);
    double far = std::bit_cast<double>((magnitude + 1) << 46);
    if (std::isinf(far))
        far = std::numeric_limits<double>::max();
    return key > 0 ? value_range{near, far} : value_range{-far, -near};
}

bucket_reader::start bucket_reader::begin(bytes sketch) {
    reader data{sketch};
    data.header('Q');
    const std::uint64_t buckets = data.varint();
    if (buckets > k_keys)
        malformed("It has more buckets than there are.");
    const std::uint8_t *end = sketch.data() + sketch.size();
    return {end - data.left(), end, buckets};
}

bucket_reader::large_numbers bucket_reader::read_large(const std::uint8_t *at,
                                                       const std::uint8_t *end, std::uint64_t step,
                                                       std::uint64_t count) {
    reader data{{at, static_cast<std::size_t>(end - at)}};
    if (step == 0) {
        const std::uint64_t more = data.varint();
        if (more > k_keys)
            malformed("It has a bucket that does not exist.");
        step = more + 16;
    }
    if (count == 0) {
        const std::uint64_t more = data.varint();
        if (more > k_largest_count - 16)
            malformed("It has a bucket with too large a count.");
        count = more + 16;
    }
    return {end - data.left(), step, count};
}

void check_quantile_sketch(bytes sketch) {
    (void)summary_of_quantiles(sketch);
}

quantile_summary summary_of_quantiles(bytes sketch) {
    bucket_reader buckets{sketch};
    quantile_summary summary{0, buckets.left(), 0, 0};
    while (buckets.left() != 0) {
        const bucket next = buckets.next();
        if (summary.count == 0)
            summary.least = next.key;
        summary.greatest = next.key;
        summary.count += next.count;
        if (summary.count > k_largest_count)
            malformed("It has too many values.");
    }
    buckets.finish();
    return summary;
}

bool quantiles(bytes sketch, std::span<const double> fractions, std::span<double> values) {
    for (const double fraction : fractions) {
        if (!(fraction >= 0 && fraction <= 1))
            bad_fraction();
    }
    const quantile_summary summary = summary_of_quantiles(sketch);
    if (summary.count == 0)
        return false;
    std::vector<std::size_t> order(fractions.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return fractions[a] < fractions[b]; });
    bucket_reader buckets{sketch};
    bucket at = buckets.next();
    std::uint64_t up_to = at.count; // values in buckets up to this one
    bucket after = buckets.left() != 0 ? buckets.next() : at;
    for (const std::size_t i : order) {
        const double position = fractions[i] * static_cast<double>(summary.count - 1);
        const auto rank = static_cast<std::uint64_t>(position);
        while (up_to <= rank) {
            at = after;
            up_to += at.count;
            after = buckets.left() != 0 ? buckets.next() : at;
        }
        values[i] = interpolate(at.key, up_to == rank + 1 ? after.key : at.key,
                                position - static_cast<double>(rank));
    }
    return true;
}

std::optional<double> rank_of(bytes sketch, double value) {
    const bucket_key key = key_of(value);
    const std::uint64_t count = summary_of_quantiles(sketch).count;
    if (count == 0)
        return std::nullopt;
    bucket_reader buckets{sketch};
    std::uint64_t below = 0;
    while (buckets.left() != 0) {
        const bucket next = buckets.next();
        if (next.key > key)
            break;
        below += next.count;
    }
    return static_cast<double>(below) / static_cast<double>(count);
}

} // namespace saas::core::sketch
