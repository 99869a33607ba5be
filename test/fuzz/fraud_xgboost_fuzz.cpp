// SPDX-License-Identifier: PostgreSQL
// Any bytes as an XGBoost model.
#include "model_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    check_model(saas::core::fraud::model_format::xgboost_json, data, size);
    return 0;
}
