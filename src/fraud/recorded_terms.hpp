// SPDX-License-Identifier: PostgreSQL
// Terms of rules as they were answered when a payment was assessed.
#pragma once

#include "core/fraud/term.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // Jsonb
}

namespace saas::fraud {

// Reads the `terms` of a trace. A term that was not recorded, or of another kind or name, is a failure.
class recorded_terms : public core::fraud::term_source {
public:
    // The document must outlive the object.
    explicit recorded_terms(Jsonb *terms) noexcept : terms_{terms} {}

    [[nodiscard]] core::fraud::value resolve(std::uint32_t number,
                                             const core::fraud::external_term &term,
                                             std::span<const core::fraud::value> arguments,
                                             core::fraud::moment now) override;

private:
    Jsonb *terms_;
};

} // namespace saas::fraud
