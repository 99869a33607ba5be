// SPDX-License-Identifier: PostgreSQL
// The text of a statement before the server has analysed it: which names it uses as functions and
// relations, and the same text without what may be a secret.
//
// Follows the lexical rules of PostgreSQL's manual, section 4.1. Nothing here allocates, throws or has
// a destructor, so it works in any frame, also while an error is being reported. Any bytes are valid
// input; a literal or comment that does not end reaches to the end of the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace saas::core::redaction {

inline constexpr std::size_t k_name_bytes = 64; // with the NUL; longer names are cut as the server does

// A name in a statement, folded to lower case unless it was quoted; or an operator.
struct name_use {
    char schema[k_name_bytes]; // empty when the name is not qualified
    char name[k_name_bytes];
    bool called;  // an opening parenthesis follows; not behind CREATE FUNCTION, which calls nothing
    bool source;  // stands where relations are read: after FROM, JOIN, USING, TABLE, a comma
    bool target;  // stands where relations are written: after INTO, UPDATE, COPY
    bool type;    // stands where types do: after :: or AS
    bool escaped; // written as U&"…", which is not decoded here
    bool symbol;  // an operator
    bool first;   // the first word of a statement
};

// How strings are read.
enum class strings : std::uint8_t {
    opaque, // '…' and $$…$$ are values, until a statement begins with DO
    code,   // they may hold code, as do "…" and comments of other languages: all is scanned
};

// Gives the names and operators of a text one after the other. Keywords are names, too. In code a name may
// come twice: what stands in "…" is scanned as well.
class name_scanner {
public:
    // `backslashes`: whether a backslash escapes in plain '…' (standard_conforming_strings = off).
    name_scanner(std::string_view sql, strings mode, bool backslashes) noexcept
        : sql_{sql}, mode_{mode}, backslashes_{backslashes} {}

    // False at the end of the text.
    bool next(name_use &out) noexcept;

private:
    void skip_blank() noexcept;
    bool skip_other() noexcept;
    [[nodiscard]] bool at_name() const noexcept;
    bool read_part(char (&out)[k_name_bytes]) noexcept;
    void read_name(name_use &out) noexcept;
    void read_symbol(name_use &out) noexcept;
    bool skip_string_behind(std::string_view word) noexcept;
    void note_keyword(const name_use &word) noexcept;
    [[nodiscard]] char at(std::size_t offset) const noexcept {
        return offset < sql_.size() ? sql_[offset] : '\0';
    }

    std::string_view sql_;
    strings mode_;
    bool backslashes_;
    bool first_ = true;    // the next name begins a statement
    bool creating_ = false; // in CREATE
    bool defines_ = false; // the next name is that of a routine that is created
    enum class place : std::uint8_t { other, source, target, type } place_ = place::other; // of the next name
    std::size_t position_ = 0;
};

// Stands at the beginning of every text that was masked.
inline constexpr std::string_view k_masked_prefix = "/* redacted */ ";

// The room that mask() needs for a text of so many bytes.
[[nodiscard]] constexpr std::size_t mask_capacity(std::size_t bytes) noexcept {
    return k_masked_prefix.size() + bytes * 2 + 8;
}

// Writes the text with the prefix, every string and number replaced by '?' or ?, quoted names by
// "?", comments by a space, and bytes beyond ASCII by ?. Returns the bytes written, at most
// mask_capacity(sql.size()).
std::size_t mask(std::string_view sql, bool backslashes, char *out) noexcept;

} // namespace saas::core::redaction
