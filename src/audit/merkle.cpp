// SPDX-License-Identifier: PostgreSQL
// Merkle trees, checkpoints and proofs for SQL. Hashes and lists of them are bytea: 32 bytes each.
#include "core/audit/checkpoint.hpp"
#include "core/error.hpp"
#include "core/merkle/tree.hpp"
#include "pg/boundary.hpp"

#include <cstring>
#include <string>
#include <vector>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"  // BYTEAOID
#include "funcapi.h"          // InitMaterializedSRF
#include "utils/array.h"      // deconstruct_array
#include "utils/builtins.h"   // cstring_to_text_with_len
#include "utils/timestamp.h"  // TimestampTz
#include "utils/tuplestore.h" // tuplestore_putvalues
#include "utils/uuid.h"       // pg_uuid_t
#include "utils/xid8.h"       // FullTransactionIdGetDatum
}

namespace {

namespace core = saas::core;
namespace pg = saas::pg;

constexpr std::size_t k_hash = sizeof(core::digest);
constexpr std::size_t k_position = 32; // transaction, id, created_at
constexpr std::int64_t k_epoch =
    std::int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * USECS_PER_DAY;

std::span<const std::uint8_t> bytes_of(const bytea *value) {
    return {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(value)), VARSIZE_ANY_EXHDR(value)};
}

// Raises 22023 unless the value is a list of hashes; with `count`, of so many.
void check_hashes(const bytea *value, const char *what, std::size_t count = 0) {
    const std::size_t size = VARSIZE_ANY_EXHDR(value);
    if (size % k_hash != 0 || (count != 0 && size != count * k_hash))
        throw core::error{core::k_invalid_parameter_value,
                          std::string{what} + " is not made of hashes of 32 bytes"};
}

std::vector<core::digest> hashes_of(const bytea *value) {
    const auto bytes = bytes_of(value);
    std::vector<core::digest> out(bytes.size() / k_hash);
    if (!bytes.empty())
        std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
}

core::digest hash_of(const bytea *value) {
    core::digest out;
    std::memcpy(out.data(), bytes_of(value).data(), out.size());
    return out;
}

bool is_hash(const bytea *value) {
    return VARSIZE_ANY_EXHDR(value) == k_hash;
}

bytea *make_bytea(std::span<const std::uint8_t> bytes) {
    auto *out = static_cast<bytea *>(palloc(VARHDRSZ + bytes.size()));
    SET_VARSIZE(out, VARHDRSZ + bytes.size());
    if (!bytes.empty())
        std::memcpy(VARDATA(out), bytes.data(), bytes.size());
    return out;
}

Datum make_array(const std::vector<core::digest> &hashes) {
    return pg::call([&] {
        auto *elements = static_cast<Datum *>(palloc(sizeof(Datum) * (hashes.size() + 1)));
        for (std::size_t i = 0; i < hashes.size(); ++i)
            elements[i] = PointerGetDatum(make_bytea(hashes[i]));
        return PointerGetDatum(construct_array(elements, static_cast<int>(hashes.size()), BYTEAOID,
                                               -1, false, TYPALIGN_INT));
    });
}

// The hashes of a bytea[]; false when an element is NULL or no hash.
bool read_proof(ArrayType *array, std::vector<core::digest> &proof) {
    struct {
        Datum *elements;
        bool *nulls;
        int count;
    } list{};
    pg::call([&] {
        deconstruct_array(array, BYTEAOID, -1, false, TYPALIGN_INT, &list.elements, &list.nulls,
                          &list.count);
        for (int i = 0; i < list.count; ++i) {
            if (!list.nulls[i])
                list.elements[i] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(list.elements[i]));
        }
    });
    for (int i = 0; i < list.count; ++i) {
        const auto *element = reinterpret_cast<const bytea *>(list.elements[i]);
        if (list.nulls[i] || !is_hash(element))
            return false;
        proof.push_back(hash_of(element));
    }
    return true;
}

