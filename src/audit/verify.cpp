// SPDX-License-Identifier: PostgreSQL
#include "audit/verify.hpp"

#include "core/audit/checkpoint.hpp"
#include "core/error.hpp"
#include "core/merkle/tree.hpp"
#include "core/uuid.hpp"
#include "pg/datum.hpp"
#include "pg/result_set.hpp"

#include <bit>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"  // type oids
#include "executor/spi.h"     // SPI_cursor_fetch
#include "utils/builtins.h"   // timestamptz_out
#include "utils/fmgrprotos.h" // timestamptz_out
#include "utils/timestamp.h"  // TimestampTzGetDatum
#include "utils/uuid.h"       // UUID_LEN
}

namespace saas::audit {
namespace {

constexpr core::sqlstate k_bad_checkpoint{"SA045"};
constexpr std::size_t k_hash = sizeof(core::digest);
constexpr std::size_t k_position = sizeof(position);
constexpr std::int64_t k_epoch =
    std::int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * USECS_PER_DAY;

// A root that the tree must have at some size.
struct milestone {
    std::uint64_t size;
    core::digest root;
    std::optional<std::int64_t> number; // of the checkpoint; none for the anchor
};

core::uuid uuid_at(const std::uint8_t *bytes) {
    core::uuid out;
    std::memcpy(out.data(), bytes, out.size());
    return out;
}

bool read_hash(std::span<const std::uint8_t> bytes, core::digest &out) {
    if (bytes.size() != k_hash)
        return false;
    std::memcpy(out.data(), bytes.data(), k_hash);
    return true;
}

finding at_checkpoint(std::int64_t number, std::string problem, std::string detail) {
    finding found;
    found.problem = std::move(problem);
    found.detail = std::move(detail);
    found.checkpoint = number;
    return found;
}

finding at_leaf(std::uint64_t index, std::string problem, std::string detail) {
    finding found;
    found.problem = std::move(problem);
    found.detail = std::move(detail);
    found.leaf_index = index;
    return found;
}

enum checkpoint_column : int {
    p_number = 1,
    p_size,
    p_root,
    p_previous,
    p_sealed_at,
    p_through,
    p_retained,
    p_has_retained,
    p_signature,
    p_key,
    p_edge
};

constexpr const char *k_checkpoints =
    "SELECT c.number, c.tree_size, c.root, c.previous_root, c.sealed_at,"
    " xid8send(c.through_xact_id) || uuid_send(c.through_id),"
    " COALESCE(c.retained_from, '-infinity'), c.retained_from IS NOT NULL, c.signature, k.key,"
    " c.edge"
    " FROM saas.audit_checkpoints AS c LEFT JOIN saas.audit_keys AS k ON k.id = c.key_id"
    " WHERE c.team_id = $1 AND c.number >= $2 AND c.number < $3 ORDER BY c.number";

constexpr const char *k_leaves =
    "SELECT a.first_index, a.leaf_count, a.hashes, a.positions,"
    " xid8send(a.first_xact_id) || xid8send(a.last_xact_id) FROM saas.audit_leaves AS a"
    " WHERE a.team_id = $1 AND a.first_index >= $2 AND a.first_index < $3 ORDER BY a.first_index";

// Whether these are the roots of the full subtrees of the checkpoint's tree: the next leaves are
// appended to them.
bool has_edge(const core::audit::checkpoint &point, std::span<const std::uint8_t> bytes) {
    if (bytes.size() != static_cast<std::size_t>(std::popcount(point.size)) * k_hash)
        return false;
    std::vector<core::digest> edge(bytes.size() / k_hash);
    for (std::size_t i = 0; i < edge.size(); ++i)
        std::memcpy(edge[i].data(), bytes.data() + i * k_hash, k_hash);
    return core::merkle::growing_tree{point.size, std::move(edge)}.root() == point.root;
}

// Reads one checkpoint and holds it against its predecessor. False when `result.broken` is set.
bool check_checkpoint(const cursor &row, const std::uint8_t *team,
                      const core::audit::checkpoint &before, core::audit::checkpoint &now,
                      chain &result) {
    now.team = uuid_at(team);
    now.number = static_cast<std::uint64_t>(row.integer(p_number));
    now.size = static_cast<std::uint64_t>(row.integer(p_size));
    now.sealed_at = row.integer(p_sealed_at) + k_epoch;
    const auto through = row.bytes(p_through);
    now.through_transaction = 0;
    for (int i = 0; i < 8; ++i)
        now.through_transaction = now.through_transaction << 8 | through[static_cast<Size>(i)];
    now.through_id = uuid_at(through.data() + 8);
    bool unused = false;
    const bool retained = DatumGetBool(row.value(p_has_retained, unused));
    now.retained_from = retained ? row.integer(p_retained) + k_epoch : 0;
    const std::int64_t number = row.integer(p_number);
    core::digest signature;
    const bool whole = read_hash(row.bytes(p_root), now.root) &&
                       read_hash(row.bytes(p_previous), now.previous_root) &&
                       read_hash(row.bytes(p_signature), signature);
    const auto key = row.bytes(p_key);
    if (now.number != before.number + 1)
        result.broken = at_checkpoint(static_cast<std::int64_t>(before.number + 1),
                                      "checkpoint missing", "There is a gap in the checkpoints.");
    else if (key.empty())
        result.broken = at_checkpoint(number, "key missing",
                                      "The key that signed the checkpoint is not there.");
    else if (!whole || !core::equal_constant_time(core::audit::sign(now, key), signature))
        result.broken =
            at_checkpoint(number, "signature differs", "The checkpoint is not what was signed.");
    else if (now.previous_root != before.root || now.size < before.size)
        result.broken = at_checkpoint(number, "chain broken",
                                      "The checkpoint does not continue the one before it.");
    else if (!has_edge(now, row.bytes(p_edge)))
        result.broken = at_checkpoint(number, "edge differs",
                                      "The subtrees from which the tree grows on are not those of "
                                      "the checkpoint.");
    return !result.broken;
}

// Reads the checkpoints; returns the roots to meet.
std::vector<milestone> read_checkpoints(const std::uint8_t *team, chain &result) {
    std::vector<milestone> roots;
    core::audit::checkpoint before;
    before.root = core::sha256({});
    cursor row{k_checkpoints, team, INT8OID, PG_INT64_MIN, PG_INT64_MAX};
    while (row.next()) {
        core::audit::checkpoint now;
        if (!check_checkpoint(row, team, before, now, result))
            return roots;
        roots.push_back({now.size, now.root, row.integer(p_number)});
        result.through = make_position(now.through_transaction, now.through_id.data(), 0);
        if (now.retained_from != 0)
            result.retained_from = now.retained_from - k_epoch;
        result.size = now.size;
        ++result.checkpoints;
        before = now;
    }
    return roots;
}

// The key that signed the anchor, by the hint in it. Empty when it is gone.
bool is_genuine(const core::audit::signed_checkpoint &anchor, const std::uint8_t *team) {
    cursor key{"SELECT k.key, uuid_send(k.id) FROM saas.audit_keys AS k"
               " WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND $3 IS NOT NULL",
               team, INT8OID, 0, 0};
    while (key.next()) {
        if (core::audit::key_hint(uuid_at(key.bytes(2).data())) == anchor.key_hint &&
            core::equal_constant_time(core::audit::sign(anchor.point, key.bytes(1)),
                                      anchor.signature))
            return true;
    }
    return false;
}

void add_anchor(const std::string &text, const std::uint8_t *team, std::vector<milestone> &roots,
                chain &result) {
    const auto anchor = core::audit::read_checkpoint(text);
    if (!anchor || anchor->point.team != uuid_at(team))
        throw core::error{k_bad_checkpoint,
                          "the text is not a checkpoint of this team's trail",
                          {},
                          "Give the text that saas.audit_checkpoint() returned."};
    const auto number = static_cast<std::int64_t>(anchor->point.number);
    if (!is_genuine(*anchor, team)) {
        result.broken = at_checkpoint(number, "anchor differs",
                                      "No key of this database signed the anchored checkpoint.");
    } else if (anchor->point.size > result.size ||
               anchor->point.number > static_cast<std::uint64_t>(result.checkpoints)) {
        result.broken =
            at_checkpoint(number, "tail cut off",
                          "The anchored checkpoint has " + std::to_string(anchor->point.size) +
                              " leaves, the trail " + std::to_string(result.size) + ".");
    } else {
        auto place = roots.begin();
        while (place != roots.end() && place->size < anchor->point.size)
            ++place;
        roots.insert(place, {anchor->point.size, anchor->point.root, std::nullopt});
    }
}

// Walks the leaves in order, against the roots.
class tree_walk {
public:
    tree_walk(const std::vector<milestone> &roots, chain &result) : roots_{roots}, result_{result} {
        meet_roots();
    }
    void add(const cursor &chunk);
    void end();
    [[nodiscard]] bool broken() const { return result_.broken.has_value(); }

private:
    void meet_roots();
    void read_order(std::uint64_t first, std::span<const std::uint8_t> positions);
    void note(finding found) {
        if (!result_.broken)
            result_.broken = std::move(found);
    }

