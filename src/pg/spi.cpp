// SPDX-License-Identifier: PostgreSQL
#include "pg/spi.hpp"

#include "pg/settings.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"         // IsInParallelMode
#include "catalog/pg_authid.h" // BOOTSTRAP_SUPERUSERID
#include "catalog/pg_type.h"   // TEXTOID
#include "executor/spi.h"      // SPI_*
#include "utils/acl.h"         // get_role_oid
#include "utils/builtins.h"    // CStringGetTextDatum, quote_identifier
#include "utils/snapmgr.h"     // GetLatestSnapshot
}

namespace saas::pg {
namespace {

// Plain data only: the ERROR path jumps out of here.
void check_spi(int code, const char *what) {
    if (code < 0)
        elog(ERROR, "%s: %s", what, SPI_result_code_string(code));
}

// Text parameters in the form that SPI takes.
struct text_arguments {
    explicit text_arguments(const std::vector<text_value> &arguments)
        : types(arguments.size(), TEXTOID), values(arguments.size()), nulls(arguments.size(), ' ') {
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            if (arguments[i])
                values[i] = call([&] { return CStringGetTextDatum(arguments[i]->c_str()); });
            else
                nulls[i] = 'n';
        }
    }
    [[nodiscard]] int count() const { return static_cast<int>(types.size()); }

    std::vector<Oid> types;
    std::vector<Datum> values;
    std::vector<char> nulls;
};

std::vector<text_row> take_rows(SPITupleTable *table) {
    std::vector<text_row> rows;
    if (table == nullptr)
        return rows;
    for (uint64 i = 0; i < table->numvals; ++i) {
        text_row row;
        for (int column = 1; column <= table->tupdesc->natts; ++column) {
            char *value =
                call([&] { return SPI_getvalue(table->vals[i], table->tupdesc, column); });
            row.emplace_back(value == nullptr ? text_value{} : text_value{value});
        }
        rows.push_back(std::move(row));
    }
    call([&] { SPI_freetuptable(table); });
    return rows;
}

} // namespace

spi::spi() {
    call([] { check_spi(SPI_connect(), "SPI_connect"); });
}

void spi::close() {
    call([] { check_spi(SPI_finish(), "SPI_finish"); });
}

void spi::execute(const std::string &sql) {
    call([&sql] {
        check_spi(SPI_execute(sql.c_str(), false, 0), "SPI_execute");
        SPI_freetuptable(SPI_tuptable);
    });
}

std::vector<text_row> spi::query(const std::string &sql, const std::vector<text_value> &arguments) {
    text_arguments given{arguments};
    SPITupleTable *table = call([&] {
        check_spi(SPI_execute_with_args(sql.c_str(), given.count(), given.types.data(),
                                        given.values.data(), given.nulls.data(), false, 0),
                  "SPI_execute_with_args");
        return SPI_tuptable;
    });
    return take_rows(table);
}

std::vector<text_row> spi::query_as_seen(const std::string &sql,
                                         const std::vector<text_value> &arguments) {
    text_arguments given{arguments};
    SPITupleTable *table = call([&] {
        check_spi(SPI_execute_with_args(sql.c_str(), given.count(), given.types.data(),
                                        given.values.data(), given.nulls.data(), true, 0),
                  "SPI_execute_with_args");
        return SPI_tuptable;
    });
    return take_rows(table);
}

std::vector<text_row> spi::query_newest(const std::string &sql,
                                        const std::vector<text_value> &arguments) {
    text_arguments given{arguments};
    SPITupleTable *table = call([&] {
        SPIPlanPtr plan = SPI_prepare(sql.c_str(), given.count(), given.types.data());
        check_spi(plan == nullptr ? SPI_result : 0, "SPI_prepare");
        // A parallel query may not take a new snapshot of its own, but one as for catalogs.
        Snapshot newest = RegisterSnapshot(IsInParallelMode() ? GetCatalogSnapshot(InvalidOid)
                                                              : GetLatestSnapshot());
        check_spi(SPI_execute_snapshot(plan, given.values.data(), given.nulls.data(), newest,
                                       InvalidSnapshot, true, false, 0),
                  "SPI_execute_snapshot");
        UnregisterSnapshot(newest);
        return SPI_tuptable;
    });
    return take_rows(table);
}

as_role::as_role(Oid role) noexcept : user_{InvalidOid}, security_context_{0} {
    GetUserIdAndSecContext(&user_, &security_context_);
    SetUserIdAndSecContext(role, security_context_ | SECURITY_LOCAL_USERID_CHANGE |
                                     SECURITY_RESTRICTED_OPERATION);
}

as_role::~as_role() { SetUserIdAndSecContext(user_, security_context_); }

Oid internal_role_id() {
    return call([] { return get_role_oid(configured_internal_role(), false); });
}

Oid superuser_id() noexcept { return BOOTSTRAP_SUPERUSERID; }

std::string quote_identifier(const std::string &name) {
    return call([&] { return ::quote_identifier(name.c_str()); });
}

std::string quote_literal(const std::string &value) {
    return call([&] { return ::quote_literal_cstr(value.c_str()); });
}

} // namespace saas::pg
