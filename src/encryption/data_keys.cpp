// SPDX-License-Identifier: PostgreSQL
#include "encryption/data_keys.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "encryption/blind_index.hpp"
#include "encryption/errors.hpp"
#include "encryption/key_cache.hpp"
#include "encryption/key_epochs.hpp"
#include "encryption/key_service.hpp"
#include "encryption/key_uses.hpp"
#include "encryption/keystore.hpp"
#include "pg/boundary.hpp"
#include "pg/package.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h" // RegisterXactCallback, GetCurrentStatementStartTimestamp
}

namespace saas::encryption {
namespace {

using core::encryption::secret_key;

constinit pg::watched_table keys_table{"encryption_keys"};

// A key that was made in a transaction that is rolled back was never there. One that is prepared may
// be rolled back from any session, without a word to this one.
bool made_in_transaction = false;

key_cache &cache() {
    static key_cache kept;
    return kept;
}

void ended(XactEvent event, void *) {
    if (made_in_transaction && (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT ||
                                event == XACT_EVENT_PREPARE))
        forget_keys();
    if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE) {
        forget_kept_epochs();
        made_in_transaction = false;
    }
}
void ended_inside(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (made_in_transaction && event == SUBXACT_EVENT_ABORT_SUB)
        forget_keys();
}

// Drops what is kept when a row changed anywhere since. Asked before rows are read, never after: a
// change meanwhile makes what was read outdated from the start, and the next call drops it.
void take_in_changes() {
    static std::uint64_t known = 0;
    static TimestampTz last_statement = 0;
    // A statement that touches no table does not hear of changes by itself.
    if (last_statement != GetCurrentStatementStartTimestamp()) {
        last_statement = GetCurrentStatementStartTimestamp();
        pg::accept_changes();
    }
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

// Wraps a new key under the team's current epoch, which is begun when there is none.
key_answer wrap_new(key_request &request) {
    key_answer answer = ask_for_key(request);
    if (answer.outcome != key_outcome::no_epoch)
        return answer;
    key_request begin = request;
    begin.operation = key_operation::begin_epoch;
    begin.epoch = highest_epoch(request.team);
    begin.key.fill(0);
    (void)ask_for_key(begin);
    answer = ask_for_key(request);
    if (answer.outcome == key_outcome::no_epoch)
        throw core::error{k_key_file, "the key file does not keep what is written to it"};
    return answer;
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
    return {kept.number, kept.subject, kept.restricted, kept.key.bytes().first(kept.size)};
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

core::encryption::value_cipher &former_cipher() {
    static core::encryption::value_cipher kept;
    return kept;
}

void forget_keys() noexcept {
    cache().clear();
    cipher().forget();
    former_cipher().forget();
    forget_index_hasher();
    forget_shred_keys();
}

bool open_key(const key_row &row, secret_key &key) {
    key_answer answer = ask_for_key(request_for(key_operation::unwrap, row));
    if (answer.outcome == key_outcome::done)
        std::copy(answer.key.begin(), answer.key.end(), key.bytes().begin());
    answer.wipe();
    return answer.outcome == key_outcome::done;
}

void make_key(const key_owner &owner, std::uint32_t version) {
    require_deployed();
    keep_epochs(owner.team);
    secret_key key;
    core::encryption::random_key_bytes(key.bytes());
    key_row row;
    row.number = random_number();
    row.team = owner.team;
    row.kind = owner.kind;
    row.subject = owner.subject;
    row.asset = owner.asset;
    row.version = version;
    key_request request = request_for(key_operation::wrap, row);
    std::copy(key.bytes().begin(), key.bytes().end(), request.key.begin());
    const key_answer answer = wrap_new(request);
    core::encryption::wipe(request.key);
    if (answer.outcome != key_outcome::done)
        unusable("The key that wraps it does not open.");
    row.epoch = answer.epoch;
    row.wrapped.assign(answer.wrapped.begin(), answer.wrapped.end());
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
