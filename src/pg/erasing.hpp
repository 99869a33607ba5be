// SPDX-License-Identifier: PostgreSQL
// Whether the statement that runs erases personal data on a person's request. Triggers that keep rows as they
// are let it through, and the audit trigger does not repeat the values that go.
#pragma once

namespace saas::pg {

[[nodiscard]] bool is_erasing() noexcept;

// Makes is_erasing() true as long as it lives.
class erasing {
  public:
    erasing() noexcept;
    ~erasing();
    erasing(const erasing &) = delete;
    erasing &operator=(const erasing &) = delete;

  private:
    bool before_;
};

} // namespace saas::pg
