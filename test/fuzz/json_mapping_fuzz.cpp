// SPDX-License-Identifier: PostgreSQL
// Mappings: any bytes are either refused with 22023 or read, and what was read comes back when it is written down
// again. The same bytes as an amount and as a time are refused or within their bounds.
#include "core/error.hpp"
#include "core/payments/decimal_amount.hpp"
#include "core/payments/event_time.hpp"
#include "core/payments/json_mapping.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace subject = saas::core::payments;

namespace {

constexpr std::array<const char *, 16> k_names{
    "json",  "text",          "short_text", "lower_text", "mail_domain", "id",   "required_id", "units",
    "units_or_zero", "currency", "state",   "unix_time",  "time",        "flag", "flag_or_false", "object"};

std::string written(const std::vector<subject::json_path> &paths) {
    std::string text;
    for (const subject::json_path &path : paths) {
        text += text.empty() ? " " : " | ";
        std::string whole = path.base < 0 ? "" : "@p" + std::to_string(path.base);
        for (const std::string &member : path.members)
            whole += (whole.empty() ? "" : ".") + member;
        text += whole;
    }
    return text + "\n";
}

std::string written(const subject::json_mapping &map) {
    std::string text;
    for (std::size_t n = 0; n < map.parts.size(); ++n)
        text += "@p" + std::to_string(n) + " json" + written(map.parts[n]);
    for (const subject::mapped_value &value : map.values) {
        text += value.column + (value.member.empty() ? "" : "." + value.member) + " " +
                k_names.at(static_cast<std::size_t>(value.how)) +
                (value.argument.empty() ? "" : ":" + value.argument) + written(value.paths);
    }
    return text;
}

void check_mapping(std::string_view text) {
    subject::json_mapping map;
    try {
        map = subject::read_json_mapping(text);
    } catch (const saas::core::error &e) {
        if (e.state().code() != "22023")
            std::abort();
        return;
    }
    for (std::size_t n = 0; n < map.parts.size(); ++n) {
        for (const subject::json_path &path : map.parts[n]) {
            if (path.base >= static_cast<int>(n))
                std::abort(); // a part looks back only
        }
    }
    const std::string again = written(map);
    if (again.size() <= 65536 && written(subject::read_json_mapping(again)) != again)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char *>(data), size};
    check_mapping(text);
    try {
        if (subject::minor_units(text, 2, 3) < 0)
            std::abort();
    } catch (const saas::core::error &e) {
        if (e.state().code() != "SA072")
            std::abort();
    }
    const auto time = subject::read_rfc3339(text);
    if (time && (*time < -62135596800000000 - 57600000000 || *time > 253402300800000000 + 57660000000))
        std::abort(); // from the year 1 to 9999, with the offset
    return 0;
}
