// SPDX-License-Identifier: PostgreSQL
// What a rule asks for beyond the attributes of the payment: lists, time zones, exchange rates, models,
// history. The compiler gives each different term of a rule set a number; the evaluator asks a
// term_source for its value at most once for a payment, and only when a rule needs it, the cheap
// before the dear.
#pragma once

#include "core/fraud/moment.hpp"
#include "core/fraud/value.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core::fraud {

// In order of their cost.
enum class term_kind : std::uint8_t {
    hour,    // hour('Europe/Paris'): argument: moment (integer, microseconds); name: the zone
    weekday, // dow('Europe/Paris'): the same, 0 is Sunday
    list,    // x IN @name: argument: x
    snooze,  // snoozed(x): argument: x, a customer or card
    amount,  // amount_in('EUR'): arguments: amount (minor units), its currency; name: the currency
    model,   // model_score('name')
    history  // count(FROM … BY … OVER …) and so on: arguments: keys, then values of the filter
};

// The functions over history.
enum class aggregate : std::uint8_t { count, sum, avg, min, max, stddev, percentile, first, last };

// What a history term reads, as SQL with every name qualified. Its parameters are $1 team (uuid), $2
// now (timestamptz), $3 the payment intent being assessed or NULL (uuid), and from $4 on the
// term's arguments (text). It gives one row of one column of type bigint, numeric, double precision,
// boolean or text; NULL is missing.
struct history_query {
    std::string sql;
    std::string source;                 // attempts, payments, refunds
    std::string table;                  // in schema saas, of which index_columns speaks
    std::vector<std::string> index_columns; // as CREATE INDEX takes them, team_id first
    std::size_t key_count = 0;          // how many of the arguments are keys: one missing, all missing
    aggregate function = aggregate::count;
    bool including_current = false;
    std::int64_t window = 0;            // seconds; 0 is all time

    friend bool operator==(const history_query &, const history_query &) = default;
};

struct external_term {
    term_kind kind = term_kind::list;
    std::string name;                 // of list (without @), zone, currency or model, as written
    std::uint32_t argument_count = 0;
    history_query history;            // of kind history

    friend bool operator==(const external_term &, const external_term &) = default;
};

// The name of a kind for messages: "list", "model", …
[[nodiscard]] std::string_view name_of(term_kind kind) noexcept;

// A rough cost in nanoseconds, for the order of evaluation and for warnings.
[[nodiscard]] std::int64_t cost_of(term_kind kind) noexcept;

// Supplies the values of terms: from tables while a payment is assessed, from arrays in a backtest.
class term_source {
public:
    virtual ~term_source() = default;

    // The value of term `number` (an index of rule_set::terms()) as of `now`. No argument is a failure, and
    // for kind history no key is missing. Texts must stay alive until evaluator::run() has returned. What is
    // not known is missing. May throw: the evaluation ends.
    [[nodiscard]] virtual value resolve(std::uint32_t number, const external_term &term,
                                        std::span<const value> arguments, moment now) = 0;
};

} // namespace saas::core::fraud
