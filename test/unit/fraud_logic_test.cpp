// SPDX-License-Identifier: PostgreSQL
// Random conditions through the compiler against a direct evaluation of the same tree.
#include "core/fraud/evaluator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <random>

namespace fraud = saas::core::fraud;
using fraud::value;

namespace {

enum class truth { no, yes, unknown, failed };

struct expression {
    enum class kind { boolean, above, quotient, missing, negation, conjunction, disjunction } what;
    int argument = 0; // which attribute, or the number compared with
    std::vector<std::shared_ptr<expression>> parts;
};
using tree = std::shared_ptr<expression>;

// The payment of one trial; nothing is missing.
struct payment {
    std::array<std::optional<bool>, 3> flags;
    std::optional<std::int64_t> amount;
};
constexpr const char *k_flags[] = {":livemode:", ":is_recurring:", ":is_off_session:"};

std::string text_of(const expression &e) {
    switch (e.what) {
    case expression::kind::boolean:
        return k_flags[e.argument];
    case expression::kind::above:
        return ":amount: > " + std::to_string(e.argument);
    case expression::kind::quotient:
        return "10 / :amount: >= " + std::to_string(e.argument);
    case expression::kind::missing:
        return std::string{k_flags[e.argument]} + " IS MISSING";
    case expression::kind::negation:
        return "NOT (" + text_of(*e.parts[0]) + ")";
    case expression::kind::conjunction:
    case expression::kind::disjunction:
        break;
    }
    std::string out;
    for (const tree &part : e.parts) {
        if (!out.empty())
            out += e.what == expression::kind::conjunction ? " AND " : " OR ";
        out += "(" + text_of(*part) + ")";
    }
    return out;
}

truth of(bool b) {
    return b ? truth::yes : truth::no;
}

// All operands are looked at; the deciding value wins, then failure, then unknown.
truth combine(const std::vector<truth> &operands, truth deciding, truth otherwise) {
    auto has = [&](truth wanted) {
        return std::find(operands.begin(), operands.end(), wanted) != operands.end();
    };
    return has(deciding)         ? deciding
           : has(truth::failed)  ? truth::failed
           : has(truth::unknown) ? truth::unknown
                                 : otherwise;
}

truth reference(const expression &e, const payment &p) {
    std::vector<truth> operands;
    for (const tree &part : e.parts)
        operands.push_back(reference(*part, p));
    auto flag = [&] { return p.flags[static_cast<std::size_t>(e.argument)]; };
    switch (e.what) {
    case expression::kind::boolean:
        return flag() ? of(*flag()) : truth::unknown;
    case expression::kind::above:
        return p.amount ? of(*p.amount > e.argument) : truth::unknown;
    case expression::kind::quotient:
        if (!p.amount)
            return truth::unknown;
        if (*p.amount == 0)
            return truth::failed;
        return of(10.0 / static_cast<double>(*p.amount) >= e.argument);
    case expression::kind::missing:
        return of(!flag().has_value());
    case expression::kind::negation:
        return operands[0] == truth::yes  ? truth::no
               : operands[0] == truth::no ? truth::yes
                                          : operands[0];
    case expression::kind::conjunction:
        return combine(operands, truth::no, truth::yes);
    case expression::kind::disjunction:
        return combine(operands, truth::yes, truth::no);
    }
    return truth::unknown;
}

class generator {
public:
    explicit generator(unsigned seed) : random_{seed} {}

    int below(int n) { return std::uniform_int_distribution<int>{0, n - 1}(random_); }

    // Takes an earlier tree now and then, so that rules share expressions.
    tree grow(int depth) {
        if (!pool_.empty() && below(4) == 0)
            return pool_[static_cast<std::size_t>(below(static_cast<int>(pool_.size())))];
        auto made = std::make_shared<expression>();
        made->what = static_cast<expression::kind>(depth == 0 ? below(4) : below(7));
        bool numeric =
            made->what == expression::kind::above || made->what == expression::kind::quotient;
        made->argument = numeric ? below(5) - 2 : below(3);
        int parts = made->what == expression::kind::negation  ? 1
                    : made->what > expression::kind::negation ? 2 + below(3)
                                                              : 0;
        for (int i = 0; i < parts; ++i)
            made->parts.push_back(grow(depth - 1));
        if (below(3) == 0 && pool_.size() < 12)
            pool_.push_back(made);
        return made;
    }

    payment pay() {
        payment p;
        for (auto &flag : p.flags)
            flag = below(3) == 0 ? std::nullopt : std::optional{below(2) == 0};
        if (below(4) != 0)
            p.amount = below(7) - 3;
        return p;
    }

    void forget() { pool_.clear(); }

private:
    std::mt19937 random_;
    std::vector<tree> pool_;
};

void supply(fraud::evaluator &memory, const fraud::rule_set &rules, const payment &p) {
    static const std::array<std::string, 3> names{"livemode", "is_recurring", "is_off_session"};
    memory.clear();
    for (std::size_t slot = 0; slot < rules.slots().size(); ++slot) {
        const std::string &name = rules.slots()[slot].path.back();
        if (name == "amount" && p.amount)
            memory.set(slot, value::of(*p.amount));
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (name == names[i] && p.flags[i])
                memory.set(slot, value::of(*p.flags[i]));
        }
    }
}

} // namespace

TEST(fraud_logic, compiled_rules_agree_with_kleene) {
    generator make{20261121};
    std::array<int, 4> seen{};
    for (int set = 0; set < 400; ++set) {
        make.forget();
        std::vector<tree> trees;
        std::vector<std::string> ids;
        std::vector<std::string> texts;
        for (int i = 0; i < 8; ++i) {
            trees.push_back(make.grow(4));
            ids.push_back(std::to_string(i));
            texts.push_back("TAG 'x' IF " + text_of(*trees.back()));
        }
        std::vector<fraud::rule_source> sources;
        for (std::size_t i = 0; i < texts.size(); ++i)
            sources.push_back({ids[i], texts[i]});
        fraud::rule_set rules = fraud::compile(sources);
        fraud::evaluator memory{rules};
        for (int trial = 0; trial < 25; ++trial) {
            payment p = make.pay();
            supply(memory, rules, p);
            const fraud::assessment &a = memory.run();
            for (std::uint32_t i = 0; i < trees.size(); ++i) {
                truth expected = reference(*trees[i], p);
                ++seen[static_cast<std::size_t>(expected)];
                bool hit = std::find(a.matched.begin(), a.matched.end(), i) != a.matched.end();
                bool failed = std::any_of(a.failures.begin(), a.failures.end(),
                                          [&](const auto &f) { return f.rule == i; });
                ASSERT_EQ(hit, expected == truth::yes) << texts[i];
                ASSERT_EQ(failed, expected == truth::failed) << texts[i];
            }
        }
    }
    for (int count : seen)
        EXPECT_GT(count, 1'000) << "the trials reach every truth value";
}
