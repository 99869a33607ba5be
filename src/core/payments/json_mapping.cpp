// SPDX-License-Identifier: PostgreSQL
#include "core/payments/json_mapping.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace saas::core::payments {
namespace {

constexpr std::size_t k_longest = 65536;
constexpr std::string_view k_blanks = " \t\r";
constexpr std::string_view k_or = "|";

constexpr std::array<std::pair<std::string_view, conversion>, 16> k_conversions{{
    {"json", conversion::json},
    {"text", conversion::text},
    {"short_text", conversion::short_text},
    {"lower_text", conversion::lower_text},
    {"mail_domain", conversion::mail_domain},
    {"id", conversion::id},
    {"required_id", conversion::required_id},
    {"units", conversion::units},
    {"units_or_zero", conversion::units_or_zero},
    {"currency", conversion::currency},
    {"state", conversion::state},
    {"unix_time", conversion::unix_time},
    {"time", conversion::time},
    {"flag", conversion::flag},
    {"flag_or_false", conversion::flag_or_false},
    {"object", conversion::object},
}};

// The text up to the separator, which goes as well.
std::string_view cut(std::string_view &rest, char separator) {
    const std::string_view first = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(first.size() + 1, rest.size()));
    return first;
}

std::string_view next_word(std::string_view &line) {
    line.remove_prefix(std::min(line.find_first_not_of(k_blanks), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(k_blanks));
    line.remove_prefix(word.size());
    return word;
}

class reader {
  public:
    json_mapping read(std::string_view text) {
        if (text.size() > k_longest)
            refuse("is too long");
        while (!text.empty()) {
            ++line_;
            read_line(cut(text, '\n'));
        }
        finish_line();
        return std::move(out_);
    }

  private:
    [[noreturn]] void refuse(std::string_view what) const {
        throw error{k_invalid_parameter_value,
                    "line " + std::to_string(line_) + " of a mapping " + std::string{what},
                    {},
                    "A line is a target, a conversion and paths with | between them."};
    }

    void read_line(std::string_view line) {
        const std::string_view target = next_word(line);
        if (target.empty())
            return;
        if (target == k_or) {
            if (target_.empty())
                refuse("continues none");
            read_paths(line);
            return;
        }
        finish_line();
        begun_ = line_;
        target_ = target;
        value_ = {};
        read_conversion(next_word(line), value_);
        read_paths(line);
    }

    void read_paths(std::string_view line) {
        for (;;) {
            const std::string_view word = next_word(line);
            if (word.empty() || word == k_or)
                refuse("has a path too few");
            value_.paths.push_back(read_path(word));
            const std::string_view after = next_word(line);
            if (after.empty())
                return;
            if (after != k_or)
                refuse("has two paths without | between them");
        }
    }

    void finish_line() {
        if (target_.empty())
            return;
        const int now = std::exchange(line_, begun_);
        if (target_.starts_with('@'))
            add_part(target_.substr(1), std::move(value_));
        else
            add_value(target_, std::move(value_));
        target_ = {};
        line_ = now;
    }

    void read_conversion(std::string_view word, mapped_value &value) const {
        const std::string_view name = cut(word, ':');
        const auto *found = std::find_if(k_conversions.begin(), k_conversions.end(),
                                         [&](const auto &known) { return known.first == name; });
        if (found == k_conversions.end())
            refuse("has an unknown conversion");
        value.how = found->second;
        value.argument = word;
        if ((value.how == conversion::state) == word.empty())
            refuse("has a conversion with too much or too little after it");
    }

    [[nodiscard]] json_path read_path(std::string_view word) const {
        json_path path;
        if (word.ends_with('.'))
            refuse("has a path with an empty name");
        if (word.starts_with('@')) {
            const std::string_view name = cut(word, '.').substr(1);
            const auto found = std::find(names_.begin(), names_.end(), name);
            if (found == names_.end())
                refuse("names a part that no line above has");
            path.base = static_cast<int>(found - names_.begin());
            if (word.empty())
                return path;
        }
        do {
            path.members.emplace_back(cut(word, '.'));
            if (path.members.back().empty())
                refuse("has a path with an empty name");
        } while (!word.empty());
        return path;
    }

    void add_part(std::string_view name, mapped_value value) {
        if (value.how != conversion::json)
            refuse("converts a part");
        if (name.empty() || std::find(names_.begin(), names_.end(), name) != names_.end())
            refuse("has the name of another part, or none");
        names_.emplace_back(name);
        out_.parts.push_back(std::move(value.paths));
    }

    void add_value(std::string_view target, mapped_value value) {
        if (value.how == conversion::json)
            refuse("has no conversion for a column");
        value.column = cut(target, '.');
        value.member = target;
        if (!value.member.empty() &&
            (value.how == conversion::unix_time || value.how == conversion::time ||
             value.how == conversion::object))
            refuse("has a conversion that gives no member");
        if (value.column.empty() || target_.ends_with('.'))
            refuse("has no column, or no member");
        for (const mapped_value &other : out_.values) {
            if (other.column == value.column && (other.member == value.member || other.member.empty() ||
                                                 value.member.empty()))
                refuse("has a target that comes twice");
        }
        const bool counts =
            value.how == conversion::units || value.how == conversion::units_or_zero;
        has_currency_ = has_currency_ || value.how == conversion::currency;
        if (counts && !has_currency_)
            refuse("has an amount above its currency");
        out_.values.push_back(std::move(value));
    }

    json_mapping out_;
    std::vector<std::string> names_;
    std::string_view target_; // of the line that may go on
    mapped_value value_;
    bool has_currency_ = false;
    int line_ = 0;
    int begun_ = 0;
};

} // namespace

json_mapping read_json_mapping(std::string_view text) {
    return reader{}.read(text);
}

} // namespace saas::core::payments
