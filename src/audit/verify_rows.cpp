// SPDX-License-Identifier: PostgreSQL
// The rows of the audit log against the sealed leaves. Both come in the order of sealing, so that
// they are merged: a row without a leaf was added, a leaf without a row lost it.
#include "audit/verify.hpp"

#include "audit/leaf.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // type oids
#include "utils/uuid.h"      // pg_uuid_t
#include "utils/xid8.h"      // DatumGetFullTransactionId
}

namespace saas::audit {
namespace {

constexpr const char *k_rows =
    "SELECT l.xact_id, l.id, l.created_at, saas.audit_row_digest(l.team_id, l.created_at, l.id,"
    " l.xact_id, l.actor_id, l.row_id, l.operation, l.table_name, l.row_key, l.old_values,"
    " l.new_values, l.db_role, l.login_role, l.request_id, l.client_addr, l.payload_hash)"
    " FROM saas.audit_logs AS l"
    " WHERE l.team_id = $1 AND l.created_at >= $2 AND l.created_at < $3"
    " ORDER BY l.xact_id, l.id";

constexpr const char *k_leaves =
    "SELECT a.first_index, a.leaf_count, a.hashes, a.positions, s.salts"
    " FROM saas.audit_leaves AS a LEFT JOIN saas.audit_salts AS s"
    " ON s.team_id = a.team_id AND s.first_index = a.first_index"
    " WHERE a.team_id = $1 AND a.first_index >= $2 AND a.first_index < $3 ORDER BY a.first_index";

constexpr const char *k_sealed_through =
    "SELECT xid8send(s.through_xact_id) || uuid_send(s.through_id) FROM saas.audit_sealing AS s"
    " WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND $3 IS NOT NULL";

constexpr std::size_t k_salt = core::audit::k_salt_bytes;

struct sealed_leaf {
    position place;
    std::uint64_t index;
    core::digest hash;
    std::span<const std::uint8_t> salt; // empty when it is gone
};

// The leaves of one run that were created in the range.
class leaf_stream {
public:
    leaf_stream(const std::uint8_t *team, const leaf_run &run, std::int64_t from, std::int64_t to)
        : chunk_{k_leaves, team, INT8OID, static_cast<std::int64_t>(run.first),
                 static_cast<std::int64_t>(run.end)},
          from_{from}, to_{to} {
        advance();
    }
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] const sealed_leaf &current() const { return leaf_; }

    void advance() {
        do {
            if (++at_ >= count_ && !open_chunk()) {
                ended_ = true;
                return;
            }
            std::memcpy(leaf_.place.bytes.data(), positions_.data() + at_ * sizeof(position),
                        sizeof(position));
        } while (leaf_.place.created_at() < from_ || leaf_.place.created_at() >= to_);
        std::memcpy(leaf_.hash.data(), hashes_.data() + at_ * leaf_.hash.size(), leaf_.hash.size());
        leaf_.salt = salts_.empty() ? salts_ : salts_.subspan(at_ * k_salt, k_salt);
        leaf_.index = first_ + at_;
    }

private:
    bool open_chunk() {
        if (!chunk_.next())
            return false;
        first_ = static_cast<std::uint64_t>(chunk_.integer(1));
        hashes_ = chunk_.bytes(3);
        positions_ = chunk_.bytes(4);
        salts_ = chunk_.bytes(5);
        count_ = std::min(hashes_.size() / leaf_.hash.size(), positions_.size() / sizeof(position));
        if (salts_.size() != count_ * k_salt)
            salts_ = {};
        at_ = 0;
        return count_ > 0;
    }

