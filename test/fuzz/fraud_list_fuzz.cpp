// SPDX-License-Identifier: PostgreSQL
// Any bytes as an entry of a list of any kind: refused, or brought into a form that stays the same when it is written
// again, that the list then holds, and that is among the candidates of itself.
#include "core/error.hpp"
#include "core/fraud/list_set.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace fraud = saas::core::fraud;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0)
        return 0;
    auto kind = static_cast<fraud::list_kind>(data[0] % 9);
    std::string_view written{reinterpret_cast<const char *>(data) + 1, size - 1};
    (void)fraud::parse_moment(written);
    std::string entry;
    try {
        entry = fraud::list_entry(kind, written);
    } catch (const saas::core::error &) {
        return 0;
    }
    if (fraud::list_entry(kind, entry) != entry)
        std::abort();
    fraud::list_set list{kind};
    list.load(entry, fraud::k_never);
    if (!list.holds(fraud::value::of(std::string_view{entry}), 0).is_true())
        std::abort();
    auto candidates = fraud::list_candidates(kind, entry);
    if (std::find(candidates.begin(), candidates.end(), entry) == candidates.end())
        std::abort();
    list.change(entry, fraud::k_never, false);
    if (!list.holds(fraud::value::of(std::string_view{entry}), 0).is_false())
        std::abort();
    return 0;
}
