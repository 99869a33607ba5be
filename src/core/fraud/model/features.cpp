// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/model/features.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "core/fraud/model/json_reader.hpp"
#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud {
namespace {

constexpr double k_missing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t k_max_path = 8;
constexpr std::size_t k_max_shown = 60; // bytes of a value in a reason

[[noreturn]] void refuse_map(const std::string &detail) {
    throw error{k_bad_feature_map, "the feature map does not fit the fraud model", detail,
                "Give an object from the model's feature names to attribute names or to "
                "{\"attribute\": …, \"type\": …, \"categories\": […]}."};
}

// "amount", ":device.id:", "::order_no::" and "::customer:tier::" as in rules.
std::vector<std::string> path_of(std::string_view attribute) {
    std::vector<std::string> path;
    std::string_view rest = attribute;
    if (rest.size() > 4 && rest.starts_with("::") && rest.ends_with("::")) {
        rest = rest.substr(2, rest.size() - 4);
        std::size_t colon = rest.find(':');
        if (colon == std::string_view::npos)
            return {"metadata", std::string{rest}};
        return {std::string{rest.substr(0, colon)} + "_metadata",
                std::string{rest.substr(colon + 1)}};
    }
    if (rest.size() > 2 && rest.starts_with(':') && rest.ends_with(':'))
        rest = rest.substr(1, rest.size() - 2);
    while (true) {
        std::size_t dot = rest.find('.');
        path.emplace_back(rest.substr(0, dot));
        if (path.back().empty() || path.size() > k_max_path)
            refuse_map("\"" + std::string{attribute.substr(0, k_max_shown)} +
                       "\" names no attribute.");
        if (dot == std::string_view::npos)
            return path;
        rest = rest.substr(dot + 1);
    }
}

void set_attribute(feature_source &source, std::string attribute) {
    source.path = path_of(attribute);
    source.attribute = std::move(attribute);
}

void read_categories(json_reader &in, feature_source &source) {
    in.begin_array();
    while (in.next_element()) {
        if (source.codes.size() > k_max_category)
            refuse_too_large("categories of a feature", k_max_category + 1);
        auto code = static_cast<double>(source.codes.size());
        if (!source.codes.emplace(in.string(), code).second)
            refuse_map("A category of " + source.label + " stands there twice.");
    }
}

void read_source(json_reader &in, feature_source &source) {
    if (in.peek() == json_token::string) {
        set_attribute(source, in.string());
        return;
    }
    std::string key;
    std::string type;
    in.begin_object();
    while (in.next_key(key)) {
        if (key == "attribute") {
            set_attribute(source, in.string());
        } else if (key == "label") {
            source.label = in.string();
        } else if (key == "categories") {
            source.codes.clear();
            read_categories(in, source);
        } else if (key == "type") {
            type = in.string();
        } else {
            refuse_map("\"" + key.substr(0, k_max_shown) + "\" is no property of a feature.");
        }
    }
    if (!type.empty() && type != "number" && type != "category")
        refuse_map("The type of a feature is \"number\" or \"category\".");
    if ((type == "category") != !source.codes.empty() && !type.empty())
        refuse_map("Feature " + source.label.substr(0, k_max_shown) +
                   " has categories, or is a category, but not both.");
}

// Sources as they are without a map.
std::vector<feature_source> own_names(const model &which) {
    std::vector<feature_source> out(which.features);
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i].path = {which.feature_names[i]};
        out[i].attribute = out[i].label = which.feature_names[i];
        // A name like device.id is a path; one that is none is a key as it stands.
        if (which.feature_names[i].find("..") == std::string::npos &&
            !which.feature_names[i].starts_with('.') && !which.feature_names[i].ends_with('.') &&
            !which.feature_names[i].empty() &&
            std::count(which.feature_names[i].begin(), which.feature_names[i].end(), '.') <
                static_cast<std::ptrdiff_t>(k_max_path))
            out[i].path = path_of(which.feature_names[i]);
        for (const std::string &name : which.categories[i])
            out[i].codes.emplace(name, static_cast<double>(out[i].codes.size()));
    }
    return out;
}

void read_object(json_reader &in, const model &which, std::vector<feature_source> &out) {
    std::map<std::string_view, std::size_t> places;
    for (std::size_t i = 0; i < which.features; ++i)
        places.emplace(which.feature_names[i], i);
    std::string key;
    in.begin_object();
    while (in.next_key(key)) {
        auto place = places.find(key);
        if (place == places.end())
            refuse_map("The model has no feature \"" + key.substr(0, k_max_shown) + "\".");
        read_source(in, out[place->second]);
    }
}

