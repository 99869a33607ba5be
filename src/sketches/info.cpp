// SPDX-License-Identifier: PostgreSQL
#include "sketches/info.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/fmgrprotos.h" // jsonb_in
}

namespace saas::sketches {

template <class... Values>
void info_text::append(const char *format, Values... values) {
    const int written = std::snprintf(text_ + size_, sizeof(text_) - size_, format,
                                      size_ > 1 ? "," : "", values...);
    size_ =
        std::min<unsigned>(size_ + static_cast<unsigned>(std::max(written, 0)), sizeof(text_) - 2);
}

void info_text::text(const char *key, const char *value) {
    append("%s\"%s\":\"%s\"", key, value);
}

void info_text::whole(const char *key, std::uint64_t value) {
    append("%s\"%s\":%llu", key, static_cast<unsigned long long>(value));
}

void info_text::number(const char *key, double value) {
    if (std::isnan(value))
        text(key, "NaN");
    else if (std::isinf(value))
        text(key, value > 0 ? "Infinity" : "-Infinity");
    else
        append("%s\"%s\":%.15g", key, value);
}

void info_text::truth(const char *key, bool value) {
    append("%s\"%s\":%s", key, value ? "true" : "false");
}

Datum info_text::jsonb() {
    text_[size_] = '}';
    text_[size_ + 1] = '\0';
    return DirectFunctionCall1(jsonb_in, CStringGetDatum(text_));
}

} // namespace saas::sketches
