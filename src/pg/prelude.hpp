// SPDX-License-Identifier: PostgreSQL
// The only way to the server's headers. Include it last.
// postgres.h turns printf and its family into macros, which breaks every C++ or Boost header that
// comes after it and names std::printf; undefining them here makes the order of includes irrelevant.
#pragma once

extern "C" {
#include "postgres.h" // IWYU pragma: export

#include "fmgr.h"      // PG_FUNCTION_ARGS, PG_FUNCTION_INFO_V1
#include "miscadmin.h" // CHECK_FOR_INTERRUPTS, GetUserId
}

#undef printf
#undef fprintf
#undef sprintf
#undef snprintf
#undef vprintf
#undef vfprintf
#undef vsprintf
#undef vsnprintf
#undef strerror
#undef strerror_r
#undef gettext
#undef _
