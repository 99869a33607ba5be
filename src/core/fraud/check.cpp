// SPDX-License-Identifier: PostgreSQL
// Static types: the pass after parsing. Children precede parents in the array, so a loop suffices.
#include "core/fraud/history.hpp"
#include "core/fraud/parser.hpp"
#include "core/fraud/rule_error.hpp"

#include <algorithm>

namespace saas::core::fraud {
namespace {

std::string_view name_of(static_type type) noexcept {
    switch (type) {
    case static_type::boolean:
        return "a truth value";
    case static_type::number:
        return "a number";
    case static_type::text:
        return "a text";
    case static_type::any:
        return "metadata";
    }
    return "";
}

static_type type_of(attribute_type type) noexcept {
    switch (type) {
    case attribute_type::boolean:
        return static_type::boolean;
    case attribute_type::number:
        return static_type::number;
    case attribute_type::text:
    case attribute_type::word:
    case attribute_type::code:
        return static_type::text;
    case attribute_type::metadata:
        return static_type::any;
    }
    return static_type::any;
}

static_type type_of(const value &literal) noexcept {
    if (literal.type == value_type::boolean)
        return static_type::boolean;
    return literal.is_number() ? static_type::number : static_type::text;
}

// What the function over history gives.
static_type history_type(const history_clause &clause) {
    bool same = clause.function == aggregate::min || clause.function == aggregate::max ||
                clause.function == aggregate::first || clause.function == aggregate::last;
    if (!same)
        return static_type::number;
    auto field = find_history_field(*clause.source, clause.field);
    return field->type == attribute_type::metadata ? static_type::text : type_of(field->type);
}

class checker {
public:
    checker(std::string_view rule, rule_ast &ast) : rule_{rule}, ast_{ast} {}

    void run() {
        for (node &n : ast_.nodes)
            n.type = check(n);
        require(ast_.root, static_type::boolean, "a condition is");
    }

private:
    [[nodiscard]] static_type check(node &n);
    void check_comparison(const node &n);
    void check_set(const node &n);

    // Refuses a child of another type, except metadata, whose type shows only at run time.
    void require(std::uint32_t child, static_type wanted, std::string_view who) {
        const node &operand = ast_.nodes[child];
        if (operand.type != wanted && operand.type != static_type::any)
            refuse_rule(rule_, operand.offset,
                        "found " + std::string{name_of(operand.type)} + ", expected " +
                            std::string{name_of(wanted)} + " because " + std::string{who} + " one");
    }

    static_type require_all(const node &n, static_type wanted, std::string_view who,
                            static_type result) {
        for (std::uint32_t child : ast_.children_of(n))
            require(child, wanted, who);
        return result;
    }

    // Blames the operand that is written later: > and >= have theirs swapped.
    void require_same(std::uint32_t left, std::uint32_t right) {
        if (ast_.nodes[left].offset > ast_.nodes[right].offset)
            std::swap(left, right);
        static_type a = ast_.nodes[left].type;
        const node &b = ast_.nodes[right];
        if (a != b.type && a != static_type::any && b.type != static_type::any)
            refuse_rule(rule_, b.offset,
                        "found " + std::string{name_of(b.type)} + ", expected " +
                            std::string{name_of(a)} + " as on the other side");
    }

    // The type of the attribute or field that the node is; metadata for anything else.
    [[nodiscard]] attribute_type attribute_of(const node &n) const {
        if (n.op == operation::attribute)
            return ast_.slots[n.payload].type;
        if (n.op == operation::history_field)
            return field_of(n).type;
        return attribute_type::metadata;
    }
    [[nodiscard]] history_field field_of(const node &n) const;
    [[nodiscard]] static_type check_call(const node &n);
    [[nodiscard]] static_type check_term(const node &n);
    void check_moment(const node &n);

    void fold_literal(std::uint32_t attribute, std::uint32_t literal, bool whole);
    void check_code(const node &code, const node &literal, std::string_view words);

