// SPDX-License-Identifier: Apache-2.0
#include "standalone/ingress/haproxy.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/text.hpp"
#include "standalone/ingress/plan.hpp"

extern char** environ;

namespace sluice::standalone::ingress {
namespace {

bool wait_ended(int pid_fd, Duration deadline) {
    pollfd poll{pid_fd, POLLIN, 0};
    return ::poll(&poll, 1, static_cast<int>(deadline.count())) > 0;
}

int open_pid(int pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

// The pid of the HAProxy that answers on the socket, and its description.
struct Answering {
    int pid = 0;
    std::string description;
};
Result<Answering> who_answers(const RuntimeSocket& socket) {
    const std::string info = TRY(socket.ask("show info"));
    return Answering{static_cast<int>(parse_integer(info_field(info, "Pid")).value_or(0)),
                     info_field(info, "description")};
}

}  // namespace

HaproxyProcess::HaproxyProcess(std::string binary, ProxyConfig config, Log& log)
    : binary_(std::move(binary)), config_(std::move(config)), log_(log) {}

HaproxyProcess::~HaproxyProcess() {
    forget();
}

void HaproxyProcess::forget() {
    if (pid_fd_ >= 0) ::close(pid_fd_);
    pid_fd_ = -1;
    pid_ = 0;
    child_ = false;
}

void HaproxyProcess::abandon() {
    forget();
}

void HaproxyProcess::follow(int pid, bool child) {
    forget();
    pid_ = pid;
    child_ = child;
    pid_fd_ = open_pid(pid);
}

bool HaproxyProcess::alive() const {
    return pid_fd_ >= 0 && !wait_ended(pid_fd_, Duration{0});
}

Result<void> HaproxyProcess::write_files(const ProxyState& inherited) const {
    std::error_code failed;
    std::filesystem::create_directories(config_.folder, failed);
    const std::string file = config_.folder + "/haproxy.cfg";
    std::ofstream(file, std::ios::trunc) << config_text(config_, inherited);
    for (const auto& [map, entries] : {std::pair{exact_map, &inherited.exact},
                                       {prefix_map, &inherited.prefix},
                                       {backends_map, &inherited.backends}}) {
        std::ofstream lines(concat(config_.folder, "/", map, ".map"), std::ios::trunc);
        for (const auto& [key, value] : *entries) lines << key << " " << value << "\n";
    }
    if (std::filesystem::file_size(file, failed) == 0 || failed)
        return unavailable(concat("write ", file, ": ", strerror(errno)));
    return {};
}

Result<int> HaproxyProcess::spawn(std::optional<int> takes_over_from) const {
    const std::string config = config_.folder + "/haproxy.cfg";
    std::vector<std::string> words = {binary_, "-db", "-f", config};
    if (takes_over_from)
        words.insert(words.end(), {"-x", socket_path(), "-sf", std::to_string(*takes_over_from)});
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);

    const std::string output = config_.folder + "/haproxy.log";
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    // It lives on when we are killed, and must not keep our sockets open then.
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);  // a Ctrl-C for us is not one for it
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = 0;
    const int failed =
        ::posix_spawn(&pid, binary_.c_str(), &files, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) return unavailable(concat("start ", binary_, ": ", strerror(failed)));
    return static_cast<int>(pid);
}

Result<void> HaproxyProcess::wait_for_answer(int pid, Duration deadline) const {
    const auto until = std::chrono::steady_clock::now() + deadline;
    while (std::chrono::steady_clock::now() < until) {
        const auto answering = who_answers(socket());
        if (answering.ok() && answering->pid == pid) return {};
        // The end of the process ends the wait; else it is the pause between two tries.
        if (pid_fd_ >= 0 && wait_ended(pid_fd_, std::chrono::milliseconds{10})) break;
    }
    std::ifstream output(config_.folder + "/haproxy.log");
    std::string said, line;
    for (int i = 0; i < 5 && std::getline(output, line); ++i) said += line + " ";
    return unavailable(concat("start ", binary_, " on ", config_.listen_host, ":",
                              config_.listen_port, ": it does not answer: ", trim(said)));
}

// One that was started here and no longer answers would share the port with the next
// (SO_REUSEPORT).
void HaproxyProcess::kill_silent_one() const {
    int pid = 0;
    if (!(std::ifstream(config_.folder + "/haproxy.pid") >> pid) || pid <= 1) return;
    const int pid_fd = open_pid(pid);
    if (pid_fd < 0) return;
    std::ifstream file(concat("/proc/", pid, "/cmdline"));
    const std::string command((std::istreambuf_iterator<char>(file)), {});
    if (command.find(config_.folder + "/haproxy.cfg") != std::string::npos) {
        log_.warning("killing a haproxy that does not answer", {{"pid", pid}});
        ::syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, nullptr, 0);
        wait_ended(pid_fd, std::chrono::seconds{1});
    }
    ::close(pid_fd);
}

Result<void> HaproxyProcess::ensure(Duration deadline) {
    const auto answering = who_answers(socket());
    if (answering.ok() && answering->description == config_description(config_)) {
        if (answering->pid != pid_) {
            follow(answering->pid, false);
            log_.info("haproxy adopted", {{"pid", answering->pid}});
        }
        return {};
    }
    ProxyState inherited;
    if (answering.ok()) {
        // Both accept for a moment, and the new one alone after it: it must know what the old one
        // knows before its first request.
        if (auto state = socket().read_state(config_.folder); state.ok())
            inherited = std::move(*state);
    } else {
        if (child_ && pid_fd_ >= 0) stop(Duration{0});
        kill_silent_one();
    }
    TRY(write_files(inherited));
    const int pid = TRY(spawn(answering.ok() ? std::optional(answering->pid) : std::nullopt));
    follow(pid, true);
    std::ofstream(config_.folder + "/haproxy.pid", std::ios::trunc) << pid << "\n";
    const auto up = wait_for_answer(pid, deadline);
    if (!up.ok()) {
        stop(Duration{0});
        return up.error();
    }
    log_.info("haproxy started", {{"pid", pid}, {"port", config_.listen_port}});
    return {};
}

void HaproxyProcess::stop(Duration deadline) {
    if (pid_fd_ < 0) return;
    const auto signal = [&](int number) {
        ::syscall(SYS_pidfd_send_signal, pid_fd_, number, nullptr, 0);
    };
    if (deadline.count() > 0) {
        signal(SIGUSR1);
        wait_ended(pid_fd_, deadline);
    }
    if (!wait_ended(pid_fd_, Duration{0})) signal(SIGTERM);
    if (!wait_ended(pid_fd_, std::chrono::seconds{1})) signal(SIGKILL);
    wait_ended(pid_fd_, std::chrono::seconds{1});
    if (child_) ::waitpid(pid_, nullptr, WNOHANG);
    forget();
}

}  // namespace sluice::standalone::ingress
