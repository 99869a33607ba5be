// SPDX-License-Identifier: PostgreSQL
// From a history term to SQL. Every function and operator is qualified, so that no search_path can put
// another one in its place, and nothing that a row holds makes the statement fail.
#include "core/fraud/history.hpp"
#include "core/fraud/operations.hpp"
#include "core/fraud/rule_error.hpp"
#include "core/sha256.hpp"

#include <array>
#include <charconv>

namespace saas::core::fraud {
namespace {

constexpr unsigned k_max_filter_depth = 50;
// A number of a row or a rule has up to 324 digits, a quotient up to 1,000 more; numeric holds 131,072.
constexpr unsigned k_max_products = 50;
// Divisors are written twice, so one within the other makes the text double.
constexpr std::size_t k_max_filter_length = 262'144;
constexpr std::size_t k_max_arguments = 60;

std::string operated(const std::string &a, std::string_view op, const std::string &b) {
    return "(" + a + " OPERATOR(pg_catalog." + std::string{op} + ") " + b + ")";
}

std::string quoted_text(std::string_view words) {
    std::string out = "E'";
    for (char c : words) {
        if (c == '\'' || c == '\\')
            out.push_back('\\');
        out.push_back(c);
    }
    return out + "'::pg_catalog.text";
}

std::string number_text(const value &number) {
    char digits[32];
    char *end = number.type == value_type::integer
                    ? std::to_chars(digits, digits + sizeof(digits), number.integer).ptr
                    : std::to_chars(digits, digits + sizeof(digits), number.real).ptr;
    return "'" + std::string{digits, end} + "'::pg_catalog.numeric";
}

// A number that a text spells, NULL for other texts.
std::string number_in_text(const std::string &text) {
    return "CASE WHEN " + text +
           " OPERATOR(pg_catalog.~) '^-?[0-9]{1,100}([.][0-9]{1,100})?$' THEN " + text +
           "::pg_catalog.numeric END";
}

class filter_writer {
public:
    filter_writer(std::string_view rule, const rule_ast &ast, history_clause &clause)
        : rule_{rule}, ast_{ast}, clause_{clause} {}

    // The node as SQL of the type that its context reads it as.
    [[nodiscard]] std::string write(std::uint32_t id, static_type wanted) {
        std::string out = write_node(id, wanted);
        if (out.size() > k_max_filter_length)
            refuse_rule(rule_, ast_.nodes[id].offset, "the condition of WHERE is too long",
                        "Divide by something simpler, or split the condition.");
        return out;
    }

private:
    [[nodiscard]] std::string write_node(std::uint32_t id, static_type wanted);
    [[nodiscard]] std::string write_parameter(std::uint32_t id, static_type wanted);
    [[nodiscard]] std::string write_field(const node &n, static_type wanted);
    [[nodiscard]] std::string write_comparison(const node &n, std::string_view op);
    [[nodiscard]] std::string write_set(const node &n);
    [[nodiscard]] std::string write_like(const node &n);
    [[nodiscard]] std::string write_logic(const node &n);
    [[nodiscard]] std::string write_arithmetic(const node &n);
    // Both operands as numbers when one is, else as truth values when one is, else as texts.
    [[nodiscard]] static_type common_type(std::span<const std::uint32_t> ids) const;

