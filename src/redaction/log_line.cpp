// SPDX-License-Identifier: PostgreSQL
#include "redaction/log_line.hpp"

#include "core/redaction/sql_text.hpp"
#include "redaction/catalog.hpp"
#include "redaction/known_texts.hpp"
#include "redaction/met_names.hpp"
#include "redaction/state.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"          // IsTransactionState
#include "lib/stringinfo.h"       // StringInfoData
#include "replication/walsender.h" // am_walsender
#include "tcop/tcopprot.h"        // debug_query_string
#include "utils/memutils.h"       // AllocSetContextCreate
}

namespace saas::redaction {
namespace {

MemoryContext scratch = nullptr; // for one line

constexpr const char *k_withheld =
    "Statement, parameters and values are withheld, since the statement handles secrets.";

bool begins(const char *text, const char *with) {
    return text != nullptr && std::strncmp(text, with, std::strlen(with)) == 0;
}

bool is(const char *text, const char *other) {
    return text != nullptr && std::strcmp(text, other) == 0;
}

// Whether the catalog may be read for this line: the line that announces a statement, and errors of
// the parser. Other lines can come from anywhere, also while locks of the server's memory are held.
bool may_read_catalog(const ErrorData *line) {
    if (!IsTransactionState())
        return false;
    if (line->elevel < ERROR)
        return is(line->message_id, "statement: %s") && InterruptHoldoffCount == 0;
    const int category = ERRCODE_TO_CATEGORY(line->sqlerrcode);
    return line->elevel == ERROR && line->cursorpos > 0 &&
           (category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
            category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_FEATURE_NOT_SUPPORTED);
}

// The client's statement when it was not analysed, or is unknown by now.
bool unknown_is_secret(const ErrorData *line, const char *text) {
    if (!may_read_catalog(line))
        return may_have_package() && !am_walsender && may_handle_secrets(text);
    HOLD_INTERRUPTS();
    const bool secret = text_handles_secrets_unsafe(text);
    RESUME_INTERRUPTS();
    return secret;
}

bool shows_secret(const ErrorData *line) {
    const char *text = debug_query_string;
    if (text == nullptr ? in_secret_call() : is_secret_text(text))
        return true;
    // auto_explain reports a portal when the message that ran it is done.
    if (text == nullptr && line->message != nullptr &&
        std::strstr(line->message, core::redaction::k_masked_prefix.data()) != nullptr)
        return true;
    if (text != nullptr && !is_harmless(text) && unknown_is_secret(line, text)) {
        if (line->elevel < ERROR)
            found_secret(text);
        else
            hide_activity(); // what was not analysed may have the secret in the place of a name
        return true;
    }
    return (line->internalquery != nullptr &&
            names_secrets(line->internalquery, unanalysed::yes)) ||
           (line->context != nullptr && names_secrets(line->context, unanalysed::no));
}

// What the server frees after the line lies in its context.
void replace(const ErrorData *line, char *&field, const char *text) {
    char *former = field;
    field = text == nullptr ? nullptr : MemoryContextStrdup(line->assoc_context, text);
    if (former != nullptr)
        pfree(former);
}

// Whether a message of the library, which by rule holds no values.
bool is_own_message(const ErrorData *line) { return is(line->filename, "boundary.cpp"); }

// Of the class of the package's errors. Functions of the application may raise it, too, as when they pass on
// the state of an error with a message of their own.
bool has_own_state(const ErrorData *line) { return begins(unpack_sql_state(line->sqlerrcode), "SA"); }

// "duration: 0.123 ms" of the message, followed by the statement.
char *timed(const ErrorData *line, const char *statement) {
    const char *end = std::strstr(line->message, " ms");
    return end == nullptr ? pstrdup("duration withheld")
                          : psprintf("%.*s ms  %s", static_cast<int>(end - line->message),
                                     line->message, statement);
}

char *safe_message(const ErrorData *line, const char *statement) {
    const char *format = line->message_id;
    if (is(format, "statement: %s"))
        return psprintf("statement: %s", statement);
    if (is(format, "%s %s%s%s: %s"))
        return psprintf("execute: %s", statement);
    if (is(format, "duration: %s ms") || is_own_message(line))
        return pstrdup(line->message);
    if (begins(format, "duration: %.3f ms  plan"))
        return timed(line, "plan withheld");
    if (begins(format, "duration: %s ms"))
        return timed(line, psprintf("statement: %s", statement));
    if (has_own_state(line))
        return psprintf("%s, see errors.md of pg_saas", unpack_sql_state(line->sqlerrcode));
    if (format == nullptr || is(format, "%s"))
        return pstrdup("message withheld");
    return pstrdup(format); // says what happened, with the places of the values
}

void withhold(ErrorData *line) {
    if (line->output_to_client) {
        line->output_to_server = false;
        EmitErrorReport();
        line->output_to_server = true;
        line->output_to_client = false;
    }
    const char *text = debug_query_string;
    char *statement =
        text == nullptr ? pstrdup("withheld") : masked_copy(text, CurrentMemoryContext);
    for (std::size_t i = std::strlen(statement); i > 0 && statement[i - 1] == ' '; --i)
        statement[i - 1] = '\0'; // the filling of a masked text
    char *message = safe_message(line, statement);
    const bool announces = line->elevel < ERROR && line->message_id != nullptr &&
                           (begins(line->message_id, "duration") ||
                            is(line->message_id, "statement: %s") ||
                            is(line->message_id, "%s %s%s%s: %s"));
    if (!is_own_message(line))
        replace(line, line->hint, nullptr);
    replace(line, line->message, message);
    replace(line, line->detail, nullptr);
    replace(line, line->detail_log, announces ? nullptr : k_withheld);
    replace(line, line->context, nullptr);
    replace(line, line->internalquery, nullptr);
    line->hide_stmt = true;
}

// The statements of the processes that wait for each other: some may wait before they were analysed.
// "Process 12: SELECT …", one after the other.
char *masked_processes(const char *detail) {
    StringInfoData out;
    initStringInfo(&out);
    while (*detail != '\0') {
        const char *statement = nullptr;
        if (begins(detail, "Process ")) {
            const char *end = detail + 8 + std::strspn(detail + 8, "0123456789");
            statement = begins(end, ": ") ? end + 2 : nullptr;
        }
        const char *next = statement == nullptr ? std::strchr(detail, '\n') : std::strstr(detail, "\nProcess ");
        next = next == nullptr ? detail + std::strlen(detail) : next + 1;
        if (statement == nullptr) {
            appendBinaryStringInfo(&out, detail, static_cast<int>(next - detail));
        } else {
            appendBinaryStringInfo(&out, detail, static_cast<int>(statement - detail));
            char *text = pnstrdup(statement, static_cast<Size>(next - statement));
            char *masked = masked_copy(text, CurrentMemoryContext);
            masked[std::strcspn(masked, "\n")] = '\0';
            appendStringInfo(&out, "%s\n", masked);
        }
        detail = next;
    }
    if (out.len > 0 && out.data[out.len - 1] == '\n')
        out.data[out.len - 1] = '\0';
    return out.data;
}

} // namespace

void initialise_log() {
    scratch = AllocSetContextCreate(TopMemoryContext, "pg_saas redaction", ALLOCSET_SMALL_SIZES);
}

void redact_log_line(ErrorData *line) {
    static bool busy = false; // a line that comes up while this one is looked at
    if (busy || !line->output_to_server)
        return;
    busy = true;
    MemoryContext before = MemoryContextSwitchTo(scratch);
    PG_TRY();
    {
        if (shows_secret(line))
            withhold(line);
        else if (line->detail_log != nullptr && is(line->message_id, "deadlock detected") && may_have_package())
            replace(line, line->detail_log, masked_processes(line->detail_log));
    }
    PG_CATCH();
    {
        busy = false;
        PG_RE_THROW();
    }
    PG_END_TRY();
    busy = false;
    MemoryContextSwitchTo(before);
    MemoryContextReset(scratch);
}

} // namespace saas::redaction
