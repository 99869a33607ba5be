// SPDX-License-Identifier: PostgreSQL
// What the fuzz targets of the model formats have in common.
#pragma once

#include "core/fraud/model/features.hpp"
#include "core/fraud/model/model.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <vector>

// Any bytes as a model: either they are refused with core::error, or the model scores any row with
// a finite start and explains it with as many contributions as it has features.
inline void check_model(saas::core::fraud::model_format format, const std::uint8_t *data,
                        std::size_t size) {
    namespace fraud = saas::core::fraud;
    std::string_view bytes{reinterpret_cast<const char *>(data), size};
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr std::array<double, 8> values{nan, 0, 1, -1, 1e300, -infinity, 65'535, 0.5};
    try {
        fraud::model model = fraud::read_model(format, bytes);
        (void)fraud::read_feature_map(model, "");
        if (model.feature_names.size() != model.features || !std::isfinite(model.start))
            std::abort();
        fraud::model_memory memory;
        for (std::size_t first = 0; first < values.size(); ++first) {
            std::vector<double> row;
            for (std::size_t i = 0; i < model.features; ++i)
                row.push_back(values[(first + i) % values.size()]);
            fraud::prediction said = model.score(row, memory);
            fraud::explanation why = fraud::explain(model, row, memory);
            if (std::isnan(said.margin) && std::isfinite(why.base))
                std::abort(); // sums of huge leaves may overflow, but then on average as well
            if (why.contributions.size() != model.features)
                std::abort();
        }
    } catch (const saas::core::error &refused) {
        if (refused.message().empty())
            std::abort();
    }
}
