// SPDX-License-Identifier: PostgreSQL
// Any bytes as a rule: parsing either refuses with a position inside the text or gives a rule that
// evaluates, whatever its attributes hold.
#include "core/fraud/evaluator.hpp"
#include "core/fraud/rule_error.hpp"

#include <cstdint>
#include <cstdlib>
#include <limits>

namespace fraud = saas::core::fraud;
using fraud::value;
using namespace std::string_view_literals;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    std::string_view text{reinterpret_cast<const char *>(data), size};
    fraud::validation verdict = fraud::validate(text);
    if (!verdict.valid) {
        if (verdict.position < 1 || verdict.position > size + 1 || verdict.message.empty())
            std::abort();
        return 0;
    }
    // Twice the same rule, so that its expressions are shared.
    fraud::rule_source sources[] = {{"a", text}, {"b", text}};
    fraud::rule_set rules = fraud::compile(sources);
    const value candidates[] = {value::missing(),
                                value::of(std::int64_t{0}),
                                value::of(std::numeric_limits<std::int64_t>::min()),
                                value::of(1e308),
                                value::of(true),
                                value::of("a%_\\@B.example"sv),
                                value::of("-1"sv),
                                value::of(""sv)};
    fraud::evaluator memory{rules};
    for (std::size_t first = 0; first < std::size(candidates); ++first) {
        for (std::size_t slot = 0; slot < rules.slots().size(); ++slot)
            memory.set(slot, candidates[(first + slot) % std::size(candidates)]);
        const fraud::assessment &result = memory.run();
        if (result.score < 0 || result.score > 100 || result.matched.size() % 2 != 0 ||
            result.shadow.size() % 2 != 0 || result.failures.size() % 2 != 0)
            std::abort(); // the two copies cannot differ
    }
    return 0;
}
