// SPDX-License-Identifier: PostgreSQL
// Any bytes as two names: normalising is idempotent, likeness is symmetric and between 0 and 1, a name is like
// itself and found by itself.
#include "core/error.hpp"
#include "core/screening/name.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace screening = saas::core::screening;

namespace {
void expect(bool truth) {
    if (!truth)
        std::abort();
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    std::string_view text{reinterpret_cast<const char *>(data), size};
    std::size_t half = std::min(text.find('\n'), size);
    try {
        screening::name a{text.substr(0, half)};
        screening::name b{text.substr(std::min(half + 1, size))};
        expect(a.text().size() <= screening::k_max_normalized_length);
        expect(screening::name{a.text()}.text() == a.text());
        double there = screening::similarity(a, b);
        expect(there >= 0 && there <= 1);
        expect(std::abs(there - screening::similarity(b, a)) < 1e-6);
        std::string written{text.substr(0, half)};
        auto stored = screening::name_keys({&written, 1}, "s", screening::key_use::stored);
        auto sought = screening::name_keys({&written, 1}, "s", screening::key_use::looked_for);
        expect(stored.empty() == a.text().empty());
        expect(stored.empty() || std::find_first_of(stored.begin(), stored.end(), sought.begin(),
                                                    sought.end()) != stored.end());
        expect(a.text().empty() || screening::similarity(a, a) == 1);
    } catch (const saas::core::error &) {
        return 0;
    }
    return 0;
}
