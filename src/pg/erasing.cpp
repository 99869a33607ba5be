// SPDX-License-Identifier: PostgreSQL
#include "pg/erasing.hpp"

namespace saas::pg {
namespace {

bool active = false;

} // namespace

bool is_erasing() noexcept {
    return active;
}

erasing::erasing() noexcept : before_{active} {
    active = true;
}

erasing::~erasing() {
    active = before_;
}

} // namespace saas::pg
