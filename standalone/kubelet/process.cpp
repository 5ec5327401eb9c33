// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/text.hpp"
#include "platform/file.hpp"

namespace sluice::standalone::kubelet {
namespace {

std::string system_error(int number) {
    return std::strerror(number);
}

// Which step of the child failed; its number crosses the pipe with errno.
enum class ChildStep : int { Groups, Group, User, Privileges, WorkingDir, Exec };

struct ChildReport {
    ChildStep step;
    int number;
};

std::string_view step_text(ChildStep step) {
    switch (step) {
        case ChildStep::Groups: return "drop groups";
        case ChildStep::Group: return "become the group";
        case ChildStep::User: return "become the user";
        case ChildStep::Privileges: return "give up new privileges";
        case ChildStep::WorkingDir: return "enter the working directory";
        case ChildStep::Exec: return "run";
    }
    unreachable();
}

struct ChildPlan {
    const char* program;
    char* const* argv;
    char* const* envp;
    const char* working_dir;
    UserId user;
    bool change_user;
    bool enter_as_user;
    bool no_new_privileges;
    int gate;
    int report;
    int log;
    int null;
};

[[noreturn]] void give_up(const ChildPlan& plan, ChildStep step) {
    const ChildReport report{step, errno};
    [[maybe_unused]] const auto written = ::write(plan.report, &report, sizeof report);
    ::_exit(127);
}

void reset_signals() {
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Among them are the parent's ends of our pipes and those of others that are being prepared now:
// the gate shows the parent's death only when nobody else holds it.
void close_all_but(int low, int high) {
    if (low > 3) ::close_range(3, static_cast<unsigned>(low) - 1, 0);
    if (high > low + 1)
        ::close_range(static_cast<unsigned>(low) + 1, static_cast<unsigned>(high) - 1, 0);
    ::close_range(static_cast<unsigned>(high) + 1, ~0U, 0);
}

// Between fork and exec of a threaded process only async-signal-safe calls are allowed.
[[noreturn]] void run_child(const ChildPlan& plan) {
    ::setsid();
    reset_signals();
    ::dup2(plan.null, 0);
    ::dup2(plan.log, 1);
    ::dup2(plan.log, 2);
    close_all_but(std::min(plan.gate, plan.report), std::max(plan.gate, plan.report));
    char byte = 0;
    if (::read(plan.gate, &byte, 1) != 1) ::_exit(126);
    if (!plan.enter_as_user && ::chdir(plan.working_dir) != 0) give_up(plan, ChildStep::WorkingDir);
    if (plan.change_user) {
        if (::setgroups(0, nullptr) != 0) give_up(plan, ChildStep::Groups);
        if (::setgid(static_cast<gid_t>(plan.user.gid)) != 0) give_up(plan, ChildStep::Group);
        if (::setuid(static_cast<uid_t>(plan.user.uid)) != 0) give_up(plan, ChildStep::User);
    }
    if (plan.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        give_up(plan, ChildStep::Privileges);
    if (plan.enter_as_user && ::chdir(plan.working_dir) != 0) give_up(plan, ChildStep::WorkingDir);
    ::umask(022);
    ::execve(plan.program, plan.argv, plan.envp);
    give_up(plan, ChildStep::Exec);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

// execvpe is not async-signal-safe, so PATH is searched before the fork.
std::string find_program(const ProcessSpec& spec) {
    const auto& name = spec.command.front();
    if (name.find('/') != std::string::npos) return name;
    for (const auto& entry : spec.environment) {
        if (!entry.starts_with("PATH=")) continue;
        for (const auto& folder : split(std::string_view(entry).substr(5), ':')) {
            auto candidate = concat(folder.empty() ? "." : folder, "/", name);
            if (::access(candidate.c_str(), X_OK) == 0) return candidate;
        }
    }
    return name;
}

struct Pipe {
    UniqueFd read;
    UniqueFd write;
};

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return unavailable("make a pipe: " + system_error(errno));
    return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

UniqueFd::~UniqueFd() {
    if (fd_ >= 0) ::close(fd_);
}

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

Result<PreparedProcess> prepare_process(const ProcessSpec& spec) {
    if (spec.command.empty() || spec.command.front().empty())
        return invalid("start a process: no command");
    PreparedProcess prepared;
    prepared.program_ = find_program(spec);
    UniqueFd log(::open(spec.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (log.get() < 0)
        return unavailable(concat("open log ", spec.log_path, ": ", system_error(errno)));
    UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto gate = TRY(make_pipe());
    auto report = TRY(make_pipe());
    const auto argv = pointers(spec.command);
    const auto envp = pointers(spec.environment);
    const bool change_user = ::geteuid() == 0;
    // Opening /dev/stdout opens the file anew, with the container's own rights.
    if (change_user) [[maybe_unused]]
        const int owned = ::fchown(log.get(), static_cast<uid_t>(spec.user.uid),
                                   static_cast<gid_t>(spec.user.gid));
    const ChildPlan plan{prepared.program_.c_str(),
                         argv.data(),
                         envp.data(),
                         spec.working_dir.c_str(),
                         spec.user,
                         change_user,
                         spec.enter_as_user,
                         spec.no_new_privileges,
                         gate.read.get(),
                         report.write.get(),
                         log.get(),
                         null.get()};
    const pid_t pid = ::fork();
    if (pid < 0) return unavailable("fork: " + system_error(errno));
    if (pid == 0) run_child(plan);
    prepared.gate_ = std::move(gate.write);
    prepared.report_ = std::move(report.read);
    auto id = identify_process(pid);
    prepared.id_ = id.ok() ? *id : ProcessId{pid, 0, boot_id()};
    return prepared;
}

PreparedProcess::~PreparedProcess() {
    if (gate_.get() < 0) return;
    gate_ = UniqueFd();
    ::waitpid(static_cast<pid_t>(id_.pid), nullptr, 0);
}

Result<void> PreparedProcess::go() {
    UniqueFd gate = std::move(gate_);
    const char byte = 1;
    if (::write(gate.get(), &byte, 1) != 1)
        return unavailable("start a process: its child is gone already");
    ChildReport report{};
    pollfd waiting{report_.get(), POLLIN, 0};
    // A program on a file system that hangs must not hang us; it may still begin later.
    if (::poll(&waiting, 1, 5000) <= 0) return {};
    if (::read(report_.get(), &report, sizeof report) != sizeof report) return {};
    ::waitpid(static_cast<pid_t>(id_.pid), nullptr, 0);
    return invalid(
        concat(step_text(report.step), " ", program_, ": ", system_error(report.number)));
}

std::string boot_id() {
    static const std::string id = [] {
        const auto text = read_file("/proc/sys/kernel/random/boot_id");
        return text.ok() ? std::string(trim(*text)) : std::string("unknown");
    }();
    return id;
}

namespace {

// The fields after the command name, which may hold blanks and brackets: "S 1 …".
std::vector<std::string> stat_fields(long pid) {
    const auto text = read_file(concat("/proc/", pid, "/stat"));
    if (!text.ok()) return {};
    const auto close = text->rfind(')');
    if (close == std::string::npos || close + 2 >= text->size()) return {};
    return split(std::string_view(*text).substr(close + 2), ' ');
}

}  // namespace

Result<ProcessId> identify_process(long pid) {
    const auto fields = stat_fields(pid);
    if (fields.size() < 20) return not_found(concat("process ", pid, " is not there"));
    return ProcessId{pid, static_cast<std::uint64_t>(parse_integer(fields[19]).value_or(0)),
                     boot_id()};
}

bool alive(const ProcessId& id) {
    if (id.pid <= 0 || id.boot_id != boot_id()) return false;
    const auto fields = stat_fields(id.pid);
    return fields.size() >= 20 && fields[0] != "Z" &&
           parse_integer(fields[19]) == static_cast<long>(id.start_ticks);
}

void signal_group(const ProcessId& id, int signal) {
    if (alive(id)) ::kill(-static_cast<pid_t>(id.pid), signal);
}

namespace {

bool bits_allow(const struct stat& info, const UserId& user, unsigned wanted) {
    unsigned bits = info.st_mode & 7U;
    if (info.st_uid == static_cast<uid_t>(user.uid))
        bits = (info.st_mode >> 6) & 7U;
    else if (info.st_gid == static_cast<gid_t>(user.gid))
        bits = (info.st_mode >> 3) & 7U;
    return (bits & wanted) == wanted;
}

}  // namespace

std::string explain_access(const std::string& path, const UserId& user) {
    if (user.uid == 0) return {};
    for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const auto part = path.substr(0, end);
        struct stat info {};
        if (::stat(part.c_str(), &info) != 0) return concat(part, ": ", system_error(errno));
        const bool folder = S_ISDIR(info.st_mode);
        // A script is read by its interpreter; a folder on the way is only passed.
        if (!bits_allow(info, user, folder ? 1U : 5U))
            return concat("user ", user.uid, folder ? " may not enter " : " may not read and run ",
                          part, ": give it a place that everybody may enter, or change its mode");
        if (end == std::string::npos) return {};
    }
}

}  // namespace sluice::standalone::kubelet
