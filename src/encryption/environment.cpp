// SPDX-License-Identifier: PostgreSQL
#include "encryption/environment.hpp"

#include <openssl/crypto.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "pg/prelude.hpp"

namespace saas::encryption {
namespace {

// The server moves its environment to make room for what ps shows, so the first copy, which
// /proc/PID/environ reads, lies elsewhere; fields 50 and 51 of /proc/self/stat say where.
void wipe_first_copy(const char *name) noexcept {
    FILE *file = fopen("/proc/self/stat", "r");
    char line[2048];
    const bool read = file != nullptr && fgets(line, sizeof(line), file) != nullptr;
    if (file != nullptr)
        fclose(file);
    const char *field = read ? std::strrchr(line, ')') : nullptr; // the end of field 2
    unsigned long from = 0;
    unsigned long to = 0;
    for (int number = 3; field != nullptr && number <= 51; ++number) {
        field = std::strchr(field + 1, ' ');
        if (field != nullptr && number == 50)
            from = std::strtoul(field, nullptr, 10);
        if (field != nullptr && number == 51)
            to = std::strtoul(field, nullptr, 10);
    }
    if (from == 0 || to <= from)
        return;
    const std::size_t length = std::strlen(name);
    char *const end = reinterpret_cast<char *>(static_cast<std::uintptr_t>(to));
    for (char *at = reinterpret_cast<char *>(static_cast<std::uintptr_t>(from)); at < end;) {
        const std::size_t size = strnlen(at, static_cast<std::size_t>(end - at));
        if (size > length && std::strncmp(at, name, length) == 0 && at[length] == '=')
            OPENSSL_cleanse(at + length + 1, size - length - 1);
        at += size + 1;
    }
}

} // namespace

bool take_environment_variable(const char *name, char *out, std::size_t capacity,
                               std::size_t &size) noexcept {
    char *value = getenv(name);
    if (value == nullptr)
        return false;
    size = std::strlen(value);
    const bool fits = size <= capacity;
    if (fits)
        std::memcpy(out, value, size);
    OPENSSL_cleanse(value, size);
    unsetenv(name);
    wipe_first_copy(name);
    return fits;
}

} // namespace saas::encryption
