// SPDX-License-Identifier: PostgreSQL
// The object that sketch_info() gives, member after member. Plain data, so the server may be called
// while it is alive.
#pragma once

#include <cstdint>

#include "pg/prelude.hpp"

namespace saas::sketches {

class info_text {
public:
    void text(const char *key, const char *value); // neither needs escapes
    void whole(const char *key, std::uint64_t value);
    void number(const char *key, double value); // infinities and NaN become texts
    void truth(const char *key, bool value);

    // The object as jsonb. May ereport.
    [[nodiscard]] Datum jsonb();

private:
    template <class... Values>
    void append(const char *format, Values... values);

    char text_[1024] = "{";
    unsigned size_ = 1;
};

} // namespace saas::sketches