std::uint64_t unsigned_argument(std::int64_t value, const char *what) {
    if (value < 0)
        throw core::error{core::k_invalid_parameter_value,
                          std::string{what} + " is negative: " + std::to_string(value)};
    return static_cast<std::uint64_t>(value);
}

core::uuid uuid_of(Datum value) {
    core::uuid out;
    std::memcpy(out.data(), DatumGetUUIDP(value)->data, out.size());
    return out;
}

// Arguments 0 to 8: team, number, size, root, previous root, sealed at, through transaction,
// through id, retained from (may be NULL).
core::audit::checkpoint checkpoint_of(FunctionCallInfo fcinfo, const bytea *root,
                                      const bytea *previous) {
    check_hashes(root, "the root", 1);
    check_hashes(previous, "the previous root", 1);
    core::audit::checkpoint point;
    point.team = uuid_of(PG_GETARG_DATUM(0));
    point.number = unsigned_argument(PG_GETARG_INT64(1), "the number");
    point.size = unsigned_argument(PG_GETARG_INT64(2), "the tree size");
    point.root = hash_of(root);
    point.previous_root = hash_of(previous);
    point.sealed_at = PG_GETARG_INT64(5) + k_epoch;
    point.through_transaction =
        U64FromFullTransactionId(DatumGetFullTransactionId(PG_GETARG_DATUM(6)));
    point.through_id = uuid_of(PG_GETARG_DATUM(7));
    point.retained_from = PG_ARGISNULL(8) ? 0 : PG_GETARG_INT64(8) + k_epoch;
    return point;
}

void require_arguments(FunctionCallInfo fcinfo) {
    for (short i = 0; i < PG_NARGS(); ++i) {
        if (PG_ARGISNULL(i) && i != 8)
            throw core::error{core::k_invalid_parameter_value,
                              "an argument of the checkpoint is null"};
    }
}

std::uint64_t read_big_endian(const std::uint8_t *bytes) {
    std::uint64_t n = 0;
    for (int i = 0; i < 8; ++i)
        n = n << 8 | bytes[i];
    return n;
}

} // namespace

SAAS_FUNCTION(saas_merkle_append) {
    const bytea *edge = PG_GETARG_BYTEA_PP(0);
    const bytea *leaves = PG_GETARG_BYTEA_PP(2);
    check_hashes(edge, "the edge");
    check_hashes(leaves, "the list of leaves");
    core::merkle::growing_tree tree{unsigned_argument(PG_GETARG_INT64(1), "the tree size"),
                                    hashes_of(edge)};
    core::cancel_poll poll{pg::stop_requested};
    for (const core::digest &leaf : hashes_of(leaves)) {
        poll.step();
        tree.append(leaf);
    }
    const auto &kept = tree.edge();
    const std::span<const std::uint8_t> bytes{reinterpret_cast<const std::uint8_t *>(kept.data()),
                                              kept.size() * k_hash};
    PG_RETURN_BYTEA_P(pg::call([&] { return make_bytea(bytes); }));
}

SAAS_FUNCTION(saas_merkle_root) {
    const bytea *edge = PG_GETARG_BYTEA_PP(0);
    check_hashes(edge, "the edge");
    core::digest root;
    {
        core::merkle::growing_tree tree{unsigned_argument(PG_GETARG_INT64(1), "the tree size"),
                                        hashes_of(edge)};
        root = tree.root();
    }
    PG_RETURN_BYTEA_P(make_bytea(root));
}

SAAS_FUNCTION(saas_merkle_inclusion_proof) {
    const bytea *leaves = PG_GETARG_BYTEA_PP(0);
    check_hashes(leaves, "the list of leaves");
    return make_array(core::merkle::inclusion_proof(
        hashes_of(leaves), unsigned_argument(PG_GETARG_INT64(1), "the leaf index"),
        core::cancel_poll{pg::stop_requested}));
}

SAAS_FUNCTION(saas_merkle_consistency_proof) {
    const bytea *leaves = PG_GETARG_BYTEA_PP(0);
    check_hashes(leaves, "the list of leaves");
    return make_array(core::merkle::consistency_proof(
        hashes_of(leaves), unsigned_argument(PG_GETARG_INT64(1), "the tree size"),
        core::cancel_poll{pg::stop_requested}));
}