    const std::vector<milestone> &roots_;
    chain &result_;
    core::merkle::growing_tree tree_;
    std::size_t next_root_ = 0;
    std::uint64_t expected_ = 0; // index of the next leaf
    std::optional<position> last_;
};

void tree_walk::meet_roots() {
    for (; next_root_ < roots_.size() && roots_[next_root_].size == tree_.size() && !broken();
         ++next_root_) {
        const milestone &wanted = roots_[next_root_];
        if (tree_.root() == wanted.root)
            continue;
        finding found;
        found.problem = wanted.number ? "root differs" : "anchor differs";
        found.detail = wanted.number
                           ? "The leaves up to this checkpoint are not those that were sealed."
                           : "The leaves are not those of the anchored checkpoint.";
        found.checkpoint = wanted.number;
        result_.broken = found;
    }
}

// Also after something was found broken: the rows are held against the leaves all the same.
void tree_walk::read_order(std::uint64_t first, std::span<const std::uint8_t> positions) {
    for (std::size_t at = 0; at < positions.size() && result_.ordered; at += k_position) {
        position now;
        std::memcpy(now.bytes.data(), positions.data() + at, k_position);
        const std::uint64_t index = first + at / k_position;
        const bool ascends = last_ && now.compare(*last_) > 0;
        if (!ascends && at == 0)
            result_.runs.push_back({index, index});
        if (!ascends && at != 0) {
            result_.ordered = false;
            note(at_leaf(index, "order changed",
                         "Sealed leaves are not in the order of their rows."));
        }
        last_ = now;
    }
    if (!result_.runs.empty())
        result_.runs.back().end = first + positions.size() / k_position;
}

// By these transactions the list of a row is found.
bool has_transactions(std::span<const std::uint8_t> positions,
                      std::span<const std::uint8_t> first_and_last) {
    return positions.size() >= k_position && first_and_last.size() == 16 &&
           std::memcmp(first_and_last.data(), positions.data(), 8) == 0 &&
           std::memcmp(first_and_last.data() + 8, positions.last(k_position).data(), 8) == 0;
}

void tree_walk::add(const cursor &chunk) {
    const auto first = static_cast<std::uint64_t>(chunk.integer(1));
    const auto count = static_cast<std::uint64_t>(chunk.integer(2));
    const auto hashes = chunk.bytes(3);
    const auto positions = chunk.bytes(4);
    if (first != expected_ || hashes.size() != count * k_hash ||
        positions.size() != count * k_position || count == 0) {
        result_.complete = false;
        note(at_leaf(expected_, "leaves missing",
                     "The list of sealed leaves has a gap or a wrong length."));
    } else if (!has_transactions(positions, chunk.bytes(5))) {
        note(at_leaf(first, "order changed",
                     "The transactions of a list of leaves are not those of its rows."));
    }
    read_order(first, positions.first(positions.size() / k_position * k_position));
    expected_ = first + count;
    for (std::size_t i = 0; i < count && !broken(); ++i) {
        core::digest leaf;
        std::memcpy(leaf.data(), hashes.data() + i * k_hash, k_hash);
        tree_.append(leaf);
        meet_roots();
    }
}

void tree_walk::end() {
    if (broken())
        return;
    if (next_root_ < roots_.size()) {
        result_.complete = false;
        note(at_leaf(tree_.size(), "leaves missing",
                     "There are fewer sealed leaves than the last checkpoint says."));
    } else if (tree_.size() > result_.size) {
        note(at_leaf(result_.size, "checkpoint missing",
                     "There are sealed leaves after the last checkpoint."));
    }
}

void check_tree(const std::uint8_t *team, const std::vector<milestone> &roots, chain &result) {
    core::cancel_poll poll{pg::stop_requested};
    tree_walk walk{roots, result};
    cursor chunk{k_leaves, team, INT8OID, PG_INT64_MIN, PG_INT64_MAX};
    while (chunk.next()) {
        poll.step();
        walk.add(chunk);
    }
    walk.end();
}

pg::text_value number_text(const std::optional<std::int64_t> &n) {
    return n ? pg::text_value{std::to_string(*n)} : std::nullopt;
}

pg::text_value time_text(const std::optional<std::int64_t> &time) {
    if (!time)
        return std::nullopt;
    const std::int64_t value = *time;
    return std::string{pg::call([value] {
        return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(value)));
    })};
}

