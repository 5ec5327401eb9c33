// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/pod_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "platform/file.hpp"

namespace sluice::standalone::kubelet {
namespace {

// Everybody may pass, so that a container's user reaches its own folder; nobody else may look
// around.
constexpr mode_t passable = 0711;

Result<void> make_folder(const std::string& path, mode_t mode) {
    std::error_code problem;
    std::filesystem::create_directories(path, problem);
    if (problem) return unavailable(concat("make folder ", path, ": ", problem.message()));
    if (::chmod(path.c_str(), mode) != 0)
        return unavailable(concat("set the mode of ", path, ": ", std::strerror(errno)));
    return {};
}

}  // namespace

Result<PodFolders> PodFolders::open(const std::string& data_dir) {
    std::error_code problem;
    auto root = std::filesystem::absolute(data_dir, problem).string() + "/pods";
    TRY(make_folder(root, passable));
    return PodFolders(std::move(root));
}

std::vector<PodRuntime> PodFolders::load(std::vector<std::string>& problems) const {
    std::vector<PodRuntime> runtimes;
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator(root_, problem)) {
        const auto path = entry.path().string() + "/state.json";
        const auto text = read_file(path);
        // A folder without state was made for a container that has not begun.
        if (text.failed_with(ErrorKind::NotFound) || !entry.is_directory(problem)) continue;
        auto document = text.ok() ? parse_json(*text) : Result<Json>(text.error());
        auto runtime = document.ok() ? decode_runtime(*document)
                                     : Result<PodRuntime>(std::move(document).error());
        if (runtime.ok())
            runtimes.push_back(std::move(*runtime));
        else
            problems.push_back(concat(path, ": ", runtime.error().message));
    }
    return runtimes;
}

Result<void> PodFolders::save(const PodRuntime& runtime) const {
    const auto folder = concat(root_, "/", runtime.uid);
    TRY(make_folder(folder, passable));
    return write_file(folder + "/state.json", to_text(encode_runtime(runtime)), 0600);
}

void PodFolders::remove(const std::string& uid) const {
    if (uid.empty() || uid.find('/') != std::string::npos) return;
    std::error_code problem;
    std::filesystem::remove_all(concat(root_, "/", uid), problem);
}

Result<std::string> PodFolders::work_folder(const std::string& uid, const std::string& container,
                                            const UserId& user) const {
    TRY(make_folder(concat(root_, "/", uid), passable));
    auto folder = concat(root_, "/", uid, "/", container);
    TRY(make_folder(folder, 0700));
    if (::geteuid() == 0 &&
        ::chown(folder.c_str(), static_cast<uid_t>(user.uid), static_cast<gid_t>(user.gid)) != 0)
        return unavailable(
            concat("give ", folder, " to user ", user.uid, ": ", std::strerror(errno)));
    return folder;
}

std::string PodFolders::last_address() const {
    const auto text = read_file(root_ + "/last-address");
    return text.ok() ? std::string(trim(*text)) : std::string{};
}

void PodFolders::save_last_address(const std::string& address) const {
    // Lost, an address comes round a little sooner; the pod's own state still keeps it from use.
    static_cast<void>(write_file(root_ + "/last-address", address, 0600).ok());
}

}  // namespace sluice::standalone::kubelet
