// SPDX-License-Identifier: PostgreSQL
// From a JSON object of attributes to the values of a model's features.
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <system_error>

#include "core/error.hpp"
#include "fraud/models.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/fmgrprotos.h" // numeric_out
#include "utils/numeric.h"    // NumericGetDatum
}

namespace saas::fraud {
namespace {

using core::fraud::raw_value;

// The double nearest to a number; beyond its range an infinity, as in the libraries. Faster than
// the server's conversion, which every feature of every payment goes through.
double double_of(Numeric number) {
    const char *digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
    const char *end = digits + std::strlen(digits);
    double value = 0;
    if (std::from_chars(digits, end, value).ec != std::errc::result_out_of_range)
        return value;
    // A fraction too small begins with 0.
    const char *first = digits + (*digits == '-' ? 1 : 0);
    double bound = *first == '0' ? 0 : std::numeric_limits<double>::infinity();
    return *digits == '-' ? -bound : bound;
}

raw_value raw_of(const JsonbValue &found) {
    raw_value out;
    switch (found.type) {
    case jbvNull:
        break;
    case jbvBool:
        out.is = raw_value::kind::truth;
        out.number = found.val.boolean ? 1 : 0;
        break;
    case jbvString:
        out.is = raw_value::kind::text;
        out.text = {found.val.string.val, static_cast<std::size_t>(found.val.string.len)};
        break;
    case jbvNumeric:
        out.is = raw_value::kind::number;
        out.number = double_of(found.val.numeric);
        break;
    default:
        out.is = raw_value::kind::other;
    }
    return out;
}

// Plain data only: what it calls may raise a server ERROR.
raw_value look_up(Jsonb *document, const std::vector<std::string> &path) {
    JsonbContainer *container = &document->root;
    JsonbValue found;
    for (std::size_t step = 0; step < path.size(); ++step) {
        const std::string &key = path[step];
        if (getKeyJsonValueFromContainer(container, key.data(), static_cast<int>(key.size()),
                                         &found) == nullptr)
            return raw_value{};
        if (step + 1 == path.size())
            return raw_of(found);
        if (found.type != jbvBinary || !JsonContainerIsObject(found.val.binary.data))
            return raw_value{};
        container = found.val.binary.data;
    }
    return raw_value{};
}

} // namespace

std::optional<std::size_t> read_values(Jsonb *attributes, loaded_model &target) {
    if (!JB_ROOT_IS_OBJECT(attributes))
        throw core::error{core::k_invalid_parameter_value, "the attributes are not a JSON object"};
    pg::call([&] {
        std::size_t feature = 0;
        for (const core::fraud::feature_source &source : target.sources)
            target.raw[feature++] = look_up(attributes, source.path);
    });
    std::optional<std::size_t> odd;
    for (std::size_t feature = 0; feature < target.raw.size(); ++feature) {
        if (!target.sources[feature].encode(target.raw[feature], target.values[feature]) && !odd)
            odd = feature;
    }
    return odd;
}

void require_values(Jsonb *attributes, loaded_model &target) {
    std::optional<std::size_t> odd = read_values(attributes, target);
    if (odd)
        throw core::error{core::k_invalid_parameter_value, "a feature of the model is no number",
                          "Feature " + target.model.feature_names[*odd] + ", attribute " +
                              target.sources[*odd].attribute + ".",
                          "Give a number, or name the categories of a text when importing."};
}

core::fraud::prediction score_values(loaded_model &which) {
    core::fraud::prediction said = which.model.score(which.values, which.memory);
    if (!std::isfinite(said.margin))
        throw core::error{core::k_numeric_value_out_of_range,
                          "the score of the fraud model is out of range", {},
                          "A feature is far beyond what the model was trained on."};
    return said;
}

std::optional<double> model_score(const core::uuid &team, std::string_view name,
                                  Jsonb *attributes) {
    const model_entry *entry = champion(team, name);
    if (entry == nullptr)
        return std::nullopt;
    const core::uuid id = entry->id; // what load() calls may read the list again
    loaded_model &which = load(team, id);
    require_values(attributes, which);
    core::fraud::prediction said = score_values(which);
    return which.model.has_probability ? said.probability : said.margin;
}

} // namespace saas::fraud
