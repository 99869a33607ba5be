// SPDX-License-Identifier: PostgreSQL
// The SQL entry point of erasing many people at once, and the leaves of the trees that prove it.
#include "core/error.hpp"
#include "core/merkle/tree.hpp"
#include "core/sha256.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/erasing.hpp"
#include "privacy/engine.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"  // BYTEAOID
#include "funcapi.h"          // InitMaterializedSRF
#include "utils/array.h"      // DatumGetArrayTypeP
#include "utils/builtins.h"   // text_to_cstring
#include "utils/tuplestore.h" // tuplestore_putvalues
}

using namespace saas; // NOLINT: entry points only

namespace {

using tree = core::merkle::growing_tree;

// What the numbers in column step mean besides steps.
constexpr std::int32_t k_needles_row = -2;
constexpr std::int32_t k_tree_row = -3;

struct salt {
    const char *bytes;
    std::size_t size;
};

// bytea[] without NULLs
salt *read_salts_unsafe(Datum array, int people) {
    Datum *elements;
    bool *nulls;
    int count;
    deconstruct_array(DatumGetArrayTypeP(array), BYTEAOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
    if (count != people)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("each person needs a salt")));
    auto *salts = static_cast<salt *>(palloc(static_cast<std::size_t>(Max(people, 1)) * sizeof(salt)));
    for (int i = 0; i < people; ++i) {
        if (nulls[i])
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("each person needs a salt")));
        bytea *bytes = DatumGetByteaPP(elements[i]);
        salts[i] = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
    }
    return salts;
}

struct task {
    privacy::batch *work;
    const salt *salts;
};

task do_task_unsafe(FunctionCallInfo fcinfo) {
    const bool change = PG_GETARG_BOOL(6);
    ArrayType *people = PG_GETARG_ARRAYTYPE_P(2);
    const int count = ArrayGetNItems(ARR_NDIM(people), ARR_DIMS(people));
    if (ARR_HASNULL(people) || ARR_NDIM(people) > 1)
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a person is missing")));
    SPI_connect();
    privacy::program *steps = privacy::load_program_unsafe(
        text_to_cstring(PG_GETARG_TEXT_PP(0)), static_cast<std::uint64_t>(PG_GETARG_INT64(1)));
    privacy::batch *work = privacy::make_batch_unsafe(steps, count, PG_GETARG_INT64(7));
    work->places[0] = {PointerGetDatum(people), false, 1};
    work->places[1] = {PG_GETARG_DATUM(3), false, 0};
    work->places[2] = {PG_GETARG_DATUM(5), false, 0};
    privacy::find_rows_unsafe(work, !change);
    privacy::note_rows_unsafe(work, change);
    if (change)
        privacy::change_rows_unsafe(work);
    return {work, read_salts_unsafe(PG_GETARG_DATUM(4), count)};
}

std::span<const std::uint8_t> bytes_at(const char *data, std::size_t size) noexcept {
    return {reinterpret_cast<const std::uint8_t *>(data), size};
}

// The leaf hash of RFC 6962 of salt ‖ table and key. In one piece, where it fits: each call of the library costs a
// third of hashing it.
core::digest leaf_of(core::sha256_hasher &hasher, std::span<const std::uint8_t> salt,
                     std::span<const std::uint8_t> row) {
    std::array<std::uint8_t, 256> piece;
    hasher.begin();
    if (1 + salt.size() + row.size() <= piece.size()) {
        piece[0] = 0;
        std::copy(salt.begin(), salt.end(), piece.begin() + 1);
        std::copy(row.begin(), row.end(), piece.begin() + 1 + static_cast<std::ptrdiff_t>(salt.size()));
        hasher.add({piece.data(), 1 + salt.size() + row.size()});
        return hasher.end();
    }
    piece[0] = 0;
    hasher.add({piece.data(), 1});
    hasher.add(salt);
    hasher.add(row);
    return hasher.end();
}

