// SPDX-License-Identifier: PostgreSQL
// The key file on disk (format: core/encryption/key_file.hpp). Backends read and change it
// themselves: they run as the user of the server, who owns it. A change is made under a lock on
// PATH.lock, written to PATH.new, synced and renamed, so that a crash leaves the old file or the
// new one.
#pragma once

#include <functional>

#include "core/encryption/key_file.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// The file as it is now, kept until it is replaced; without entries when there is none yet. Holds
// until the next call. Throws SA100 when the keystore is sealed, SA105 when the file cannot be
// read, may be read by others, or is not genuine.
[[nodiscard]] const core::encryption::key_file &read_key_file();

// Goes up whenever read_key_file() found another file, for what is kept of it.
[[nodiscard]] std::uint64_t key_file_readings() noexcept;

// While alive, read_key_file() looks at the file once only: for one request, which asks several times.
class one_reading {
public:
    one_reading() noexcept;
    ~one_reading();
    one_reading(const one_reading &) = delete;
    one_reading &operator=(const one_reading &) = delete;
};

// Reads the file under the lock, lets `change` work on it, and writes it when that returns true.
// What is removed is gone from this file, not from copies of it. Throws SA105, and nothing is
// changed.
void change_key_file(const std::function<bool(core::encryption::key_file &)> &change);

// Now, in the file's microseconds since 1970.
[[nodiscard]] std::int64_t unix_microseconds() noexcept;

} // namespace saas::encryption
