// SPDX-License-Identifier: PostgreSQL
// Tables of the package whose rows a backend keeps in memory, and how it learns that they changed.
//
// Each such table has an AFTER row trigger saas.announce_change(), which invalidates the table's
// relation descriptor; the server tells every session when the change commits, and the session that
// made it at once and again when it is rolled back. Here that becomes a number that goes up. What was
// read in a transaction that writes counts as changed when that, or a part of it, is rolled back.
// Whoever keeps rows compares the number with the one that held before they were read:
//
//     table.find();                       // a change from here on counts
//     auto before = table.generation();   // first the number
//     rows = read with a new snapshot;    // then the rows: what comes between makes them old at
//     once
#pragma once

#include <cstdint>

#include "pg/prelude.hpp"

namespace saas::pg {

// An object with static storage: the server's callback knows it until the backend ends.
class watched_table {
public:
    // `name`: a table of schema saas; a literal.
    explicit constexpr watched_table(const char *name) noexcept : name_{name} {}
    watched_table(const watched_table &) = delete;
    watched_table &operator=(const watched_table &) = delete;

    // From now on the callback counts changes. Called once, by _PG_init.
    void watch();

    // Looks the table up by name, which is to be done before rows are read. False when there is none. Calls the server through pg::call.
    [[nodiscard]] bool find();

    // What find() found last; InvalidOid for none.
    [[nodiscard]] Oid oid() const noexcept { return table_; }

    // Goes up with every change this backend was told of.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

    // Goes up with every change of any watched table.
    [[nodiscard]] static std::uint64_t all_changes() noexcept { return all_changes_; }

private:
    static void changed(Oid relation) noexcept;
    static void taken_back() noexcept;

    static watched_table *first_;
    static inline constinit std::uint64_t all_changes_ = 1;
    const char *name_;
    Oid table_ = InvalidOid;
    std::uint64_t generation_ = 1;
    watched_table *next_ = nullptr;
};

// Takes in what other sessions have committed by now. A transaction does so by itself when it
// begins and with each lock that it takes. Calls the server through pg::call.
void accept_changes();

} // namespace saas::pg
