// SPDX-License-Identifier: PostgreSQL
// Fraud models, read once and kept in the backend.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fraud/model/features.hpp"
#include "core/fraud/model/model.hpp"
#include "core/uuid.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // Jsonb
}

namespace saas::fraud {

// A row of saas.fraud_models without its bytes.
struct model_entry {
    core::uuid id;
    std::string name;
    int version;
    bool champion; // else a challenger
};

// A model with its working memory.
struct loaded_model {
    core::fraud::model model;
    std::vector<core::fraud::feature_source> sources; // by feature
    core::fraud::model_memory memory;
    std::vector<core::fraud::raw_value> raw; // by feature, of the last read_values()
    std::vector<double> values;              // the same as numbers
};

// Registers for the invalidation of the models' table. Called once, by _PG_init.
void initialise_models();

// The champions and challengers of a team as last committed (and as changed by this transaction),
// by name, the champion first. Valid until the next call.
[[nodiscard]] const std::vector<model_entry> &models_in_use(const core::uuid &team);

// The champion of that name, or null. Valid until the next call of a function above.
[[nodiscard]] const model_entry *champion(const core::uuid &team, std::string_view name);

// A version whatever its state; nullopt for none.
[[nodiscard]] std::optional<model_entry> model_version(const core::uuid &team,
                                                       const std::string &name, int version);

// The model itself, read when it is not among those kept. Throws core::error SA064 when the stored
// bytes are not those that were imported. Valid until the next call.
[[nodiscard]] loaded_model &load(const core::uuid &team, const core::uuid &id);

// Fills raw and values from a JSON object of attributes; texts stay views of it. A value that is
// no number counts as missing; the first feature that has one is returned, else nullopt. Throws
// core::error 22023 when the document is no object.
[[nodiscard]] std::optional<std::size_t> read_values(Jsonb *attributes, loaded_model &target);

// The same with a core::error 22023 that names the feature.
void require_values(Jsonb *attributes, loaded_model &target);

// The score of the values read last. Throws core::error 22003 when a sum is beyond the range of
// numbers: an infinite margin would look like certainty.
[[nodiscard]] core::fraud::prediction score_values(loaded_model &which);

// What model_score('name') is in a rule: the champion's probability, for a regression its margin.
// nullopt (unknown) when the team has no champion of that name. Throws core::error 22023 for a
// value that is no number, 22003 for a score beyond the range, and as load() does.
[[nodiscard]] std::optional<double> model_score(const core::uuid &team, std::string_view name,
                                                Jsonb *attributes);

} // namespace saas::fraud
