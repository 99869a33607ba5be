// SPDX-License-Identifier: PostgreSQL
// Any bytes as a LightGBM model or as a logistic regression: the first byte chooses the format.
#include "model_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using saas::core::fraud::model_format;
    if (size == 0)
        return 0;
    constexpr std::array<model_format, 3> formats{
        model_format::lightgbm_text, model_format::lightgbm_json, model_format::logistic};
    check_model(formats[data[0] % formats.size()], data + 1, size - 1);
    return 0;
}
