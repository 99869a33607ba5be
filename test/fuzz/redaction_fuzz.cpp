// SPDX-License-Identifier: PostgreSQL
// The lexer of redaction: any bytes are scanned to their end without reading beyond it; a masked text
// fits its room, is ASCII, and has nothing of a string, whatever stands before and behind it.
#include "core/redaction/sql_text.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace subject = saas::core::redaction;

namespace {

std::string mask(const std::string &sql, bool backslashes) {
    std::vector<char> out(subject::mask_capacity(sql.size()));
    const std::size_t length = subject::mask(sql, backslashes, out.data());
    if (length > out.size())
        std::abort();
    return {out.data(), length};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string sql{reinterpret_cast<const char *>(data), size};
    for (const bool backslashes : {false, true}) {
        for (const auto mode : {subject::strings::opaque, subject::strings::code}) {
            subject::name_scanner names{sql, mode, backslashes};
            subject::name_use use;
            for (std::size_t count = 0; names.next(use); ++count) {
                if (count > size * 2)
                    std::abort();
            }
        }
        for (const char c : mask(sql, backslashes)) {
            if (static_cast<unsigned char>(c) >= 0x80)
                std::abort();
        }
    }
    std::string quoted = "SELECT 1, '";
    for (const char c : sql)
        quoted += c == '\'' ? std::string{"''"} : std::string{c == '\0' ? ' ' : c};
    if (mask(quoted + "', 2", false) != mask("SELECT 1, '', 2", false))
        std::abort();
    std::string continued = "SELECT E''\n'";
    for (const char c : sql)
        continued += c == '\'' || c == '\\' ? std::string{"\\"} + c : std::string{c == '\0' ? ' ' : c};
    if (mask(continued + "', 2", false) != mask("SELECT E'', 2", false))
        std::abort();
    return 0;
}
