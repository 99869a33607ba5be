// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/erasure_plan.hpp"

#include <charconv>
#include <cmath>

namespace saas::core::privacy {
namespace {

[[noreturn]] void refuse(const char *what, std::size_t number) {
    throw error{k_invalid_parameter_value, std::string{what} + " number " + std::to_string(number) +
                                               " of the graph cannot be read"};
}

// Takes the next word of the text; empty at its end.
std::string_view take_word(std::string_view &text) {
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

bool read_number(std::string_view word, double &out) {
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), out);
    return problem == std::errc{} && end == word.data() + word.size() && std::isfinite(out) && out >= 0;
}

bool read_number(std::string_view word, std::size_t &out) {
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), out);
    return problem == std::errc{} && end == word.data() + word.size();
}

bool read_flags(std::string_view word, plan_edge &out) {
    for (char flag : word) {
        switch (flag) {
        case 'k':
            out.is_key = true;
            break;
        case 'n':
            out.is_nullable = true;
            break;
        case 'd':
            out.is_deferrable = true;
            break;
        case 'i':
            out.is_indexed = true;
            break;
        case '-':
            break;
        default:
            return false;
        }
    }
    return !word.empty();
}

} // namespace

erasure_graph read_graph(const std::vector<std::string> &tables, const std::vector<std::string> &edges,
                         std::int64_t root) {
    erasure_graph graph;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        std::string_view text = tables[i];
        plan_table table;
        if (!read_number(take_word(text), table.rows) || !read_number(take_word(text), table.pages) ||
            !take_word(text).empty())
            refuse("table", i);
        graph.tables.push_back(table);
    }
    for (std::size_t i = 0; i < edges.size(); ++i) {
        std::string_view text = edges[i];
        plan_edge edge;
        if (!read_number(take_word(text), edge.child) || !read_number(take_word(text), edge.parent) ||
            !read_flags(take_word(text), edge) || !read_number(take_word(text), edge.rows_per_key) ||
            !take_word(text).empty())
            refuse("edge", i);
        graph.edges.push_back(edge);
    }
    if (root < 0)
        throw error{k_invalid_parameter_value, "the root of the graph is negative"};
    graph.root = static_cast<std::size_t>(root);
    return graph;
}

} // namespace saas::core::privacy
