// SPDX-License-Identifier: PostgreSQL
// Texts and needles of any bytes: what is packed is read back, a needle is found in the text that it was taken from, and few
// and many needles find the same.
#include "core/error.hpp"
#include "core/privacy/needles.hpp"

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace privacy = saas::core::privacy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::span<const std::uint8_t> bytes{data, size};
    try {
        (void)privacy::unpack_needles(bytes);
    } catch (const saas::core::error &) {
    }
    if (size < 2)
        return 0;
    const privacy::siphash_key key{};
    const std::string_view text{reinterpret_cast<const char *>(data) + 2, size - 2};
    const std::size_t from = text.empty() ? 0 : data[0] % text.size();
    const auto needle = privacy::make_needle(key, text.substr(from, data[1]));
    std::vector<std::uint8_t> packed(key.begin(), key.end());
    const auto one = privacy::pack_needle(needle);
    if (needle.words > 0)
        packed.insert(packed.end(), one.begin(), one.end());
    const auto few = privacy::unpack_needles(packed);
    std::vector<privacy::needle> needles{needle};
    for (std::size_t length = 1; length <= 20; ++length)
        needles.push_back(privacy::make_needle(key, std::string(length, 'z') + "y"));
    const privacy::needle_set many{key, needles};
    std::vector<std::uint64_t> hashes;
    many.find_all(text, saas::core::cancel_poll{}, hashes);
    const bool found = std::find(hashes.begin(), hashes.end(), needle.hash) != hashes.end();
    if (needle.words > 0 && few.occurs_in(text, saas::core::cancel_poll{}) != found)
        std::abort();
    return 0;
}
