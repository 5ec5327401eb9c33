// SPDX-License-Identifier: Apache-2.0
// A program under test: started with arguments and an environment, read line by line, ended with
// the test.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sluice::testing {

// Output and errors go into one stream. One thread.
class Child {
public:
    Child(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return;
        pid_ = ::fork();
        if (pid_ == 0) {
            std::vector<char*> argv, envp;
            for (const auto& text : arguments) argv.push_back(const_cast<char*>(text.c_str()));
            for (const auto& text : environment) envp.push_back(const_cast<char*>(text.c_str()));
            argv.push_back(nullptr);
            envp.push_back(nullptr);
            ::dup2(ends[1], 1);
            ::dup2(ends[1], 2);
            ::execve(argv[0], argv.data(), envp.data());
            ::_exit(127);
        }
        ::close(ends[1]);
        output_ = ends[0];
    }
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        ::close(output_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    void kill() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

    // The next line without its end; nothing at the end of the output or after `deadline`.
    std::optional<std::string> read_line(std::chrono::milliseconds deadline = std::chrono::seconds{
                                             20}) {
        const auto until = std::chrono::steady_clock::now() + deadline;
        for (;;) {
            if (const auto end = pending_.find('\n'); end != std::string::npos) {
                std::string line = pending_.substr(0, end);
                pending_.erase(0, end + 1);
                return line;
            }
            if (!read_more(until)) return std::nullopt;
        }
    }

    struct Outcome {
        int status = -1;  // of exit; -1 where it was ended
        std::string output;
    };
    // Everything until the program ends.
    Outcome wait(std::chrono::milliseconds deadline = std::chrono::seconds{60}) {
        const auto until = std::chrono::steady_clock::now() + deadline;
        while (read_more(until)) {
        }
        if (std::chrono::steady_clock::now() >= until) ::kill(pid_, SIGKILL);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, pending_};
    }

private:
    bool read_more(std::chrono::steady_clock::time_point until) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            until - std::chrono::steady_clock::now());
        pollfd ready{output_, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0)
            return false;
        char bytes[4096];
        const ssize_t count = ::read(output_, bytes, sizeof bytes);
        if (count <= 0) return false;
        pending_.append(bytes, static_cast<size_t>(count));
        return true;
    }

    pid_t pid_ = -1;
    int output_ = -1;
    std::string pending_;
};

}  // namespace sluice::testing
