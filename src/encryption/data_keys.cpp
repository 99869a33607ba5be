// SPDX-License-Identifier: PostgreSQL
#include "encryption/data_keys.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "encryption/errors.hpp"
#include "encryption/key_cache.hpp"
#include "encryption/key_file_store.hpp"
#include "encryption/key_uses.hpp"
#include "encryption/keystore.hpp"
#include "pg/boundary.hpp"
#include "pg/package.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h" // RegisterXactCallback
}

namespace saas::encryption {
namespace {

using core::encryption::aead;
using core::encryption::key_purpose;
using core::encryption::secret_key;

constinit pg::watched_table keys_table{"encryption_keys"};

// A key that was made in a transaction that is rolled back was never there.
bool made_in_transaction = false;

key_cache &cache() {
    static key_cache kept;
    return kept;
}

aead &wrapping() {
    static aead cipher;
    return cipher;
}

void ended(XactEvent event, void *) {
    if (made_in_transaction && (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT))
        forget_keys();
    if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
        made_in_transaction = false;
}
void ended_inside(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (made_in_transaction && event == SUBXACT_EVENT_ABORT_SUB)
        forget_keys();
}

// Drops what is kept when a row changed anywhere since. Asked before rows are read, never after: a
// change meanwhile makes what was read outdated from the start, and the next call drops it.
void take_in_changes() {
    static std::uint64_t known = 0;
    if (known != keys_table.generation()) {
        forget_keys();
        known = keys_table.generation();
    }
}

void require_deployed() {
    if (!keys_table.find())
        pg::refuse_not_deployed();
}

[[noreturn]] void unusable(const char *why) {
    throw core::error{k_key_unusable, "the key cannot be used to encrypt", why};
}

// The epoch that new keys of the team are wrapped in.
core::encryption::key_file_entry current_epoch(const core::uuid &team) {
    if (const auto *entry = read_key_file().current(team, key_purpose::shred))
        return *entry;
    const std::uint32_t highest = highest_epoch(team);
    change_key_file([&](core::encryption::key_file &file) {
        if (file.current(team, key_purpose::shred) != nullptr)
            return false; // another session was faster
        file.add_epoch(wrapping(), root_keys(), team, key_purpose::shred, unix_microseconds(),
                       highest);
        return true;
    });
    const auto *made = read_key_file().current(team, key_purpose::shred);
    if (made == nullptr)
        throw core::error{k_key_file, "the key file does not keep what is written to it"};
    return *made;
}

// Keeps the key of a row for this use.
kept_key *keep(const key_row &row, key_use use) {
    secret_key key;
    if (!open_key(row, key))
        return nullptr;
    core::encryption::secret<k_kept_key_bytes> bytes;
    std::size_t size = core::encryption::k_key_bytes;
    if (use == key_use::index) {
        const secret_key derived = core::encryption::subkey(key, "pg_saas index");
        std::copy(derived.bytes().begin(), derived.bytes().end(), bytes.bytes().begin());
    } else {
        size =
            core::encryption::value_key(key, static_cast<core::encryption::algorithm>(use), bytes)
                .size();
    }
    if (use == key_use::aes_256_gcm)
        observe_uses(row.number, row.uses);
    return &cache().insert(row, static_cast<std::uint8_t>(use), bytes.bytes().first(size));
}

usable_key usable(const kept_key &kept) {
    return {kept.number, kept.subject, kept.key.bytes().first(kept.size)};
}

// Counts one more value under the key, where that is limited. The first batches are small: a
// session that encrypts one value should not use up more.
usable_key counted(kept_key &kept, key_use use) {
    constexpr std::uint32_t k_largest_batch = 1024;
    if (use != key_use::aes_256_gcm || kept.reserved-- > 0)
        return usable(kept);
    kept.reserved = 0;
    std::uint64_t stored = 0;
    if (!reserve_uses(kept.number, kept.reserve, stored))
        unusable("It has encrypted as many values as AES-256-GCM allows, and is to be rotated.");
    kept.reserved = kept.reserve - 1;
    kept.reserve = std::min(k_largest_batch, 2 * kept.reserve);
    const usable_key key = usable(kept);
    if (stored != 0)
        write_uses(kept.team, kept.number, stored);
    return key;
}

constexpr std::uint64_t k_largest_number = (std::uint64_t{1} << 60) - 1;

// Random, so that it tells nothing of how many keys there are. From 1 to k_largest_number.
std::uint64_t random_number() {
    std::array<std::uint8_t, sizeof(std::uint64_t)> bytes;
    core::encryption::random_key_bytes(bytes);
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof(number));
    return (number >> 4) | 1;
}

// The row to encrypt with, made when there is none.
key_row newest_or_made(const key_owner &owner) {
    auto row = read_newest_key(owner);
    if (!row) {
        make_key(owner, 1);
        row = read_newest_key(owner);
    }
    if (!row)
        unusable("It was made at the same time and is not visible yet; try again.");
    if (row->status != "active")
        unusable("It was destroyed or is closed.");
    return *row;
}

} // namespace

