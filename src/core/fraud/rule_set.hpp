// SPDX-License-Identifier: PostgreSQL
// A compiled set of rules: one flat program for all of them, without pointers into their texts.
//
// Equal expressions of different rules are one expression: it is computed at most once for a
// payment, and only when a rule asks for it.
#pragma once

#include "core/error.hpp"
#include "core/fraud/ast.hpp"
#include "core/fraud/value.hpp"

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace saas::core::fraud {

inline constexpr std::size_t k_max_rules = 10'000;
inline constexpr std::size_t k_max_rule_set_length = 16'777'216; // bytes, all texts together

// A rule as its owner keeps it. `id` breaks ties of order (the shorter first, then byte by byte);
// `name` is for people and may be empty.
struct rule_source {
    std::string_view id;
    std::string_view text;
    std::string_view name = {};
    bool platform = false; // belongs to the platform, not to the team
    bool asked_only = false; // there for rule_hit() of other rules: decides nothing, and may be broken
};

// The steps of the program. `dst`, `a` and `b` are registers unless said otherwise.
enum class opcode : std::uint32_t {
    negate, // dst = −a
    add,    // dst = a + b, and so on
    subtract,
    multiply,
    divide,
    modulo,
    equal,
    not_equal,
    less,
    less_equal,
    like,
    includes,
    in_set, // b: index of the set
    logical_not,
    is_missing,
    to_boolean,
    to_number,
    lower,
    email_domain,
    normalize_email,
    similarity,
    token_set,
    cidr_match,
    luhn,
    age,
    distance_km, // a: the first of four registers
    to_moment,
    now,
    is_hit,     // dst = whether a is true, never unknown
    before,     // dst = now is before a
    sampled,    // b: index of the sample
    copy,       // dst = a
    skip_known, // when a is not missing go to b
    term,       // a: number of the term, asked of the term_source
    and_first, // dst = a; when false go to b
    and_next,  // dst = dst AND a; when false go to b
    or_first,  // dst = a; when true go to b
    or_next,   // dst = dst OR a; when true go to b
    skip_done, // when a is computed go to b
    conclude   // a: the condition of rule b
};

struct instruction {
    opcode op;
    std::uint32_t dst;
    std::uint32_t a;
    std::uint32_t b;
};

// SAMPLE: which share of the values of an attribute a rule looks at.
struct sample {
    std::uint64_t salt;  // of the rule
    std::uint64_t limit; // values whose hash is below are in
};

// A rule of the set, without its condition.
struct rule_info {
    std::string id;
    std::string name;
    rule_head head;
    std::vector<std::uint32_t> slots; // what it reads, ascending
    std::vector<std::uint32_t> terms;
    bool platform = false;
};

// A rule that does not parse and so can only fail.
struct broken_rule {
    std::string id;
    std::string name;
    std::string message;
};

// Immutable once compiled. Registers: [constants | slots | shared results | arguments of terms | scratch].
class rule_set {
public:
    rule_set(rule_set &&) noexcept = default;
    rule_set &operator=(rule_set &&) noexcept = default;
    rule_set(const rule_set &) = delete; // constants are views of texts_
    rule_set &operator=(const rule_set &) = delete;

    // Rules in the order in which they decide: priority, action, id.
    [[nodiscard]] std::span<const rule_info> rules() const noexcept { return rules_; }
    [[nodiscard]] std::span<const broken_rule> broken() const noexcept { return broken_; }
    // What the caller must supply, by slot number. Whoever reads the email domain also reads the
    // address, from which the evaluator takes it when it is not supplied.
    [[nodiscard]] std::span<const slot> slots() const noexcept { return slots_; }
    // The slots of email_domain and email; equal when no rule reads the domain.
    [[nodiscard]] std::pair<std::size_t, std::size_t> domain_slots() const noexcept {
        return domain_slots_;
    }
    [[nodiscard]] std::span<const instruction> program() const noexcept { return program_; }
    [[nodiscard]] std::span<const value> constants() const noexcept { return constants_; }
    [[nodiscard]] std::span<const value> set(std::uint32_t index) const noexcept {
        return sets_[index];
    }
    // What the evaluator asks a term_source for, by number.
    [[nodiscard]] std::span<const external_term> terms() const noexcept { return terms_; }
    // Registers of a term: where its arguments begin, and its value.
    struct term_place {
        std::uint32_t arguments;
        std::uint32_t result;
    };
    [[nodiscard]] const term_place &place_of(std::uint32_t term) const noexcept {
        return term_places_[term];
    }
    [[nodiscard]] const fraud::sample &sample(std::uint32_t index) const noexcept {
        return samples_[index];
    }
    [[nodiscard]] std::size_t shared_count() const noexcept { return shared_count_; }
    [[nodiscard]] std::size_t register_count() const noexcept { return register_count_; }
    // SHA-256 over ids and texts, the first 32 hexadecimal digits: equal for equal rules.
    [[nodiscard]] const std::string &version() const noexcept { return version_; }

private:
    friend class rule_compiler;
    rule_set() = default;

    std::vector<rule_info> rules_;
    std::vector<broken_rule> broken_;
    std::vector<slot> slots_;
    std::vector<instruction> program_;
    std::vector<value> constants_;
    std::vector<std::vector<value>> sets_;
    std::vector<external_term> terms_;
    std::vector<term_place> term_places_;
    std::vector<fraud::sample> samples_;
    std::deque<std::string> texts_;
    std::pair<std::size_t, std::size_t> domain_slots_{0, 0};
    std::size_t shared_count_ = 0;
    std::size_t register_count_ = 0;
    std::string version_;
};

// What to do with a rule that does not parse: refuse the set, or keep it as broken().
enum class on_broken : std::uint8_t { refuse, keep };

// A digest of identifiers and texts in their order: 32 hexadecimal digits.
[[nodiscard]] std::string version_of(std::span<const rule_source> rules);

// Compiles the rules. Throws rule_error (SA050; the detail names the rule) under on_broken::refuse,
// error 54000 for more than k_max_rules rules or k_max_rule_set_length bytes, cancelled by `poll`.
[[nodiscard]] rule_set compile(std::span<const rule_source> rules,
                               on_broken broken = on_broken::refuse,
                               cancel_poll poll = cancel_poll{});

// What saas.validate_rule reports. Never throws rule_error.
struct validation {
    bool valid = false;
    std::string message; // empty when valid
    std::size_t position = 0;
    std::string hint;
    std::vector<rule_warning> warnings;
};
// `knows_zone`: whether a time zone exists; without it none is checked.
[[nodiscard]] validation validate(std::string_view rule,
                                  bool (*knows_zone)(std::string_view name) = nullptr);

} // namespace saas::core::fraud
