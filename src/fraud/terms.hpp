// SPDX-License-Identifier: PostgreSQL
// Terms of rules from the tables of the team: lists, history, exchange rates, time zones, models.
#pragma once

#include "core/fraud/operations.hpp"
#include "core/fraud/term.hpp"
#include "fraud/providers.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {

// Supplies the terms of one assessment. Statements run as saas_internal, with the team named, in the
// snapshot that is active; their plans are kept by the backend.
class table_terms : public core::fraud::term_source {
public:
    explicit table_terms(const assessment_request &request) : request_{&request} {}

    [[nodiscard]] core::fraud::value resolve(std::uint32_t number,
                                             const core::fraud::external_term &term,
                                             std::span<const core::fraud::value> arguments,
                                             core::fraud::moment now) override;

private:
    [[nodiscard]] core::fraud::value history(const core::fraud::external_term &term,
                                             std::span<const core::fraud::value> arguments);
    [[nodiscard]] core::fraud::value amount(const core::fraud::external_term &term,
                                            std::span<const core::fraud::value> arguments);

    const assessment_request *request_;
    core::fraud::text_arena texts_;
};

// Without tables: time zones only; everything else is a failure.
class zone_terms : public core::fraud::term_source {
public:
    [[nodiscard]] core::fraud::value resolve(std::uint32_t number,
                                             const core::fraud::external_term &term,
                                             std::span<const core::fraud::value> arguments,
                                             core::fraud::moment now) override;
};

// Whether the server knows the time zone.
[[nodiscard]] bool knows_time_zone(std::string_view name);

// Hour or day of the week (0 is Sunday) at the moment in the zone; missing for an unknown zone.
[[nodiscard]] core::fraud::value local_time(core::fraud::term_kind kind, std::string_view zone,
                                            core::fraud::moment at);

} // namespace saas::fraud
