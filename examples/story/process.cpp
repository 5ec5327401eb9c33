// SPDX-License-Identifier: Apache-2.0
#include "examples/story/process.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "base/text.hpp"
#include "platform/file.hpp"

extern char** environ;

namespace story {
namespace {

using sluice::concat;
using Steady = std::chrono::steady_clock;

struct Files {
    int in = -1;
    int out = -1;
    int error = -1;
};

// Everything that allocates happens before the fork: between fork and exec a child of a threaded
// program may only make system calls.
Result<pid_t> spawn(const Command& command, const Files& files) {
    std::vector<std::string> environment;
    for (char** entry = environ; *entry; ++entry) {
        const std::string_view text(*entry);
        if (!command.extra.contains(std::string(text.substr(0, text.find('=')))))
            environment.emplace_back(text);
    }
    for (const auto& [name, value] : command.extra) environment.push_back(concat(name, "=", value));
    std::vector<char*> words;
    for (const auto& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    std::vector<char*> variables;
    for (const auto& variable : environment)
        variables.push_back(const_cast<char*>(variable.c_str()));
    variables.push_back(nullptr);

    const pid_t pid = ::fork();
    if (pid < 0)
        return sluice::unavailable(concat("start ", command.words[0], ": ", std::strerror(errno)));
    if (pid > 0) return pid;
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(files.in, 0);
    ::dup2(files.out, 1);
    ::dup2(files.error, 2);
    if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) ::_exit(126);
    ::execvpe(words[0], words.data(), variables.data());
    ::_exit(127);
}

std::string describe(int status) {
    if (WIFSIGNALED(status)) return concat("signal ", WTERMSIG(status));
    return concat("exit ", WEXITSTATUS(status));
}

struct Pipe {
    std::array<int, 2> ends{-1, -1};
    Pipe() {
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) ends = {-1, -1};
    }
    void close(size_t end) {
        if (ends.at(end) >= 0) ::close(std::exchange(ends.at(end), -1));
    }
    ~Pipe() {
        close(0);
        close(1);
    }
    int take(size_t end) { return std::exchange(ends.at(end), -1); }
};

}  // namespace

Result<Process> Process::start(std::string name, const Command& command, const std::string& log,
                               bool wants_pipes) {
    const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) return sluice::unavailable(concat("open ", log, ": ", std::strerror(errno)));
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    Pipe in;
    Pipe out;
    const auto pid = wants_pipes ? spawn(command, {in.ends[0], out.ends[1], file})
                                 : spawn(command, {nothing, file, file});
    ::close(file);
    ::close(nothing);
    Process process;
    process.name_ = std::move(name);
    process.pid_ = TRY(pid);
    if (wants_pipes) {
        process.input_ = in.take(1);
        process.output_ = out.take(0);
    }
    return process;
}

Process::Process(Process&& other) noexcept {
    *this = std::move(other);
}

Process& Process::operator=(Process&& other) noexcept {
    if (this == &other) return *this;
    stop(std::chrono::seconds{5});
    name_ = std::move(other.name_);
    pid_ = std::exchange(other.pid_, -1);
    input_ = std::exchange(other.input_, -1);
    output_ = std::exchange(other.output_, -1);
    ended_ = std::exchange(other.ended_, std::nullopt);
    return *this;
}

Process::~Process() {
    stop(std::chrono::seconds{5});
}

std::optional<std::string> Process::ended() {
    if (pid_ < 0 || ended_) return ended_;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) ended_ = describe(status);
    return ended_;
}

std::string Process::stop(Duration patience) {
    if (pid_ < 0) return "not started";
    if (input_ >= 0) ::close(std::exchange(input_, -1));
    if (!ended()) ::kill(pid_, SIGTERM);
    const auto deadline = Steady::now() + patience;
    while (!ended() && Steady::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    ::kill(-pid_, SIGKILL);  // what it may have started itself
    if (!ended()) {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        ended_ = concat(describe(status), " after ", patience.count(), " ms");
    }
    if (output_ >= 0) ::close(std::exchange(output_, -1));
    pid_ = -1;
    return *ended_;
}

std::string Process::kill_alone() {
    if (pid_ < 0) return "not started";
    if (!ended()) {
        ::kill(pid_, SIGKILL);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        ended_ = describe(status);
    }
    pid_ = -1;
    return *std::exchange(ended_, std::nullopt);
}

namespace {

// Feeds and drains both pipes until the child has closed its end, or the deadline.
Result<std::string> converse(Pipe& in, Pipe& out, std::string_view input,
                             Steady::time_point deadline) {
    std::string output;
    if (input.empty()) in.close(1);
    while (true) {
        const auto left = std::chrono::duration_cast<Duration>(deadline - Steady::now());
        if (left.count() <= 0) return Error{sluice::ErrorKind::Timeout, "too slow"};
        std::array<pollfd, 2> watched{{{out.ends[0], POLLIN, 0}, {in.ends[1], POLLOUT, 0}}};
        if (::poll(watched.data(), in.ends[1] >= 0 ? 2 : 1, static_cast<int>(left.count())) < 0)
            continue;
        if (in.ends[1] >= 0 && (watched[1].revents & (POLLOUT | POLLERR)) != 0) {
            const auto wrote = ::write(in.ends[1], input.data(), input.size());
            if (wrote > 0) input.remove_prefix(static_cast<size_t>(wrote));
            if (wrote < 0 || input.empty()) in.close(1);
        }
        if (watched[0].revents == 0) continue;
        std::array<char, 16384> bytes{};
        const auto got = ::read(out.ends[0], bytes.data(), bytes.size());
        if (got <= 0) return output;
        output.append(bytes.data(), static_cast<size_t>(got));
    }
}

}  // namespace

Result<std::string> run(const Command& command, std::string_view input, Duration deadline) {
    const std::string what = sluice::join(command.words, " ");
    const auto until = Steady::now() + deadline;
    Pipe in;
    Pipe out;
    const pid_t pid = TRY(spawn(command, {in.ends[0], out.ends[1], out.ends[1]}));
    in.close(0);
    out.close(1);
    auto output = converse(in, out, input, until);
    if (!output.ok()) ::kill(-pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (!output.ok()) return std::move(output).while_doing(what);
    if (status == 0) return output;
    const auto text = sluice::trim(*output);
    return sluice::invalid(concat(what, ": ", describe(status), ": ",
                                  text.substr(text.size() > 600 ? text.size() - 600 : 0)));
}

std::vector<pid_t> find_marked(const std::string& mark) {
    std::vector<pid_t> found;
    DIR* directory = ::opendir("/proc");
    if (!directory) return found;
    while (const dirent* entry = ::readdir(directory)) {
        const auto pid = sluice::parse_integer(entry->d_name);
        if (!pid || *pid == ::getpid()) continue;
        const auto words = sluice::read_file(concat("/proc/", *pid, "/cmdline"));
        if (words.ok() && words->find(mark) != std::string::npos)
            found.push_back(static_cast<pid_t>(*pid));
    }
    ::closedir(directory);
    return found;
}

namespace {

int bind_loopback(unsigned short port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
        return listener;
    ::close(listener);
    return -1;
}

}  // namespace

Result<unsigned short> free_port() {
    const int listener = bind_loopback(0);
    if (listener < 0) return sluice::unavailable("no free port on 127.0.0.1");
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(listener);
    return ntohs(address.sin_port);
}

bool port_is_free(unsigned short port) {
    const int listener = bind_loopback(port);
    if (listener < 0) return false;
    ::close(listener);
    return true;
}

}  // namespace story
