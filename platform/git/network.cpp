// SPDX-License-Identifier: Apache-2.0
#include "platform/git/network.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/text.hpp"
#include "platform/file.hpp"
#include "platform/git/remote_text.hpp"

namespace sluice::git {
namespace network_detail {
namespace {

namespace fs = std::filesystem;

// Held by whoever moves refs, and by the git process it runs: a fetch that outlives a killed
// controller still keeps the next one waiting.
class DirectoryLock {
public:
    static Result<DirectoryLock> take(const RepositoryOptions& options) {
        const std::string path = options.directory + "/sluice.lock";
        const int fd = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0 && means_no_space(errno))
            return Error{ErrorKind::NoSpace, concat("open ", path, ": ", std::strerror(errno),
                                                    no_space_advice(options.directory))};
        if (fd < 0) return unavailable(concat("open ", path, ": ", std::strerror(errno)));
        DirectoryLock lock(fd);
        const auto deadline = std::chrono::steady_clock::now() + options.network_deadline;
        while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (std::chrono::steady_clock::now() >= deadline)
                return Error{ErrorKind::Timeout, concat("wait for ", path)};
            if (options.stop.stop_requested())
                return unavailable(concat("wait for ", path, ": we are ending"));
            ::poll(nullptr, 0, 10);
        }
        return lock;
    }
    ~DirectoryLock() {
        if (fd_ >= 0) ::close(fd_);
    }
    DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    [[nodiscard]] int fd() const { return fd_; }

private:
    explicit DirectoryLock(int fd) : fd_(fd) {}
    int fd_;
};

// Lock files of a git that was killed; nobody else can hold one while we hold the directory.
void remove_stale_locks(const std::string& directory) {
    std::error_code error;
    for (const char* file : {"/config.lock", "/packed-refs.lock", "/HEAD.lock", "/shallow.lock"})
        fs::remove(directory + file, error);
    for (auto at = fs::recursive_directory_iterator(directory + "/refs", error);
         !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
        std::error_code ignored;
        if (at->path().extension() == ".lock") fs::remove(at->path(), ignored);
    }
}

// Every fetch leaves a pack, and every look into them gets slower.
constexpr long most_packs = 50;
constexpr auto between_repacks = std::chrono::hours{1};

bool many_packs(const std::string& directory) {
    std::error_code error;
    const auto folder = fs::directory_iterator(directory + "/objects/pack", error);
    return std::count_if(begin(folder), end(folder), [](const auto& entry) {
               return entry.path().extension() == ".pack";
           }) > most_packs;
}

// True once in a while, so that a repack that fails is not tried with every fetch.
bool its_time(const std::string& stamp) {
    std::error_code error;
    const auto last = fs::last_write_time(stamp, error);
    const auto now = fs::file_time_type::clock::now();
    if (!error && now - last < between_repacks && last <= now) return false;
    const int fd = ::open(stamp.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
    fs::last_write_time(stamp, now, error);
    return !error;
}

// What a fetch that failed (a full disk) or was killed has left, once no fetch that goes on can own
// it: git removes it only when it collects garbage, which we do not let it do behind our back.
void remove_half_packs(const RepositoryOptions& options) {
    std::error_code error;
    const auto now = fs::file_time_type::clock::now();
    for (const char* folder : {"/objects/pack", "/objects"})
        for (auto at = fs::directory_iterator(options.directory + folder, error);
             !error && at != fs::directory_iterator(); at.increment(error)) {
            if (!at->path().filename().string().starts_with("tmp_")) continue;
            std::error_code ignored;
            const auto changed = fs::last_write_time(at->path(), ignored);
            if (!ignored && now - changed > options.network_deadline)
                fs::remove(at->path(), ignored);
        }
}

// The secret travels in the environment of the child, the snippet only names its variables. Bound
// to the origin, so that a redirect to another machine is not answered with it.
constexpr std::string_view credential_helper =
    "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' "
    "\"$SLUICE_GIT_USERNAME\" \"$SLUICE_GIT_PASSWORD\"; }; f";

std::map<std::string, std::string> environment_for(const RepositoryOptions& options) {
    std::map<std::string, std::string> environment{
        {"GIT_TERMINAL_PROMPT", "0"},
        {"GIT_CONFIG_NOSYSTEM", "1"},
        {"GIT_CONFIG_GLOBAL", "/dev/null"},
        {"GIT_ALLOW_PROTOCOL", "https:http:ssh"},
        {"GIT_DIR", options.directory},
        {"GIT_SSH_COMMAND",
         "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 "
         "-o ServerAliveInterval=5 -o ServerAliveCountMax=3"},
        {"LC_ALL", "C"},
    };
    for (const char* kept :
         {"PATH", "HOME", "https_proxy", "HTTPS_PROXY", "http_proxy", "no_proxy", "NO_PROXY",
          "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "SSH_AUTH_SOCK"})
        if (const char* value = std::getenv(kept)) environment[kept] = value;
    if (options.credentials) {
        environment["SLUICE_GIT_USERNAME"] = options.credentials->username;
        environment["SLUICE_GIT_PASSWORD"] = options.credentials->password;
    }
    return environment;
}

std::vector<std::string> hardened_git(const RepositoryOptions& options) {
    std::vector<std::string> arguments{options.git_program};
    const auto set = [&](std::string option) {
        arguments.emplace_back("-c");
        arguments.push_back(std::move(option));
    };
    // clang-format off
    for (const char* option : {
             "core.hooksPath=/dev/null", "protocol.version=2", "http.lowSpeedLimit=1024",
             "http.lowSpeedTime=30", "credential.helper=", "gc.auto=0", "maintenance.auto=false",
             "transfer.fsckObjects=true", "fetch.recurseSubmodules=false",
             "push.recurseSubmodules=no", "submodule.recurse=false", "fetch.unpackLimit=1",
             "core.askPass=", "advice.pushUpdateRejected=false"})
        set(option);
    // clang-format on
    // The remote lives on the command line, so a changed URL needs no change on disk.
    set("remote.origin.url=" + options.url);
    set("remote.origin.promisor=true");
    set("remote.origin.partialclonefilter=blob:none");
    if (options.credentials)
        set(concat("credential.", origin_of(options.url), ".helper=", credential_helper));
    return arguments;
}

std::string remote_ref(std::string_view branch) {
    return concat("refs/heads/", branch);
}

bool one_line(const std::string& text) {
    return text.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos;
}

}  // namespace
}  // namespace network_detail

using namespace network_detail;

Result<Network> Network::open(RepositoryOptions options) {
    TRY(check_url(options.url, options.credentials.has_value()));
    if (options.credentials &&
        !(one_line(options.credentials->username) && one_line(options.credentials->password)))
        return invalid("git credentials: username and password must be one line each");
    return Network(std::move(options));
}

Result<ProgramResult> Network::run(std::vector<std::string> command, std::string input,
                                   int lock) const {
    auto arguments = hardened_git(options_);
    arguments.insert(arguments.end(), command.begin(), command.end());
    return run_program({.arguments = std::move(arguments),
                        .environment = environment_for(options_),
                        .input = std::move(input),
                        .deadline = options_.network_deadline,
                        .inherited_fd = lock,
                        .stop = options_.stop})
        .while_doing(concat("git ", command[0], " ", options_.url));
}

Result<std::optional<Oid>> Network::tip(std::string_view branch) const {
    TRY(check_branch(branch));
    const auto answer =
        TRY(run({"ls-remote", "--heads", "--end-of-options", "origin", remote_ref(branch)}));
    if (answer.exit_code != 0)
        return network_error(answer.err, answer.exit_code)
            .while_doing(concat("git ls-remote ", options_.url, " ", branch));
    return parse_tip(answer.out, branch);
}

Error Network::failed(const ProgramResult& answer) const {
    Error error = network_error(answer.err, answer.exit_code);
    if (error.kind == ErrorKind::NoSpace) error.message += no_space_advice(options_.directory);
    return error;
}

Result<void> Network::fetch(std::string_view branch) const {
    TRY(check_branch(branch));
    const auto lock = TRY(DirectoryLock::take(options_));
    remove_stale_locks(options_.directory);
    remove_half_packs(options_);
    // A server without filter support says so and sends everything: git warns and goes on.
    const auto answer = TRY(run({"fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
                                 "--filter=blob:none", "--end-of-options", "origin",
                                 concat("+", remote_ref(branch), ":refs/remotes/origin/", branch)},
                                {}, lock.fd()));
    if (answer.exit_code != 0)
        return failed(answer).while_doing(concat("git fetch ", options_.url, " ", branch));
    if (many_packs(options_.directory) && its_time(options_.directory + "/sluice.repacked"))
        repack(lock.fd());
    return {};
}

// What nobody refers to stays for two weeks, git's own default: it may be a commit that is about to
// be pushed. A failure costs nothing but room, and the fetch has done its work.
void Network::repack(int lock) const {
    static_cast<void>(run({"gc", "--quiet", "--prune=2.weeks.ago"}, {}, lock));
}

Result<void> Network::fetch_objects(const std::vector<Oid>& objects) const {
    std::string wanted;
    for (const auto& object : objects) wanted += object.text() + "\n";
    // What git itself runs for a lazy fetch, with many objects at once.
    auto command = std::vector<std::string>{"-c",
                                            "fetch.negotiationAlgorithm=noop",
                                            "fetch",
                                            "--quiet",
                                            "--no-tags",
                                            "--no-write-fetch-head",
                                            "--filter=blob:none",
                                            "--recurse-submodules=no",
                                            "--stdin",
                                            "origin"};
    const auto answer = TRY(run(std::move(command), std::move(wanted)));
    if (answer.exit_code == 0) return {};
    return failed(answer).while_doing(
        concat("git fetch ", objects.size(), " objects from ", options_.url));
}

Result<ProgramResult> Network::push(const std::vector<RefUpdate>& updates) const {
    std::vector<std::string> command{"push", "--porcelain", "--no-verify"};
    if (updates.size() > 1) command.emplace_back("--atomic");
    for (const auto& update : updates) {
        TRY(check_branch(update.branch));
        command.push_back(concat("--force-with-lease=", remote_ref(update.branch), ":",
                                 update.expected ? update.expected->text() : ""));
    }
    command.emplace_back("--end-of-options");
    command.emplace_back("origin");
    for (const auto& update : updates)
        command.push_back(concat(update.target.text(), ":", remote_ref(update.branch)));
    return run(std::move(command));
}

}  // namespace sluice::git
