// SPDX-License-Identifier: PostgreSQL
#include "encryption/keystore.hpp"

#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encryption/errors.hpp"
#include "encryption/environment.hpp"
#include "encryption/key_agent.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "storage/fd.h" // OpenPipeStream
#include "utils/guc.h"  // DefineCustomStringVariable
}

namespace saas::encryption {
namespace {

using core::encryption::k_most_roots;
using core::encryption::secret_key;

constexpr std::size_t k_longest_source = 1024; // of four keys and their line ends

char *command_setting = nullptr;
char *file_setting = nullptr;
char *credential_setting = nullptr;
char *variable_setting = nullptr;
char *key_file_setting = nullptr;

// In a page of its own.
struct root_store {
    secret_key keys[k_most_roots];
    std::size_t count = 0;
    int locked_in = 0; // locks are not inherited
};
root_store *store = nullptr;
bool preloaded = false;

// What a source gave.
struct source_text {
    char bytes[k_longest_source + 1];
    std::size_t size = 0;
    ~source_text() { OPENSSL_cleanse(bytes, sizeof(bytes)); }
};

bool is_set(const char *setting) noexcept {
    return setting != nullptr && *setting != '\0';
}

root_store *make_store() {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void *memory = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return nullptr;
    madvise(memory, page, MADV_DONTDUMP);
    if (mlock(memory, page) != 0)
        ereport(LOG, (errmsg("the root key's memory could not be locked: %m"),
                      errhint("Raise the limit of locked memory (ulimit -l, LimitMEMLOCK).")));
    auto *made = new (memory) root_store;
    made->locked_in = MyProcPid;
    return made;
}

bool read_command(source_text &out) {
    FILE *pipe = OpenPipeStream(command_setting, "r");
    if (pipe == nullptr) {
        ereport(WARNING, (errmsg("keystore sealed: saas.kek_command could not be run: %m")));
        return false;
    }
    setvbuf(pipe, nullptr, _IONBF, 0); // no copy in a buffer that is not wiped
    out.size = fread(out.bytes, 1, sizeof(out.bytes), pipe);
    const int status = ClosePipeStream(pipe);
    if (status != 0)
        ereport(WARNING, (errmsg("keystore sealed: saas.kek_command failed"),
                          errdetail_internal("%s", wait_result_to_str(status))));
    return status == 0;
}

bool read_file(const char *path, source_text &out) {
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0) {
        ereport(WARNING,
                (errmsg("keystore sealed: the file of the root key cannot be opened: %m")));
        return false;
    }
    const char *problem = unfit_for_keys(path, descriptor);
    if (problem == nullptr) {
        const ssize_t size = read(descriptor, out.bytes, sizeof(out.bytes));
        out.size = size < 0 ? 0 : static_cast<std::size_t>(size);
    } else {
        ereport(WARNING,
                (errmsg("keystore sealed: the file of the root key is refused: %s", problem)));
    }
    close(descriptor);
    return problem == nullptr;
}

// systemd puts what LoadCredential= names into a folder that only the service can read.
bool credential_path(char (&path)[MAXPGPATH]) {
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!is_set(credential_setting) || !is_set(folder))
        return false;
    const int length = snprintf(path, sizeof(path), "%s/%s", folder, credential_setting);
    return length > 0 && static_cast<std::size_t>(length) < sizeof(path) && access(path, F_OK) == 0;
}

// A variable is inherited by every process: with a key agent it is no source.
void drop_variable() {
    source_text given;
    if (is_set(variable_setting) &&
        take_environment_variable(variable_setting, given.bytes, sizeof(given.bytes), given.size))
        ereport(WARNING, (errmsg("the root key in the environment is not used with a key agent"),
                          errhint("Use saas.kek_command or saas.kek_file.")));
}

// The first source that is configured; a broken one is not made up for by the next.
bool read_source(source_text &out) {
    char path[MAXPGPATH];
    if (is_set(command_setting))
        return read_command(out);
    if (is_set(file_setting))
        return read_file(file_setting, out);
    if (credential_path(path))
        return read_file(path, out);
    return !agent_is_configured() && is_set(variable_setting) &&
           take_environment_variable(variable_setting, out.bytes, sizeof(out.bytes), out.size);
}

