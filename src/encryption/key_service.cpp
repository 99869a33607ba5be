// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_service.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "encryption/errors.hpp"
#include "encryption/key_accesses.hpp"
#include "encryption/key_agent.hpp"
#include "encryption/key_file_store.hpp"
#include "encryption/keystore.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "miscadmin.h" // GetOuterUserId
}

namespace saas::encryption {
namespace {

using core::encryption::aead;
using core::encryption::key_file_entry;
using core::encryption::key_purpose;
using core::encryption::secret_key;

aead &cipher_for_keys() {
    static aead kept;
    return kept;
}

// The shred keys that were used last: to wrap again, two are in use at once.
struct kept_shred_key {
    core::uuid team{};
    std::uint32_t epoch = 0; // 0 for none
    key_purpose purpose = key_purpose::shred;
    secret_key key;
};
struct shred_keys {
    std::array<kept_shred_key, 4> slots;
    std::size_t next = 0;
    std::uint64_t readings = 0; // of the key file that they came from
};
shred_keys *kept = nullptr;

shred_keys &kept_shred_keys() {
    if (kept == nullptr)
        kept = ::new (secret_memory(sizeof(shred_keys))) shred_keys;
    return *kept;
}

// The key of an epoch; null when the file has none that opens. Holds until the next call but three.
const secret_key *shred_key(const core::uuid &team, key_purpose purpose, std::uint32_t epoch) {
    const auto &file = read_key_file();
    shred_keys &known = kept_shred_keys();
    if (known.readings != key_file_readings()) {
        forget_shred_keys();
        known.readings = key_file_readings();
    }
    for (kept_shred_key &slot : known.slots) {
        if (slot.epoch == epoch && slot.team == team && slot.purpose == purpose)
            return &slot.key;
    }
    const key_file_entry *entry = file.find(team, purpose, epoch);
    kept_shred_key &slot = known.slots[known.next++ % known.slots.size()];
    slot.epoch = 0;
    if (entry == nullptr || !unwrap_entry(cipher_for_keys(), root_keys(), *entry, slot.key))
        return nullptr;
    slot.team = team;
    slot.purpose = purpose;
    slot.epoch = epoch;
    return &slot.key;
}

core::encryption::data_key_identity identity_of(const key_request &request, std::uint32_t epoch) {
    return {request.number, request.team,  std::string_view{request.kind, strnlen(request.kind, sizeof(request.kind))},
            request.subject, request.asset, request.version, epoch};
}

// Fills in the epochs of the team. False when none is current.
bool look(const core::uuid &team, key_purpose purpose, key_answer &out) {
    const auto &file = read_key_file();
    const auto &entries = file.entries(); // in order
    auto first = std::lower_bound(entries.begin(), entries.end(), team,
                                  [](const key_file_entry &entry, const core::uuid &wanted) {
                                      return entry.tenant < wanted;
                                  });
    while (first != entries.end() && first->tenant == team && first->purpose < purpose)
        ++first;
    if (first != entries.end() && first->tenant == team && first->purpose == purpose)
        out.oldest = first->epoch;
    const key_file_entry *current = file.current(team, purpose);
    if (current == nullptr)
        return false;
    out.epoch = current->epoch;
    out.began_at = current->created_at;
    return true;
}

void wrap_key(const key_request &request, key_purpose purpose, const secret_key &key, key_answer &out) {
    if (!look(request.team, purpose, out))
        return;
    const secret_key *under = shred_key(request.team, purpose, out.epoch);
    out.outcome = key_outcome::not_genuine;
    if (under == nullptr)
        return;
    out.wrapped = wrap_data_key(cipher_for_keys(), *under, identity_of(request, out.epoch), key);
    out.outcome = key_outcome::done;
}

bool unwrap_key(const key_request &request, secret_key &key, key_answer &out) {
    const secret_key *under = shred_key(request.team, request.purpose, request.epoch);
    if (under == nullptr)
        return false;
    out.outcome = key_outcome::not_genuine;
    return unwrap_data_key(cipher_for_keys(), *under, identity_of(request, request.epoch), request.wrapped, key);
}

void begin_epoch(const key_request &request) {
    change_key_file([&](core::encryption::key_file &file) {
        const key_file_entry *current = file.current(request.team, request.purpose);
        if (current != nullptr && current->epoch > request.epoch)
            return false; // another session was faster
        file.add_epoch(cipher_for_keys(), root_keys(), request.team, request.purpose, unix_microseconds(),
                       request.epoch);
        return true;
    });
}

std::uint32_t end_epochs(const key_request &request) {
    std::uint32_t ended = 0;
    change_key_file([&](core::encryption::key_file &file) {
        std::vector<std::uint32_t> former;
        for (const key_file_entry &entry : file.entries()) {
            if (entry.tenant == request.team && entry.purpose == request.purpose &&
                entry.epoch < request.epoch)
                former.push_back(entry.epoch);
        }
        for (std::uint32_t epoch : former)
            ended += file.remove(request.team, request.purpose, epoch) ? 1 : 0;
        return ended > 0;
    });
    return ended;
}

std::uint32_t take_root() {
    std::size_t entries = 0;
    change_key_file([&](core::encryption::key_file &file) {
        if (!file.rewrap(cipher_for_keys(), root_keys()))
            throw core::error{k_key_file, "the key file has an entry that none of the root keys opens"};
        entries = file.entries().size();
        return true;
    });
    return static_cast<std::uint32_t>(entries);
}

core::digest signature(const secret_key &root, const key_request &request) {
    const secret_key key = core::encryption::subkey(root, "pg_saas proofs");
    const std::span<const std::uint8_t> parts[] = {request.key};
    return core::hmac_sha256(key.bytes(), parts);
}

// Signatures of former root keys hold as long as these are given.
bool verify(const key_request &request) {
    const auto roots = root_keys();
    return std::any_of(roots.begin(), roots.end(), [&](const secret_key &root) {
        return core::equal_constant_time(signature(root, request),
                                         std::span{request.wrapped}.first(sizeof(core::digest)));
    });
}

void serve_keys(const key_request &request, key_answer &out) {
    const one_reading once;
    secret_key key;
    switch (request.operation) {
    case key_operation::wrap:
        std::copy(request.key.begin(), request.key.end(), key.bytes().begin());
        return wrap_key(request, request.purpose, key, out);
    case key_operation::unwrap:
        if (unwrap_key(request, key, out)) {
            std::copy(key.bytes().begin(), key.bytes().end(), out.key.begin());
            out.outcome = key_outcome::done;
        }
        return;
    case key_operation::rewrap:
        if (unwrap_key(request, key, out))
            wrap_key(request, request.target, key, out);
        return;
    default:
        return;
    }
}

} // namespace

key_request request_for(key_operation operation, const key_row &row) {
    key_request out;
    out.operation = operation;
    out.purpose = row.status == "hold" ? key_purpose::hold : key_purpose::shred;
    out.target = out.purpose;
    out.version = row.version;
    out.epoch = row.epoch;
    out.number = row.number;
    out.team = row.team;
    out.subject = row.subject;
    out.asset = row.asset;
    row.kind.copy(out.kind, sizeof(out.kind));
    if (row.wrapped.size() == out.wrapped.size())
        std::copy(row.wrapped.begin(), row.wrapped.end(), out.wrapped.begin());
    return out;
}

key_answer serve_key(const key_request &request) {
    key_answer out;
    const auto roots = root_keys();
    switch (request.operation) {
    case key_operation::begin_epoch:
        begin_epoch(request);
        [[fallthrough]];
    case key_operation::look:
        if (look(request.team, request.purpose, out))
            out.outcome = key_outcome::done;
        break;
    case key_operation::end_epochs:
        out.epoch = end_epochs(request);
        out.outcome = key_outcome::done;
        break;
    case key_operation::take_root:
        out.epoch = take_root();
        out.outcome = key_outcome::done;
        break;
    case key_operation::sign:
        out.key = signature(roots.front(), request);
        out.outcome = key_outcome::done;
        break;
    case key_operation::verify:
        out.outcome = verify(request) ? key_outcome::done : key_outcome::not_genuine;
        break;
    default:
        serve_keys(request, out);
    }
    return out;
}

key_answer ask_for_key(const key_request &request) {
    if (agent_is_configured())
        return ask_key_agent(request);
    const key_answer answer = serve_key(request);
    const char *role = pg::call([] { return GetUserNameFromId(GetOuterUserId(), true); });
    note_key_access(request, role != nullptr ? role : "?", MyDatabaseId,
                    answer.outcome == key_outcome::done ? access_outcome::done : access_outcome::failed);
    return answer;
}

void forget_shred_keys() noexcept {
    cipher_for_keys().forget();
    if (kept == nullptr)
        return;
    for (kept_shred_key &slot : kept->slots) {
        slot.key.wipe();
        slot.epoch = 0;
    }
}

} // namespace saas::encryption
