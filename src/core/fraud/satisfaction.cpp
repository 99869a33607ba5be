// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/satisfaction.hpp"

#include "core/fraud/list_set.hpp"
#include "core/fraud/rule_error.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <vector>

namespace saas::core::fraud {
namespace {

constexpr std::size_t k_max_alternatives = 256;
constexpr double k_infinity = std::numeric_limits<double>::infinity();
constexpr double k_exact = 9007199254740992.0; // 2^53: integers up to here are doubles

// Which truth values a condition may still have, as bits.
enum outcome : unsigned { k_true = 1, k_false = 2, k_unknown = 4 };

// What is required of one attribute, or of one condition that is not understood.
struct requirement {
    bool may_miss = true;
    bool may_be = true;
    double low = -k_infinity;
    double high = k_infinity;
    bool low_open = false;
    bool high_open = false;
    bool among = false; // one of `texts`, else none of them
    std::set<std::string> texts;
    unsigned outcomes = k_true | k_false | k_unknown;

    [[nodiscard]] bool possible() const {
        bool interval = low < high || (low == high && !low_open && !high_open);
        bool present = may_be && interval && !(among && texts.empty());
        return outcomes != 0 && (may_miss || present);
    }
};

using alternative = std::map<std::string, requirement>;
using alternatives = std::vector<alternative>;

void narrow_texts(requirement &a, const requirement &b) {
    std::set<std::string> out;
    if (a.among && b.among) {
        std::set_intersection(a.texts.begin(), a.texts.end(), b.texts.begin(), b.texts.end(),
                              std::inserter(out, out.end()));
    } else if (a.among) {
        std::set_difference(a.texts.begin(), a.texts.end(), b.texts.begin(), b.texts.end(),
                            std::inserter(out, out.end()));
    } else if (b.among) {
        std::set_difference(b.texts.begin(), b.texts.end(), a.texts.begin(), a.texts.end(),
                            std::inserter(out, out.end()));
        a.among = true;
    } else {
        std::set_union(a.texts.begin(), a.texts.end(), b.texts.begin(), b.texts.end(),
                       std::inserter(out, out.end()));
    }
    a.texts = std::move(out);
}

void narrow(requirement &a, const requirement &b) {
    a.may_miss = a.may_miss && b.may_miss;
    a.may_be = a.may_be && b.may_be;
    if (b.low > a.low || (b.low == a.low && b.low_open)) {
        a.low = b.low;
        a.low_open = b.low_open;
    }
    if (b.high < a.high || (b.high == a.high && b.high_open)) {
        a.high = b.high;
        a.high_open = b.high_open;
    }
    narrow_texts(a, b);
    a.outcomes &= b.outcomes;
}

// What is known of attributes before any rule: an amount is not negative, and so on.
requirement domain_of(std::string_view subject) {
    struct known {
        std::string_view name;
        double low;
        double high;
    };
    static constexpr known k_domains[] = {{"amount", 0, k_infinity},
                                          {"attempt_count", 0, k_infinity},
                                          {"card_exp_month", 1, 12},
                                          {"order.item_count", 0, k_infinity},
                                          {"risk_score", 0, 100}};
    requirement out;
    for (const known &k : k_domains) {
        if (k.name == subject) {
            out.low = k.low;
            out.high = k.high;
        }
    }
    return out;
}

class normal_form {
public:
    explicit normal_form(const rule_ast &rule) : rule_{rule} {}

    // The ways in which the node has one of the outcomes; nothing when there are too many to say.
    [[nodiscard]] std::optional<alternatives> ways(std::uint32_t id, unsigned outcomes);

private:
    [[nodiscard]] std::optional<alternatives> all_of(const node &n, unsigned outcomes);
    [[nodiscard]] std::optional<alternatives> any_of(const node &n, unsigned outcomes);
    [[nodiscard]] alternatives atom(std::uint32_t id, unsigned outcomes) const;
    [[nodiscard]] alternatives comparison(std::uint32_t id, unsigned outcomes) const;
    [[nodiscard]] alternatives presence(std::uint32_t id, unsigned outcomes) const;
    [[nodiscard]] alternatives opaque(std::uint32_t id, unsigned outcomes) const;
    [[nodiscard]] bool limits(std::uint32_t id, std::string &subject, requirement &when_true,
                              requirement &when_false) const;
    [[nodiscard]] bool set_limits(const node &n, std::string &subject, requirement &when_true,
                                  requirement &when_false) const;
    [[nodiscard]] std::string name_of(const node &n) const;
    [[nodiscard]] std::string words_of(std::uint32_t id) const;

