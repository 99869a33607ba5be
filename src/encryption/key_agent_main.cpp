// SPDX-License-Identifier: PostgreSQL
// The key agent's own process: it reads the root key, and answers one question after another.
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encryption/agent_messages.hpp"
#include "encryption/errors.hpp"
#include "encryption/key_accesses.hpp"
#include "encryption/key_agent.hpp"
#include "encryption/keystore.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "postmaster/bgworker.h"  // BackgroundWorkerUnblockSignals
#include "storage/ipc.h"          // proc_exit
#include "storage/pmsignal.h"     // PostmasterIsAlive
}

namespace saas::encryption {
namespace {

volatile std::sig_atomic_t must_end = 0;
bool this_is_the_agent = false;

std::int64_t monotonic_milliseconds() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// What a role may still open, and what it has opened since the last report.
struct role_account {
    double left = 0;
    std::int64_t since = 0;
    std::int64_t refused_at = 0;
    std::uint64_t opened = 0;
    std::uint64_t refused = 0;
};

class accounts {
public:
    // One more key for this role. The allowance of a second comes back evenly.
    bool take(const agent_question &question) {
        role_account &account = by_role_[std::string{question.role} + " of database " + question.database];
        const double rate = key_agent_rate();
        const std::int64_t now = monotonic_milliseconds();
        if (account.since == 0)
            account.left = rate;
        account.left = std::min(rate, account.left + rate * static_cast<double>(now - account.since) / 1000);
        account.since = now;
        const bool allowed = rate == 0 || account.left >= 1;
        if (rate != 0 && allowed)
            account.left -= 1;
        ++(allowed ? account.opened : account.refused);
        // One refusal a second is noted: a role that asks on and on shall not wash away what others did.
        if (!allowed && now - account.refused_at >= 1000) {
            account.refused_at = now;
            note_key_access(question.request, question.role, question.database_oid, access_outcome::refused);
        }
        return allowed;
    }

    // Says once a minute who has opened how many keys.
    void report(std::int64_t now) {
        constexpr std::int64_t k_minute = 60'000;
        if (now - reported_ < k_minute)
            return;
        reported_ = now;
        write();
    }
    void write() {
        for (auto &[role, account] : by_role_) {
            if (account.opened == 0 && account.refused == 0)
                continue;
            const char *name = role.c_str();
            ereport(LOG, (errmsg_internal("key agent: role %s opened " UINT64_FORMAT
                                          " keys and was refused " UINT64_FORMAT,
                                          name, account.opened, account.refused)));
            account.opened = 0;
            account.refused = 0;
        }
    }

private:
    boost::unordered_flat_map<std::string, role_account> by_role_;
    std::int64_t reported_ = 0;
};

void refuse(agent_reply &reply, const core::error &failure) {
    copy_text(reply.sqlstate, failure.state().code());
    copy_text(reply.message, failure.what());
    copy_text(reply.detail, failure.detail());
    copy_text(reply.hint, failure.hint());
}

void answer(const agent_question &question, accounts &known, agent_reply &reply) {
    try {
        if (question.request.operation == key_operation::unwrap && !known.take(question))
            throw core::error{k_too_many_keys, "the role has asked for too many keys in a second",
                              {}, "Try again in a second; saas.key_agent_rate is the limit."};
        reply.answer = serve_key(question.request);
        note_key_access(question.request, question.role, question.database_oid,
                        reply.answer.outcome == key_outcome::done ? access_outcome::done : access_outcome::failed);
    } catch (const core::error &failure) {
        refuse(reply, failure);
    } catch (const core::cancelled &) {
        refuse(reply, core::error{k_sealed, "keystore sealed", "The key agent ends."});
    } catch (const std::exception &) {
        refuse(reply, core::error{core::k_internal_error, "the key agent failed"});
    }
}

// Reads one question and answers it. False when the other side is gone, or is none of this server's.
bool serve_client(int client, accounts &known) {
    agent_question question;
    const ssize_t size = recv(client, &question, sizeof(question), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (size != sizeof(question))
        return false;
    question.role[NAMEDATALEN - 1] = '\0';
    question.database[NAMEDATALEN - 1] = '\0';
    agent_reply reply;
    answer(question, known, reply);
    const bool sent = send(client, &reply, sizeof(reply), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(reply);
    core::encryption::wipe(question.request.key);
    reply.answer.wipe();
    return sent;
}

int listen_for_clients_unsafe() {
    const sockaddr_un address = agent_address();
    unlink(address.sun_path);
    const int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const mode_t before = umask(S_IRWXG | S_IRWXO);
    const bool bound = listener >= 0 &&
                       bind(listener, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0 &&
                       listen(listener, 128) == 0;
    umask(before);
    if (!bound)
        ereport(FATAL, (errmsg("the key agent cannot listen: %m")));
    return listener;
}

bool is_of_this_server(int client) noexcept {
    ucred peer{};
    socklen_t size = sizeof(peer);
    return getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

void take_clients(std::vector<pollfd> &watched) {
    for (;;) {
        const int client = accept4(watched.front().fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0)
            return;
        if (is_of_this_server(client))
            watched.push_back({client, POLLIN, 0});
        else
            close(client);
    }
}

void serve_until_the_end() {
    constexpr int k_look_up = 1000; // milliseconds: whether the server still runs
    const int listener = listen_for_clients_unsafe();
    std::vector<pollfd> watched{{listener, POLLIN, 0}};
    accounts known;
    while (must_end == 0 && PostmasterIsAlive()) {
        const int ready = poll(watched.data(), watched.size(), k_look_up);
        known.report(monotonic_milliseconds());
        if (ready <= 0)
            continue;
        for (std::size_t i = watched.size(); i-- > 1;) {
            if (watched[i].revents != 0 && !serve_client(watched[i].fd, known)) {
                close(watched[i].fd);
                watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
        if (watched.front().revents != 0)
            take_clients(watched);
    }
    known.write();
    unlink(agent_address().sun_path);
}

} // namespace

static void end_key_agent(int) { must_end = 1; }

bool is_key_agent() noexcept { return this_is_the_agent; }

} // namespace saas::encryption

extern "C" {
PGDLLEXPORT void pg_saas_key_agent_main(Datum argument);

void pg_saas_key_agent_main(Datum) {
    using namespace saas::encryption;
    pqsignal(SIGTERM, end_key_agent);
    pqsignal(SIGHUP, SIG_IGN);
    BackgroundWorkerUnblockSignals();
    this_is_the_agent = true;
    prctl(PR_SET_DUMPABLE, 0); // other processes of the same user cannot read its memory
    unseal_key_agent();
    serve_until_the_end();
    proc_exit(1); // started again, unless the server ends
}
}
