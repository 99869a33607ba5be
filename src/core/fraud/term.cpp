// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/term.hpp"

namespace saas::core::fraud {

std::string_view name_of(term_kind kind) noexcept {
    switch (kind) {
    case term_kind::hour:
    case term_kind::weekday:
        return "time zone";
    case term_kind::list:
        return "list";
    case term_kind::snooze:
        return "snooze";
    case term_kind::amount:
        return "exchange rate";
    case term_kind::model:
        return "model";
    case term_kind::history:
        return "history";
    }
    return "";
}

std::int64_t cost_of(term_kind kind) noexcept {
    switch (kind) {
    case term_kind::hour:
    case term_kind::weekday:
        return 200;
    case term_kind::list:
        return 300;
    case term_kind::snooze:
        return 15'000;
    case term_kind::amount:
        return 16'000;
    case term_kind::model:
        return 20'000;
    case term_kind::history:
        return 60'000;
    }
    return 0;
}

} // namespace saas::core::fraud
