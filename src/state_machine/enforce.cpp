// SPDX-License-Identifier: PostgreSQL
// saas.enforce_state_machine(): the trigger that lets a column follow its state machine only.
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/trigger.hpp"
#include "state_machine/registry.hpp"
#include "state_machine/rules.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // TEXTOID
#include "executor/spi.h"    // SPI_fnumber
#include "utils/builtins.h"  // TextDatumGetCString
#include "utils/rel.h"       // RelationGetRelid
}

using namespace saas; // NOLINT: entry points only
using state_machine::source;

namespace {

constexpr core::sqlstate k_illegal_transition{"SA070"};

[[noreturn]] void misused(const char *what) {
    throw core::error{pg::k_trigger_protocol_violated,
                      what,
                      {},
                      "CREATE TRIGGER … BEFORE INSERT OR UPDATE ON … FOR EACH ROW EXECUTE FUNCTION "
                      "saas.enforce_state_machine('machine', 'state column' [, 'source column'])."};
}

struct column {
    int number;
    bool is_null;
    std::string_view text; // in the tuple, or a detoasted copy of it
};

// The value of a text column, or of "no such column" with number 0. Plain data only.
void read_column(const TriggerData &trigger, HeapTuple row, const char *name, column &out) {
    TupleDesc columns = RelationGetDescr(trigger.tg_relation);
    out = {SPI_fnumber(columns, name), true, {}};
    if (out.number <= 0 || SPI_gettypeid(columns, out.number) != TEXTOID) {
        out.number = 0;
        return;
    }
    Datum value = SPI_getbinval(row, columns, out.number, &out.is_null);
    if (!out.is_null)
        out.text = pg::text_view_unsafe(value);
}

std::string quoted(std::string_view text) {
    std::string out{"\""};
    out += text;
    return out += '"';
}

// Throws when the source may not make the change; `from` has no text for a new row.
void check(std::string_view machine_name, const column *from, const column &to, source who) {
    const core::state_machine &machine = state_machine::machine_of(machine_name);
    auto from_state = from == nullptr || from->is_null ? core::state_machine::k_unknown
                                                       : machine.find(from->text);
    auto to_state = to.is_null ? core::state_machine::k_unknown : machine.find(to.text);
    bool stranded =
        from != nullptr && !from->is_null && from_state == core::state_machine::k_unknown;
    if (!stranded && state_machine::allowed(machine, from_state, to_state, who))
        return;
    std::string target = to.is_null ? "NULL" : quoted(to.text);
    std::string message = std::string{machine_name};
    if (from == nullptr)
        message += " cannot begin as " + target;
    else
        message += " cannot change from " + (from->is_null ? "NULL" : quoted(from->text)) + " to " +
                   target;
    std::string detail =
        "Possible states: " +
        (stranded
             ? std::string{"none"}
             : state_machine::list_of(machine, state_machine::possible(machine, from_state, who))) +
        ".";
    throw core::error{k_illegal_transition, message, detail};
}

} // namespace

SAAS_FUNCTION(saas_enforce_state_machine) {
    const TriggerData &trigger = pg::trigger_data(fcinfo, "enforce_state_machine");
    if (!TRIGGER_FIRED_BEFORE(trigger.tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger.tg_event) ||
        TRIGGER_FIRED_BY_DELETE(trigger.tg_event))
        misused(
            "saas.enforce_state_machine() is for BEFORE INSERT OR UPDATE … FOR EACH ROW triggers");
    int arguments = trigger.tg_trigger->tgnargs;
    char **argument = trigger.tg_trigger->tgargs;
    if (arguments != 2 && arguments != 3)
        misused("saas.enforce_state_machine() takes two or three arguments");

    bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger.tg_event);
    HeapTuple row = is_update ? trigger.tg_newtuple : trigger.tg_trigtuple;
    column to{};
    column from{};
    read_column(trigger, row, argument[1], to);
    if (to.number == 0)
        misused("the second argument must name a column of type text");
    if (is_update) {
        read_column(trigger, trigger.tg_trigtuple, argument[1], from);
        if (!from.is_null && !to.is_null && from.text == to.text)
            return PointerGetDatum(row);
    }
    source who = source::api;
    if (arguments == 3) {
        column written{};
        read_column(trigger, row, argument[2], written);
        if (written.number == 0)
            misused("the third argument must name a column of type text");
        auto known = state_machine::source_of(written.text);
        if (!known)
            throw core::error{k_illegal_transition,
                              "the source of a state must be api, provider or conflict"};
        who = *known;
    }
    check(argument[0], is_update ? &from : nullptr, to, who);
    return PointerGetDatum(row);
}
