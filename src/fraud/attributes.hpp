// SPDX-License-Identifier: PostgreSQL
// From a JSON document to the slots of a rule set.
#pragma once

#include "fraud/rules.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // Jsonb
}

namespace saas::fraud {

// Puts into the working memory what the document holds under the path of each slot; null and what
// is not there are missing. Texts remain views of `document`. Throws core::error 22023 when the
// document is no object.
void read_attributes(Jsonb *document, compiled_rules &target);

} // namespace saas::fraud
