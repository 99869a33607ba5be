// SPDX-License-Identifier: PostgreSQL
#include "core/encryption/ciphertext.hpp"
#include "core/encryption/derive.hpp"
#include "core/error.hpp"

#include <gtest/gtest.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace core = saas::core;
namespace encryption = saas::core::encryption;

namespace {

using bytes = std::vector<std::uint8_t>;
using encryption::algorithm;
using encryption::binding;

constexpr algorithm k_all[] = {algorithm::xaes_256_gcm, algorithm::aes_256_gcm,
                               algorithm::aes_256_siv};

core::uuid id(std::uint8_t last) {
    core::uuid out{};
    out.back() = last;
    return out;
}

struct fixture {
    encryption::value_cipher cipher;
    encryption::secret_key data_key;
    binding bound{id(1), id(2), id(3)};

    fixture() { data_key.bytes()[0] = 7; }

    bytes seal(algorithm chosen, const bytes &plaintext) {
        bytes out(encryption::sealed_size(chosen, plaintext.size()));
        encryption::secret<64> room;
        cipher.seal(chosen, 42, encryption::value_key(data_key, chosen, room), bound, 1, plaintext,
                    out);
        return out;
    }
    std::optional<bytes> open(const bytes &value, const binding &as) {
        const auto known = encryption::parse_header(value);
        if (!known)
            return std::nullopt;
        encryption::secret<64> room;
        bytes out(encryption::plain_size(*known, value.size()));
        if (!cipher.open(*known, encryption::value_key(data_key, known->chosen, room), as, value,
                         out)) {
            EXPECT_EQ(out, bytes(out.size())) << "what did not authenticate is wiped";
            return std::nullopt;
        }
        return out;
    }
};

const bytes k_lengths = {0, 1, 15, 16, 17, 31, 32, 33, 255};

} // namespace

TEST(ciphertext, opens_what_was_sealed) {
    fixture f;
    for (algorithm chosen : k_all) {
        for (std::uint8_t length : k_lengths) {
            const bytes plaintext(length, 'x');
            const bytes value = f.seal(chosen, plaintext);
            const auto known = encryption::parse_header(value);
            ASSERT_TRUE(known);
            EXPECT_EQ(known->chosen, chosen);
            EXPECT_EQ(known->key_number, 42U);
            EXPECT_EQ(f.open(value, f.bound), plaintext);
        }
    }
}

TEST(ciphertext, sizes_are_those_of_the_format) {
    EXPECT_EQ(encryption::sealed_size(algorithm::xaes_256_gcm, 32), 32U + 52U);
    EXPECT_EQ(encryption::sealed_size(algorithm::aes_256_gcm, 32), 32U + 40U);
    EXPECT_EQ(encryption::sealed_size(algorithm::aes_256_siv, 32), 32U + 29U);
}

TEST(ciphertext, every_bit_of_every_byte_counts) {
    fixture f;
    for (algorithm chosen : k_all) {
        for (std::uint8_t length : k_lengths) {
            const bytes value = f.seal(chosen, bytes(length, 'x'));
            for (std::size_t at = 0; at < value.size(); ++at) {
                for (unsigned bit = 0; bit < 8; ++bit) {
                    bytes changed = value;
                    changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << bit));
                    ASSERT_FALSE(f.open(changed, f.bound)) << at << '.' << bit;
                }
            }
        }
    }
}

TEST(ciphertext, a_shorter_or_longer_value_does_not_open) {
    fixture f;
    for (algorithm chosen : k_all) {
        const bytes value = f.seal(chosen, bytes(20, 'x'));
        for (std::size_t size = 0; size < value.size(); ++size)
            ASSERT_FALSE(f.open(
                bytes(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(size)), f.bound));
        bytes longer = value;
        longer.push_back(0);
        EXPECT_FALSE(f.open(longer, f.bound));
    }
}

TEST(ciphertext, a_value_that_was_moved_does_not_open) {
    fixture f;
    const binding others[] = {
        {id(9), id(2), id(3)},        {id(1), id(9), id(3)},
        {id(1), id(2), id(9)},        {id(1), id(3), id(2)},
        {id(2), id(1), id(3)},        {id(1), std::nullopt, id(3)},
        {id(1), id(2), std::nullopt}, {id(1), std::nullopt, std::nullopt},
    };
    for (algorithm chosen : k_all) {
        const bytes value = f.seal(chosen, bytes(5, 'x'));
        for (const binding &other : others)
            EXPECT_FALSE(f.open(value, other));
        EXPECT_TRUE(f.open(value, f.bound));
    }
}

TEST(ciphertext, another_key_does_not_open) {
    fixture f;
    fixture other;
    other.data_key.bytes()[31] = 1;
    for (algorithm chosen : k_all)
        EXPECT_FALSE(other.open(f.seal(chosen, bytes(5, 'x')), f.bound));
}

TEST(ciphertext, only_siv_is_deterministic) {
    fixture f;
    const bytes plaintext(5, 'x');
    EXPECT_EQ(f.seal(algorithm::aes_256_siv, plaintext), f.seal(algorithm::aes_256_siv, plaintext));
    EXPECT_NE(f.seal(algorithm::xaes_256_gcm, plaintext),
              f.seal(algorithm::xaes_256_gcm, plaintext));
    EXPECT_NE(f.seal(algorithm::aes_256_gcm, plaintext), f.seal(algorithm::aes_256_gcm, plaintext));
}

