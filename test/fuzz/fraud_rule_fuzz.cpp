// SPDX-License-Identifier: PostgreSQL
// Any bytes as a rule: parsing either refuses with a position inside the text or gives a rule that
// evaluates, whatever its attributes hold.
#include "core/fraud/evaluator.hpp"
#include "core/fraud/history.hpp"
#include "core/fraud/rule_error.hpp"
#include "core/fraud/satisfaction.hpp"

#include <cstdint>
#include <cstdlib>
#include <limits>

namespace fraud = saas::core::fraud;
using fraud::value;
using namespace std::string_view_literals;

namespace {

// Answers in turn, whatever it is asked.
class any_terms : public fraud::term_source {
public:
    explicit any_terms(std::span<const value> answers) : answers_{answers} {}
    value resolve(std::uint32_t number, const fraud::external_term &, std::span<const value>,
                  fraud::moment) override {
        return answers_[number % answers_.size()];
    }

private:
    std::span<const value> answers_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    std::string_view text{reinterpret_cast<const char *>(data), size};
    fraud::validation verdict = fraud::validate(text);
    if (!verdict.valid) {
        if (verdict.position < 1 || verdict.position > size + 1 || verdict.message.empty())
            std::abort();
        return 0;
    }
    // A rule implies itself, unless its condition has too many alternatives or none.
    fraud::rule_ast ast = fraud::parse_rule(text);
    (void)fraud::implies(ast, ast);
    for (const fraud::history_query &query : fraud::histories_of(text)) {
        if (query.sql.size() < 50 || fraud::index_statement(query).size() < 50)
            std::abort();
    }
    // Twice the same rule, so that its expressions are shared.
    fraud::rule_source sources[] = {{"a", text}, {"b", text}};
    fraud::rule_set rules = fraud::compile(sources, fraud::on_broken::keep);
    if (!rules.broken().empty())
        return 0; // it asks about itself
    const value candidates[] = {value::missing(),
                                value::of(std::int64_t{0}),
                                value::of(std::numeric_limits<std::int64_t>::min()),
                                value::of(1e308),
                                value::of(true),
                                value::of("a%_\\@B.example"sv),
                                value::of("-1"sv),
                                value::of(""sv)};
    fraud::evaluator memory{rules};
    any_terms terms{candidates};
    for (std::size_t first = 0; first < std::size(candidates); ++first) {
        for (std::size_t slot = 0; slot < rules.slots().size(); ++slot)
            memory.set(slot, candidates[(first + slot) % std::size(candidates)]);
        const fraud::assessment &result = memory.run({}, {1'795'271'400'000'000, &terms});
        bool differ = result.matched.size() % 2 != 0 || result.shadow.size() % 2 != 0 ||
                      result.failures.size() % 2 != 0;
        if (result.score < 0 || result.score > 100 || (differ && !ast.head.sample))
            std::abort(); // the two copies cannot differ but in their samples
    }
    return 0;
}
