// SPDX-License-Identifier: PostgreSQL
// Published test vectors: C2SP's of XAES-256-GCM, RFC 5869, RFC 4231, and Wycheproof's files, which
// lie beside the checkout (../shared/data/wycheproof) or where SAAS_WYCHEPROOF says.
#include "core/encryption/aead.hpp"
#include "core/encryption/derive.hpp"
#include "core/error.hpp"
#include "core/sha256.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <openssl/evp.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace core = saas::core;
namespace encryption = saas::core::encryption;
namespace json = boost::json;

namespace {

using bytes = std::vector<std::uint8_t>;
using encryption::algorithm;

bytes from_hex(std::string_view text) {
    bytes out(text.size() / 2);
    EXPECT_TRUE(core::from_hex(text, out));
    return out;
}
bytes from_text(std::string_view text) {
    return {text.begin(), text.end()};
}

bytes seal(encryption::aead &cipher, algorithm chosen, const bytes &key, const bytes &nonce,
           const bytes &associated, const bytes &plaintext) {
    bytes out(plaintext.size() + encryption::k_tag_bytes);
    cipher.seal(chosen, {key, nonce, associated}, plaintext, out);
    return out;
}
std::optional<bytes> open(encryption::aead &cipher, algorithm chosen, const bytes &key,
                          const bytes &nonce, const bytes &associated, const bytes &sealed) {
    bytes out(sealed.size() - encryption::k_tag_bytes);
    if (!cipher.open(chosen, {key, nonce, associated}, sealed, out))
        return std::nullopt;
    return out;
}

// One read of SHAKE-128's endless output, or the digest of a message.
bytes shake_128(const bytes &message, std::size_t size) {
    bytes out(size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EXPECT_EQ(EVP_DigestInit_ex(context, EVP_shake128(), nullptr), 1);
    EXPECT_EQ(EVP_DigestUpdate(context, message.data(), message.size()), 1);
    EXPECT_EQ(EVP_DigestFinalXOF(context, out.data(), out.size()), 1);
    EVP_MD_CTX_free(context);
    return out;
}

std::optional<json::value> wycheproof(const std::string &name) {
    std::vector<std::filesystem::path> folders;
    if (const char *given = std::getenv("SAAS_WYCHEPROOF"))
        folders.emplace_back(given);
    const std::filesystem::path source{SAAS_SOURCE_DIR};
    folders.push_back(source / "../shared/data/wycheproof");
    folders.push_back(source / "../../shared/data/wycheproof");
    for (const auto &folder : folders) {
        std::ifstream file{folder / name};
        if (file)
            return json::parse(std::string{std::istreambuf_iterator<char>{file}, {}});
    }
    return std::nullopt;
}

std::string text(const json::value &object, const char *name) {
    return std::string{object.at(name).as_string()};
}
bytes octets(const json::value &object, const char *name) {
    return from_hex(text(object, name));
}

} // namespace

TEST(xaes_256_gcm, c2sp_vectors) {
    encryption::aead cipher;
    const bytes nonce = from_text("ABCDEFGHIJKLMNOPQRSTUVWX");
    const bytes plaintext = from_text("XAES-256-GCM");
    EXPECT_EQ(
        core::to_hex(seal(cipher, algorithm::xaes_256_gcm, bytes(32, 1), nonce, {}, plaintext)),
        "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
    EXPECT_EQ(core::to_hex(seal(cipher, algorithm::xaes_256_gcm, bytes(32, 3), nonce,
                                from_text("c2sp.org/XAES-256-GCM"), plaintext)),
              "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

// 10 000 messages whose key, nonce, plaintext and associated data come from SHAKE-128, hashed
// together.
TEST(xaes_256_gcm, c2sp_accumulated_vector) {
    const bytes random = shake_128({}, 10'000 * (32 + 24 + 2 + 2 * 255));
    auto next = random.begin();
    auto take = [&](std::size_t size) {
        bytes out(next, next + static_cast<std::ptrdiff_t>(size));
        next += static_cast<std::ptrdiff_t>(size);
        return out;
    };
    encryption::aead cipher;
    bytes all;
    for (int i = 0; i < 10'000; ++i) {
        const bytes key = take(32);
        const bytes nonce = take(24);
        const bytes plaintext = take(take(1)[0]);
        const bytes associated = take(take(1)[0]);
        const bytes sealed =
            seal(cipher, algorithm::xaes_256_gcm, key, nonce, associated, plaintext);
        ASSERT_EQ(open(cipher, algorithm::xaes_256_gcm, key, nonce, associated, sealed), plaintext);
        all.insert(all.end(), sealed.begin(), sealed.end());
    }
    EXPECT_EQ(core::to_hex(shake_128(all, 32)),
              "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

TEST(hkdf_sha256, rfc_5869) {
    struct {
        bytes key, salt, info;
        const char *expected;
    } const cases[] = {
        {bytes(22, 0x0b), from_hex("000102030405060708090a0b0c"), from_hex("f0f1f2f3f4f5f6f7f8f9"),
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                  "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
                  "404142434445464748494a4b4c4d4e4f"),
         from_hex("606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
                  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
                  "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"),
         from_hex("b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
                  "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
                  "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
         "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
         "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {bytes(22, 0x0b),
         {},
         {},
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    for (const auto &one : cases) {
        bytes out(std::string_view{one.expected}.size() / 2);
        encryption::hkdf_sha256(one.key, one.salt, one.info, out);
        EXPECT_EQ(core::to_hex(out), one.expected);
    }
}

// Cases 3, 4 and 7; sha256_test.cpp has the others.
TEST(hmac_sha256, rfc_4231_more) {
    auto hmac = [](const bytes &key, const bytes &message) {
        std::span<const std::uint8_t> parts[] = {message};
        return core::to_hex(core::hmac_sha256(key, parts));
    };
    EXPECT_EQ(hmac(bytes(20, 0xaa), bytes(50, 0xdd)),
              "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    EXPECT_EQ(hmac(from_hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), bytes(50, 0xcd)),
              "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    EXPECT_EQ(hmac(bytes(131, 0xaa),
                   from_text("This is a test using a larger than block-size key and a larger than "
                             "block-size data. The key needs to be hashed before being used by the "
                             "HMAC algorithm.")),
              "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(wycheproof, aes_256_gcm) {
    const auto file = wycheproof("aes_gcm_test.json");
    if (!file)
        GTEST_SKIP() << "66 vectors not run: no aes_gcm_test.json";
    encryption::aead cipher;
    int run = 0;
    for (const json::value &group : file->at("testGroups").as_array()) {
        if (group.at("keySize") != 256 || group.at("ivSize") != 96 || group.at("tagSize") != 128)
            continue;
        for (const json::value &one : group.at("tests").as_array()) {
            bytes sealed = octets(one, "ct");
            const bytes tag = octets(one, "tag");
            sealed.insert(sealed.end(), tag.begin(), tag.end());
            const bytes key = octets(one, "key");
            const bytes nonce = octets(one, "iv");
            const bytes associated = octets(one, "aad");
            const bytes plaintext = octets(one, "msg");
            const auto opened =
                open(cipher, algorithm::aes_256_gcm, key, nonce, associated, sealed);
            const bool valid = text(one, "result") == "valid";
            EXPECT_EQ(opened.has_value(), valid) << one.at("tcId");
            if (valid) {
                EXPECT_EQ(*opened, plaintext);
                EXPECT_EQ(seal(cipher, algorithm::aes_256_gcm, key, nonce, associated, plaintext),
                          sealed);
            }
            ++run;
        }
    }
    EXPECT_EQ(run, 66);
}

TEST(wycheproof, hkdf_sha256) {
    const auto file = wycheproof("hkdf_sha256_test.json");
    if (!file)
        GTEST_SKIP() << "86 vectors not run: no hkdf_sha256_test.json";
    int run = 0;
    for (const json::value &group : file->at("testGroups").as_array()) {
        for (const json::value &one : group.at("tests").as_array()) {
            bytes out(static_cast<std::size_t>(one.at("size").as_int64()));
            auto derive = [&] {
                encryption::hkdf_sha256(octets(one, "ikm"), octets(one, "salt"),
                                        octets(one, "info"), out);
            };
            ++run;
            if (text(one, "result") == "valid") {
                derive();
                EXPECT_EQ(core::to_hex(out), text(one, "okm")) << one.at("tcId");
            } else {
                EXPECT_THROW(derive(), core::error) << one.at("tcId");
            }
        }
    }
    EXPECT_EQ(run, 86);
}

TEST(wycheproof, hmac_sha256) {
    const auto file = wycheproof("hmac_sha256_test.json");
    if (!file)
        GTEST_SKIP() << "174 vectors not run: no hmac_sha256_test.json";
    int run = 0;
    for (const json::value &group : file->at("testGroups").as_array()) {
        for (const json::value &one : group.at("tests").as_array()) {
            const bytes message = octets(one, "msg");
            std::span<const std::uint8_t> parts[] = {message};
            const core::digest whole = core::hmac_sha256(octets(one, "key"), parts);
            const bytes tag = octets(one, "tag");
            const bool equal = core::equal_constant_time(std::span{whole}.first(tag.size()), tag);
            EXPECT_EQ(equal, text(one, "result") == "valid") << one.at("tcId");
            ++run;
        }
    }
    EXPECT_EQ(run, 174);
}
