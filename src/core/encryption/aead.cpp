// SPDX-License-Identifier: PostgreSQL
#include "core/encryption/aead.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/encryption/secret.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>

namespace saas::core::encryption {
namespace {

using bytes_in = std::span<const std::uint8_t>;
using bytes_out = std::span<std::uint8_t>;

constexpr std::size_t k_block = 16;
constexpr std::size_t k_half_nonce =
    12; // of XAES: the first half chooses the key, the second is GCM's
constexpr std::size_t k_siv_key = 64;
constexpr std::array<std::string_view, 3> k_names{"xaes-256-gcm", "aes-256-gcm", "aes-256-siv"};

[[noreturn]] void refused() {
    throw error{k_internal_error, "OpenSSL refused to encrypt"};
}

void require(bool holds) {
    if (!holds)
        refused();
}

int size_of(bytes_in bytes) {
    require(bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    return static_cast<int>(bytes.size());
}

// Whether two keys of whole words are equal, in the same time whatever they are. CRYPTO_memcmp goes
// byte by byte, which for each message is a noticeable part of it.
template <std::size_t Size>
bool same_key(bytes_in a, bytes_in b) noexcept {
    static_assert(Size % sizeof(std::uint64_t) == 0);
    std::uint64_t difference = 0;
    for (std::size_t at = 0; at < Size; at += sizeof difference) {
        std::uint64_t left = 0;
        std::uint64_t right = 0;
        std::memcpy(&left, a.data() + at, sizeof left);
        std::memcpy(&right, b.data() + at, sizeof right);
        difference |= left ^ right;
    }
    return difference == 0;
}

struct free_context {
    void operator()(EVP_CIPHER_CTX *context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
struct free_cipher {
    void operator()(EVP_CIPHER *cipher) const noexcept { EVP_CIPHER_free(cipher); }
};

// A context of one cipher in one direction, and the key that its schedule is for.
template <std::size_t KeySize>
class keyed_context {
public:
    keyed_context(const char *cipher, bool encrypts)
        : cipher_{EVP_CIPHER_fetch(nullptr, cipher, nullptr)}, context_{EVP_CIPHER_CTX_new()},
          encrypts_{encrypts} {
        require(cipher_ != nullptr && context_ != nullptr);
        require(EVP_CipherInit_ex(context_.get(), cipher_.get(), nullptr, nullptr, nullptr,
                                  encrypts ? 1 : 0) == 1);
    }
    [[nodiscard]] EVP_CIPHER_CTX *get() const noexcept { return context_.get(); }

    // Starts a message; the key's schedule is kept when it is the last one's.
    void begin(bytes_in key, const std::uint8_t *nonce) {
        require(key.size() == KeySize);
        const bool known = has_key(key);
        keyed_ = false;
        require(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, known ? nullptr : key.data(),
                                  nonce, encrypts_ ? 1 : 0) == 1);
        if (!known)
            std::copy(key.begin(), key.end(), key_.bytes().begin());
        keyed_ = true;
    }
    [[nodiscard]] bool has_key(bytes_in key) const noexcept {
        return keyed_ && same_key<KeySize>(key_.bytes(), key);
    }
    // The schedule inside goes with the context's data; a new context is as good as the first.
    void forget() noexcept {
        key_.wipe();
        keyed_ = false;
        EVP_CIPHER_CTX_reset(context_.get());
        EVP_CipherInit_ex(context_.get(), cipher_.get(), nullptr, nullptr, nullptr,
                          encrypts_ ? 1 : 0);
    }

private:
    std::unique_ptr<EVP_CIPHER, free_cipher> cipher_;
    std::unique_ptr<EVP_CIPHER_CTX, free_context> context_;
    bool encrypts_;
    bool keyed_ = false;
    secret<KeySize> key_;
};

// The key of one XAES message: NIST SP 800-108 in counter mode with AES-CMAC, as C2SP defines it.
class xaes_keys {
public:
    const secret_key &derive(bytes_in key, bytes_in nonce) {
        const auto half = nonce.first(k_half_nonce);
        if (!block_.has_key(key)) {
            derived_ = false;
            block_.begin(key, nullptr);
            EVP_CIPHER_CTX_set_padding(block_.get(), 0);
            make_subkey();
        }
        if (derived_ && std::equal(half.begin(), half.end(), last_half_.begin()))
            return last_;
        derived_ = false;
        std::array<std::uint8_t, 2 * k_block> blocks{};
        for (std::size_t i = 0; i < 2; ++i) {
            std::uint8_t *block = blocks.data() + i * k_block;
            block[1] = static_cast<std::uint8_t>(i + 1);
            block[2] = 'X';
            std::copy_n(nonce.begin(), k_half_nonce, block + 4);
            for (std::size_t j = 0; j < k_block; ++j)
                block[j] ^= subkey_.bytes()[j];
        }
        encrypt(blocks, last_.bytes());
        wipe(blocks);
        std::copy(half.begin(), half.end(), last_half_.begin());
        derived_ = true;
        return last_;
    }
    void forget() noexcept {
        block_.forget();
        subkey_.wipe();
        last_.wipe();
        derived_ = false;
    }

private:
    void encrypt(bytes_in in, bytes_out out) {
        int length = 0;
        require(EVP_EncryptUpdate(block_.get(), out.data(), &length, in.data(), size_of(in)) == 1);
        require(static_cast<std::size_t>(length) == in.size());
    }
    // CMAC's K1 (NIST SP 800-38B): the encrypted zero block doubled in GF(2^128).
    void make_subkey() {
        const std::array<std::uint8_t, k_block> zero{};
        auto out = subkey_.bytes();
        encrypt(zero, out);
        const unsigned high = static_cast<unsigned>(out[0]) >> 7;
        for (std::size_t i = 0; i < k_block; ++i) {
            const unsigned next = i + 1 < k_block ? static_cast<unsigned>(out[i + 1]) >> 7 : 0U;
            out[i] = static_cast<std::uint8_t>(static_cast<unsigned>(out[i]) << 1 | next);
        }
        out[k_block - 1] = static_cast<std::uint8_t>(out[k_block - 1] ^ (0x87U & (0U - high)));
    }

    keyed_context<k_key_bytes> block_{"AES-256-ECB", true};
    secret<k_block> subkey_;
    bool derived_ = false;
    secret_key last_; // of the last key and first half of a nonce
    std::array<std::uint8_t, k_half_nonce> last_half_{};
};

// The tag as a parameter of the context. EVP_CIPHER_CTX_ctrl() would make the same of it.
using tag_parameter = std::array<OSSL_PARAM, 2>;
tag_parameter parameter_of(std::uint8_t *tag) noexcept {
    return {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, k_tag_bytes),
            OSSL_PARAM_construct_end()};
}

void add_associated(EVP_CIPHER_CTX *context, bytes_in associated) {
    int length = 0;
    if (!associated.empty())
        require(EVP_CipherUpdate(context, nullptr, &length, associated.data(),
                                 size_of(associated)) == 1);
}

void seal_with(EVP_CIPHER_CTX *context, bytes_in associated, bytes_in plaintext, bytes_out out) {
    std::uint8_t *tag = out.data() + plaintext.size();
    int length = 0;
    add_associated(context, associated);
    if (!plaintext.empty())
        require(EVP_EncryptUpdate(context, out.data(), &length, plaintext.data(),
                                  size_of(plaintext)) == 1 &&
                static_cast<std::size_t>(length) == plaintext.size());
    require(EVP_EncryptFinal_ex(context, tag, &length) == 1);
    tag_parameter wanted = parameter_of(tag);
    require(EVP_CIPHER_CTX_get_params(context, wanted.data()) == 1);
}

bool open_with(EVP_CIPHER_CTX *context, bytes_in associated, bytes_in sealed, bytes_out out) {
    std::array<std::uint8_t, k_tag_bytes> tag;
    std::copy_n(sealed.end() - k_tag_bytes, k_tag_bytes, tag.begin());
    int length = 0;
    const tag_parameter given = parameter_of(tag.data());
    require(EVP_CIPHER_CTX_set_params(context, given.data()) == 1);
    add_associated(context, associated);
    // SIV fails here, GCM at the end.
    std::uint8_t nowhere = 0;
    bool genuine = out.empty() || EVP_DecryptUpdate(context, out.data(), &length, sealed.data(),
                                                    size_of(out)) == 1;
    genuine = genuine && EVP_DecryptFinal_ex(context, &nowhere, &length) == 1;
    if (!genuine)
        wipe(out);
    return genuine;
}

void check_sizes(algorithm chosen, const message_frame &frame, std::size_t plain,
                 std::size_t sealed) {
    require(frame.key.size() == key_bytes(chosen) && frame.nonce.size() == nonce_bytes(chosen) &&
            sealed == plain + k_tag_bytes && (plain > 0 || chosen != algorithm::aes_256_siv));
}

} // namespace

struct aead::state {
    xaes_keys derived;
    keyed_context<k_key_bytes> gcm_seal{"AES-256-GCM", true};
    keyed_context<k_key_bytes> gcm_open{"AES-256-GCM", false};
    keyed_context<k_siv_key> siv_seal{"AES-256-SIV", true};
    keyed_context<k_siv_key> siv_open{"AES-256-SIV", false};

