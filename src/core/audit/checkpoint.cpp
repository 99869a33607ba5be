// SPDX-License-Identifier: PostgreSQL
#include "core/audit/checkpoint.hpp"

#include <algorithm>
#include <charconv>

namespace saas::core::audit {
namespace {

constexpr std::string_view k_origin = "pg_saas/audit/";
constexpr std::string_view k_signature = "\n\xe2\x80\x94 pg_saas/audit "; // an em dash
constexpr std::size_t k_hint_bytes = 4;
constexpr std::size_t k_signed_bytes = k_hint_bytes + sizeof(digest);

// Takes pieces off the front of a text; once one does not fit, all fail.
class reader {
public:
    explicit reader(std::string_view text) : rest_{text} {}

    void expect(std::string_view literal) {
        ok_ = ok_ && rest_.substr(0, literal.size()) == literal;
        rest_.remove_prefix(ok_ ? literal.size() : 0);
    }
    std::string_view until(char end) {
        const std::size_t length = rest_.find(end);
        ok_ = ok_ && length != std::string_view::npos;
        if (!ok_)
            return {};
        const std::string_view piece = rest_.substr(0, length);
        rest_.remove_prefix(length + 1);
        return piece;
    }
    template <class Number>
    void number(char end, Number &out) {
        const std::string_view piece = until(end);
        const auto read = std::from_chars(piece.data(), piece.data() + piece.size(), out);
        ok_ = ok_ && read.ec == std::errc{} && read.ptr == piece.data() + piece.size() &&
              std::to_string(out) == piece;
    }
    void base64(std::span<std::uint8_t> out) {
        const std::string_view piece = until('\n');
        ok_ = ok_ && from_base64(piece, out);
    }
    void id(uuid &out) {
        const std::string_view piece = until('\n');
        const auto read = ok_ ? parse_uuid(piece) : std::nullopt;
        ok_ = read && to_text(*read) == piece;
        if (ok_)
            out = *read;
    }
    [[nodiscard]] bool done() const { return ok_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool ok_ = true;
};

} // namespace

std::string note_of(const checkpoint &point) {
    std::string note{k_origin};
    note += to_text(point.team) + "\n" + std::to_string(point.size) + "\n" + to_base64(point.root) +
            "\nnumber " + std::to_string(point.number) + "\nprevious " +
            to_base64(point.previous_root) + "\nsealed " + std::to_string(point.sealed_at) +
            "\nthrough " + std::to_string(point.through_transaction) + " " +
            to_text(point.through_id) + "\nretained " + std::to_string(point.retained_from) + "\n";
    return note;
}

digest sign(const checkpoint &point, std::span<const std::uint8_t> key) {
    const std::string note = note_of(point);
    const std::span<const std::uint8_t> parts[] = {bytes_of(note)};
    return hmac_sha256(key, parts);
}

std::array<std::uint8_t, 4> key_hint(const uuid &key_id) {
    const digest hash = sha256(key_id);
    return {hash[0], hash[1], hash[2], hash[3]};
}

std::string write_checkpoint(const checkpoint &point, const uuid &key_id, const digest &signature) {
    std::array<std::uint8_t, k_signed_bytes> line{};
    const auto hint = key_hint(key_id);
    std::copy(hint.begin(), hint.end(), line.begin());
    std::copy(signature.begin(), signature.end(), line.begin() + k_hint_bytes);
    return note_of(point) + std::string{k_signature} + to_base64(line) + "\n";
}

std::optional<signed_checkpoint> read_checkpoint(std::string_view text) {
    signed_checkpoint out{};
    std::array<std::uint8_t, k_signed_bytes> line{};
    std::string whole{text};
    if (!text.ends_with('\n'))
        whole += '\n';
    reader in{whole};
    in.expect(k_origin);
    in.id(out.point.team);
    in.number('\n', out.point.size);
    in.base64(out.point.root);
    in.expect("number ");
    in.number('\n', out.point.number);
    in.expect("previous ");
    in.base64(out.point.previous_root);
    in.expect("sealed ");
    in.number('\n', out.point.sealed_at);
    in.expect("through ");
    in.number(' ', out.point.through_transaction);
    in.id(out.point.through_id);
    in.expect("retained ");
    in.number('\n', out.point.retained_from);
    in.expect(k_signature);
    in.base64(line);
    if (!in.done())
        return std::nullopt;
    std::copy_n(line.begin(), k_hint_bytes, out.key_hint.begin());
    std::copy_n(line.begin() + k_hint_bytes, sizeof(digest), out.signature.begin());
    return out;
}

} // namespace saas::core::audit