void read_root_keys() {
    source_text given;
    if (!read_source(given))
        return;
    store = make_store();
    if (store == nullptr)
        ereport(WARNING, (errmsg("keystore sealed: no memory for the root key: %m")));
    else if (given.size <= k_longest_source)
        store->count = core::encryption::parse_root_keys({given.bytes, given.size}, store->keys);
    if (store != nullptr && store->count == 0)
        ereport(WARNING,
                (errmsg("keystore sealed: what the source gave is no root key"),
                 errhint("A root key is 32 random bytes as 64 hexadecimal digits or Base64, one"
                         " line each, the newest first.")));
}

// Without preloading they do nothing, but are known, so that no session warns of them.
void define(const char *name, const char *description, char **variable, const char *standard) {
    DefineCustomStringVariable(name, description, nullptr, variable, standard,
                               preloaded ? PGC_POSTMASTER : PGC_SIGHUP,
                               GUC_SUPERUSER_ONLY | GUC_NOT_IN_SAMPLE, nullptr, nullptr, nullptr);
}

} // namespace

void initialise_keystore() {
    preloaded = process_shared_preload_libraries_in_progress;
    define("saas.kek_command", "Command that prints the root key of encryption.", &command_setting,
           "");
    define("saas.kek_file", "File that holds the root key of encryption.", &file_setting, "");
    define("saas.kek_credential", "Name of the systemd credential that is the root key.",
           &credential_setting, "saas_kek");
    define("saas.kek_variable", "Environment variable that holds the root key of encryption.",
           &variable_setting, "SAAS_KEK");
    define("saas.key_file", "File of the wrapped keys between root key and data keys.",
           &key_file_setting, "");
    const bool with_agent = initialise_key_agent();
    if (preloaded && with_agent)
        drop_variable();
    else if (preloaded)
        read_root_keys();
}

void unseal_key_agent() { read_root_keys(); }

void require_unsealed() {
    if (!agent_is_configured())
        (void)root_keys();
}

bool is_sealed() noexcept {
    return store == nullptr || store->count == 0;
}

core::encryption::root_keys root_keys() {
    if (is_sealed())
        throw core::error{
            k_sealed,
            "keystore sealed",
            {},
            preloaded
                ? "Configure saas.kek_command, saas.kek_file or another source of the root key and "
                  "restart; the server's log says what was wrong with it."
                : "Add pg_saas to shared_preload_libraries, configure saas.kek_file and "
                  "saas.key_file, and restart."};
    if (!is_set(key_file_setting))
        throw core::error{
            k_sealed,
            "keystore sealed",
            {},
            "Configure saas.key_file, a file outside the data directory, and restart."};
    if (store->locked_in != MyProcPid) {
        mlock(store, sizeof(*store)); // best effort, as at the start
        store->locked_in = MyProcPid;
    }
    return {store->keys, store->count};
}

void *secret_memory(std::size_t size) {
    void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw std::bad_alloc{};
    madvise(memory, size, MADV_DONTDUMP);
    mlock2(memory, size, MLOCK_ONFAULT); // best effort: the usual limits allow it
    return memory;
}

const char *key_file_path() noexcept {
    return key_file_setting;
}

const char *unfit_for_keys(const char *path, int descriptor) noexcept {
    struct stat file {};
    char real[PATH_MAX];
    char data[PATH_MAX];
    if (fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode))
        return "it is not a regular file";
    if (file.st_uid != geteuid() && file.st_uid != 0)
        return "it belongs to another user";
    if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "group or others have access to it";
    if (realpath(path, real) == nullptr || realpath(DataDir, data) == nullptr)
        return "its path cannot be resolved";
    const std::size_t length = std::strlen(data);
    if (std::strncmp(real, data, length) == 0 && real[length] == '/')
        return "it is inside the data directory";
    return nullptr;
}

} // namespace saas::encryption
