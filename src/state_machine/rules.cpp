// SPDX-License-Identifier: PostgreSQL
#include "state_machine/rules.hpp"

namespace saas::state_machine {

std::optional<source> source_of(std::string_view text) noexcept {
    if (text == "api")
        return source::api;
    if (text == "provider")
        return source::provider;
    if (text == "conflict")
        return source::conflict;
    return std::nullopt;
}

bool allowed(const core::state_machine &machine, core::state_machine::state from,
             core::state_machine::state to, source who) {
    if (to == core::state_machine::k_unknown)
        return false;
    if (from == to || who == source::conflict)
        return true;
    bool is_new = from == core::state_machine::k_unknown;
    if (who == source::api)
        return is_new ? machine.initial(to) : machine.step(from, to);
    return is_new || machine.reach(from, to);
}

std::vector<core::state_machine::state> possible(const core::state_machine &machine,
                                                 core::state_machine::state from, source who) {
    std::vector<core::state_machine::state> found;
    for (core::state_machine::state to = 0; to < machine.size(); ++to) {
        if (to != from && allowed(machine, from, to, who))
            found.push_back(to);
    }
    return found;
}

std::string list_of(const core::state_machine &machine,
                    const std::vector<core::state_machine::state> &states) {
    std::string text;
    for (core::state_machine::state s : states) {
        if (!text.empty())
            text += ", ";
        text += machine.name(s);
    }
    return text.empty() ? "none" : text;
}

} // namespace saas::state_machine
