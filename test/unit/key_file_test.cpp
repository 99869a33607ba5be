// SPDX-License-Identifier: PostgreSQL
#include "core/encryption/key_file.hpp"
#include "core/encryption/data_key.hpp"
#include "core/sha256.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace core = saas::core;
namespace encryption = saas::core::encryption;

namespace {

using encryption::key_file;
using encryption::key_purpose;
using encryption::key_state;

core::uuid id(std::uint8_t last) {
    core::uuid out{};
    out.back() = last;
    return out;
}

struct fixture {
    encryption::aead cipher;
    std::array<encryption::secret_key, 2> roots;
    key_file file;

    fixture() {
        roots[0].bytes()[0] = 1;
        roots[1].bytes()[0] = 2;
        file.add_epoch(cipher, newest(), id(2), key_purpose::shred, 1000);
        file.add_epoch(cipher, newest(), id(1), key_purpose::shred, 1001);
        file.add_epoch(cipher, newest(), id(2), key_purpose::shred, 1002);
        file.add_epoch(cipher, newest(), id(2), key_purpose::hold, 1003);
    }
    encryption::root_keys newest() const { return std::span{roots}.first(1); }
    encryption::root_keys other() const { return std::span{roots}.last(1); }
    encryption::root_keys both() const { return roots; }
};

} // namespace

TEST(key_file, is_read_as_it_was_written) {
    fixture f;
    const auto bytes = f.file.build(f.newest());
    EXPECT_EQ(bytes.size(), 40U + 4U * 112U + 32U);
    const auto read = key_file::parse(bytes, f.newest());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->generation(), 1U);
    ASSERT_EQ(read->entries().size(), 4U);
    ASSERT_NE(read->current(id(2), key_purpose::shred), nullptr);
    EXPECT_EQ(read->current(id(2), key_purpose::shred)->epoch, 2U);
    EXPECT_EQ(read->current(id(1), key_purpose::shred)->epoch, 1U);
    EXPECT_EQ(read->current(id(2), key_purpose::hold)->epoch, 1U);
    EXPECT_EQ(read->current(id(1), key_purpose::hold), nullptr);
    EXPECT_EQ(read->current(id(9), key_purpose::shred), nullptr);
    ASSERT_NE(read->find(id(2), key_purpose::shred, 1), nullptr);
    EXPECT_EQ(read->find(id(2), key_purpose::shred, 1)->state, key_state::former);
    EXPECT_EQ(read->find(id(2), key_purpose::shred, 3), nullptr);
    EXPECT_EQ(key_file::parse(read->build(f.newest()), f.newest())->generation(), 2U);
}

TEST(key_file, without_entries_is_a_file) {
    fixture f;
    const auto read = key_file::parse(key_file{}.build(f.newest()), f.newest());
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->entries().empty());
}

TEST(key_file, every_bit_counts) {
    fixture f;
    const auto bytes = f.file.build(f.newest());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto changed = bytes;
            changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << bit));
            ASSERT_FALSE(key_file::parse(changed, f.both())) << at << '.' << bit;
        }
    }
    for (std::size_t size = 0; size < bytes.size(); ++size)
        ASSERT_FALSE(key_file::parse(std::span{bytes}.first(size), f.both()));
}

TEST(key_file, another_root_does_not_read_it) {
    fixture f;
    EXPECT_FALSE(key_file::parse(f.file.build(f.newest()), f.other()));
    EXPECT_TRUE(key_file::parse(f.file.build(f.other()), f.both()));
}

TEST(key_file, entries_open_under_their_root_only_and_are_not_interchangeable) {
    fixture f;
    encryption::secret_key key;
    for (const auto &entry : f.file.entries()) {
        EXPECT_TRUE(encryption::unwrap_entry(f.cipher, f.both(), entry, key));
        EXPECT_FALSE(encryption::unwrap_entry(f.cipher, f.other(), entry, key));
    }
    auto pasted = f.file.entries()[0];
    pasted.wrapped = f.file.entries()[1].wrapped;
    EXPECT_FALSE(encryption::unwrap_entry(f.cipher, f.both(), pasted, key));
    auto changed = f.file.entries()[1];
    changed.epoch += 1;
    EXPECT_FALSE(encryption::unwrap_entry(f.cipher, f.both(), changed, key));
}