// For each person the tree of rows that were deleted.
std::vector<std::unique_ptr<tree>> make_trees(const task &done) {
    std::vector<std::unique_ptr<tree>> trees(static_cast<std::size_t>(done.work->people));
    core::sha256_hasher hasher;
    core::cancel_poll poll{pg::stop_requested};
    const char *place = done.work->deleted.data;
    const char *end = place + done.work->deleted.len;
    while (place < end) {
        poll.step();
        std::int32_t person, length;
        std::memcpy(&person, place, sizeof(person));
        std::memcpy(&length, place + sizeof(person), sizeof(length));
        place += sizeof(person) + sizeof(length);
        const salt &own = done.salts[person];
        auto &of_person = trees[static_cast<std::size_t>(person)];
        if (!of_person)
            of_person = std::make_unique<tree>();
        of_person->append(leaf_of(hasher, bytes_at(own.bytes, own.size),
                                  bytes_at(place, static_cast<std::size_t>(length))));
        place += length;
    }
    return trees;
}

void put_row(FunctionCallInfo fcinfo, int person, int step, std::int64_t found, std::int64_t done,
             const void *bytes, std::size_t size) {
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    bytea *value = nullptr;
    if (bytes != nullptr) {
        value = static_cast<bytea *>(palloc(VARHDRSZ + size));
        SET_VARSIZE(value, VARHDRSZ + size);
        memcpy(VARDATA(value), bytes, size);
    }
    Datum values[] = {Int32GetDatum(person + 1), Int32GetDatum(step), Int64GetDatum(found),
                      Int64GetDatum(done), PointerGetDatum(value)};
    bool nulls[] = {false, false, false, false, value == nullptr};
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    if (value != nullptr)
        pfree(value);
}

void put_counts(FunctionCallInfo fcinfo, privacy::batch *work, int person) {
    for (int step = privacy::k_audit_step; step <= work->steps->highest_step; ++step) {
        const privacy::step_count &count = privacy::count_of(work, person, step);
        if (count.found > 0 || count.done > 0)
            put_row(fcinfo, person, step, count.found, count.done, nullptr, 0);
    }
    const StringInfoData &needles = work->needles[person];
    if (needles.data != nullptr)
        put_row(fcinfo, person, k_needles_row, 0, 0, needles.data, static_cast<std::size_t>(needles.len));
}

} // namespace

// (mode, state, people, requests, salts, key, change, most_rows) -> counts, needles and trees of each person
SAAS_FUNCTION(saas_erase_people) {
    std::optional<pg::erasing> permitted;
    if (PG_GETARG_BOOL(6))
        permitted.emplace();
    pg::call([&] { InitMaterializedSRF(fcinfo, 0); });
    const task done = pg::call([&] { return do_task_unsafe(fcinfo); });
    const auto trees = make_trees(done);
    for (int person = 0; person < done.work->people; ++person) {
        pg::call([&] { put_counts(fcinfo, done.work, person); });
        const auto &own = trees[static_cast<std::size_t>(person)];
        if (!own)
            continue;
        const core::digest *edge = own->edge().data();
        const std::size_t size = own->edge().size() * sizeof(core::digest);
        const auto leaves = static_cast<std::int64_t>(own->size());
        pg::call([&] { put_row(fcinfo, person, k_tree_row, leaves, leaves, edge, size); });
    }
    pg::call([] { SPI_finish(); });
    return Datum{0};
}

// (salt, table, keys) -> leaf hashes
SAAS_FUNCTION(saas_leaf_hashes) {
    const auto salt = pg::bytes(PG_GETARG_DATUM(0));
    const std::string table = pg::text_string(PG_GETARG_DATUM(1)) + ' ';
    core::sha256_hasher hasher;
    core::cancel_poll poll{pg::stop_requested};
    std::vector<std::uint8_t> leaves;
    for (const std::string &key : pg::text_array(PG_GETARG_DATUM(2))) {
        poll.step();
        const core::digest leaf = leaf_of(hasher, salt, core::bytes_of(table + key));
        leaves.insert(leaves.end(), leaf.begin(), leaf.end());
    }
    return pg::bytea_datum(leaves);
}
