// SPDX-License-Identifier: PostgreSQL
// The rule engine alone: compiling a set, and evaluating it for one payment after another.
#include "core/fraud/evaluator.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace fraud = saas::core::fraud;
using fraud::value;
using namespace std::string_view_literals;

namespace {

struct written_rules {
    std::vector<std::string> ids;
    std::vector<std::string> texts;

    [[nodiscard]] std::vector<fraud::rule_source> sources() const {
        std::vector<fraud::rule_source> out;
        for (std::size_t i = 0; i < texts.size(); ++i)
            out.push_back({ids[i], texts[i]});
        return out;
    }
};

// Rules of five kinds in turn, each with a limit of its own; those of bench/fraud.
written_rules mixed_rules(std::size_t count) {
    written_rules out;
    for (std::size_t i = 1; i <= count; ++i) {
        std::string n = std::to_string(i);
        const std::string kinds[] = {
            "SCORE 3 IF :amount: > " + n + "000 AND :card_country: != :ip_country:",
            "REVIEW IF :email_domain: IN ('a" + n + ".example', 'b.example', 'c.example')",
            "BLOCK IF :card_funding: = 'prepaid' AND :amount: > " + n + "00 AND NOT :is_recurring:",
            "CHALLENGE IF :ip_country: NOT IN ('US', 'CA', 'GB') AND :risk_score: >= " + n,
            "TAG 't" + n + "' IF ::items:: > " + n + " OR :attempt_count: * 10 > 1" + n};
        out.ids.push_back(n);
        out.texts.push_back(kinds[i % 5]);
    }
    return out;
}

written_rules simple_rules(std::size_t count) {
    written_rules out;
    for (std::size_t i = 1; i <= count; ++i) {
        out.ids.push_back(std::to_string(i));
        out.texts.push_back("BLOCK IF :amount: > " + std::to_string(1'000'000 + i));
    }
    return out;
}

value attribute(std::string_view name) {
    if (name == "amount")
        return value::of(std::int64_t{4'900});
    if (name == "card_country")
        return value::of("US"sv);
    if (name == "ip_country")
        return value::of("DE"sv);
    if (name == "email_domain")
        return value::of("mail.example"sv);
    if (name == "card_funding")
        return value::of("credit"sv);
    if (name == "is_recurring")
        return value::of(false);
    if (name == "risk_score" || name == "attempt_count")
        return value::of(std::int64_t{2});
    return name == "items" ? value::of("3"sv) : value::missing();
}

void run(benchmark::State &state, const written_rules &written) {
    fraud::rule_set rules = fraud::compile(written.sources());
    std::vector<value> values;
    for (const fraud::slot &slot : rules.slots())
        values.push_back(attribute(slot.path.back()));
    fraud::evaluator memory{rules};
    for (auto _ : state) {
        for (std::size_t i = 0; i < values.size(); ++i)
            memory.set(i, values[i]);
        benchmark::DoNotOptimize(memory.run().score);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

void fraud_compile(benchmark::State &state) {
    written_rules written = mixed_rules(static_cast<std::size_t>(state.range(0)));
    std::vector<fraud::rule_source> sources = written.sources();
    for (auto _ : state)
        benchmark::DoNotOptimize(fraud::compile(sources).register_count());
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(fraud_compile)->Arg(1)->Arg(10)->Arg(100);

void fraud_evaluate_mixed(benchmark::State &state) {
    run(state, mixed_rules(static_cast<std::size_t>(state.range(0))));
}
BENCHMARK(fraud_evaluate_mixed)->Arg(1)->Arg(10)->Arg(100);

void fraud_evaluate_simple(benchmark::State &state) {
    run(state, simple_rules(static_cast<std::size_t>(state.range(0))));
}
BENCHMARK(fraud_evaluate_simple)->Arg(1)->Arg(10)->Arg(100)->Arg(1000);

} // namespace