SAAS_FUNCTION(saas_verify_inclusion) {
    const bytea *leaf = PG_GETARG_BYTEA_PP(0);
    const std::int64_t index = PG_GETARG_INT64(1);
    const std::int64_t size = PG_GETARG_INT64(2);
    ArrayType *path = PG_GETARG_ARRAYTYPE_P(3);
    const bytea *root = PG_GETARG_BYTEA_PP(4);
    std::vector<core::digest> proof;
    PG_RETURN_BOOL(
        index >= 0 && size >= 0 && is_hash(leaf) && is_hash(root) && read_proof(path, proof) &&
        core::merkle::verify_inclusion(hash_of(leaf), static_cast<std::uint64_t>(index),
                                       static_cast<std::uint64_t>(size), proof, hash_of(root)));
}

SAAS_FUNCTION(saas_verify_consistency) {
    const std::int64_t first = PG_GETARG_INT64(0);
    const std::int64_t second = PG_GETARG_INT64(1);
    ArrayType *path = PG_GETARG_ARRAYTYPE_P(2);
    const bytea *first_root = PG_GETARG_BYTEA_PP(3);
    const bytea *second_root = PG_GETARG_BYTEA_PP(4);
    std::vector<core::digest> proof;
    PG_RETURN_BOOL(first >= 0 && second >= 0 && is_hash(first_root) && is_hash(second_root) &&
                   read_proof(path, proof) &&
                   core::merkle::verify_consistency(static_cast<std::uint64_t>(first),
                                                    static_cast<std::uint64_t>(second), proof,
                                                    hash_of(first_root), hash_of(second_root)));
}

SAAS_FUNCTION(saas_sign_audit_checkpoint) {
    require_arguments(fcinfo);
    const bytea *root = PG_GETARG_BYTEA_PP(3);
    const bytea *previous = PG_GETARG_BYTEA_PP(4);
    const bytea *key = PG_GETARG_BYTEA_PP(9);
    const core::digest signature =
        core::audit::sign(checkpoint_of(fcinfo, root, previous), bytes_of(key));
    PG_RETURN_BYTEA_P(make_bytea(signature));
}

SAAS_FUNCTION(saas_audit_checkpoint_text) {
    require_arguments(fcinfo);
    const bytea *root = PG_GETARG_BYTEA_PP(3);
    const bytea *previous = PG_GETARG_BYTEA_PP(4);
    const bytea *signature = PG_GETARG_BYTEA_PP(10);
    check_hashes(signature, "the signature", 1);
    const std::string note = core::audit::write_checkpoint(
        checkpoint_of(fcinfo, root, previous), uuid_of(PG_GETARG_DATUM(9)), hash_of(signature));
    PG_RETURN_TEXT_P(pg::call(
        [&] { return cstring_to_text_with_len(note.data(), static_cast<int>(note.size())); }));
}

// The positions of sealed rows, 32 bytes each: transaction, id, created_at in the server's binary
// form.
SAAS_FUNCTION(saas_audit_leaf_positions) {
    const bytea *positions = PG_GETARG_BYTEA_PP(0);
    check_hashes(positions, "the list of positions");
    const auto bytes = bytes_of(positions);
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    InitMaterializedSRF(fcinfo, 0);
    for (std::size_t at = 0; at < bytes.size(); at += k_position) {
        pg_uuid_t id;
        std::memcpy(id.data, bytes.data() + at + 8, UUID_LEN);
        const FullTransactionId transaction{read_big_endian(bytes.data() + at)};
        const auto created_at =
            static_cast<TimestampTz>(read_big_endian(bytes.data() + at + 8 + UUID_LEN));
        Datum values[] = {Int64GetDatum(static_cast<std::int64_t>(at / k_position)),
                          FullTransactionIdGetDatum(transaction), UUIDPGetDatum(&id),
                          TimestampTzGetDatum(created_at)};
        bool nulls[] = {false, false, false, false};
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    return 0;
}