    std::string_view rule_;
    rule_ast &ast_;
};

// Words are read in lower case and codes in upper case, so the literal must be as well. `whole` tells a
// text from a pattern.
void checker::fold_literal(std::uint32_t attribute, std::uint32_t literal, bool whole) {
    node &n = ast_.nodes[literal];
    attribute_type type = attribute_of(ast_.nodes[attribute]);
    bool code = type == attribute_type::code;
    if ((!code && type != attribute_type::word) || n.op != operation::literal ||
        n.literal.type != value_type::text)
        return;
    std::string words{n.literal.view()};
    char first = code ? 'a' : 'A';
    for (char &c : words)
        c = c >= first && c <= first + 25 ? static_cast<char>(c ^ 0x20) : c;
    if (code && whole)
        check_code(ast_.nodes[attribute], n, words);
    ast_.texts.push_back(std::move(words));
    n.literal = value::of(std::string_view{ast_.texts.back()});
}

void checker::check_code(const node &code, const node &literal, std::string_view words) {
    std::string_view key = code.op == operation::attribute
                               ? std::string_view{ast_.slots[code.payload].path.back()}
                               : code.name;
    std::size_t letters = key.ends_with("currency") ? 3 : 2;
    bool shaped = words.size() == letters && std::all_of(words.begin(), words.end(), [](char c) {
                      return c >= 'A' && c <= 'Z';
                  });
    if (!shaped)
        ast_.warnings.push_back(
            {character_position(rule_, literal.offset),
             quoted(words) + " is not a code of " + (letters == 3 ? "three" : "two") + " letters"});
}

history_field checker::field_of(const node &n) const {
    const history_source &source = *ast_.histories[n.payload].source;
    auto field = find_history_field(source, n.name);
    if (!field) {
        std::string_view near = nearest_history_field(source, n.name);
        refuse_rule(rule_, n.offset,
                    "source " + std::string{source.name} + " has no " + quoted(n.name),
                    near.empty() ? "Fields of history stand without colons: status, amount."
                                 : "Did you mean " + std::string{near} + "?");
    }
    return *field;
}

// Moments are texts or numbers of seconds.
void checker::check_moment(const node &n) {
    const node &operand = ast_.nodes[ast_.children_of(n)[0]];
    if (operand.type == static_type::boolean)
        refuse_rule(rule_, operand.offset,
                    "found a truth value, expected a moment: a text such as "
                    "'2026-12-31T18:00:00Z' or seconds since 1970");
}

static_type checker::check_call(const node &n) {
    for (const function_spec &function : known_functions()) {
        if (function.op == n.op) {
            std::string who = std::string{function.name} + "() takes";
            return function.operand == static_type::any
                       ? function.result
                       : require_all(n, function.operand, who, function.result);
        }
    }
    return static_type::any;
}

static_type checker::check_term(const node &n) {
    external_term &term = ast_.terms[n.payload];
    auto children = ast_.children_of(n);
    switch (term.kind) {
    case term_kind::list:
        if (ast_.nodes[children[0]].type == static_type::boolean)
            refuse_rule(rule_, ast_.nodes[children[0]].offset,
                        "found a truth value, expected a text or a number because lists hold those");
        return static_type::boolean;
    case term_kind::snooze:
        return require_all(n, static_type::text, "snoozed() takes", static_type::boolean);
    case term_kind::history: {
        auto index = static_cast<std::size_t>(std::stoul(term.history.sql));
        history_clause &clause = ast_.histories[index];
        if (clause.filter)
            require(*clause.filter, static_type::boolean, "WHERE takes");
        clause.term = n.payload;
        write_history(rule_, ast_, clause, term, children);
        return history_type(clause);
    }
    default:
        return static_type::number;
    }
}

void checker::check_comparison(const node &n) {
    auto children = ast_.children_of(n);
    require_same(children[0], children[1]);
    fold_literal(children[0], children[1], true);
    fold_literal(children[1], children[0], true);
    const node &a = ast_.nodes[children[0]];
    const node &b = ast_.nodes[children[1]];
    bool ordering = n.op == operation::less || n.op == operation::less_equal;
    for (const node *side : {&a, &b}) {
        if (ordering && side->type == static_type::boolean)
            refuse_rule(rule_, side->offset,
                        "found a truth value, expected a number or a text because truth values "
                        "have no order");
    }
    if (a.op == operation::attribute && b.op == operation::attribute && a.payload == b.payload)
        ast_.warnings.push_back(
            {character_position(rule_, n.offset), "an attribute is compared with itself"});
}

void checker::check_set(const node &n) {
    auto children = ast_.children_of(n);
    for (std::size_t i = 1; i < children.size(); ++i) {
        require_same(children[1], children[i]);
        require_same(children[0], children[i]);
        fold_literal(children[0], children[i], true);
    }
}

static_type checker::check(node &n) {
    auto children = ast_.children_of(n);
    switch (n.op) {
    case operation::literal:
        return type_of(n.literal);
    case operation::attribute:
        return type_of(ast_.slots[n.payload].type);
    case operation::negate:
    case operation::add:
    case operation::subtract:
    case operation::multiply:
    case operation::divide:
    case operation::modulo:
    case operation::to_number:
        return require_all(n, static_type::number, "arithmetic takes", static_type::number);
    case operation::equal:
    case operation::not_equal:
    case operation::less:
    case operation::less_equal:
        check_comparison(n);
        return static_type::boolean;
    case operation::logical_not:
    case operation::logical_and:
    case operation::logical_or:
    case operation::to_boolean:
        return require_all(n, static_type::boolean, "AND, OR and NOT take", static_type::boolean);
    case operation::in_set:
        check_set(n);
        return static_type::boolean;
    case operation::like:
    case operation::includes:
        fold_literal(children[0], children[1], false);
        return require_all(n, static_type::text, "LIKE and INCLUDES take", static_type::boolean);
    case operation::is_missing:
        return static_type::boolean;
    case operation::age:
    case operation::to_moment:
        check_moment(n);
        return static_type::number;
    case operation::now:
        return static_type::number;
    case operation::otherwise:
        return ast_.nodes[children[0]].type;
    case operation::rule_hit:
    case operation::before:
    case operation::sampled:
        return static_type::boolean;
    case operation::history_field:
        return type_of(field_of(n).type);
    case operation::term:
        return check_term(n);
    default:
        return check_call(n);
    }
    return static_type::any;
}

} // namespace

void check_types(std::string_view rule, rule_ast &ast) {
    checker{rule, ast}.run();
}

} // namespace saas::core::fraud