void initialise_data_keys() {
    keys_table.watch();
    RegisterXactCallback(ended, nullptr);
    RegisterSubXactCallback(ended_inside, nullptr);
}

core::encryption::value_cipher &cipher() {
    static core::encryption::value_cipher kept;
    return kept;
}

void forget_keys() noexcept {
    cache().clear();
    cipher().forget();
    wrapping().forget();
}

bool open_key(const key_row &row, secret_key &key) {
    static std::uint64_t readings = 0; // of the key file, when the kept shred key came from it
    const auto &file = read_key_file();
    kept_key &kept = cache().shred_key();
    if (kept.size == 0 || kept.team != row.team || kept.number != row.epoch ||
        readings != key_file_readings()) {
        kept.size = 0;
        const auto *entry = file.find(row.team, key_purpose::shred, row.epoch);
        secret_key shred;
        if (entry == nullptr || !unwrap_entry(wrapping(), root_keys(), *entry, shred))
            return false;
        std::copy(shred.bytes().begin(), shred.bytes().end(), kept.key.bytes().begin());
        kept.team = row.team;
        kept.number = row.epoch;
        kept.size = core::encryption::k_key_bytes;
        readings = key_file_readings();
    }
    secret_key shred;
    std::copy_n(kept.key.bytes().begin(), kept.size, shred.bytes().begin());
    return unwrap_data_key(wrapping(), shred, row.identity(), row.wrapped, key);
}

void make_key(const key_owner &owner, std::uint32_t version) {
    const auto entry = current_epoch(owner.team);
    secret_key shred;
    if (!unwrap_entry(wrapping(), root_keys(), entry, shred))
        unusable("The key that wraps it does not open.");
    secret_key key;
    core::encryption::random_key_bytes(key.bytes());
    key_row row;
    row.number = random_number();
    row.team = owner.team;
    row.kind = owner.kind;
    row.subject = owner.subject;
    row.asset = owner.asset;
    row.version = version;
    row.epoch = entry.epoch;
    const auto wrapped = wrap_data_key(wrapping(), shred, row.identity(), key);
    row.wrapped.assign(wrapped.begin(), wrapped.end());
    made_in_transaction = true;
    if (!insert_key(row, check_value(key)))
        throw core::error{k_no_team, "there is no such team to encrypt for"};
}

usable_key key_to_encrypt(const key_owner &owner, key_use use) {
    require_unsealed();
    take_in_changes();
    if (kept_key *known = cache().find_owner(owner, static_cast<std::uint8_t>(use)))
        return counted(*known, use);
    require_deployed();
    const key_row row = newest_or_made(owner);
    kept_key *made = keep(row, use);
    if (made == nullptr)
        unusable("It does not open with the keys of the key file.");
    cache().name_owner(owner, *made);
    return counted(*made, use);
}

std::optional<usable_key> key_to_decrypt(const core::uuid &team, std::uint64_t number,
                                         key_use use) {
    require_unsealed();
    take_in_changes();
    if (number == 0 || number > k_largest_number)
        return std::nullopt; // a header that nobody here has written
    const auto *known = cache().find(number, static_cast<std::uint8_t>(use));
    // A tenant's key opens nothing in the name of another.
    if (known == nullptr || known->team != team) {
        require_deployed();
        const auto row = read_key(team, number);
        if (!row || (row->status != "active" && row->status != "decrypt_only"))
            return std::nullopt;
        known = keep(*row, use);
    }
    return known == nullptr ? std::nullopt : std::optional{usable(*known)};
}

} // namespace saas::encryption
