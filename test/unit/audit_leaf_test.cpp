// SPDX-License-Identifier: PostgreSQL
#include "core/audit/checkpoint.hpp"
#include "core/audit/leaf.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace core = saas::core;
namespace audit = saas::core::audit;

namespace {

std::string framed(std::string_view text) {
    const auto size = static_cast<char>(text.size());
    return std::string{"\0\0\0", 3} + size + std::string{text};
}

std::string text_of(const core::digest &hash) {
    return {reinterpret_cast<const char *>(hash.data()), hash.size()};
}

audit::checkpoint sample() {
    audit::checkpoint point;
    point.team = *core::parse_uuid("0190a000-0000-7000-8000-000000000001");
    point.number = 7;
    point.size = 1200;
    point.root = core::sha256(core::bytes_of("root"));
    point.previous_root = core::sha256(core::bytes_of("previous"));
    point.sealed_at = 1764000000000000;
    point.through_transaction = 815;
    point.through_id = *core::parse_uuid("0190b000-0000-7000-8000-000000000009");
    return point;
}

} // namespace

TEST(audit_leaf, is_the_hash_that_the_format_says) {
    audit::leaf_hasher hasher;
    const std::string null_field = "\xff\xff\xff\xff";
    const audit::field values[] = {core::bytes_of("old"), std::nullopt};
    const core::digest payload = hasher.payload(values);
    EXPECT_EQ(payload, core::sha256(core::bytes_of("\x04" + framed("old") + null_field)));
    const core::digest commitment = hasher.commit(core::bytes_of("salt"), payload);
    EXPECT_EQ(commitment, core::sha256(core::bytes_of(std::string{"\x02"} + "salt" + text_of(payload))));
    const audit::field others[] = {core::bytes_of("team"), std::nullopt, core::bytes_of("")};
    const core::digest columns = hasher.columns(others);
    EXPECT_EQ(columns, core::sha256(core::bytes_of("\x03\x02" + framed("team") + null_field +
                                                   framed(""))));
    EXPECT_EQ(hasher.leaf(columns, commitment),
              core::sha256(core::bytes_of(std::string{"\0", 1} + text_of(columns) +
                                          text_of(commitment))));
}

TEST(audit_leaf, hashes_values_of_any_length) {
    audit::leaf_hasher hasher;
    std::set<core::digest> seen;
    for (std::size_t size = 490; size < 530; ++size) {
        const std::string text(size, 'x');
        const audit::field values[] = {core::bytes_of(text), core::bytes_of("end")};
        const std::string length{'\0', '\0', static_cast<char>(size >> 8), static_cast<char>(size)};
        EXPECT_EQ(hasher.payload(values),
                  core::sha256(core::bytes_of("\x04" + length + text + framed("end"))));
        seen.insert(hasher.payload(values));
    }
    EXPECT_EQ(seen.size(), 40U);
}

TEST(audit_leaf, tells_columns_and_nulls_apart) {
    audit::leaf_hasher hasher;
    std::set<core::digest> seen;
    const std::vector<std::vector<audit::field>> rows{
        {core::bytes_of("ab"), core::bytes_of("c")}, {core::bytes_of("a"), core::bytes_of("bc")},
        {core::bytes_of("abc"), std::nullopt},       {std::nullopt, core::bytes_of("abc")},
        {core::bytes_of("abc"), core::bytes_of("")}, {core::bytes_of("abc")}};
    for (const auto &row : rows) {
        seen.insert(hasher.columns(row));
        seen.insert(hasher.payload(row));
        seen.insert(hasher.commit(core::bytes_of("s"), hasher.payload(row)));
        seen.insert(hasher.commit(core::bytes_of("t"), hasher.payload(row)));
    }
    EXPECT_EQ(seen.size(), rows.size() * 4);
}

TEST(audit_checkpoint, reads_what_it_wrote) {
    const audit::checkpoint point = sample();
    const core::digest signature = audit::sign(point, core::bytes_of("key"));
    const core::uuid key = *core::parse_uuid("0190c000-0000-7000-8000-000000000001");
    const std::string text = audit::write_checkpoint(point, key, signature);
    const auto read = audit::read_checkpoint(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(audit::note_of(read->point), audit::note_of(point));
    EXPECT_EQ(read->signature, signature);
    EXPECT_EQ(read->key_hint, audit::key_hint(key));
    EXPECT_EQ(text.substr(0, 68), "pg_saas/audit/0190a000-0000-7000-8000-000000000001\n1200\n" +
                                      core::to_base64(point.root).substr(0, 12));
}

TEST(audit_checkpoint, signature_depends_on_every_part) {
    std::set<core::digest> seen;
    const auto add = [&seen](auto change) {
        audit::checkpoint point = sample();
        change(point);
        seen.insert(audit::sign(point, core::bytes_of("key")));
    };
    add([](audit::checkpoint &) {});
    add([](audit::checkpoint &p) { p.team[0] ^= 1; });
    add([](audit::checkpoint &p) { ++p.number; });
    add([](audit::checkpoint &p) { ++p.size; });
    add([](audit::checkpoint &p) { p.root[5] ^= 1; });
    add([](audit::checkpoint &p) { p.previous_root[5] ^= 1; });
    add([](audit::checkpoint &p) { ++p.sealed_at; });
    add([](audit::checkpoint &p) { ++p.through_transaction; });
    add([](audit::checkpoint &p) { p.through_id[3] ^= 1; });
    add([](audit::checkpoint &p) { p.retained_from = 1; });
    EXPECT_EQ(seen.size(), 10U);
}

TEST(audit_checkpoint, refuses_any_other_text) {
    const core::uuid key{};
    const std::string text =
        audit::write_checkpoint(sample(), key, audit::sign(sample(), core::bytes_of("key")));
    for (std::size_t i = 0; i < text.size(); ++i) {
        EXPECT_EQ(audit::read_checkpoint(text.substr(0, i)).has_value(), i == text.size() - 1) << i;
        std::string longer = text;
        longer.insert(i, "\n");
        EXPECT_FALSE(audit::read_checkpoint(longer)) << i;
    }
    EXPECT_FALSE(audit::read_checkpoint(text + "x"));
}

TEST(base64, rfc_4648) {
    EXPECT_EQ(core::to_base64(core::bytes_of("")), "");
    EXPECT_EQ(core::to_base64(core::bytes_of("f")), "Zg==");
    EXPECT_EQ(core::to_base64(core::bytes_of("foobar")), "Zm9vYmFy");
    std::array<std::uint8_t, 1> one{};
    EXPECT_TRUE(core::from_base64("Zg==", one));
    EXPECT_EQ(one[0], 'f');
    EXPECT_FALSE(core::from_base64("Zh==", one)); // bits that stand for nothing
    EXPECT_FALSE(core::from_base64("Zg", one));
    EXPECT_FALSE(core::from_base64("Z===", one));
    EXPECT_FALSE(core::from_base64("Zm8=", one));
}
