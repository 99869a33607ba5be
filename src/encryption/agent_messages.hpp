// SPDX-License-Identifier: PostgreSQL
// What backends and the key agent send each other: one packet each, of a socket that only the server's user reaches.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <sys/un.h>

#include "encryption/key_service.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// Relative to the data directory, in which every process of the server works.
inline constexpr std::string_view k_agent_path = "pg_saas.key_agent";

[[nodiscard]] inline sockaddr_un agent_address() noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    k_agent_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return address;
}

// Cut when it does not fit; always ends in a zero.
template <std::size_t Size>
void copy_text(char (&out)[Size], std::string_view text) noexcept {
    out[text.copy(out, Size - 1)] = '\0';
}

struct agent_question {
    key_request request;
    char role[NAMEDATALEN]{};
    char database[NAMEDATALEN]{};
    Oid database_oid = InvalidOid;
};

struct agent_reply {
    key_answer answer;
    char sqlstate[6]{}; // empty without an error
    char message[200]{};
    char detail[200]{};
    char hint[300]{};
};
static_assert(std::is_trivially_copyable_v<agent_question> && std::is_trivially_copyable_v<agent_reply>);

} // namespace saas::encryption
