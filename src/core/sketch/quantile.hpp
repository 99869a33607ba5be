// SPDX-License-Identifier: PostgreSQL
// Quantiles with a bounded relative error: a sketch of the DDSketch family (Masson, Rim, Lee:
// "DDSketch: A fast and fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12,
// 2019), with the bits of the number as its logarithm, as in their linearly interpolated mapping.
//
// Every power of two has 64 buckets of equal width, so a bucket [a, b) has (b - a) / a <= 1/64. The
// value that stands for it, 2ab / (a + b), is off by at most (b - a) / (a + b) <= 1/129 = 0.775 %
// of the true one. Buckets cover all normal numbers and are never collapsed, so the error holds
// whatever the data. A sketch is a multiset of buckets and nothing else: merging is adding, taking
// away is subtracting, both exact, and the order of values does not show.
//
// Zero, the infinities and NaN have buckets of their own, which are exact, in the order of SQL:
// -Infinity, negative numbers, 0, positive numbers, Infinity, NaN. Subnormal numbers, those below
// 2.3e-308, count as zero.
#pragma once

#include "core/sketch/bytes.hpp"

#include <cmath>
#include <optional>
#include <span>

namespace saas::core::sketch {

inline constexpr double k_quantile_error = 1.0 / 129.0;

// Number of a bucket, in the order of values: 0 is zero, -k mirrors k.
using bucket_key = std::int32_t;
inline constexpr bucket_key k_infinity_key = 2047 * 64;
inline constexpr bucket_key k_nan_key = k_infinity_key + 1;

[[nodiscard]] inline bucket_key key_of(double value) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const auto magnitude = static_cast<bucket_key>((bits & ~(1ULL << 63)) >> 46);
    if (magnitude < 64)
        return 0;
    if (magnitude >= k_infinity_key && std::isnan(value))
        return k_nan_key;
    return bits >> 63 != 0 ? -magnitude : magnitude;
}

// The value that stands for a bucket.
[[nodiscard]] double value_of(bucket_key key) noexcept;

// The least and the greatest value that a bucket may hold; its upper end is not part of it unless
// the bucket holds a single value (zero, an infinity, NaN).
struct value_range {
    double lower;
    double upper;
};
[[nodiscard]] value_range range_of(bucket_key key) noexcept;

struct bucket {
    bucket_key key;
    std::uint64_t count; // above 0
};

// A sketch under construction: a table of buckets in one block. Plain data.
struct quantile_state {
    std::uint32_t size;      // of the block, with the slots that follow
    std::uint32_t slots;     // of 4 bytes, or 8 when wide
    std::uint32_t used;      // slots that hold a bucket, counts of 0 included
    std::uint32_t wide : 1;  // whether a count may exceed 14 bits
    std::uint32_t base : 31; // code of the bucket that belongs into the first slot
    std::uint64_t count;     // of all values
};

// The largest count of a bucket and of a sketch.
inline constexpr std::uint64_t k_largest_count = (1ULL << 46) - 1;

// An empty state.
[[nodiscard]] quantile_state *make_quantile_state(allocate more);

// Adds `count` values of a bucket. Returns the state, which may have moved. Throws 22003 beyond the
// largest count.
[[nodiscard]] quantile_state *add(quantile_state *state, bucket_key key, std::uint64_t count,
                                  allocate more);

// Takes `count` values of a bucket away. Throws 22023 when so many are not there.
void take(quantile_state *state, bucket_key key, std::uint64_t count);

// Adds a sketch. Throws 22P03 for malformed bytes.
[[nodiscard]] quantile_state *merge(quantile_state *state, bytes sketch, allocate more);
[[nodiscard]] quantile_state *merge(quantile_state *state, const quantile_state &other,
                                    allocate more);

// Takes a sketch away. Throws 22023 when the state does not contain it; the state is then spoilt.
void take(quantile_state *state, bytes sketch);
void take(quantile_state *state, const quantile_state &other);

// The sketch of a state: at most most_bytes(state) bytes, written to `out`. Returns how many.
[[nodiscard]] std::size_t most_bytes(const quantile_state &state) noexcept;
std::size_t encode(const quantile_state &state, std::uint8_t *out);

// The buckets of a sketch in ascending order.
//   'Q' version, number of buckets, then each: a byte whose upper half is the distance from the key
//   before (first: from the lowest key minus 1) and whose lower half is the count; a half of 0
//   means that the number does not fit and follows, less 16.
//
// Its functions take and return what they change by value, so that a loop over buckets, which
// merging is, keeps all of it in registers.
class bucket_reader {
public:
    // Throws 22P03 unless the bytes begin like a sketch.
    explicit bucket_reader(bytes sketch) : bucket_reader{begin(sketch)} {}
    [[nodiscard]] std::uint64_t left() const noexcept { return left_; }
    // The next of `left` buckets. Throws 22P03.
    [[nodiscard]] bucket next() {
        if (at_ == end_)
            malformed("It ends too early.");
        const std::uint8_t both = *at_++;
        std::uint64_t step = both >> 4;
        std::uint64_t count = both & 15U;
        if (step == 0 || count == 0) {
            const large_numbers found = read_large(at_, end_, step, count);
            at_ = found.at;
            step = found.step;
            count = found.count;
        }
        --left_;
        key_ += static_cast<bucket_key>(step);
        if (key_ > k_nan_key || (key_ > -64 && key_ < 64 && key_ != 0))
            malformed("It has a bucket that does not exist."); // beyond the last, or subnormal
        return {key_, count};
    }
    // Throws 22P03 when anything follows the last bucket.
    void finish() const {
        if (at_ != end_)
            malformed("It goes on after its end.");
    }

private:
    struct start {
        const std::uint8_t *at;
        const std::uint8_t *end;
        std::uint64_t buckets;
    };
    struct large_numbers {
        const std::uint8_t *at;
        std::uint64_t step;
        std::uint64_t count;
    };
    explicit bucket_reader(const start &first)
        : at_{first.at}, end_{first.end}, left_{first.buckets} {}
    static start begin(bytes sketch);
    static large_numbers read_large(const std::uint8_t *at, const std::uint8_t *end,
                                    std::uint64_t step, std::uint64_t count);

    const std::uint8_t *at_;
    const std::uint8_t *end_;
    std::uint64_t left_;
    bucket_key key_ = -k_infinity_key - 1;
};

// Throws 22P03 unless the bytes are exactly one sketch.
void check_quantile_sketch(bytes sketch);

struct quantile_summary {
    std::uint64_t count;
    std::uint64_t buckets;
    bucket_key least;    // when count > 0
    bucket_key greatest; // when count > 0
};
[[nodiscard]] quantile_summary summary_of_quantiles(bytes sketch);

// The values at these fractions of the order, interpolated between neighbours as percentile_cont
// does, in one pass; empty for an empty sketch. Between an infinity or NaN and another value
// nothing is interpolated, the lower one is taken. Throws 22003 unless every fraction is in [0, 1],
// and 22P03. `fractions` and `values` have the same size. Returns whether there are any values.
bool quantiles(bytes sketch, std::span<const double> fractions, std::span<double> values);

// The fraction of values that are at most `value`, counting the whole bucket in which it lies, so
// those up to 1/64 above it may be counted as well. Nothing for an empty sketch.
[[nodiscard]] std::optional<double> rank_of(bytes sketch, double value);

} // namespace saas::core::sketch
