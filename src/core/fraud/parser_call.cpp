// SPDX-License-Identifier: PostgreSQL
// Literals, attributes and functions. Functions over history: parser_history.cpp.
#include "core/fraud/parser.hpp"

#include "core/fraud/radar.hpp"
#include "core/fraud/rule_error.hpp"

#include <algorithm>
#include <charconv>

namespace saas::core::fraud {
namespace {

constexpr std::string_view k_scopes[] = {"customer", "order", "destination"};

std::vector<std::string> split_path(std::string_view name) {
    std::vector<std::string> path;
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
        path.emplace_back(name.substr(0, dot));
        name.remove_prefix(dot + 1);
    }
    path.emplace_back(name);
    return path;
}

bool is_currency(std::string_view code) noexcept {
    return code.size() == 3 && std::all_of(code.begin(), code.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
           });
}

std::string in_upper_case(std::string_view words) {
    std::string out{words};
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return out;
}

} // namespace

rule_parser::node_id rule_parser::parse_word() {
    if (at_word("TRUE") || at_word("FALSE"))
        return parse_literal();
    token name = current_;
    advance();
    if (accept(token_kind::open))
        return parse_call(name);
    if (in_where_)
        return add_field(name);
    current_ = name; // only to report it
    refuse_expected(
        k_operand_words, find_attribute(name.words) != nullptr
                       ? "Attributes are written between colons: :" + std::string{name.words} + ":."
                       : "");
}

rule_parser::node_id rule_parser::parse_call(const token &name) {
    if (auto what = find_aggregate(name.words))
        return parse_history(name, *what);
    const function_spec *function = find_function(name.words);
    if (function == nullptr) {
        std::string_view near = nearest_function(name.words);
        refuse(name.offset, "unknown function " + quoted(name.words),
               near.empty() ? "" : "Did you mean " + std::string{near} + "()?");
    }
    switch (function->shape) {
    case call_shape::operands:
        return parse_operands(name, *function);
    case call_shape::name:
    case call_shape::currency:
        return parse_named(name, *function);
    case call_shape::clock:
        return parse_clock(name, *function);
    }
    return 0;
}

rule_parser::node_id rule_parser::parse_operands(const token &name, const function_spec &function) {
    std::vector<node_id> operands;
    do {
        operands.push_back(parse_or());
    } while (operands.size() < function.most && accept(token_kind::comma));
    if (operands.size() < function.least)
        refuse_expected("\",\" and another operand: " + std::string{function.name} + "() takes " +
                        std::to_string(function.least));
    expect(token_kind::close, operands.size() < function.most ? "\",\" or \")\"" : "\")\"");
    if (function.term) {
        external_term term;
        term.kind = *function.term;
        return add_term(name.offset, std::move(term), operands);
    }
    // Several networks: one after the other.
    if (function.op == operation::cidr_match && operands.size() > 2) {
        std::vector<node_id> parts;
        for (std::size_t i = 1; i < operands.size(); ++i)
            parts.push_back(add_node(function.op, name.offset, {operands[0], operands[i]}));
        return add_node(operation::logical_or, name.offset, parts);
    }
    return add_node(function.op, name.offset, operands);
}

rule_parser::node_id rule_parser::parse_named(const token &name, const function_spec &function) {
    bool currency = function.shape == call_shape::currency;
    // A currency may stand without quotes: amount_in(usd).
    if (!at(token_kind::text) && !(currency && at(token_kind::word)))
        refuse_expected(currency ? "a currency in quotes" : "a name in quotes");
    std::string words = at(token_kind::text) ? unquoted(current_) : std::string{current_.words};
    if (currency && !is_currency(words))
        refuse(current_.offset, quoted(words) + " is not a currency",
               "Currencies are three letters: amount_in('EUR').");
    if (words.empty() || words.size() > 200)
        refuse(current_.offset, "a name has 1 to 200 bytes");
    advance();
    expect(token_kind::close, "\")\"");
    if (currency)
        return add_amount(name.offset, words);
    if (function.op == operation::rule_hit) {
        if (in_where_)
            refuse(name.offset, "rule_hit() cannot stand in WHERE");
        node_id made = add_node(operation::rule_hit, name.offset, {});
        ast_.nodes[made].name = keep_text(std::move(words)).view();
        return made;
    }
    external_term term;
    term.kind = *function.term;
    term.name = std::move(words);
    return add_term(name.offset, std::move(term), {});
}

rule_parser::node_id rule_parser::add_amount(std::size_t offset, std::string_view currency) {
    external_term term;
    term.kind = term_kind::amount;
    term.name = in_upper_case(currency);
    node_id arguments[] = {add_slot(offset, {attribute_type::number, {"amount"}}),
                           add_slot(offset, {attribute_type::code, {"currency"}})};
    return add_term(offset, std::move(term), arguments);
}