TEST(ciphertext, an_empty_deterministic_value_is_authenticated) {
    fixture f;
    const bytes value = f.seal(algorithm::aes_256_siv, {});
    EXPECT_NE(bytes(value.end() - 16, value.end()), bytes(16)) << "a tag of zeros";
    EXPECT_EQ(f.open(value, f.bound), bytes{});
    encryption::aead cipher;
    bytes out(16);
    EXPECT_THROW(cipher.seal(algorithm::aes_256_siv, {bytes(64, 1), {}, {}}, {}, out), core::error);
}

TEST(ciphertext, headers_of_other_kinds_are_none) {
    fixture f;
    const bytes value = f.seal(algorithm::xaes_256_gcm, bytes(5, 'x'));
    auto with = [&](std::size_t at, std::uint8_t byte) {
        bytes changed = value;
        changed[at] = byte;
        return encryption::parse_header(changed).has_value();
    };
    EXPECT_FALSE(with(0, 0xC2));
    EXPECT_FALSE(with(1, 0));
    EXPECT_FALSE(with(1, 4));
    EXPECT_FALSE(with(2, 0));
    EXPECT_FALSE(with(2, 2 | 4)) << "a reserved flag";
    EXPECT_FALSE(with(3, 1));
    EXPECT_TRUE(with(11, 0xff));
    EXPECT_FALSE(encryption::parse_header({}).has_value());
}

// RFC 5297 out of its parts: S2V by AES-CMAC under the first half of the key, CTR under the second.
TEST(aes_256_siv, is_rfc_5297) {
    bytes key(64);
    for (std::size_t i = 0; i < key.size(); ++i)
        key[i] = static_cast<std::uint8_t>(i);
    const bytes header(20, 'h');
    const bytes plaintext(40, 'p'); // longer than a block: xorend
    auto cmac = [&](const bytes &message) {
        EVP_MAC *mac = EVP_MAC_fetch(nullptr, "CMAC", nullptr);
        EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
        char name[] = "AES-256-CBC";
        const OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0),
            OSSL_PARAM_construct_end()};
        bytes out(16);
        std::size_t length = 0;
        EXPECT_EQ(EVP_MAC_init(context, key.data(), 32, parameters), 1);
        EXPECT_EQ(EVP_MAC_update(context, message.data(), message.size()), 1);
        EXPECT_EQ(EVP_MAC_final(context, out.data(), &length, out.size()), 1);
        EVP_MAC_CTX_free(context);
        EVP_MAC_free(mac);
        return out;
    };
    auto doubled = [](bytes block) {
        const bool high = (block[0] & 0x80) != 0;
        for (std::size_t i = 0; i < 16; ++i)
            block[i] = static_cast<std::uint8_t>(block[i] << 1 | (i < 15 ? block[i + 1] >> 7 : 0));
        block[15] = static_cast<std::uint8_t>(block[15] ^ (high ? 0x87 : 0));
        return block;
    };
    bytes d = doubled(cmac(bytes(16)));
    const bytes of_header = cmac(header);
    bytes last = plaintext;
    for (std::size_t i = 0; i < 16; ++i)
        last[last.size() - 16 + i] =
            static_cast<std::uint8_t>(last[last.size() - 16 + i] ^ d[i] ^ of_header[i]);
    const bytes tag = cmac(last);
    bytes counter = tag;
    counter[8] &= 0x7f;
    counter[12] &= 0x7f;
    bytes expected(plaintext.size());
    int length = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    ASSERT_EQ(
        EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), nullptr, key.data() + 32, counter.data()),
        1);
    ASSERT_EQ(EVP_EncryptUpdate(context, expected.data(), &length, plaintext.data(),
                                static_cast<int>(plaintext.size())),
              1);
    EVP_CIPHER_CTX_free(context);
    expected.insert(expected.end(), tag.begin(), tag.end());

    encryption::aead cipher;
    bytes sealed(plaintext.size() + 16);
    cipher.seal(algorithm::aes_256_siv, {key, {}, header}, plaintext, sealed);
    EXPECT_EQ(sealed, expected);
}

TEST(aead, goes_on_after_a_message_that_does_not_open) {
    fixture f;
    for (algorithm chosen : k_all) {
        const bytes value = f.seal(chosen, bytes(5, 'x'));
        bytes broken = value;
        broken.back() = static_cast<std::uint8_t>(broken.back() ^ 1);
        EXPECT_FALSE(f.open(broken, f.bound));
        EXPECT_TRUE(f.open(value, f.bound));
        f.cipher.forget();
        EXPECT_TRUE(f.open(value, f.bound));
    }
}

TEST(random_pool, hands_out_nothing_twice_and_starts_over_in_another_process) {
    encryption::random_pool pool;
    encryption::random_pool forked;
    std::set<bytes> seen;
    bytes one(24);
    for (int i = 0; i < 2000; ++i) {
        pool.take(1, one);
        EXPECT_TRUE(seen.insert(one).second);
    }
    forked = pool; // what fork() does to it
    bytes parent(24);
    bytes child(24);
    pool.take(1, parent);
    forked.take(2, child);
    EXPECT_NE(parent, child);
}

TEST(derive, no_two_uses_share_a_key) {
    encryption::secret_key key;
    std::set<bytes> keys;
    for (algorithm chosen : k_all) {
        encryption::secret<64> room;
        const auto derived = encryption::value_key(key, chosen, room);
        EXPECT_TRUE(keys.insert(bytes(derived.begin(), derived.begin() + 32)).second);
    }
    const auto index = encryption::subkey(key, "pg_saas index");
    EXPECT_TRUE(keys.insert(bytes(index.bytes().begin(), index.bytes().end())).second);
    encryption::secret_key other;
    other.bytes()[0] = 1;
    EXPECT_NE(encryption::check_value(key), encryption::check_value(other));
}
