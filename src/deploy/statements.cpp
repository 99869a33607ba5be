// SPDX-License-Identifier: PostgreSQL
#include "deploy/statements.hpp"

#include <optional>

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"          // CommandCounterIncrement
#include "catalog/namespace.h"    // NameListToQuotedString
#include "catalog/pg_proc.h"      // PROKIND_PROCEDURE
#include "nodes/parsenodes.h"     // RawStmt, CreateFunctionStmt, ViewStmt, …
#include "parser/parse_func.h"    // LookupFuncName
#include "parser/parse_type.h"    // typenameTypeId
#include "parser/parser.h"        // raw_parser
#include "utils/lsyscache.h"      // get_func_prokind
#include "utils/regproc.h"        // format_procedure_qualified
#include "utils/builtins.h"       // quote_qualified_identifier
}

namespace saas::deploy {
namespace {

constexpr int k_statement_shown = 120; // characters of a failing statement that the detail repeats

// One statement of a file: where it stands and what it is.
struct statement {
    std::size_t offset;
    std::size_t length;
    Node *node;
};

// Adds "File …, line …, statement: …" to the error's detail and lets it go on.
[[noreturn]] void fail_at(const pg::pg_error &failure, const sql_file &file, const std::string &sql,
                          std::size_t offset, std::string text) {
    int position = failure.data->internalpos > 0 ? failure.data->internalpos
                                                 : failure.data->cursorpos;
    std::size_t at = core::deploy::skip_characters(sql, offset, position > 0 ? position - 1 : 0);
    int line = core::deploy::line_of(sql, at);
    std::size_t shown = core::deploy::skip_characters(text, 0, k_statement_shown);
    if (shown < text.size())
        text = text.substr(0, shown) + "...";
    std::string detail = "File " + file.path + ", line " + std::to_string(line);
    if (!text.empty())
        detail += ", statement: " + text;
    if (failure.data->detail != nullptr)
        detail += std::string{"\n"} + failure.data->detail;
    pg::call([&] {
        failure.data->detail = pstrdup(detail.c_str());
        failure.data->internalquery = nullptr;
        failure.data->internalpos = 0;
        failure.data->cursorpos = 0;
    });
    throw failure;
}

std::vector<statement> split(const sql_file &file, const std::string &sql) {
    List *parsed = nullptr;
    try {
        parsed = pg::call([&] { return raw_parser(sql.c_str(), RAW_PARSE_DEFAULT); });
    } catch (const pg::pg_error &failure) {
        fail_at(failure, file, sql, 0, {});
    }
    std::vector<statement> statements;
    for (int i = 0; i < list_length(parsed); ++i) {
        auto *raw = static_cast<RawStmt *>(list_nth(parsed, i));
        auto begin = static_cast<std::size_t>(raw->stmt_location);
        std::size_t end = raw->stmt_len > 0 ? begin + static_cast<std::size_t>(raw->stmt_len)
                                            : sql.size();
        begin = core::deploy::skip_blank(sql, begin);
        statements.push_back({begin, end - begin, raw->stmt});
    }
    return statements;
}

// `name ON schema.table`, for triggers and policies.
std::string on_table(const char *name, const RangeVar *table) {
    char *identity = pg::call([&] {
        return psprintf("%s ON %s", quote_identifier(name),
                        quote_qualified_identifier(table->schemaname, table->relname));
    });
    return identity;
}

// The signature of the function that the statement made. Plain data only: called through pg::call.
char *signature_unsafe(const CreateFunctionStmt *create) {
    Oid types[FUNC_MAX_ARGS];
    int count = 0;
    ListCell *cell;
    foreach (cell, create->parameters) {
        auto *parameter = static_cast<FunctionParameter *>(lfirst(cell));
        if (parameter->mode != FUNC_PARAM_OUT && parameter->mode != FUNC_PARAM_TABLE)
            types[count++] = typenameTypeId(nullptr, parameter->argType);
    }
    Oid function = LookupFuncName(create->funcname, count, types, false);
    return format_procedure_qualified(function);
}

std::optional<defined_object> object_of(Node *node) {
    if (IsA(node, CreateFunctionStmt)) {
        auto *create = reinterpret_cast<CreateFunctionStmt *>(node);
        char *signature = pg::call([&] { return signature_unsafe(create); });
        return defined_object{create->is_procedure ? "procedure" : "function", signature};
    }
    if (IsA(node, ViewStmt)) {
        auto *create = reinterpret_cast<ViewStmt *>(node);
        const char *name = pg::call([&] {
            return quote_qualified_identifier(create->view->schemaname, create->view->relname);
        });
        return defined_object{"view", name};
    }
    if (IsA(node, CreateTrigStmt)) {
        auto *create = reinterpret_cast<CreateTrigStmt *>(node);
        return defined_object{"trigger", on_table(create->trigname, create->relation)};
    }
    if (IsA(node, CreatePolicyStmt)) {
        auto *create = reinterpret_cast<CreatePolicyStmt *>(node);
        return defined_object{"policy", on_table(create->policy_name, create->table)};
    }
    return std::nullopt;
}

} // namespace

std::vector<defined_object> run_file(pg::spi &connection, const sql_file &file,
                                     const std::vector<core::deploy::renamed_role> &roles) {
    std::string sql = core::deploy::rename_roles(file.text, roles);
    std::vector<defined_object> objects;
    for (const statement &part : split(file, sql)) {
        std::string text = sql.substr(part.offset, part.length);
        try {
            if (IsA(part.node, TransactionStmt))
                throw core::error{core::k_invalid_parameter_value,
                                  "a file of the package cannot control transactions"};
            if (IsA(part.node, CreatePolicyStmt)) {
                auto *create = reinterpret_cast<CreatePolicyStmt *>(part.node);
                connection.execute("DROP POLICY IF EXISTS " +
                                   on_table(create->policy_name, create->table));
            }
            connection.execute(text);
            if (auto object = object_of(part.node))
                objects.push_back(*object);
        } catch (const pg::pg_error &failure) {
            fail_at(failure, file, sql, part.offset, text);
        }
    }
    return objects;
}

} // namespace saas::deploy