// hour(), hour('Europe/Berlin'), hour(:customer.created_at:, 'Europe/Berlin')
rule_parser::node_id rule_parser::parse_clock(const token &name, const function_spec &function) {
    external_term term;
    term.kind = *function.term;
    term.name = "UTC";
    node_id when = 0;
    bool given = false;
    // A text alone is the zone; before a comma it is a moment.
    lexer ahead = lexer_;
    bool zone_first = at(token_kind::text) && ahead.next().kind != token_kind::comma;
    if (!at(token_kind::close) && !zone_first) {
        when = add_node(operation::to_moment, name.offset, {parse_or()});
        given = true;
        if (!at(token_kind::close))
            expect(token_kind::comma, "\",\" and a time zone in quotes, or \")\"");
    }
    if (at(token_kind::text)) {
        term.name = unquoted(current_);
        if (term.name.empty() || term.name.size() > 100)
            refuse(current_.offset, "a time zone has 1 to 100 bytes",
                   "For instance 'Europe/Berlin'.");
        advance();
    } else if (!at(token_kind::close)) {
        refuse_expected("a time zone in quotes");
    }
    expect(token_kind::close, "\")\"");
    if (!given)
        when = add_node(operation::now, name.offset, {});
    return add_term(name.offset, std::move(term), std::span{&when, 1});
}

rule_parser::node_id rule_parser::parse_attribute() {
    token written = current_;
    const attribute *known = find_attribute(written.body);
    std::optional<std::string> meaning = radar_meaning(written.body);
    if (known == nullptr && !meaning) {
        std::string_view near = nearest_attribute(written.body);
        refuse(written.offset, "unknown attribute " + quoted(written.words),
               !near.empty() ? "Did you mean :" + std::string{near} + ":?"
               : is_velocity_name(written.body)
                   ? "Functions over history say what is counted: count(FROM attempts BY :email: "
                     "OVER 24h)."
                   : "Values of your own are metadata: ::key::.");
    }
    advance();
    attribute_type type = known != nullptr ? known->type : attribute_type::number;
    std::string_view path =
        known != nullptr && !known->same_as.empty() ? known->same_as : written.body;
    node_id supplied = add_slot(written.offset, {type, split_path(path)});
    if (!meaning || meaning->empty())
        return supplied;
    return expand(written.offset, supplied, std::move(*meaning));
}

// An attribute that the rules can compute themselves when nobody supplies it: the first of both.
rule_parser::node_id rule_parser::expand(std::size_t offset, node_id supplied, std::string text) {
    if (in_where_)
        return supplied;
    lexer before = lexer_;
    token after = current_;
    bool outermost = !pinned_offset_;
    if (outermost)
        pinned_offset_ = offset;
    lexer_ = lexer{keep_text(std::move(text)).view()};
    advance();
    node_id computed = parse_sum();
    if (outermost)
        pinned_offset_.reset();
    lexer_ = before;
    current_ = after;
    return add_node(operation::otherwise, offset, {supplied, computed});
}

rule_parser::node_id rule_parser::parse_metadata() {
    token written = current_;
    std::string_view key = written.body;
    std::string object{"metadata"};
    if (std::size_t colon = key.find(':'); colon != std::string_view::npos) {
        std::string_view scope = key.substr(0, colon);
        if (std::find(std::begin(k_scopes), std::end(k_scopes), scope) == std::end(k_scopes))
            refuse(written.offset, "unknown kind of metadata " + quoted(scope),
                   "Metadata is written ::key::, ::customer:key::, ::order:key:: or "
                   "::destination:key::.");
        object = std::string{scope} + "_metadata";
        key.remove_prefix(colon + 1);
    }
    if (key.empty())
        refuse(written.offset, "metadata without a key");
    advance();
    return add_slot(written.offset,
                    {attribute_type::metadata, {std::move(object), std::string{key}}});
}

rule_parser::node_id rule_parser::parse_literal() {
    std::size_t offset = current_.offset;
    if (at(token_kind::text)) {
        value text = keep_text(unquoted(current_));
        advance();
        return add_literal(offset, text);
    }
    if (at_word("TRUE") || at_word("FALSE")) {
        bool truth = at_word("TRUE");
        advance();
        return add_literal(offset, value::of(truth));
    }
    bool negative = accept(token_kind::minus);
    if (!at(token_kind::integer) && !at(token_kind::real))
        refuse_expected("a number, a text in quotes, TRUE or FALSE");
    return add_literal(offset, parse_number(negative));
}

value rule_parser::parse_number(bool negative) {
    const char *end = current_.words.data() + current_.words.size();
    value number;
    std::errc problem{};
    if (at(token_kind::integer)) {
        std::int64_t whole = 0;
        problem = std::from_chars(current_.words.data(), end, whole).ec;
        number = value::of(negative ? -whole : whole);
    } else {
        double real = 0;
        problem = std::from_chars(current_.words.data(), end, real).ec;
        number = value::of(negative ? -real : real);
    }
    if (problem != std::errc{})
        refuse(current_.offset, "number " + quoted(current_.words) + " out of range",
               "Whole numbers reach to 9223372036854775807.");
    advance();
    return number;
}

} // namespace saas::core::fraud
