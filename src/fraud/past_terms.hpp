// SPDX-License-Identifier: PostgreSQL
// Terms of rules as they would have been answered at a former moment.
#pragma once

#include "fraud/terms.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {

// Like table_terms, but lists are as the history of their changes has them, and models are those that were
// champions then; a model without a champion at the time is missing.
class past_terms : public table_terms {
public:
    explicit past_terms(const assessment_request &request)
        : table_terms{request}, request_{&request} {}

    [[nodiscard]] core::fraud::value resolve(std::uint32_t number,
                                             const core::fraud::external_term &term,
                                             std::span<const core::fraud::value> arguments,
                                             core::fraud::moment now) override;

private:
    const assessment_request *request_;
    core::fraud::text_arena texts_;
};

} // namespace saas::fraud
