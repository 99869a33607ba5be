// SPDX-License-Identifier: PostgreSQL
// Lists of columns in audit triggers: any bytes are either refused with SA040 or read as names that
// fit, and what was read comes back when it is written down again with quotes.
#include "core/audit/column_list.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

std::vector<std::string> read(std::string_view text) {
    saas::core::audit::column_list list{text};
    saas::core::audit::column_name name;
    std::vector<std::string> names;
    while (list.next(name))
        names.emplace_back(name.view());
    return names;
}

std::string quoted(const std::vector<std::string> &names) {
    std::string text;
    for (const std::string &name : names) {
        text += text.empty() ? "\"" : ",\"";
        for (char byte : name)
            text += byte == '"' ? std::string{"\"\""} : std::string{byte};
        text += '"';
    }
    return text;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char *>(data), size};
    std::vector<std::string> names;
    try {
        names = read(text);
    } catch (const saas::core::error &e) {
        if (e.state().code() != "SA040")
            std::abort();
        return 0;
    }
    for (const std::string &name : names) {
        if (name.empty() || name.size() > saas::core::audit::k_name_bytes)
            std::abort();
    }
    if (read(quoted(names)) != names)
        std::abort();
    return 0;
}
