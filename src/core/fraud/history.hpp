// SPDX-License-Identifier: PostgreSQL
// The history that rules may ask about: its sources, their fields, and the SQL that a term becomes.
#pragma once

#include "core/fraud/ast.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace saas::core::fraud {

// A table, called h in the SQL, perhaps joined with another one, called p.
struct history_source {
    std::string_view name;
    std::string_view table; // of h, in schema saas
    std::string_view from;  // the FROM clause
    char keyed;             // the alias of the table in which keys are looked up: h or p
    std::string_view keyed_table;
    std::string_view intent; // the payment intent that a row belongs to
};

[[nodiscard]] std::span<const history_source> history_sources() noexcept;
// By name; null for another word.
[[nodiscard]] const history_source *find_history_source(std::string_view name) noexcept;

struct history_field {
    attribute_type type;
    std::string expression; // with alias, every operator qualified; text as COLLATE "C" where case is folded
    std::string index_column; // as CREATE INDEX takes it; empty for what no index holds
};

// A field by its name: a column, or an attribute that was supplied with the attempt, or metadata.key.
// Names that differ from a column's: customer (provider_customer_id), blocked (an assessment said block).
[[nodiscard]] std::optional<history_field> find_history_field(const history_source &source,
                                                              std::string_view name);
// The nearest name of a field, for a hint; empty when none is near.
[[nodiscard]] std::string_view nearest_history_field(const history_source &source,
                                                     std::string_view name);

// Checks the field and writes the SQL. The nodes of the filter have their types; fills in
// clause.readings. Throws rule_error.
void write_history(std::string_view rule, rule_ast &ast, history_clause &clause,
                   external_term &term, std::span<const std::uint32_t> arguments);

// The history terms of a rule, each once. Throws rule_error.
[[nodiscard]] std::vector<history_query> histories_of(std::string_view rule);

// The statement that makes the index a term needs, its name fitting PostgreSQL's 63 bytes.
[[nodiscard]] std::string index_statement(const history_query &query);

} // namespace saas::core::fraud
