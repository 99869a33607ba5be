// SPDX-License-Identifier: PostgreSQL
// The root keys of this server, read once when it starts, and never through SQL. They lie in memory
// that is locked and left out of core dumps; backends inherit it and lock it again.
#pragma once

#include "core/encryption/key_file.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// Defines the settings, and reads the root key when the library is loaded by
// shared_preload_libraries. Called once, by _PG_init. A source that gives no key leaves the
// keystore sealed, with a warning in the log.
void initialise_keystore();

// The root keys, the newest first. Throws SA100 "keystore sealed" when there is none.
[[nodiscard]] core::encryption::root_keys root_keys();

// Reads the root key into the process of the key agent, which then is the only one that has it. Called once, when
// it starts; without a key it answers SA100.
void unseal_key_agent();

// Throws SA100 when there is no root key. With a key agent, only asking it tells.
void require_unsealed();

[[nodiscard]] bool is_sealed() noexcept;

// Memory for keys that this process keeps until it ends: left out of core dumps, and locked where the
// limits allow. Zeros. Throws std::bad_alloc.
[[nodiscard]] void *secret_memory(std::size_t size);

// Where the key file lies: setting saas.key_file. Empty without.
[[nodiscard]] const char *key_file_path() noexcept;

// Why the file behind an open descriptor may not hold keys, or null: not a regular file, readable
// by others, owned by another user, inside the data directory.
[[nodiscard]] const char *unfit_for_keys(const char *path, int descriptor) noexcept;

} // namespace saas::encryption
