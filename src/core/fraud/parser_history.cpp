// SPDX-License-Identifier: PostgreSQL
// Functions over history: count(FROM attempts WHERE status = 'succeeded' BY :email: OVER 24h).
#include "core/fraud/parser.hpp"

#include "core/fraud/history.hpp"
#include "core/fraud/rule_error.hpp"

#include <charconv>

namespace saas::core::fraud {
namespace {

constexpr std::int64_t k_longest_window = 3'653LL * 86'400; // ten years, in seconds

} // namespace

rule_parser::node_id rule_parser::parse_history(const token &name, aggregate what) {
    if (in_where_)
        refuse(name.offset, "functions over history do not nest");
    nesting_guard guard{*this};
    history_clause clause;
    clause.function = what;
    clause.distinct = accept_word("DISTINCT");
    if (clause.distinct && what != aggregate::count && what != aggregate::sum &&
        what != aggregate::avg)
        refuse(name.offset, "DISTINCT stands in count(), sum() and avg() only");
    parse_history_field(clause, same_word(name.words, "median"));
    expect_word("FROM");
    external_term term;
    term.kind = term_kind::history;
    term.history.function = what;
    const history_source *source = find_history_source(current_.words);
    if (!at(token_kind::word) || source == nullptr)
        refuse_expected("attempts, payments or refunds");
    term.history.source = std::string{source->name};
    advance();
    std::size_t index = ast_.histories.size();
    ast_.histories.push_back(std::move(clause));
    history_clause &kept = ast_.histories[index]; // histories do not nest, so it stays where it is
    kept.source = source;
    if (accept_word("WHERE"))
        parse_filter(kept, index);
    std::vector<node_id> children;
    expect_word("BY");
    parse_keys(kept, children);
    if (accept_word("OVER"))
        term.history.window = parse_duration();
    else if (accept_word("ALL"))
        expect_word("TIME");
    else
        refuse_expected("OVER and a duration such as 24h, or ALL TIME");
    if (accept_word("INCLUDING")) {
        expect_word("CURRENT");
        term.history.including_current = true;
    }
    expect(token_kind::close, "\")\"");
    term.history.key_count = children.size();
    children.insert(children.end(), kept.parameters.begin(), kept.parameters.end());
    term.history.sql = std::to_string(index); // until the check writes it
    return add_term(name.offset, std::move(term), children);
}

// Nothing, a field, or a field and the fraction of a percentile.
void rule_parser::parse_history_field(history_clause &clause, bool median) {
    clause.field_offset = static_cast<std::uint32_t>(current_.offset);
    if (at_word("FROM")) {
        if (clause.function != aggregate::count || clause.distinct)
            refuse_expected("a field such as amount");
        return;
    }
    if (!at(token_kind::word))
        refuse_expected(clause.function == aggregate::count ? "FROM, or a field such as amount"
                                                            : "a field such as amount");
    clause.field = std::string{current_.words};
    advance();
    if (clause.function != aggregate::percentile || median)
        return;
    expect(token_kind::comma, "\",\" and the fraction of the percentile, from 0 to 1");
    if (!at(token_kind::integer) && !at(token_kind::real))
        refuse_expected("the fraction of the percentile, from 0 to 1");
    std::size_t offset = current_.offset;
    value fraction = parse_number(false);
    clause.fraction = fraction.type == value_type::integer
                          ? static_cast<double>(fraction.integer)
                          : fraction.real;
    if (!(clause.fraction >= 0 && clause.fraction <= 1))
        refuse(offset, "fraction of a percentile out of range", "The 95th percentile is 0.95.");
}

// The nodes of the condition become SQL; its attributes are parameters.
void rule_parser::parse_filter(history_clause &clause, std::size_t index) {
    auto first = static_cast<node_id>(ast_.nodes.size());
    in_where_ = true;
    clause.filter = parse_or();
    in_where_ = false;
    for (node_id id = first; id < ast_.nodes.size(); ++id) {
        node &n = ast_.nodes[id];
        n.in_history = true;
        if (n.op == operation::attribute)
            clause.parameters.push_back(id);
        else if (n.op == operation::history_field)
            n.payload = static_cast<std::uint32_t>(index);
    }
}

void rule_parser::parse_keys(history_clause &clause, std::vector<node_id> &children) {
    do {
        if (!at(token_kind::attribute) && !at(token_kind::metadata))
            refuse_expected(":attribute: or ::metadata::, by which history is searched");
        if (children.size() == 4)
            refuse(current_.offset, "more than four keys");
        token written = current_;
        in_where_ = true; // the value that is supplied, never a computed one
        node_id key = at(token_kind::attribute) ? parse_attribute() : parse_metadata();
        in_where_ = false;
        const slot &where = ast_.slots[ast_.nodes[key].payload];
        if (where.type == attribute_type::metadata && where.path.front() != "metadata")
            refuse(written.offset, "history has no " + quoted(written.words));
        std::string field;
        for (const std::string &step : where.path)
            field.append(field.empty() ? "" : ".").append(step);
        if (!find_history_field(*clause.source, field))
            refuse(written.offset,
                   "source " + std::string{clause.source->name} + " has no " + quoted(field),
                   "Source attempts has every attribute that was supplied.");
        clause.keys.push_back(std::move(field));
        children.push_back(key);
    } while (accept(token_kind::comma));
}

// 90s, 30m, 24h, 7d, 2w, or a number and a unit in words: 30 days
std::int64_t rule_parser::parse_duration() {
    std::size_t offset = current_.offset;
    if (!at(token_kind::word) && !at(token_kind::integer))
        refuse_expected("a duration such as 30m, 24h or 7d");
    std::string_view words = current_.words;
    std::int64_t number = 0;
    auto [stop, problem] = std::from_chars(words.data(), words.data() + words.size(), number);
    std::string_view unit{stop, static_cast<std::size_t>(words.data() + words.size() - stop)};
    advance();
    if (unit.empty() && at(token_kind::word)) {
        unit = current_.words;
        advance();
    }
    std::int64_t seconds = seconds_of_unit(unit);
    if (problem != std::errc{} || seconds == 0)
        refuse(offset, "found " + quoted(words) + ", expected a duration such as 30m, 24h or 7d",
               "Units are s, m, h, d and w.");
    if (number < 1 || number > k_longest_window / seconds)
        refuse(offset, "duration out of range",
               "From one second to ten years; without a limit write ALL TIME.");
    return number * seconds;
}

rule_parser::node_id rule_parser::add_field(const token &name) {
    node_id made = add_node(operation::history_field, name.offset, {});
    ast_.nodes[made].name = keep_text(std::string{name.words}).view();
    return made;
}

} // namespace saas::core::fraud