    // The context for a message of GCM or XAES, begun.
    EVP_CIPHER_CTX *begin(algorithm chosen, const message_frame &frame,
                          keyed_context<k_key_bytes> &gcm) {
        if (chosen == algorithm::aes_256_gcm) {
            gcm.begin(frame.key, frame.nonce.data());
        } else {
            gcm.begin(derived.derive(frame.key, frame.nonce).bytes(),
                      frame.nonce.data() + k_half_nonce);
        }
        return gcm.get();
    }
    EVP_CIPHER_CTX *begin_siv(const message_frame &frame, keyed_context<k_siv_key> &siv) {
        siv.forget(); // a context of SIV takes one message
        siv.begin(frame.key, nullptr);
        return siv.get();
    }
};

std::string_view name_of(algorithm chosen) noexcept {
    return k_names[static_cast<std::size_t>(chosen) - 1];
}

std::optional<algorithm> parse_algorithm(std::string_view name) noexcept {
    for (std::size_t i = 0; i < k_names.size(); ++i) {
        if (k_names[i] == name)
            return static_cast<algorithm>(i + 1);
    }
    return std::nullopt;
}

aead::aead() : state_{std::make_unique<state>()} {}
aead::~aead() = default;

void aead::seal(algorithm chosen, const message_frame &frame, bytes_in plaintext, bytes_out out) {
    check_sizes(chosen, frame, plaintext.size(), out.size());
    EVP_CIPHER_CTX *context = chosen == algorithm::aes_256_siv
                                  ? state_->begin_siv(frame, state_->siv_seal)
                                  : state_->begin(chosen, frame, state_->gcm_seal);
    seal_with(context, frame.associated, plaintext, out);
}

bool aead::open(algorithm chosen, const message_frame &frame, bytes_in sealed, bytes_out out) {
    check_sizes(chosen, frame, out.size(), sealed.size());
    EVP_CIPHER_CTX *context = chosen == algorithm::aes_256_siv
                                  ? state_->begin_siv(frame, state_->siv_open)
                                  : state_->begin(chosen, frame, state_->gcm_open);
    return open_with(context, frame.associated, sealed, out);
}

void aead::forget() noexcept {
    state_->derived.forget();
    state_->gcm_seal.forget();
    state_->gcm_open.forget();
    state_->siv_seal.forget();
    state_->siv_open.forget();
}

void random_key_bytes(bytes_out out) {
    if (RAND_priv_bytes(out.data(), size_of(out)) != 1)
        throw error{k_internal_error, "could not generate random bytes"};
}

void random_pool::take(std::int64_t process, bytes_out out) {
    const bool shares = out.size() == 2 * k_half_nonce;
    const std::size_t wanted = shares ? k_half_nonce : out.size();
    require(out.size() <= k_pooled / 16);
    if (process != process_ || k_pooled - used_ < wanted) {
        used_ = k_pooled;
        if (RAND_bytes(bytes_.data(), static_cast<int>(k_pooled)) != 1)
            throw error{k_internal_error, "could not generate random bytes"};
        used_ = k_half_nonce; // what all nonces of 24 bytes begin with until the next time
        process_ = process;
    }
    auto next = out.begin();
    if (shares)
        next = std::copy_n(bytes_.begin(), k_half_nonce, next);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(used_), wanted, next);
    used_ += wanted;
}

} // namespace saas::core::encryption
