// SPDX-License-Identifier: PostgreSQL
#include "encryption/column_plan.hpp"

#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "encryption/assets.hpp"
#include "encryption/errors.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/partition.h" // get_partition_ancestors
#include "catalog/pg_type.h"   // BYTEAOID
#include "utils/lsyscache.h"   // getBaseType
#include "utils/rel.h"         // RelationGetDescr
}

namespace saas::encryption {
namespace {

enum argument { a_column, a_row, a_subject, a_team, a_algorithm, a_first_index };

[[noreturn]] void cannot_work(const TriggerData &data, const std::string &why) {
    throw core::error{k_bad_column_trigger,
                      std::string{"trigger \""} + data.tg_trigger->tgname + "\" on \"" +
                          RelationGetRelationName(data.tg_relation) + "\" cannot encrypt",
                      why,
                      "Run saas.encrypt_column() for the column as it is named now; if it is gone, "
                      "drop the trigger."};
}

// The attribute number of a column of that name, 0 for an empty name.
int find_column(const TriggerData &data, std::string_view name, Oid type) {
    if (name.empty())
        return 0;
    TupleDesc row = RelationGetDescr(data.tg_relation);
    for (int i = 0; i < row->natts; ++i) {
        Form_pg_attribute attribute = TupleDescAttr(row, i);
        if (attribute->attisdropped || name != NameStr(attribute->attname))
            continue;
        if (OidIsValid(type) && attribute->atttypid != type)
            cannot_work(data, "The column \"" + std::string{name} + "\" has another type.");
        return attribute->attnum;
    }
    cannot_work(data, "The table has no column \"" + std::string{name} + "\".");
}

// The text up to the next colon, which is taken away with it.
std::string_view take(std::string_view &text) {
    const std::size_t end = text.find(':');
    const std::string_view part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return part;
}

int number_of(std::string_view text) {
    int value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    return end.ec == std::errc{} && end.ptr == text.data() + text.size() ? value : 0;
}

index_plan read_index(const TriggerData &data, std::string_view text) {
    index_plan plan{};
    const std::string_view kind = take(text);
    plan.rule.kind = kind == "prefix"      ? index_kind::prefix
                     : kind == "last_four" ? index_kind::last_four
                                           : index_kind::exact;
    plan.rule.characters = number_of(take(text));
    plan.rule.bits = number_of(take(text));
    const auto asset = core::parse_uuid(take(text));
    if (!asset || (plan.rule.kind == index_kind::exact && kind != "exact"))
        cannot_work(data, "A blind index among its arguments cannot be read.");
    check_rule(plan.rule);
    plan.asset = *asset;
    plan.column = find_column(data, text, INT8OID);
    return plan;
}

// Assets are registered for the table that people name, not for its partitions.
Oid named_table(Relation relation) {
    const Oid table = RelationGetRelid(relation);
    if (!relation->rd_rel->relispartition)
        return table;
    return pg::call([=] { return llast_oid(get_partition_ancestors(table)); });
}

} // namespace

void read_column_plan(const TriggerData &data, column_plan &out) {
    const Trigger &trigger = *data.tg_trigger;
    if (!TRIGGER_FIRED_BEFORE(data.tg_event) || !TRIGGER_FIRED_FOR_ROW(data.tg_event) ||
        TRIGGER_FIRED_BY_DELETE(data.tg_event))
        cannot_work(data, "It works as a trigger BEFORE INSERT OR UPDATE, FOR EACH ROW.");
    if (trigger.tgnargs < a_first_index || trigger.tgnargs > a_first_index + k_most_indexes)
        cannot_work(data, "It takes five arguments, and up to eight blind indexes.");
    char **arguments = trigger.tgargs;
    out.column = find_column(data, arguments[a_column], InvalidOid);
    if (out.column == 0)
        cannot_work(data, "It names no column.");
    const Oid type = TupleDescAttr(RelationGetDescr(data.tg_relation), out.column - 1)->atttypid;
    const Oid base = pg::call([=] { return getBaseType(type); });
    if (base != BYTEAOID && base != TEXTOID && base != VARCHAROID)
        cannot_work(data, "Encrypted columns are of type bytea or text.");
    out.as_text = base != BYTEAOID;
    out.row = find_column(data, arguments[a_row], UUIDOID);
    out.subject = find_column(data, arguments[a_subject], UUIDOID);
    out.team = find_column(data, arguments[a_team], UUIDOID);
    const auto chosen = core::encryption::parse_algorithm(arguments[a_algorithm]);
    if (!chosen)
        cannot_work(data, "There is no such algorithm.");
    out.chosen = *chosen;
    out.asset = asset_of(named_table(data.tg_relation), arguments[a_column]);
    for (int i = a_first_index; i < trigger.tgnargs; ++i)
        out.indexes[static_cast<std::size_t>(out.index_count++)] = read_index(data, arguments[i]);
}

} // namespace saas::encryption
