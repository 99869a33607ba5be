// SPDX-License-Identifier: PostgreSQL
// Runs a compiled rule set over the attributes of one payment.
#pragma once

#include "core/fraud/operations.hpp"
#include "core/fraud/rule_set.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace saas::core::fraud {

// In order of severity.
enum class decision : std::uint8_t { approve, review, challenge, block };
[[nodiscard]] std::string_view name_of(decision what) noexcept; // "approve", "review", …

// What a live rule that failed means for the payment, unless an ALLOW or BLOCK decides.
enum class on_error : std::uint8_t { ignore, review, block };

// From which score on a payment is reviewed, challenged or blocked when no rule decides. 101 is never.
struct thresholds {
    int review = 50;
    int block = 75;
    int challenge = 101;
    on_error failing = on_error::ignore;
};

struct rule_failure {
    std::uint32_t rule; // index in rule_set::rules()
    failure_kind kind;
};

// Indexes are those of rule_set::rules(), ascending, which is the order of decision.
struct assessment {
    int score = 0; // 0 … 100
    fraud::decision decision = decision::approve;
    std::vector<std::uint32_t> matched;
    std::vector<std::uint32_t> shadow;
    std::vector<rule_failure> failures; // of live and of shadow rules
};

// When a payment is assessed, and who knows what its attributes do not say. Without a source lists,
// models and history are failures, and so is every time zone but UTC.
struct circumstances {
    moment now = 0;
    term_source *terms = nullptr;
    // Asked before a pattern meets a long text; run() throws cancelled when it says so.
    cancel_poll::stop_requested stop_requested = nullptr;
};

// The attributes of a payment, one value per slot of the rule set.
using attribute_values = std::span<const value>;

// The working memory of one rule set: made once, used for any number of payments, one at a time.
// The rule set must outlive it. After the first payments no memory is allocated.
class evaluator {
public:
    explicit evaluator(const rule_set &rules);

    // Every slot becomes missing.
    void clear() noexcept;
    // Puts the value of a slot. A value whose type is not the slot's becomes a failure, which every
    // rule that reads it records. Texts must stay alive until run() has returned.
    void set(std::size_t slot, const value &given);
    // Evaluates all rules. The result stays valid until the next run().
    [[nodiscard]] const assessment &run(const thresholds &limits = {},
                                        const circumstances &around = {});

    // What the last run() found: the value of a slot, and of a term (type none when no rule asked).
    [[nodiscard]] const value &slot_value(std::size_t slot) const noexcept {
        return registers_[rules_->constants().size() + slot];
    }
    [[nodiscard]] const value &term_value(std::uint32_t term) const noexcept {
        return registers_[rules_->place_of(term).result];
    }
    // With which arguments a term was asked for; of no meaning when no rule asked.
    [[nodiscard]] std::span<const value> term_arguments(std::uint32_t term) const noexcept {
        return {registers_.data() + rules_->place_of(term).arguments,
                rules_->terms()[term].argument_count};
    }

private:
    [[nodiscard]] bool derive_domain();
    [[nodiscard]] value &slot_register(std::size_t slot) noexcept {
        return registers_[rules_->constants().size() + slot];
    }
    void execute();
    void execute_function(const instruction &i);
    [[nodiscard]] value resolve(std::uint32_t number);
    [[nodiscard]] value is_sampled(const value &a, const sample &share) const noexcept;
    void conclude(const value &condition, std::uint32_t rule);
    [[nodiscard]] bool live_rule_failed() const noexcept;
    [[nodiscard]] value match_pattern(const value &words, const value &pattern) const;
    void decide(const thresholds &limits) noexcept;

    const rule_set *rules_;
    circumstances around_;
    std::vector<value> registers_;
    text_arena arena_;
    text_arena slot_arena_;
    assessment result_;
};

// Convenience for one payment: allocates. `values` has a value for every slot, in order.
[[nodiscard]] assessment evaluate(const rule_set &rules, attribute_values values,
                                  const thresholds &limits = {}, const circumstances &around = {});

} // namespace saas::core::fraud
