// SPDX-License-Identifier: PostgreSQL
// What surrounds a deployment: its settings, and the subtransaction of a dry run.
#pragma once

#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/resowner.h" // ResourceOwner
}

namespace saas::deploy {

// Settings that hold while the package's files run: a search_path on which nobody else's objects
// stand, no notices about things that do not exist yet. restore() puts the caller's back; after an
// ERROR the server does.
class deployment_settings {
  public:
    deployment_settings();
    void restore();

  private:
    int level_;
};

// A subtransaction that end() rolls back: a dry run really executes. Nothing when it is not one. It
// must end on every way out: the server aborts only the innermost subtransaction, and the session, or
// the EXCEPTION block that called, would be left inside of it.
class trial {
  public:
    explicit trial(bool dry_run);
    void end();

  private:
    bool active_;
    MemoryContext context_;
    ResourceOwner owner_;
};

} // namespace saas::deploy
