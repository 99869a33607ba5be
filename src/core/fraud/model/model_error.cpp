// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud {

void refuse_malformed(const std::string &where, const std::string &detail) {
    throw error{k_malformed_model, "the fraud model is malformed: " + where, detail,
                "Save the model again with the library that trained it, and import that file."};
}

void refuse_unsupported(const std::string &what, const std::string &hint) {
    throw error{k_unsupported_model, "the fraud model is not supported: " + what, {}, hint};
}

void refuse_too_large(const std::string &what, std::size_t limit) {
    throw error{k_model_too_large, "the fraud model is too large: too many " + what,
                "The limit is " + std::to_string(limit) + ".",
                "Train a smaller model; docs/modules/fraud_models.md lists the limits."};
}

} // namespace saas::core::fraud
