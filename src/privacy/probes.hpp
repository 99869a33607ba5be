// SPDX-License-Identifier: PostgreSQL
// Whether a step can find anything for a person at all: a look into the indexes that it would use, which is a small part of
// what it costs to start its statement. Most tables hold no row of most people.
//
// Plain data and server calls only: the caller wraps them in pg::call.
#pragma once

#include "privacy/engine.hpp"

#include "pg/prelude.hpp"

namespace saas::privacy {

// What saas.export_probes() says of a program's steps. Kept with the program.
struct probe_map;

// The values of a person, and what was found out about the steps.
struct person_probes;

// Reads the map, once for a program. Needs SPI.
[[nodiscard]] const probe_map *load_probes_unsafe(program *steps);

// Frees what the map keeps outside of the program's memory.
void drop_probes(program *steps);

// Prepares for the steps of one person's export. Needs SPI.
[[nodiscard]] person_probes *make_probes_unsafe(const program *steps, const probe_map *map, Datum person);

// Whether the step certainly finds nothing: of its inputs there is the person's row alone, and no index that it would use
// has the person's value, or the table has no pages.
[[nodiscard]] bool finds_nothing_unsafe(const batch *work, const program_step *step);

} // namespace saas::privacy
