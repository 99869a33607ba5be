// SPDX-License-Identifier: PostgreSQL
// SQL from C++: text in, text out, for work that is not hot. Every call goes through pg::call, so C++
// objects may be alive around it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

namespace saas::pg {

using text_value = std::optional<std::string>; // nullopt is NULL
using text_row = std::vector<text_value>;

// A connection to SPI. close() ends it; after an ERROR the server's own clean-up does, so there is no
// destructor that could close somebody else's connection.
class spi {
  public:
    spi();
    void close();

    // Executes one statement of any kind. The text must be one statement.
    void execute(const std::string &sql);

    // Executes a statement with text parameters ($1::type casts in the text) and returns its rows.
    std::vector<text_row> query(const std::string &sql, const std::vector<text_value> &arguments = {});

    // The same for a SELECT in the snapshot that is active now.
    std::vector<text_row> query_as_seen(const std::string &sql,
                                        const std::vector<text_value> &arguments = {});

    // The same for a SELECT that must see what others have committed by now, even in a transaction
    // that otherwise keeps to its snapshot.
    std::vector<text_row> query_newest(const std::string &sql,
                                       const std::vector<text_value> &arguments = {});
};

// While alive, statements run as another role; the caller's comes back on every way out. They leave
// nothing behind in the session, such as a deferred trigger, that would run with the caller's
// rights.
class as_role {
  public:
    explicit as_role(Oid role) noexcept;
    ~as_role();
    as_role(const as_role &) = delete;
    as_role &operator=(const as_role &) = delete;

  private:
    Oid user_;
    int security_context_;
};

// The role saas_internal, under its configured name: the package's own, which row-level security does
// not filter. Everything native that reads or writes the package's tables on behalf of a caller runs as
// this role or as the owner of the table, and never as a superuser: the owner of the database may have
// put a view, a trigger or a function of their own behind a name of the package, and it must not gain
// rights by being called.
[[nodiscard]] Oid internal_role_id();

// The bootstrap superuser, for the commands of the deployer that no other role may give. They execute
// nothing that the owner of the database wrote.
[[nodiscard]] Oid superuser_id() noexcept;

// Quotes an identifier or a literal for use in a statement's text.
std::string quote_identifier(const std::string &name);
std::string quote_literal(const std::string &value);

} // namespace saas::pg
