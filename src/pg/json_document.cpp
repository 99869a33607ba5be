// SPDX-License-Identifier: PostgreSQL
#include "pg/json_document.hpp"

#include "pg/json_value.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // GETSTRUCT
#include "catalog/dependency.h"  // getExtensionOfObject
#include "catalog/pg_type.h"    // TypeRelationId
#include "commands/extension.h" // get_extension_oid
#include "lib/stringinfo.h"     // StringInfoData
#include "utils/builtins.h"     // TextDatumGetCString
#include "utils/fmgrprotos.h"   // jsonb_in
#include "utils/lsyscache.h"    // get_typtype
#include "utils/syscache.h"     // SearchSysCache1
}

namespace saas::pg {
namespace {

void set_string(JsonbValue &out, char *text, std::size_t length) {
    out.type = jbvString;
    out.val.string.val = text;
    out.val.string.len = static_cast<int>(length);
}

bool is_beyond_jsonb(int code) {
    return code == ERRCODE_UNTRANSLATABLE_CHARACTER || code == ERRCODE_INVALID_TEXT_REPRESENTATION ||
           code == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE || code == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

// The text as jsonb; nullptr when jsonb cannot hold it. Reading it leaves nothing that an error would have to undo.
Jsonb *read_unsafe(char *text) {
    Jsonb *volatile document = nullptr;
    MemoryContext context = CurrentMemoryContext;
    PG_TRY();
    {
        document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
    }
    PG_CATCH();
    {
        if (!is_beyond_jsonb(geterrcode()))
            PG_RE_THROW();
        MemoryContextSwitchTo(context);
        FlushErrorState();
    }
    PG_END_TRY();
    return document;
}

void set_container(JsonbValue &out, Jsonb *container) {
    out.type = jbvBinary;
    out.val.binary.data = &container->root;
    out.val.binary.len = static_cast<int>(VARSIZE(container) - VARHDRSZ);
}

// The text between quotation marks that begins at *at, which moves behind it; nullptr where no quoted text begins.
char *take_quoted(const char **at, std::size_t *length) {
    const char *from = *at;
    if (*from != '"')
        return nullptr;
    StringInfoData text;
    initStringInfo(&text);
    for (++from; *from != '"'; ++from) {
        if (*from == '\\')
            ++from;
        if (*from == '\0')
            return nullptr;
        appendStringInfoChar(&text, *from);
    }
    *at = from + 1;
    *length = static_cast<std::size_t>(text.len);
    return text.data;
}

// "key"=>"value" or "key"=>NULL; false for anything else.
bool take_pair(const char **at, json_member &out) {
    std::size_t length = 0;
    const char *key = take_quoted(at, &length);
    if (key == nullptr || std::strncmp(*at, "=>", 2) != 0)
        return false;
    out.key = key;
    out.key_length = static_cast<int>(length);
    *at += 2;
    if (std::strncmp(*at, "NULL", 4) == 0) {
        out.value.type = jbvNull;
        *at += 4;
        return true;
    }
    char *value = take_quoted(at, &length);
    if (value == nullptr)
        return false;
    set_string(out.value, value, length);
    return true;
}

} // namespace

void json_to_json_value(Datum value, JsonbValue &out) {
    char *written = TextDatumGetCString(value);
    Jsonb *document = read_unsafe(written);
    if (document == nullptr)
        set_string(out, written, std::strlen(written));
    else if (JB_ROOT_IS_SCALAR(document))
        JsonbExtractScalar(&document->root, &out);
    else
        set_container(out, document);
}

bool is_hstore(Oid type) {
    HeapTuple row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(row))
        return false;
    const bool has_name = std::strcmp(NameStr(reinterpret_cast<Form_pg_type>(GETSTRUCT(row))->typname), "hstore") == 0;
    ReleaseSysCache(row);
    if (!has_name)
        return false;
    const Oid extension = get_extension_oid("hstore", true);
    return OidIsValid(extension) && getExtensionOfObject(TypeRelationId, type) == extension;
}

// Its keys come in the order of jsonb: shorter first, then by bytes.
void hstore_to_json_value(const char *written, JsonbValue &out) {
    int count = 0;
    int room = 16;
    auto *members = static_cast<json_member *>(palloc(static_cast<Size>(room) * sizeof(json_member)));
    for (const char *at = written; *at != '\0';) {
        if (count == room) {
            room *= 2;
            members = static_cast<json_member *>(repalloc(members, static_cast<Size>(room) * sizeof(json_member)));
        }
        json_member &pair = members[count];
        const bool is_pair = take_pair(&at, pair);
        const bool is_ordered = is_pair && (count == 0 || compare_json_keys(members[count - 1].key, members[count - 1].key_length,
                                                                          pair.key, pair.key_length) < 0);
        if (!is_ordered)
            ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a value of type hstore cannot be read")));
        ++count;
        if (std::strncmp(at, ", ", 2) == 0)
            at += 2;
    }
    set_container(out, make_json_object(members, count));
}

} // namespace saas::pg