    cursor chunk_;
    std::int64_t from_;
    std::int64_t to_;
    std::uint64_t first_ = 0;
    std::size_t count_ = 0;
    std::size_t at_ = 0;
    std::span<const std::uint8_t> hashes_;
    std::span<const std::uint8_t> positions_;
    std::span<const std::uint8_t> salts_;
    sealed_leaf leaf_{};
    bool ended_ = false;
};

// The leaves of all runs, in the order of positions.
class merged_leaves {
public:
    merged_leaves(const std::uint8_t *team, const chain &known, std::int64_t from,
                  std::int64_t to) {
        for (const leaf_run &run : known.runs)
            streams_.push_back(std::make_unique<leaf_stream>(team, run, from, to));
        choose();
    }
    [[nodiscard]] const sealed_leaf *current() const {
        return chosen_ == nullptr ? nullptr : &chosen_->current();
    }
    void advance() {
        chosen_->advance();
        if (streams_.size() > 1 || chosen_->ended())
            choose();
    }

private:
    void choose() {
        chosen_ = nullptr;
        for (const auto &stream : streams_) {
            if (!stream->ended() && (chosen_ == nullptr ||
                                     stream->current().place.compare(chosen_->current().place) < 0))
                chosen_ = stream.get();
        }
    }
    std::vector<std::unique_ptr<leaf_stream>> streams_;
    leaf_stream *chosen_ = nullptr;
};

struct log_entry {
    position place;
    std::optional<row_digest> digest; // none for a row that the package never writes
};

log_entry read_entry(const cursor &row) {
    bool null = false;
    const auto transaction = DatumGetFullTransactionId(row.value(1, null));
    const auto *id = DatumGetUUIDP(row.value(2, null));
    log_entry entry{
        make_position(U64FromFullTransactionId(transaction), id->data, row.integer(3)), {}};
    const auto digest = row.bytes(4);
    if (digest.size() == k_row_digest_bytes)
        entry.digest = read_row_digest(digest.data());
    return entry;
}

finding at_place(const position &place, std::string problem, std::string detail) {
    finding found;
    found.problem = std::move(problem);
    found.detail = std::move(detail);
    found.created_at = place.created_at();
    found.id = place.id();
    return found;
}

class comparison {
public:
    comparison(const chain &known, std::optional<position> through)
        : known_{known}, through_{through} {}

    void missing(const sealed_leaf &leaf) {
        if (leaf.place.created_at() < known_.retained_from)
            return;
        summary.broken = at_place(leaf.place, "row missing", "A sealed row is not in the log.");
        summary.broken->leaf_index = leaf.index;
    }
    void unsealed(const log_entry &row) {
        const bool late = known_.complete && sealed_before(row.place);
        if (late) {
            summary.broken =
                at_place(row.place, "row added", "The row stands between sealed ones.");
            return;
        }
        if (!row.digest)
            summary.broken = at_place(row.place, "leaf differs",
                                      "The row, not sealed yet, is none that the package writes.");
        ++summary.unsealed;
        if (!summary.unsealed_since || row.place.created_at() < *summary.unsealed_since)
            summary.unsealed_since = row.place.created_at();
    }
    void sealed(const log_entry &row, const sealed_leaf &leaf) {
        if (row.place.bytes != leaf.place.bytes || !row.digest ||
            make_leaf(*row.digest, leaf.salt) != leaf.hash) {
            summary.broken = at_place(row.place, "leaf differs", "The row is not what was sealed.");
            summary.broken->leaf_index = leaf.index;
        }
        ++summary.verified;
        summary.erased += row.digest && row.digest->erased ? 1 : 0;
    }
    row_summary summary;

private:
    [[nodiscard]] bool sealed_before(const position &place) const {
        return (known_.through && place.compare(*known_.through) <= 0) ||
               (through_ && place.compare(*through_) <= 0);
    }

    const chain &known_;
    std::optional<position> through_; // how far the sealer has come
};

std::optional<position> sealed_through(const std::uint8_t *team) {
    cursor row{k_sealed_through, team, INT8OID, 0, 0};
    if (!row.next() || row.bytes(1).size() != 24)
        return std::nullopt;
    position place{};
    std::memcpy(place.bytes.data(), row.bytes(1).data(), 24);
    return place;
}

} // namespace

row_summary verify_rows(const std::uint8_t *team, const chain &known, std::int64_t from,
                        std::int64_t to) {
    comparison compare{known, sealed_through(team)};
    merged_leaves leaves{team, known, from, to};
    cursor row{k_rows, team, TIMESTAMPTZOID, from, to};
    core::cancel_poll poll{pg::stop_requested};
    bool more = row.next();
    while (!compare.summary.broken && (more || leaves.current() != nullptr)) {
        poll.step();
        const sealed_leaf *leaf = leaves.current();
        if (!more) {
            compare.missing(*leaf);
            leaves.advance();
            continue;
        }
        const log_entry entry = read_entry(row);
        const int order = leaf == nullptr ? -1 : entry.place.compare(leaf->place);
        if (order > 0)
            compare.missing(*leaf);
        else if (order < 0)
            compare.unsealed(entry);
        else
            compare.sealed(entry, *leaf);
        if (order >= 0)
            leaves.advance();
        if (order <= 0)
            more = row.next();
    }
    return std::move(compare.summary);
}

} // namespace saas::audit
