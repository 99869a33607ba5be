// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "encryption/assets.hpp"
#include "encryption/blind_index.hpp"
#include "encryption/data_keys.hpp"
#include "encryption/key_accesses.hpp"
#include "encryption/key_uses.hpp"
#include "encryption/keystore.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// Called once, by _PG_init.
inline void initialise() {
    initialise_keystore();
    if (process_shared_preload_libraries_in_progress) {
        initialise_key_uses();
        initialise_key_accesses();
    }
    initialise_data_keys();
    initialise_assets();
    initialise_blind_index();
}

} // namespace saas::encryption