    std::string_view rule_;
    const rule_ast &ast_;
    history_clause &clause_;
    unsigned products_ = 0;
};

static_type filter_writer::common_type(std::span<const std::uint32_t> ids) const {
    auto common = static_type::text;
    for (std::uint32_t id : ids) {
        if (ast_.nodes[id].type == static_type::number)
            return static_type::number;
        if (ast_.nodes[id].type == static_type::boolean)
            common = static_type::boolean;
    }
    return common;
}

std::string filter_writer::write_parameter(std::uint32_t id, static_type wanted) {
    std::size_t place = 0;
    while (clause_.parameters[place] != id)
        ++place;
    clause_.readings[clause_.keys.size() + place] = wanted;
    std::string out = "$" + std::to_string(4 + clause_.keys.size() + place);
    if (wanted == static_type::number)
        return out + "::pg_catalog.numeric";
    return wanted == static_type::boolean ? out + "::pg_catalog.bool" : out;
}

std::string filter_writer::write_field(const node &n, static_type wanted) {
    history_field field = *find_history_field(*clause_.source, n.name);
    if (field.type == attribute_type::metadata && wanted == static_type::number)
        return number_in_text(field.expression);
    if (field.type == attribute_type::metadata && wanted == static_type::boolean)
        return "(pg_catalog.lower(" + field.expression + ") OPERATOR(pg_catalog.=) 'true')";
    if (field.type == attribute_type::number)
        return "(" + field.expression + ")::pg_catalog.numeric";
    return field.expression;
}

std::string filter_writer::write_comparison(const node &n, std::string_view op) {
    auto children = ast_.children_of(n);
    static_type common = common_type(children);
    std::string left = write(children[0], common);
    if (common == static_type::text)
        left = "(" + left + " COLLATE pg_catalog.\"C\")";
    return operated(left, op, write(children[1], common));
}

std::string filter_writer::write_set(const node &n) {
    auto children = ast_.children_of(n);
    static_type common = common_type(children);
    std::string members;
    for (std::uint32_t member : children.subspan(1))
        members.append(members.empty() ? "" : ", ").append(write(member, common));
    return "(" + write(children[0], common) + " OPERATOR(pg_catalog.=) ANY (ARRAY[" + members +
           "]))";
}

// A backslash at the end stands for itself here and is an error there.
std::string filter_writer::write_like(const node &n) {
    auto children = ast_.children_of(n);
    std::string pattern{ast_.nodes[children[1]].literal.view()};
    std::size_t slashes = 0;
    while (slashes < pattern.size() && pattern[pattern.size() - 1 - slashes] == '\\')
        ++slashes;
    if (slashes % 2 == 1)
        pattern.push_back('\\');
    return operated("(" + write(children[0], static_type::text) + " COLLATE pg_catalog.\"C\")",
                    "~~", quoted_text(pattern));
}

std::string filter_writer::write_logic(const node &n) {
    std::string out = n.op == operation::logical_not ? "(NOT " : "(";
    bool first = true;
    for (std::uint32_t child : ast_.children_of(n)) {
        if (!first)
            out += n.op == operation::logical_and ? " AND " : " OR ";
        out += write(child, static_type::boolean);
        first = false;
    }
    return out + ")";
}

std::string filter_writer::write_arithmetic(const node &n) {
    auto children = ast_.children_of(n);
    if (n.op == operation::multiply || n.op == operation::divide)
        ++products_;
    if (products_ > k_max_products)
        refuse_rule(rule_, n.offset, "the condition of WHERE has more than 50 products and quotients");
    std::string left = write(children[0], static_type::number);
    if (n.op == operation::negate)
        return "(OPERATOR(pg_catalog.-) " + left + ")";
    std::string right = write(children[1], static_type::number);
    if (n.op == operation::divide || n.op == operation::modulo)
        return "CASE WHEN " + right + " OPERATOR(pg_catalog.<>) 0 THEN " +
               operated(left, n.op == operation::divide ? "/" : "%", right) + " END";
    return operated(left,
                    n.op == operation::add        ? "+"
                    : n.op == operation::subtract ? "-"
                                                  : "*",
                    right);
}

std::string filter_writer::write_node(std::uint32_t id, static_type wanted) {
    const node &n = ast_.nodes[id];
    switch (n.op) {
    case operation::literal:
        if (n.literal.type == value_type::boolean)
            return n.literal.is_true() ? "TRUE" : "FALSE";
        return n.literal.is_number() ? number_text(n.literal) : quoted_text(n.literal.view());
    case operation::attribute:
        return write_parameter(id, wanted);
    case operation::history_field:
        return write_field(n, wanted);
    case operation::equal:
        return write_comparison(n, "=");
    case operation::not_equal:
        return write_comparison(n, "<>");
    case operation::less:
        return write_comparison(n, "<");
    case operation::less_equal:
        return write_comparison(n, "<=");
    case operation::in_set:
        return write_set(n);
    case operation::like:
        return write_like(n);
    case operation::includes:
        return "(pg_catalog.strpos(" + write(ast_.children_of(n)[0], static_type::text) + ", " +
               write(ast_.children_of(n)[1], static_type::text) + ") OPERATOR(pg_catalog.>) 0)";
    case operation::is_missing:
        return "(" + write(ast_.children_of(n)[0], ast_.nodes[ast_.children_of(n)[0]].type) +
               " IS NULL)";
    case operation::lower:
        return "pg_catalog.lower((" + write(ast_.children_of(n)[0], static_type::text) +
               ") COLLATE pg_catalog.\"C\")";
    case operation::logical_and:
    case operation::logical_or:
    case operation::logical_not:
        return write_logic(n);
    case operation::negate:
    case operation::add:
    case operation::subtract:
    case operation::multiply:
    case operation::divide:
    case operation::modulo:
        return write_arithmetic(n);
    default:
        refuse_rule(rule_, n.offset, "this function cannot be used in WHERE",
                    "WHERE knows comparisons, IN, LIKE, INCLUDES, IS MISSING, AND, OR, NOT, "
                    "arithmetic and lower().");
    }
}

// What the statement selects; `order` is what follows the conditions.
std::string selection(const history_clause &clause, const history_field &field,
                      std::string &order) {
    std::string number = field.type == attribute_type::number
                             ? "(" + field.expression + ")::pg_catalog.numeric"
                             : field.expression;
    std::string distinct = clause.distinct ? "DISTINCT " : "";
    switch (clause.function) {
    case aggregate::count:
        return "pg_catalog.count(" +
               (clause.field.empty() ? std::string{"*"} : distinct + field.expression) + ")";
    case aggregate::sum:
        return "COALESCE(pg_catalog.sum(" + distinct + number + "), 0)";
    case aggregate::avg:
        return "pg_catalog.avg(" + distinct + number + ")::pg_catalog.float8";
    case aggregate::stddev:
        return "pg_catalog.stddev_samp(" + number + ")::pg_catalog.float8";
    case aggregate::percentile: {
        char digits[32];
        char *end = std::to_chars(digits, digits + sizeof(digits), clause.fraction).ptr;
        return "pg_catalog.percentile_cont('" + std::string{digits, end} +
               "'::pg_catalog.float8) WITHIN GROUP (ORDER BY (" + field.expression +
               ")::pg_catalog.float8)";
    }
    case aggregate::min:
    case aggregate::max: {
        std::string ordered = field.type == attribute_type::number
                                  ? number
                                  : "(" + field.expression + ") COLLATE pg_catalog.\"C\"";
        return std::string{clause.function == aggregate::min ? "pg_catalog.min("
                                                             : "pg_catalog.max("} +
               ordered + ")";
    }
    case aggregate::first:
    case aggregate::last: {
        std::string way = clause.function == aggregate::last ? " DESC" : "";
        order = " AND (" + field.expression + ") IS NOT NULL ORDER BY h.created_at" + way +
                ", h.id" + way + " LIMIT 1";
        return number;
    }
    }
    return {};
}

history_field field_of(std::string_view rule, const history_clause &clause) {
    if (clause.field.empty())
        return {attribute_type::number, "", ""};
    auto field = find_history_field(*clause.source, clause.field);
    if (!field) {
        std::string_view near = nearest_history_field(*clause.source, clause.field);
        refuse_rule(rule, clause.field_offset,
                    "source " + std::string{clause.source->name} + " has no " +
                        quoted(clause.field),
                    near.empty() ? "" : "Did you mean " + std::string{near} + "?");
    }
    bool arithmetic = clause.function == aggregate::sum || clause.function == aggregate::avg ||
                      clause.function == aggregate::stddev ||
                      clause.function == aggregate::percentile;
    bool ordered = clause.function == aggregate::min || clause.function == aggregate::max;
    if ((arithmetic && field->type != attribute_type::number) ||
        (ordered && field->type == attribute_type::boolean))
        refuse_rule(rule, clause.field_offset,
                    quoted(clause.field) + " is not " +
                        (arithmetic ? "a number" : "a number or a text"),
                    "Any field can be counted: count(DISTINCT " + clause.field + " FROM …).");
    return *field;
}

std::string key_condition(const history_field &field, std::size_t parameter) {
    std::string given = "$" + std::to_string(parameter);
    if (field.type == attribute_type::number)
        return operated("(" + field.expression + ")::pg_catalog.numeric", "=",
                        given + "::pg_catalog.numeric");
    if (field.type == attribute_type::boolean)
        return operated(field.expression, "=", given + "::pg_catalog.bool");
    return operated(field.expression, "=", given);
}

} // namespace

void write_history(std::string_view rule, rule_ast &ast, history_clause &clause,
                   external_term &term, std::span<const std::uint32_t> arguments) {
    history_query &query = term.history;
    const history_source &source = *clause.source;
    if (arguments.size() > k_max_arguments)
        refuse_rule(rule, ast.nodes[arguments[k_max_arguments]].offset,
                    "a function over history has more than 60 attributes");
    clause.readings.assign(arguments.size(), static_type::text);
    if (clause.filter && ast.nodes[*clause.filter].depth > k_max_filter_depth)
        refuse_rule(rule, ast.nodes[*clause.filter].offset,
                    "the condition of WHERE has more than 50 operators on one another");
    history_field field = field_of(rule, clause);
    query.index_columns.assign({"team_id"});
    std::string where = " WHERE h.team_id OPERATOR(pg_catalog.=) $1";
    if (source.keyed != 'h')
        where += " AND p.team_id OPERATOR(pg_catalog.=) $1";
    for (std::size_t i = 0; i < clause.keys.size(); ++i) {
        history_field key = *find_history_field(source, clause.keys[i]);
        where += " AND " + key_condition(key, 4 + i);
        if (!key.index_column.empty())
            query.index_columns.push_back(key.index_column);
        clause.readings[i] = key.type == attribute_type::number    ? static_type::number
                             : key.type == attribute_type::boolean ? static_type::boolean
                                                                   : static_type::text;
    }
    if (source.keyed == 'h')
        query.index_columns.emplace_back("created_at");
    where += " AND h.created_at OPERATOR(pg_catalog.<=) $2";
    if (query.window > 0)
        where += " AND h.created_at OPERATOR(pg_catalog.>) ($2 OPERATOR(pg_catalog.-) '" +
                 std::to_string(query.window) + " seconds'::pg_catalog.interval)";
    if (!query.including_current) {
        std::string intent{source.intent};
        where += " AND ($3 IS NULL OR " + intent + " IS NULL OR " +
                 operated(intent, "<>", "$3") + ")";
    }
    if (clause.filter)
        where += " AND " +
                 filter_writer{rule, ast, clause}.write(*clause.filter, static_type::boolean);
    std::string order;
    std::string selected = selection(clause, field, order);
    query.table = std::string{source.keyed_table};
    query.sql = "SELECT " + selected + " FROM " + std::string{source.from} + where + order;
}

std::string index_statement(const history_query &query) {
    std::string columns;
    for (const std::string &column : query.index_columns) {
        bool plain = column.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
                     std::string::npos;
        columns.append(columns.empty() ? "" : ", ");
        columns.append(plain ? column : "(" + column + ")");
    }
    std::string digest = to_hex(sha256(bytes_of(columns))).substr(0, 12);
    return "CREATE INDEX CONCURRENTLY IF NOT EXISTS " + query.table + "_fraud_" + digest +
           "_idx ON saas." + query.table + " (" + columns + ")";
}

} // namespace saas::core::fraud
