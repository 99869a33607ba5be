// SPDX-License-Identifier: PostgreSQL
// Compiled rule sets, kept in the backend.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/fraud/evaluator.hpp"
#include "core/uuid.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/array.h" // ArrayType
}

namespace saas::fraud {

// A container in jsonb's own format, aligned as the server wants it.
using json_container = std::vector<std::uint32_t>;

// A rule set with its working memory. Stays where it is: the evaluator points to the rules.
struct compiled_rules {
    compiled_rules(core::fraud::rule_set set, std::vector<json_container> descriptions)
        : rules{std::move(set)}, memory{rules},
          found(rules.slots().size()), described{std::move(descriptions)} {}
    compiled_rules(const compiled_rules &) = delete;
    compiled_rules &operator=(const compiled_rules &) = delete;

    core::fraud::rule_set rules;
    core::fraud::evaluator memory;
    std::vector<core::fraud::value> found; // what the document holds, by slot
    std::vector<json_container> described; // what a match says, by rule
    core::fraud::thresholds limits;        // of the team
    std::string sources;                   // of a team: the rules as a JSON array, to be kept with the version
};

// While alive, no other assessment of a team's rules begins in this backend: what it keeps would make
// way while it is in use. Only functions and views that an owner of the database put behind names of
// the package lead there. Throws core::error 55000.
class assessment_guard {
public:
    assessment_guard();
    ~assessment_guard();
    assessment_guard(const assessment_guard &) = delete;
    assessment_guard &operator=(const assessment_guard &) = delete;
};

// Registers for the invalidation of the rules' table. Called once, by _PG_init.
void initialise();

// Rules as arrays of texts. `names`, for rule_hit(), is null or as long. Those after the first `deciding` are
// only asked about by the others.
struct rule_texts {
    ArrayType *texts = nullptr;
    ArrayType *names = nullptr;
    int deciding = std::numeric_limits<int>::max();
};

// The compiled texts; the last few are kept, large ones until the transaction ends. Valid until the
// next call of this function. Throws core::error SA050 for a text that is no rule, 22004 for NULL,
// 22023 when there are more names than texts or fewer.
[[nodiscard]] compiled_rules &rules_of_texts(const rule_texts &wanted);

// The compiled enabled rules of a team, as last committed (and as changed by this transaction).
// Valid until the next call of this function. Rules that no longer parse are rules.broken().
[[nodiscard]] compiled_rules &rules_of_team(const core::uuid &team);

// The set that rules_of_team() gave last for the team, without taking in changes; null when none is kept.
[[nodiscard]] const compiled_rules *kept_rules_of_team(const core::uuid &team);

// Compiles rules as they were kept: ids, texts, names and whether they are the platform's ("platform"), by
// place. Keeps nothing. Throws core::error 22023 when the arrays are not equally long.
[[nodiscard]] std::unique_ptr<compiled_rules>
rules_of_sources(const std::vector<std::string> &ids, const std::vector<std::string> &texts,
                 const std::vector<std::string> &names, const std::vector<std::string> &scopes);

// "ignore", "review" or "block"; anything else is ignore.
[[nodiscard]] core::fraud::on_error on_error_of(std::string_view name) noexcept;

} // namespace saas::fraud
