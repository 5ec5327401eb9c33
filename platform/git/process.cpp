// SPDX-License-Identifier: Apache-2.0
#include "platform/git/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "base/text.hpp"

namespace sluice::git {
namespace process_detail {
namespace {

using Steady = std::chrono::steady_clock;

class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    ~Descriptor() { close(); }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        close();
        fd_ = std::exchange(other.fd_, -1);
        return *this;
    }
    [[nodiscard]] int get() const { return fd_; }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_;
};

struct Pipe {
    Descriptor read;
    Descriptor write;
};

Error system_error(std::string_view attempt) {
    return unavailable(concat(attempt, ": ", std::strerror(errno)));
}

Result<Pipe> open_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("open a pipe");
    return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

// The input lies in a memory file: nothing is written to a pipe, so no SIGPIPE and no deadlock.
Result<Descriptor> open_input(const std::string& input) {
    Descriptor file(::memfd_create("sluice-git-input", MFD_CLOEXEC));
    if (file.get() < 0) return system_error("open a memory file");
    size_t written = 0;
    while (written < input.size()) {
        const auto count = ::write(file.get(), input.data() + written, input.size() - written);
        if (count < 0) return system_error("write a memory file");
        written += static_cast<size_t>(count);
    }
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

Result<pid_t> spawn(const Program& program, int input, int out, int err) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    // dup2 clears close-on-exec, also where both are the same.
    constexpr int inherited_as = 3;
    if (program.inherited_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, program.inherited_fd, inherited_as);
    // Nothing else of ours: a git that outlives our death by kill -9 would hold our listening
    // sockets, and keep us from starting again.
    posix_spawn_file_actions_addclosefrom_np(
        &actions, program.inherited_fd >= 0 ? inherited_as + 1 : inherited_as);

    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    sigset_t to_default;
    sigemptyset(&to_default);
    for (const int signal : {SIGPIPE, SIGTERM, SIGINT, SIGCHLD, SIGHUP})
        sigaddset(&to_default, signal);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &to_default);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    auto arguments = program.arguments;
    std::vector<std::string> environment;
    for (const auto& [name, value] : program.environment)
        environment.push_back(concat(name, "=", value));
    pid_t pid = -1;
    const int failed = ::posix_spawnp(&pid, arguments[0].c_str(), &actions, &attributes,
                                      pointers(arguments).data(), pointers(environment).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return unavailable(concat("start ", arguments[0], ": ", std::strerror(failed)));
    return pid;
}

// Reads what is there; false once the stream has ended.
bool drain(int fd, std::string& into, size_t limit) {
    std::array<char, 65536> buffer{};
    const auto count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0) return errno == EINTR || errno == EAGAIN;
    if (count == 0) return false;
    const auto room = limit - std::min(limit, into.size());
    into.append(buffer.data(), std::min(room, static_cast<size_t>(count)));
    return true;
}

int to_exit_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

class Child {
public:
    Child(pid_t pid, Steady::time_point deadline, const std::stop_token& stop)
        : pid_(pid), deadline_(deadline), stop_(stop) {}

    // The program first (git removes its lock files on SIGTERM), then the whole group.
    void end() {
        ::kill(-pid_, SIGTERM);
        const auto patience = Steady::now() + std::chrono::seconds{1};
        while (!ended() && Steady::now() < patience) ::poll(nullptr, 0, 5);
        take_status();
    }

    [[nodiscard]] bool too_late() const { return Steady::now() >= deadline_; }
    [[nodiscard]] bool stopped() const { return stop_.stop_requested(); }

    // True once the program has ended. Its id stays ours until its status is taken at the very end,
    // so a signal to the group can never meet a stranger.
    bool ended() {
        if (ended_) return true;
        siginfo_t info{};
        const int answer =
            ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
        ended_ = (answer == 0 && info.si_pid == pid_) || (answer < 0 && errno == ECHILD);
        return ended_;
    }
    // Once ended: what it left behind (a transport helper that holds our pipes) goes with it.
    int take_status() {
        ::kill(-pid_, SIGKILL);
        int status = 0;
        // Somebody else took its status: call it failed, what it printed still counts.
        return ::waitpid(pid_, &status, 0) == pid_ ? to_exit_code(status) : 255;
    }

private:
    pid_t pid_;
    Steady::time_point deadline_;
    const std::stop_token& stop_;
    bool ended_ = false;
};

void read_until_end(Child& child, const Program& program, std::array<Descriptor, 2>& streams,
                    ProgramResult& result) {
    const std::array<std::string*, 2> texts{&result.out, &result.err};
    std::optional<Steady::time_point> lingering;  // it ended, but somebody holds its pipes
    while (streams[0].get() >= 0 || streams[1].get() >= 0) {
        if (child.too_late() || child.stopped()) return;
        if (child.ended() && !lingering) lingering = Steady::now() + std::chrono::seconds{1};
        if (lingering && Steady::now() >= *lingering) return;
        std::array<pollfd, 2> polled{pollfd{streams[0].get(), POLLIN, 0},
                                     pollfd{streams[1].get(), POLLIN, 0}};
        if (::poll(polled.data(), polled.size(), 50) <= 0) continue;
        for (size_t i = 0; i < 2; ++i)
            if (polled[i].revents != 0 && !drain(streams[i].get(), *texts[i], program.output_limit))
                streams[i].close();
    }
}

}  // namespace
}  // namespace process_detail

Result<ProgramResult> run_program(const Program& program) {
    using namespace process_detail;
    const auto deadline = Steady::now() + program.deadline;
    if (program.stop.stop_requested())
        return unavailable(concat("run ", program.arguments[0], ": we are ending"));
    auto input = TRY(open_input(program.input));
    auto out = TRY(open_pipe());
    auto err = TRY(open_pipe());
    const pid_t pid = TRY(spawn(program, input.get(), out.write.get(), err.write.get()));
    out.write.close();
    err.write.close();

    ProgramResult result;
    Child child(pid, deadline, program.stop);
    std::array<Descriptor, 2> streams{std::move(out.read), std::move(err.read)};
    read_until_end(child, program, streams, result);
    while (!child.too_late() && !child.stopped() && !child.ended()) ::poll(nullptr, 0, 1);
    if (child.ended()) {
        result.exit_code = child.take_status();
        return result;
    }
    child.end();
    if (program.stop.stop_requested())
        return unavailable(concat("run ", program.arguments[0], ": killed because we are ending"));
    return Error{ErrorKind::Timeout, concat("run ", program.arguments[0], ": killed after ",
                                            format_duration(program.deadline))};
}

}  // namespace sluice::git
