// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

Error file_error(std::string_view attempt, const std::string& path) {
    return unavailable(concat(attempt, " ", path, ": ", std::strerror(errno)));
}

bool write_all(int file, std::string_view content) {
    while (!content.empty()) {
        const ssize_t written = ::write(file, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        content.remove_prefix(static_cast<size_t>(written));
    }
    return ::fsync(file) == 0;
}

}  // namespace

Result<void> make_private_folder(const std::string& path) {
    std::error_code problem;
    const bool made = std::filesystem::create_directories(path, problem);
    if (problem) return unavailable(concat("make folder ", path, ": ", problem.message()));
    // A folder that was there keeps the rights its owner gave it.
    if (made && ::chmod(path.c_str(), 0700) != 0) return file_error("protect folder", path);
    return {};
}

Result<void> write_private_file(const std::string& path, std::string_view content) {
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str());
    const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return file_error("create", fresh);
    const bool written = write_all(file, content);
    const int closed = ::close(file);
    if (!written || closed != 0) return file_error("write", fresh);
    if (::rename(fresh.c_str(), path.c_str()) != 0) return file_error("rename to", path);
    return {};
}

Result<std::optional<std::string>> read_file_if_there(const std::string& path) {
    std::error_code problem;
    if (!std::filesystem::exists(path, problem)) return std::optional<std::string>();
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    if (!file) return unavailable(concat("read ", path, ": cannot be read"));
    return std::optional(content.str());
}

}  // namespace sluice::standalone::apiserver
