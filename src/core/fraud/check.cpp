// SPDX-License-Identifier: PostgreSQL
// Static types: the pass after parsing. Children precede parents in the array, so a loop suffices.
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

    // Whether the node is a country or a currency.
    [[nodiscard]] bool is_code(std::uint32_t child) const {
        const node &n = ast_.nodes[child];
        return n.op == operation::attribute && ast_.slots[n.slot].type == attribute_type::code;
    }

    void fold_code(std::uint32_t code, std::uint32_t literal, bool whole);

    std::string_view rule_;
    rule_ast &ast_;
};

// Codes are read in upper case, so the literal must be as well. `whole` tells a code from a
// pattern.
void checker::fold_code(std::uint32_t code, std::uint32_t literal, bool whole) {
    node &n = ast_.nodes[literal];
    if (!is_code(code) || n.op != operation::literal || n.literal.type != value_type::text)
        return;
    std::string words{n.literal.view()};
    std::transform(words.begin(), words.end(), words.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    const std::string &key = ast_.slots[ast_.nodes[code].slot].path.back();
    std::size_t letters = key == "currency" ? 3 : 2;
    bool shaped = words.size() == letters && std::all_of(words.begin(), words.end(), [](char c) {
                      return c >= 'A' && c <= 'Z';
                  });
    if (whole && !shaped)
        ast_.warnings.push_back(
            {character_position(rule_, n.offset),
             quoted(words) + " is not a code of " + (letters == 3 ? "three" : "two") + " letters"});
    ast_.texts.push_back(std::move(words));
    n.literal = value::of(std::string_view{ast_.texts.back()});
}

void checker::check_comparison(const node &n) {
    auto children = ast_.children_of(n);
    require_same(children[0], children[1]);
    fold_code(children[0], children[1], true);
    fold_code(children[1], children[0], true);
    const node &a = ast_.nodes[children[0]];
    const node &b = ast_.nodes[children[1]];
    bool ordering = n.op == operation::less || n.op == operation::less_equal;
    for (const node *side : {&a, &b}) {
        if (ordering && side->type == static_type::boolean)
            refuse_rule(rule_, side->offset,
                        "found a truth value, expected a number or a text because truth values "
                        "have no order");
    }
    if (a.op == operation::attribute && b.op == operation::attribute && a.slot == b.slot)
        ast_.warnings.push_back(
            {character_position(rule_, n.offset), "an attribute is compared with itself"});
}

void checker::check_set(const node &n) {
    auto children = ast_.children_of(n);
    for (std::size_t i = 1; i < children.size(); ++i) {
        require_same(children[1], children[i]);
        require_same(children[0], children[i]);
        fold_code(children[0], children[i], true);
    }
}

static_type checker::check(node &n) {
    auto children = ast_.children_of(n);
    switch (n.op) {
    case operation::literal:
        return type_of(n.literal);
    case operation::attribute:
        return type_of(ast_.slots[n.slot].type);
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
        fold_code(children[0], children[1], false);
        return require_all(n, static_type::text, "LIKE and INCLUDES take", static_type::boolean);
    case operation::is_missing:
        return static_type::boolean;
    case operation::lower:
    case operation::email_domain:
        return require_all(n, static_type::text, "lower() and email_domain() take",
                           static_type::text);
    }
    return static_type::any;
}

} // namespace

void check_types(std::string_view rule, rule_ast &ast) {
    checker{rule, ast}.run();
}

} // namespace saas::core::fraud