TEST(key_file, a_new_root_takes_over) {
    fixture f;
    std::array<encryption::secret_key, 2> newer{f.roots[1], f.roots[0]};
    encryption::secret_key before;
    encryption::secret_key after;
    ASSERT_TRUE(encryption::unwrap_entry(f.cipher, f.newest(), f.file.entries()[0], before));
    ASSERT_TRUE(f.file.rewrap(f.cipher, newer));
    ASSERT_TRUE(encryption::unwrap_entry(f.cipher, f.other(), f.file.entries()[0], after));
    EXPECT_EQ(core::to_hex(before.bytes()), core::to_hex(after.bytes()));
    EXPECT_FALSE(f.file.rewrap(f.cipher, f.newest())) << "the old root opens them no more";
}

TEST(key_file, epochs_follow_each_other_and_can_be_removed) {
    fixture f;
    EXPECT_EQ(f.file.add_epoch(f.cipher, f.newest(), id(7), key_purpose::shred, 1, 5).epoch, 6U)
        << "an epoch that was used already is not begun again";
    EXPECT_TRUE(f.file.remove(id(2), key_purpose::shred, 1));
    EXPECT_FALSE(f.file.remove(id(2), key_purpose::shred, 1));
    EXPECT_EQ(f.file.find(id(2), key_purpose::shred, 1), nullptr);
    EXPECT_NE(f.file.find(id(2), key_purpose::shred, 2), nullptr);
}

TEST(data_key, opens_in_its_own_place_only) {
    encryption::aead cipher;
    encryption::secret_key under;
    encryption::secret_key key;
    key.bytes()[5] = 5;
    const encryption::data_key_identity identity{7, id(1), "subject", id(2), std::nullopt, 1, 1};
    const auto wrapped = encryption::wrap_data_key(cipher, under, identity, key);
    encryption::secret_key opened;
    ASSERT_TRUE(encryption::unwrap_data_key(cipher, under, identity, wrapped, opened));
    EXPECT_EQ(core::to_hex(opened.bytes()), core::to_hex(key.bytes()));
    const encryption::data_key_identity others[] = {
        {8, id(1), "subject", id(2), std::nullopt, 1, 1},
        {7, id(9), "subject", id(2), std::nullopt, 1, 1},
        {7, id(1), "tenant", id(2), std::nullopt, 1, 1},
        {7, id(1), "subject", id(9), std::nullopt, 1, 1},
        {7, id(1), "subject", std::nullopt, id(2), 1, 1},
        {7, id(1), "subject", id(2), std::nullopt, 2, 1},
        {7, id(1), "subject", id(2), std::nullopt, 1, 2},
    };
    for (const auto &other : others)
        EXPECT_FALSE(encryption::unwrap_data_key(cipher, under, other, wrapped, opened));
    EXPECT_FALSE(encryption::unwrap_data_key(cipher, under, identity, {}, opened));
    for (std::size_t at = 0; at < wrapped.size(); ++at) {
        auto changed = wrapped;
        changed[at] = static_cast<std::uint8_t>(changed[at] ^ 1);
        EXPECT_FALSE(encryption::unwrap_data_key(cipher, under, identity, changed, opened));
    }
}

TEST(root_keys, are_read_from_hexadecimal_and_base64) {
    std::array<encryption::secret_key, encryption::k_most_roots> out;
    const std::string hex(64, 'a');
    const std::string base64 = core::to_base64(std::vector<std::uint8_t>(32, 0xbb));
    EXPECT_EQ(encryption::parse_root_keys(hex, out), 1U);
    EXPECT_EQ(encryption::parse_root_keys(hex + "\n" + base64 + "\r\n", out), 2U);
    EXPECT_EQ(core::to_hex(out[0].bytes()), hex);
    EXPECT_EQ(core::to_hex(out[1].bytes()), std::string(64, 'b'));
    std::string loose = base64;
    loose[42] = static_cast<char>(loose[42] + 1); // bits that stand for nothing
    const std::string wrong[] = {loose,
                                 "",
                                 "\n",
                                 hex + "a",
                                 hex.substr(1),
                                 std::string(64, '0'),
                                 "password",
                                 hex + "\n\n" + hex,
                                 hex + "\n" + hex + "\n" + hex + "\n" + hex + "\n" + hex};
    for (const std::string &text : wrong) {
        EXPECT_EQ(encryption::parse_root_keys(text, out), 0U) << text;
        EXPECT_EQ(core::to_hex(out[0].bytes()), std::string(64, '0')) << "nothing stays behind";
    }
}
