// SPDX-License-Identifier: Apache-2.0
#include "platform/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"

namespace sluice {
namespace {

struct Descriptor {
    int fd;
    explicit Descriptor(int opened) : fd(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

Error system_error(std::string_view attempt, const std::string& path, int code) {
    const auto kind = code == ENOENT                    ? ErrorKind::NotFound
                      : code == EACCES || code == EPERM ? ErrorKind::Denied
                      : means_no_space(code)            ? ErrorKind::NoSpace
                                                        : ErrorKind::Unavailable;
    return {kind, concat(attempt, " \"", path, "\": ", std::strerror(code))};
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error("write", path, errno);
        bytes.remove_prefix(static_cast<size_t>(n));
    }
    return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t limit) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd < 0) return system_error("read", path, errno);
    std::string bytes;
    std::array<char, 16384> piece{};
    while (true) {
        const ssize_t n = ::read(file.fd, piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error("read", path, errno);
        if (n == 0) return bytes;
        bytes.append(piece.data(), static_cast<size_t>(n));
        if (bytes.size() > limit)
            return invalid(concat("read \"", path, "\": larger than ", limit, " bytes"));
    }
}

bool means_no_space(int code) {
    return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

Result<void> write_file(const std::string& path, std::string_view bytes, unsigned mode) {
    const std::string beside = path + ".new";
    {
        const Descriptor file(
            ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
        if (file.fd < 0) return system_error("write", beside, errno);
        if (::fchmod(file.fd, mode) != 0) return system_error("chmod", beside, errno);
        auto written = write_all(file.fd, bytes, beside);
        if (written.ok() && ::fsync(file.fd) != 0) written = system_error("flush", beside, errno);
        if (!written.ok()) {
            ::unlink(beside.c_str());  // half a file takes the room that is missing
            return written;
        }
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) return system_error("rename", path, errno);
    return {};
}

}  // namespace sluice