// One row of the answer: the finding, then the numbers.
pg::text_row answer(const std::optional<finding> &found, const chain &known,
                    const row_summary &rows) {
    const finding what = found.value_or(finding{});
    std::optional<std::int64_t> index;
    if (what.leaf_index)
        index = static_cast<std::int64_t>(*what.leaf_index);
    return {found ? pg::text_value{what.problem} : std::nullopt,
            found ? pg::text_value{what.detail} : std::nullopt,
            number_text(what.checkpoint),
            number_text(index),
            time_text(what.created_at),
            what.id ? pg::text_value{core::to_text(*what.id)} : std::nullopt,
            std::to_string(known.checkpoints),
            std::to_string(known.size),
            std::to_string(rows.verified),
            std::to_string(rows.erased),
            std::to_string(rows.unsealed),
            time_text(rows.unsealed_since)};
}

} // namespace

chain verify_chain(const std::uint8_t *team, const std::string &anchor) {
    chain result;
    std::vector<milestone> roots = read_checkpoints(team, result);
    if (!result.broken && !anchor.empty())
        add_anchor(anchor, team, roots, result);
    check_tree(team, roots, result);
    return result;
}

} // namespace saas::audit

// saas.verify_audit_chain(team, from, to, anchor)
SAAS_FUNCTION(saas_verify_audit_chain) {
    namespace audit = saas::audit;
    namespace pg = saas::pg;
    if (PG_ARGISNULL(0))
        throw saas::core::error{saas::core::k_invalid_parameter_value, "the team is null"};
    const std::uint8_t *team = PG_GETARG_UUID_P(0)->data;
    const std::int64_t from = PG_ARGISNULL(1) ? PG_INT64_MIN : PG_GETARG_INT64(1);
    const std::int64_t to = PG_ARGISNULL(2) ? PG_INT64_MAX : PG_GETARG_INT64(2);
    const std::string anchor = PG_ARGISNULL(3) ? "" : pg::text_string(PG_GETARG_DATUM(3));
    pg::spi connection;
    const audit::chain known = audit::verify_chain(team, anchor);
    // Rows are held against the leaves in order; without one that says nothing.
    const audit::row_summary rows =
        known.ordered ? audit::verify_rows(team, known, from, to) : audit::row_summary{};
    connection.close();
    std::vector<pg::text_row> answers;
    if (known.broken)
        answers.push_back(audit::answer(known.broken, known, rows));
    if (rows.broken)
        answers.push_back(audit::answer(rows.broken, known, rows));
    if (answers.empty())
        answers.push_back(audit::answer(std::nullopt, known, rows));
    pg::return_rows(fcinfo, answers);
    return 0;
}
