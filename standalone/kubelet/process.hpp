// SPDX-License-Identifier: Apache-2.0
// One local process as a container. It is made in two steps, so that it is on record before it does
// anything: prepare() forks a child that waits, go() lets it exec. If we die in between, so does
// it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "standalone/kubelet/runtime.hpp"
#include "standalone/kubelet/user.hpp"

namespace sluice::standalone::kubelet {

struct ProcessSpec {
    std::vector<std::string> command;      // a first word without a slash is looked up in PATH
    std::vector<std::string> environment;  // "NAME=value"; nothing else is inherited
    std::string working_dir;
    std::string log_path;  // stdout and stderr; appended to
    UserId user;           // changed to where we are root
    // The working folder that a pod names is entered with the pod's rights; the one that we made
    // for it lies below ours, which its user may not pass.
    bool enter_as_user = true;
    bool no_new_privileges = false;
};

// A descriptor that closes itself.
class UniqueFd final {
public:
    explicit UniqueFd(int fd = -1) : fd_(fd) {}
    ~UniqueFd();
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

class PreparedProcess final {
public:
    // Not yet gone: the child ends without having begun.
    ~PreparedProcess();
    PreparedProcess(PreparedProcess&&) noexcept = default;
    PreparedProcess& operator=(PreparedProcess&&) = delete;

    [[nodiscard]] const ProcessId& id() const { return id_; }
    // Invalid: exec failed; the message says what and why. The child is gone then.
    Result<void> go();

private:
    friend Result<PreparedProcess> prepare_process(const ProcessSpec& spec);
    PreparedProcess() = default;

    ProcessId id_;
    std::string program_;
    UniqueFd gate_;    // one byte lets the child go on
    UniqueFd report_;  // the child's errno, or nothing once it has become the program
};

// Its own session and process group, /dev/null as stdin, no other descriptor, default signals.
// Invalid or Unavailable says what failed.
Result<PreparedProcess> prepare_process(const ProcessSpec& spec);

// True where that very process still lives (and is not a zombie).
bool alive(const ProcessId& id);
// The process as it is now; NotFound where there is none.
Result<ProcessId> identify_process(long pid);
std::string boot_id();
// To the whole process group, where its leader still is that process. Quietly nothing otherwise.
void signal_group(const ProcessId& id, int signal);

// Why user `user` cannot run `path`: the first folder or file on the way that refuses. Empty where
// the permission bits allow it.
std::string explain_access(const std::string& path, const UserId& user);

}  // namespace sluice::standalone::kubelet
