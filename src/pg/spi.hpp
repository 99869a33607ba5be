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

    // The same for a SELECT that must see what others have committed by now, even in a transaction
    // that otherwise keeps to its snapshot. Not in parallel queries.
    std::vector<text_row> query_newest(const std::string &sql,
                                       const std::vector<text_value> &arguments = {});
};

// While alive, statements run as the bootstrap superuser. For the few steps that the caller's rights
// do not cover; each use says why. Restores the caller on every way out.
class as_superuser {
  public:
    as_superuser() noexcept;
    ~as_superuser();
    as_superuser(const as_superuser &) = delete;
    as_superuser &operator=(const as_superuser &) = delete;

  private:
    Oid user_;
    int security_context_;
};

// Quotes an identifier or a literal for use in a statement's text.
std::string quote_identifier(const std::string &name);
std::string quote_literal(const std::string &value);

} // namespace saas::pg