void read_array(json_reader &in, std::vector<feature_source> &out) {
    std::size_t count = 0;
    in.begin_array();
    for (; in.next_element(); ++count) {
        if (count >= out.size())
            refuse_map("The model has " + std::to_string(out.size()) + " features.");
        read_source(in, out[count]);
    }
    if (count != out.size())
        refuse_map("There are " + std::to_string(count) + " entries for " +
                   std::to_string(out.size()) + " features.");
}

// The largest category that the model splits a feature by; -1 for none.
std::vector<std::int64_t> largest_categories(const model &which) {
    if (const auto *floats = std::get_if<forest<float>>(&which.scorer))
        return floats->largest_categories(which.features);
    if (const auto *doubles = std::get_if<forest<double>>(&which.scorer))
        return doubles->largest_categories(which.features);
    return std::vector<std::int64_t>(which.features, -1);
}

// Whether the categories of the map are those that the model splits by.
void check_sources(const model &which, std::vector<feature_source> &sources) {
    std::vector<std::int64_t> largest = largest_categories(which);
    const auto *terms = std::get_if<linear>(&which.scorer);
    for (std::size_t i = 0; i < sources.size(); ++i) {
        feature_source &source = sources[i];
        source.category = !source.codes.empty();
        source.unknown = k_missing;
        auto given = static_cast<std::int64_t>(source.codes.size());
        if (terms != nullptr) {
            if (terms->terms[i].by_category.size() != source.codes.size())
                refuse_map("The categories of " + source.label.substr(0, k_max_shown) +
                           " stand in the model.");
            source.unknown = static_cast<double>(given); // the term for other categories
        } else if (source.category && largest[i] >= given) {
            refuse_map("The model splits " + source.label.substr(0, k_max_shown) + " by category " +
                       std::to_string(largest[i]) + " (from 0), the map names " +
                       std::to_string(given) + ".");
        }
    }
}

std::string short_number(double value) {
    char digits[32];
    auto [end, status] = std::to_chars(digits, digits + sizeof digits, value);
    return status == std::errc{} ? std::string(digits, end) : std::string{"?"};
}

} // namespace

bool feature_source::encode(const raw_value &value, double &out) const {
    out = k_missing;
    if (value.is == raw_value::kind::missing)
        return true;
    if (value.is == raw_value::kind::other)
        return false;
    if (category) {
        std::string shown;
        std::string_view name = value.text;
        if (value.is == raw_value::kind::number)
            name = shown = short_number(value.number);
        else if (value.is == raw_value::kind::truth)
            name = value.number != 0 ? "true" : "false";
        auto code = codes.find(name);
        out = code == codes.end() ? unknown : code->second;
        return true;
    }
    if (value.is != raw_value::kind::text) {
        out = value.number;
        return true;
    }
    double number = 0;
    const char *end = value.text.data() + value.text.size();
    auto [stop, status] = std::from_chars(value.text.data(), end, number);
    if (status != std::errc{} || stop != end || !std::isfinite(number))
        return false;
    out = number;
    return true;
}

std::vector<feature_source> read_feature_map(const model &which, std::string_view map) {
    std::vector<feature_source> out = own_names(which);
    json_reader in{map};
    if (!map.empty() && in.peek() == json_token::object)
        read_object(in, which, out);
    else if (!map.empty() && in.peek() == json_token::array)
        read_array(in, out);
    else if (!map.empty())
        refuse_map("It is neither an object nor an array.");
    check_sources(which, out);
    return out;
}

std::vector<std::uint32_t> ranked(const explanation &why) {
    std::vector<std::uint32_t> order;
    for (std::size_t i = 0; i < why.contributions.size(); ++i) {
        if (why.contributions[i] != 0)
            order.push_back(static_cast<std::uint32_t>(i));
    }
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return std::abs(why.contributions[a]) > std::abs(why.contributions[b]);
    });
    return order;
}

std::string reason_in_words(const feature_source &feature, const raw_value &value,
                            double contribution) {
    std::string out = feature.label.substr(0, k_max_shown);
    switch (value.is) {
    case raw_value::kind::number:
        out += " = " + short_number(value.number);
        break;
    case raw_value::kind::truth:
        out += value.number != 0 ? " = true" : " = false";
        break;
    case raw_value::kind::text:
        out += " = ";
        // Whole characters only, should the text be longer.
        if (value.text.size() <= k_max_shown)
            out += value.text;
        else
            out += "a long text";
        break;
    default:
        out += " is missing, which";
    }
    char digits[64];
    auto [end, status] = std::to_chars(digits, digits + sizeof digits, std::abs(contribution),
                                       std::chars_format::fixed, 4);
    std::string amount = status == std::errc{} ? std::string(digits, end) : std::string{"much"};
    return out + (contribution > 0 ? " raises" : " lowers") + " the risk by " + amount;
}

} // namespace saas::core::fraud
