// SPDX-License-Identifier: PostgreSQL
#include "core/access/wildcard.hpp"

#include <algorithm>

namespace saas::core::access {
namespace {

// A text or a pattern with a place in it.
struct cursor {
    std::string_view bytes;
    character_length length;
    std::size_t at = 0;

    [[nodiscard]] bool at_end() const noexcept { return at >= bytes.size(); }
    [[nodiscard]] bool sees(char byte) const noexcept { return !at_end() && bytes[at] == byte; }

    // The character at this place, cut off where the bytes end.
    [[nodiscard]] std::string_view character() const {
        return bytes.substr(at, std::max<std::size_t>(1, length(bytes.data() + at)));
    }
};

// Steps over one character of the text and what stands for it in the pattern, if they agree.
bool step(cursor &text, cursor &pattern) {
    if (pattern.at_end())
        return false;
    std::string_view shown = text.character();
    if (pattern.sees('_')) {
        ++pattern.at;
        text.at += shown.size();
        return true;
    }
    cursor wanted = pattern;
    if (wanted.sees('\\'))
        ++wanted.at;
    if (wanted.at_end() || wanted.character() != shown)
        return false;
    pattern.at = wanted.at + shown.size();
    text.at += shown.size();
    return true;
}

} // namespace

std::size_t single_byte_length(const char *) noexcept {
    return 1;
}

std::size_t utf8_length(const char *text) noexcept {
    auto first = static_cast<unsigned char>(*text);
    if (first < 0xc0)
        return 1;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

bool is_valid_pattern(std::string_view pattern) noexcept {
    std::size_t last = pattern.find_last_not_of('\\');
    std::size_t backslashes = pattern.size() - (last == std::string_view::npos ? 0 : last + 1);
    return backslashes % 2 == 0;
}

// Only the last % ever has to give: if what follows it cannot be matched from there on, no longer
// stretch for an earlier % would help.
bool matches(std::string_view text, std::string_view pattern, character_length length,
             cancel_poll poll) {
    if (!is_valid_pattern(pattern))
        return false;
    cursor here{text, length};
    cursor want{pattern, length};
    cursor retry_here = here;
    cursor retry_want = want;
    bool can_retry = false;
    while (!here.at_end()) {
        poll.step();
        if (want.sees('%')) {
            ++want.at;
            retry_here = here;
            retry_want = want;
            can_retry = true;
        } else if (!step(here, want)) {
            if (!can_retry)
                return false;
            retry_here.at += retry_here.character().size();
            here = retry_here;
            want = retry_want;
        }
    }
    while (want.sees('%'))
        ++want.at;
    return want.at_end();
}

} // namespace saas::core::access
