// SPDX-License-Identifier: PostgreSQL
#include "context/context.hpp"

#include "context/signing_key.hpp"
#include "context/trusted.hpp"
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/package.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/parallel.h"  // IsParallelWorker
#include "access/xact.h"      // GetCurrentTransactionStartTimestamp, IsTransactionState
#include "storage/proc.h"     // MyProc
#include "utils/guc.h"        // DefineCustomStringVariable
}

namespace saas::context {

constinit std::uint64_t detail::verified = 0; // number of the verified context, 0 for none

namespace {

using core::context::request_context;
using core::context::signing_key;
using core::context::transaction_binding;

constexpr core::sqlstate k_forged{"SA020"};
constexpr const char *k_setting = "saas.context";

char *context_setting = nullptr; // the signed text

// What the backend knows about the current value.
struct cache {
    std::optional<signing_key> key;
    bool parsed = false; // of context_setting, since it was last assigned
    std::optional<request_context> context;
    bool own = false; // set() is at work
};
cache &state() {
    static cache value;
    return value;
}

transaction_binding current_binding() noexcept {
    PGPROC *leader = MyProc->lockGroupLeader != nullptr ? MyProc->lockGroupLeader : MyProc;
#if PG_VERSION_NUM >= 170000
    return {GetCurrentTransactionStartTimestamp(), leader->pid, leader->vxid.lxid};
#else
    return {GetCurrentTransactionStartTimestamp(), leader->pid, leader->lxid};
#endif
}

// Verifies with the cached key, and once more with the stored one when that has changed meanwhile.
std::optional<request_context> verify(const char *text) {
    cache &known = state();
    if (known.key) {
        if (auto context = core::context::verify(text, *known.key))
            return context;
    }
    auto stored = read_signing_key();
    if (!stored || stored == known.key)
        return std::nullopt;
    known.key = stored;
    return core::context::verify(text, *stored);
}

// SET cannot put a context there that set_context did not sign. Outside a transaction there is no
// table to read the key from, and a parallel worker has none yet; reading verifies again.
bool check_setting(char **value, void **, GucSource) {
    if (**value == '\0' || !IsTransactionState() || IsParallelWorker() || state().own)
        return true;
    struct request {
        const char *text;
        bool valid;
    } asked{*value, false};
    pg::guarded(
        [](void *argument) {
            auto *check = static_cast<request *>(argument);
            check->valid = verify(check->text).has_value();
        },
        &asked);
    if (!asked.valid) {
        GUC_check_errcode(MAKE_SQLSTATE('S', 'A', '0', '2', '0'));
        GUC_check_errmsg("the request context cannot be set by hand");
        GUC_check_errhint("Call saas.set_context() as a role that may vouch for users.");
    }
    return asked.valid;
}

void assign_setting(const char *, void *) {
    state().parsed = false;
    detail::verified = 0;
}

// What state().context says is what saas.context says, until that is assigned again.
void hold() {
    static std::uint64_t count = 0;
    state().parsed = true;
    detail::verified = ++count;
}

} // namespace

void initialise() {
    DefineCustomStringVariable(k_setting, "The signed request context of the transaction.",
                               "Set by saas.set_context(); not by hand.", &context_setting, "",
                               PGC_USERSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
                               check_setting, assign_setting, nullptr);
}

const request_context *current() {
    if (context_setting == nullptr || *context_setting == '\0')
        return trusted_context();
    cache &known = state();
    if (!known.parsed) {
        known.context = verify(context_setting);
        if (!known.context)
            throw core::error{k_forged, "the request context is not genuine", {},
                              "Call saas.set_context() as a role that may vouch for users."};
        hold();
    }
    return known.context->binding == current_binding() ? &*known.context : nullptr;
}

void set(core::context::request_context context) {
    cache &known = state();
    known.key = read_signing_key();
    if (!known.key)
        pg::refuse_not_deployed();
    context.binding = current_binding();
    const std::string text = core::context::sign(context, *known.key);
    const char *value = text.c_str();
    known.own = true; // the check hook need not verify what was signed here
    try {
        pg::call([value] {
            (void)set_config_option(k_setting, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
                                    true, 0, false);
        });
    } catch (...) {
        known.own = false;
        throw;
    }
    known.own = false;
    known.context = std::move(context);
    hold();
}

} // namespace saas::context
