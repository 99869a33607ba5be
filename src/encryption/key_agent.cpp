// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_agent.hpp"

#include <openssl/crypto.h>

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

#include "encryption/agent_messages.hpp"
#include "encryption/errors.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "commands/dbcommands.h" // get_database_name
#include "postmaster/bgworker.h" // RegisterBackgroundWorker
#include "storage/latch.h"       // WaitLatchOrSocket
#include "utils/guc.h"           // DefineCustomBoolVariable
#include "utils/wait_event.h"    // PG_WAIT_EXTENSION
}

namespace saas::encryption {
namespace {

constexpr int k_patience = 10'000; // milliseconds that an answer may take

bool agent_setting = false;
int rate_setting = 10'000;

// The connection of this process; kept from one question to the next.
int connection = -1;

void disconnect() noexcept {
    if (connection >= 0)
        close(connection);
    connection = -1;
}

[[noreturn]] void no_agent() {
    throw core::error{k_sealed, "keystore sealed", "The key agent does not answer.",
                      "It is started again within a second when it ended; the server's log says why."};
}

bool connect_to_agent() {
    const sockaddr_un address = agent_address();
    connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection >= 0 &&
        connect(connection, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0)
        return true;
    disconnect();
    return false;
}

// Waits until the agent has answered. False when it went away, or takes too long.
bool wait_for_answer() {
    return pg::call([] {
        for (;;) {
            const int events =
                WaitLatchOrSocket(MyLatch,
                                  WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                                  connection, k_patience, PG_WAIT_EXTENSION);
            if ((events & WL_LATCH_SET) != 0) {
                ResetLatch(MyLatch);
                CHECK_FOR_INTERRUPTS();
            }
            if ((events & WL_SOCKET_READABLE) != 0)
                return true;
            if ((events & WL_TIMEOUT) != 0)
                return false;
        }
    });
}

bool exchange(const agent_question &question, agent_reply &reply) {
    if (connection < 0 && !connect_to_agent())
        return false;
    if (send(connection, &question, sizeof(question), MSG_NOSIGNAL) != sizeof(question))
        return false;
    return wait_for_answer() && recv(connection, &reply, sizeof(reply), 0) == sizeof(reply);
}

// Whose rights the query has: not those of a function that was called.
void fill_in_caller(agent_question &question) {
    const char *role = pg::call([] { return GetUserNameFromId(GetOuterUserId(), true); });
    const char *database = pg::call([] { return get_database_name(MyDatabaseId); });
    copy_text(question.role, role != nullptr ? role : "?");
    copy_text(question.database, database != nullptr ? database : "?");
    question.database_oid = MyDatabaseId;
}

core::sqlstate state_of(std::string_view code) {
    for (const core::sqlstate known : {k_sealed, k_key_file, k_too_many_keys}) {
        if (known.code() == code)
            return known;
    }
    return core::k_internal_error;
}

} // namespace

bool initialise_key_agent() {
    const bool preloaded = process_shared_preload_libraries_in_progress;
    DefineCustomBoolVariable("saas.key_agent", "Keeps the keys of encryption in a process of their own.",
                             nullptr, &agent_setting, false, preloaded ? PGC_POSTMASTER : PGC_SIGHUP,
                             GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("saas.key_agent_rate",
                            "Data keys that the key agent opens for a role in a second; 0 for any number.",
                            nullptr, &rate_setting, 10'000, 0, 1'000'000,
                            preloaded ? PGC_POSTMASTER : PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr,
                            nullptr);
    if (!preloaded || !agent_setting)
        return false;
    BackgroundWorker worker{};
    copy_text(worker.bgw_name, "pg_saas key agent");
    copy_text(worker.bgw_type, "pg_saas key agent");
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
    worker.bgw_start_time = BgWorkerStart_PostmasterStart;
    worker.bgw_restart_time = 1;
    copy_text(worker.bgw_library_name, "pg_saas");
    copy_text(worker.bgw_function_name, "pg_saas_key_agent_main");
    RegisterBackgroundWorker(&worker);
    return true;
}

bool agent_is_configured() noexcept { return agent_setting; }

int key_agent_rate() noexcept { return rate_setting; }

key_answer ask_key_agent(const key_request &request) {
    if (is_key_agent())
        return serve_key(request);
    agent_question question;
    agent_reply reply;
    question.request = request;
    fill_in_caller(question);
    bool answered = false;
    try {
        // A connection from before the agent was started anew is of no use.
        const bool was_connected = connection >= 0;
        answered = exchange(question, reply);
        if (!answered) {
            disconnect();
            answered = was_connected && exchange(question, reply);
        }
    } catch (...) {
        disconnect(); // an answer that is still to come is not for the next question
        OPENSSL_cleanse(&question, sizeof(question));
        throw;
    }
    OPENSSL_cleanse(&question, sizeof(question));
    if (!answered) {
        disconnect();
        no_agent();
    }
    const key_answer answer = reply.answer;
    reply.answer.wipe();
    if (reply.sqlstate[0] != '\0')
        throw core::error{state_of(reply.sqlstate), reply.message, reply.detail, reply.hint};
    return answer;
}

} // namespace saas::encryption
