// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_file_store.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encryption/errors.hpp"
#include "encryption/keystore.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {
namespace {

using core::encryption::key_file;

constexpr off_t k_largest_file = 512 * 1024 * 1024;
constexpr useconds_t k_lock_pause = 2000;
constexpr int k_lock_tries = 15'000; // half a minute

// The reason stands in the log of the server's administrator as well as here; no path, no content.
[[noreturn]] void refuse(const char *what, const char *reason) {
    throw core::error{
        k_key_file, std::string{"the key file "} + what, std::string{"Reason: "} + reason + ".",
        "Look at saas.key_file: the server's user must own it and its folder, and nobody "
        "else may read it."};
}
[[noreturn]] void refuse_errno(const char *what) {
    char reason[128] = "unknown error";
    const char *text = strerror_r(errno, reason, sizeof(reason));
    refuse(what, text);
}

class descriptor {
public:
    explicit descriptor(int number) noexcept : number_{number} {}
    ~descriptor() {
        if (number_ >= 0)
            close(number_);
    }
    descriptor(const descriptor &) = delete;
    descriptor &operator=(const descriptor &) = delete;
    [[nodiscard]] int get() const noexcept { return number_; }

private:
    int number_;
};

// What tells one writing of the file from the next.
struct file_identity {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    timespec changed{};

    file_identity() = default;
    explicit file_identity(const struct stat &from)
        : device{from.st_dev}, inode{from.st_ino}, size{from.st_size}, changed{from.st_mtim} {}
    bool operator==(const file_identity &other) const noexcept {
        return device == other.device && inode == other.inode && size == other.size &&
               changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
    }
};

struct kept_file {
    file_identity identity;
    key_file content;
    std::uint64_t readings = 0;
    bool looks_once = false;
    bool looked = false; // since then, and it was the same
};
kept_file &kept() {
    static kept_file value;
    return value;
}

std::vector<std::uint8_t> read_all(int file, off_t size) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = read(file, bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            refuse_errno("cannot be read");
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

void write_all(int file, const std::vector<std::uint8_t> &bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t put = write(file, bytes.data() + done, bytes.size() - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            refuse_errno("cannot be written");
        done += static_cast<std::size_t>(put);
    }
}

void sync_folder(const std::string &path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const descriptor opened{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (opened.get() < 0 || fsync(opened.get()) != 0)
        refuse_errno("cannot be written");
}

void write_file(const std::string &path, const std::vector<std::uint8_t> &bytes) {
    const std::string fresh = path + ".new";
    {
        const descriptor file{
            open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (file.get() < 0)
            refuse_errno("cannot be written");
        if (const char *problem = unfit_for_keys(fresh.c_str(), file.get()))
            refuse("cannot be written", problem);
        write_all(file.get(), bytes);
        if (fsync(file.get()) != 0)
            refuse_errno("cannot be written");
    }
    if (rename(fresh.c_str(), path.c_str()) != 0)
        refuse_errno("cannot be written");
    sync_folder(path);
}

// Waits for the lock, and looks up when the query is cancelled.
void lock(int file) {
    for (int i = 0; i < k_lock_tries; ++i) {
        if (flock(file, LOCK_EX | LOCK_NB) == 0)
            return;
        if (errno != EWOULDBLOCK && errno != EINTR)
            refuse_errno("cannot be locked");
        if (pg::stop_requested())
            throw core::cancelled{};
        usleep(k_lock_pause);
    }
    refuse("cannot be locked", "another process holds it");
}

} // namespace

const key_file &read_key_file() {
    const auto roots = root_keys();
    const char *path = key_file_path();
    kept_file &known = kept();
    struct stat now {};
    if (known.looks_once && known.looked)
        return known.content;
    if (stat(path, &now) == 0 && known.identity == file_identity{now}) {
        known.looked = true;
        return known.content;
    }
    ++known.readings;
    const descriptor file{open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (file.get() < 0 && errno == ENOENT) {
        known.identity = {};
        known.content = {};
        return known.content;
    }
    if (file.get() < 0 || fstat(file.get(), &now) != 0)
        refuse_errno("cannot be read");
    if (const char *problem = unfit_for_keys(path, file.get()))
        refuse("is refused", problem);
    if (now.st_size > k_largest_file)
        refuse("is refused", "it is too large");
    auto parsed = key_file::parse(read_all(file.get(), now.st_size), roots);
    if (!parsed)
        refuse("is not genuine", "it is damaged, was changed, or belongs to another root key");
    known.identity = file_identity{now};
    known.content = std::move(*parsed);
    return known.content;
}

one_reading::one_reading() noexcept {
    kept().looks_once = true;
    kept().looked = false;
}

one_reading::~one_reading() { kept().looks_once = false; }

std::uint64_t key_file_readings() noexcept {
    return kept().readings;
}

void change_key_file(const std::function<bool(key_file &)> &change) {
    const auto roots = root_keys();
    const std::string path = key_file_path();
    const descriptor guard{
        open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (guard.get() < 0)
        refuse_errno("cannot be locked");
    lock(guard.get());
    key_file changed = read_key_file();
    if (change(changed))
        write_file(path, changed.build(roots));
}

std::int64_t unix_microseconds() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

} // namespace saas::encryption
