// SPDX-License-Identifier: PostgreSQL
#include "pg/json_path.hpp"

#include <charconv>
#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "fmgr.h"              // DirectFunctionCall1
#include "utils/builtins.h"    // cstring_to_text
#include "utils/fmgrprotos.h"  // numeric_out
}

namespace saas::pg {
namespace {

bool step(JsonbContainer *container, const std::string &name, JsonbValue &out) {
    if (JsonContainerIsObject(container))
        return getKeyJsonValueFromContainer(container, name.data(), static_cast<int>(name.size()),
                                            &out) != nullptr;
    std::uint32_t place = 0;
    const char *end = name.data() + name.size();
    if (!JsonContainerIsArray(container) || JsonContainerIsScalar(container) ||
        std::from_chars(name.data(), end, place).ptr != end)
        return false;
    JsonbValue *element = getIthJsonbValueFromContainer(container, place);
    if (element == nullptr)
        return false;
    out = *element;
    return true;
}

} // namespace

void json_whole(Jsonb *value, JsonbValue &out) {
    if (JB_ROOT_IS_SCALAR(value)) {
        (void)JsonbExtractScalar(&value->root, &out);
        return;
    }
    out.type = jbvBinary;
    out.val.binary.data = &value->root;
    out.val.binary.len = static_cast<int>(VARSIZE(value) - VARHDRSZ);
}

bool find_json(const JsonbValue &begin, std::span<const std::string> path, JsonbValue &out) {
    out = begin;
    for (const std::string &name : path) {
        if (out.type != jbvBinary || !step(out.val.binary.data, name, out))
            return false;
    }
    return true;
}

bool json_text(const JsonbValue &value, Datum &out) {
    switch (value.type) {
    case jbvNull:
        return false;
    case jbvBool:
        out = PointerGetDatum(cstring_to_text(value.val.boolean ? "true" : "false"));
        return true;
    case jbvString:
        out = PointerGetDatum(cstring_to_text_with_len(value.val.string.val, value.val.string.len));
        return true;
    case jbvNumeric:
        out = PointerGetDatum(cstring_to_text(DatumGetCString(
            DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)))));
        return true;
    default:
        out = PointerGetDatum(cstring_to_text(
            JsonbToCString(nullptr, value.val.binary.data, value.val.binary.len)));
        return true;
    }
}

} // namespace saas::pg