    const rule_ast &rule_;
};

// Everything that both sides require; what contradicts itself is left out.
std::optional<alternatives> product(const alternatives &a, const alternatives &b) {
    alternatives out;
    for (const alternative &left : a) {
        for (const alternative &right : b) {
            alternative both = left;
            bool possible = true;
            for (const auto &[subject, wanted] : right) {
                auto [at, fresh] = both.try_emplace(subject, domain_of(subject));
                narrow(at->second, wanted);
                possible = possible && at->second.possible();
            }
            if (possible)
                out.push_back(std::move(both));
            if (out.size() > k_max_alternatives)
                return std::nullopt;
        }
    }
    return out;
}

std::string normal_form::name_of(const node &n) const {
    std::string out;
    for (const std::string &step : rule_.slots[n.payload].path)
        out.append(out.empty() ? "" : ".").append(step);
    return out;
}

// A text that is equal for equal conditions.
std::string normal_form::words_of(std::uint32_t id) const {
    const node &n = rule_.nodes[id];
    std::string out = "(" + std::to_string(static_cast<int>(n.op));
    if (n.op == operation::literal)
        out += (n.literal.type == value_type::text ? "'" : " ") + text_of(n.literal);
    else if (n.op == operation::attribute)
        out += ":" + name_of(n);
    else if (n.op == operation::term)
        out += "@" + std::to_string(static_cast<int>(rule_.terms[n.payload].kind)) +
               rule_.terms[n.payload].name + rule_.terms[n.payload].history.sql;
    else
        out.append("'").append(n.name);
    for (std::uint32_t child : rule_.children_of(n)) {
        if (out.size() < 10'000)
            out += words_of(child);
    }
    return out + ")";
}

// x < 5, 5 <= x, x = 'DE', … of one attribute and one literal. False for anything else.
bool normal_form::limits(std::uint32_t id, std::string &subject, requirement &when_true,
                         requirement &when_false) const {
    const node &n = rule_.nodes[id];
    if (n.op == operation::in_set)
        return set_limits(n, subject, when_true, when_false);
    auto children = rule_.children_of(n);
    const node &a = rule_.nodes[children[0]];
    const node &b = rule_.nodes[children[1]];
    bool swapped = a.op == operation::literal;
    const node &attribute = swapped ? b : a;
    const value &limit = swapped ? a.literal : b.literal;
    if (attribute.op != operation::attribute || (swapped ? a : b).op != operation::literal)
        return false;
    subject = name_of(attribute);
    when_true.may_miss = when_false.may_miss = false;
    bool equality = n.op == operation::equal || n.op == operation::not_equal;
    if (limit.type == value_type::text && equality) {
        subject += attribute.type == static_type::any ? "#text" : "";
        when_true.texts = when_false.texts = {std::string{limit.view()}};
        (n.op == operation::equal ? when_true : when_false).among = true;
        return true;
    }
    if (!limit.is_number())
        return false;
    subject += attribute.type == static_type::any ? "#number" : "";
    double number = limit.type == value_type::integer ? static_cast<double>(limit.integer)
                                                      : limit.real;
    if (std::fabs(number) > k_exact)
        return false;
    if (equality) {
        requirement &equal = n.op == operation::equal ? when_true : when_false;
        equal.low = equal.high = number;
        return true;
    }
    bool strict = n.op == operation::less;
    if (swapped) { // limit < x
        when_true.low = when_false.high = number;
        when_true.low_open = strict;
        when_false.high_open = !strict;
    } else {
        when_true.high = when_false.low = number;
        when_true.high_open = strict;
        when_false.low_open = !strict;
    }
    return true;
}

bool normal_form::set_limits(const node &n, std::string &subject, requirement &when_true,
                             requirement &when_false) const {
    auto children = rule_.children_of(n);
    const node &attribute = rule_.nodes[children[0]];
    if (attribute.op != operation::attribute)
        return false;
    for (std::uint32_t member : children.subspan(1)) {
        const value &literal = rule_.nodes[member].literal;
        if (literal.type != value_type::text)
            return false;
        when_true.texts.emplace(literal.view());
    }
    when_false.texts = when_true.texts;
    when_true.among = true;
    when_true.may_miss = when_false.may_miss = false;
    subject = name_of(attribute) + (attribute.type == static_type::any ? "#text" : "");
    return true;
}

alternatives normal_form::opaque(std::uint32_t id, unsigned outcomes) const {
    requirement wanted;
    wanted.outcomes = outcomes;
    return {{{words_of(id), wanted}}};
}

alternatives normal_form::comparison(std::uint32_t id, unsigned outcomes) const {
    std::string subject;
    requirement when_true;
    requirement when_false;
    if (!limits(id, subject, when_true, when_false))
        return opaque(id, outcomes);
    alternatives out;
    if ((outcomes & k_true) != 0)
        out.push_back({{subject, when_true}});
    if ((outcomes & k_false) != 0)
        out.push_back({{subject, when_false}});
    if ((outcomes & k_unknown) != 0) {
        requirement missing;
        missing.may_be = false;
        out.push_back({{subject, missing}});
    }
    return out;
}

// x IS MISSING is never unknown.
alternatives normal_form::presence(std::uint32_t id, unsigned outcomes) const {
    const node &operand = rule_.nodes[rule_.children_of(rule_.nodes[id])[0]];
    if (operand.op != operation::attribute)
        return opaque(id, outcomes & ~k_unknown);
    alternatives out;
    requirement wanted;
    wanted.may_be = false;
    if ((outcomes & k_true) != 0)
        out.push_back({{name_of(operand), wanted}});
    wanted.may_be = true;
    wanted.may_miss = false;
    if ((outcomes & k_false) != 0)
        out.push_back({{name_of(operand), wanted}});
    return out;
}

alternatives normal_form::atom(std::uint32_t id, unsigned outcomes) const {
    const node &n = rule_.nodes[id];
    switch (n.op) {
    case operation::literal: {
        unsigned is = n.literal.is_true() ? k_true : k_false;
        return (outcomes & is) != 0 ? alternatives{alternative{}} : alternatives{};
    }
    case operation::equal:
    case operation::not_equal:
    case operation::less:
    case operation::less_equal:
    case operation::in_set:
        return comparison(id, outcomes);
    case operation::is_missing:
        return presence(id, outcomes);
    default:
        return opaque(id, outcomes);
    }
}

// Every child has one of the outcomes.
std::optional<alternatives> normal_form::all_of(const node &n, unsigned outcomes) {
    alternatives out{alternative{}};
    for (std::uint32_t child : rule_.children_of(n)) {
        auto part = ways(child, outcomes);
        if (!part)
            return std::nullopt;
        auto both = product(out, *part);
        if (!both)
            return std::nullopt;
        out = std::move(*both);
    }
    return out;
}

std::optional<alternatives> normal_form::any_of(const node &n, unsigned outcomes) {
    alternatives out;
    for (std::uint32_t child : rule_.children_of(n)) {
        auto part = ways(child, outcomes);
        if (!part || out.size() + part->size() > k_max_alternatives)
            return std::nullopt;
        out.insert(out.end(), part->begin(), part->end());
    }
    return out;
}

// Kleene's AND is true when all are, false when one is, not true when one is not true, and so on. The
// mixed questions that do not come up are answered with "cannot say".
std::optional<alternatives> normal_form::ways(std::uint32_t id, unsigned outcomes) {
    const node &n = rule_.nodes[id];
    if (n.op == operation::logical_not) {
        unsigned turned = (outcomes & k_unknown) | ((outcomes & k_true) != 0 ? k_false : 0U) |
                          ((outcomes & k_false) != 0 ? k_true : 0U);
        return ways(rule_.children_of(n)[0], turned);
    }
    if (n.op != operation::logical_and && n.op != operation::logical_or)
        return atom(id, outcomes);
    bool conjunction = n.op == operation::logical_and;
    unsigned deciding = conjunction ? k_false : k_true;
    unsigned other = conjunction ? k_true : k_false;
    if (outcomes == other || outcomes == (other | k_unknown))
        return all_of(n, outcomes);
    if (outcomes == deciding || outcomes == (deciding | k_unknown))
        return any_of(n, outcomes);
    return std::nullopt;
}

} // namespace

bool never_true(const rule_ast &rule) {
    auto found = normal_form{rule}.ways(rule.root, k_true);
    return found && product({alternative{}}, *found)->empty();
}

bool never_false(const rule_ast &rule) {
    auto found = normal_form{rule}.ways(rule.root, k_false);
    return found && product({alternative{}}, *found)->empty();
}

bool implies(const rule_ast &narrow_rule, const rule_ast &wide) {
    auto when = normal_form{narrow_rule}.ways(narrow_rule.root, k_true);
    auto unless = normal_form{wide}.ways(wide.root, k_false | k_unknown);
    if (!when || !unless)
        return false;
    auto both = product(*when, *unless);
    return both && both->empty();
}

std::optional<std::string> conflict(const rule_ast &rule, const rule_ast &other,
                                    std::string_view name) {
    const rule_head &a = rule.head;
    const rule_head &b = other.head;
    if (a.shadow || b.shadow || b.until || b.sample || a.action >= action::score)
        return std::nullopt;
    bool final_action = b.action == action::allow || b.action == action::block;
    bool earlier = b.priority < a.priority || (b.priority == a.priority && b.action < a.action);
    bool first = final_action && earlier;
    bool same = a.action == b.action && (a.priority == b.priority || earlier);
    if ((!first && !same) || !implies(rule, other))
        return std::nullopt;
    if (same)
        return "adds nothing: rule " + quoted(name) + " does the same whenever this one matches";
    if (b.action == action::allow)
        return "contradicts ALLOW rule " + quoted(name) +
               ", which decides first whenever this one matches";
    return "is never reached: rule " + quoted(name) +
           " decides first whenever this one matches";
}

} // namespace saas::core::fraud
