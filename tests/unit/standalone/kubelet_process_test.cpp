// SPDX-License-Identifier: Apache-2.0
// Real processes, one at a time: how they begin, are watched, are found again, and what they print.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "standalone/kubelet/logs.hpp"
#include "standalone/kubelet/supervisor.hpp"

namespace sluice::standalone::kubelet {
namespace {

using std::chrono::seconds;

class ProcessFolder {
public:
    ProcessFolder() {
        std::string name = "/tmp/sluice-process-XXXXXX";
        path = ::mkdtemp(name.data());
    }
    ~ProcessFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string path;
};

class NoLog final : public Log {
public:
    void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

UserId myself() {
    return {static_cast<long>(::geteuid()), static_cast<long>(::getegid())};
}

ProcessSpec shell_in(const ProcessFolder& folder, const std::string& line) {
    return {.command = {"/bin/sh", "-c", line},
            .environment = {"PATH=/usr/bin:/bin"},
            .working_dir = folder.path,
            .log_path = folder.path + "/log",
            .user = myself()};
}

// A supervisor whose first end can be waited for.
struct Watched {
    std::promise<ProcessEnd> end;
    NoLog log;
    Supervisor supervisor{
        [this](const std::string&, const ProcessEnd& seen) { end.set_value(seen); }, [] {}, log};

    ProcessEnd wait() {
        auto future = end.get_future();
        EXPECT_EQ(future.wait_for(seconds{10}), std::future_status::ready);
        return future.get();
    }
};

ProcessEnd run_to_end(const ProcessSpec& spec) {
    Watched watched;
    auto process = prepare_process(spec).value();
    process.go().value();
    watched.supervisor.watch("c", process.id()).value();
    return watched.wait();
}

TEST(KubeletProcess, EndsAreToldAsTheyWere) {
    const ProcessFolder folder;
    const auto exited = run_to_end(shell_in(folder, "echo out; echo err >&2; exit 3"));
    EXPECT_TRUE(exited.known);
    EXPECT_EQ(exited.code, 3);
    EXPECT_EQ(exited.signal, 0);
    EXPECT_EQ(read_file(folder.path + "/log").value(), "out\nerr\n");
    const auto killed = run_to_end(shell_in(folder, "kill -9 $$"));
    EXPECT_EQ(killed.code, 137);
    EXPECT_EQ(killed.signal, 9);
}

TEST(KubeletProcess, NothingIsInheritedButWhatIsGiven) {
    const ProcessFolder folder;
    const int leak = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library may have it
    ::signal(SIGPIPE, SIG_IGN);
    run_to_end(shell_in(folder,
                        "ls /proc/self/fd | tr '\\n' ' '; env | sort | tr '\\n' ' '; "
                        "grep SigIgn /proc/self/status"));
    ::signal(SIGPIPE, SIG_DFL);
    ::close(leak);
    // 3 is ls's own view of the folder.
    EXPECT_EQ(read_file(folder.path + "/log").value(),
              "0 1 2 3 PATH=/usr/bin:/bin PWD=" + folder.path + " SigIgn:\t0000000000000000\n");
}

TEST(KubeletProcess, NothingRunsBeforeItIsLetGo) {
    const ProcessFolder folder;
    long pid = 0;
    {
        auto process = prepare_process(shell_in(folder, "touch began")).value();
        pid = process.id().pid;
        EXPECT_TRUE(alive(process.id()));
    }
    EXPECT_NE(::kill(static_cast<pid_t>(pid), 0), 0) << "dropped, it ends";
    EXPECT_FALSE(std::filesystem::exists(folder.path + "/began"));
}

TEST(KubeletProcess, FailedExecSaysWhatAndWhy) {
    const ProcessFolder folder;
    auto spec = shell_in(folder, "");
    spec.command = {folder.path + "/missing"};
    EXPECT_EQ(prepare_process(spec).value().go().error().message,
              "run " + folder.path + "/missing: No such file or directory");
    spec = shell_in(folder, "true");
    spec.working_dir = folder.path + "/nowhere";
    EXPECT_EQ(prepare_process(spec).value().go().error().message,
              "enter the working directory /bin/sh: No such file or directory");
}

TEST(KubeletProcess, WholeGroupEndsWithItsLeader) {
    const ProcessFolder folder;
    run_to_end(shell_in(folder, "sleep 1000 & echo $! > child; exit 0"));
    const auto child = std::stol(read_file(folder.path + "/child").value());
    const auto id = identify_process(child);
    // The signal is sent; the kernel needs a moment to carry it out.
    const auto end = std::chrono::steady_clock::now() + seconds{5};
    while (id.ok() && alive(*id) && std::chrono::steady_clock::now() < end) ::sched_yield();
    EXPECT_TRUE(!id.ok() || !alive(*id));
}

// What a kubelet finds after kill -9: a process that is somebody else's child.
TEST(KubeletProcess, StrangersChildIsWatchedToo) {
    const ProcessFolder folder;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t middle = ::fork();
    if (middle == 0) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::setsid();
            ::execl("/bin/sleep", "sleep", "1000", nullptr);
            ::_exit(127);
        }
        [[maybe_unused]] const auto written = ::write(ends[1], &child, sizeof child);
        ::_exit(0);
    }
    pid_t pid = 0;
    ASSERT_EQ(::read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    ::close(ends[0]);
    ::close(ends[1]);
    ::waitpid(middle, nullptr, 0);
    const auto id = identify_process(pid).value();
    Watched watched;
    watched.supervisor.watch("c", id).value();
    EXPECT_TRUE(watched.supervisor.watches("c"));
    // Not before it leads its group: until then the signal would find no group.
    while (::getpgid(pid) != pid && alive(id)) ::sched_yield();
    signal_group(id, SIGTERM);
    EXPECT_FALSE(watched.wait().known);
}

TEST(KubeletProcess, ReusedNumberIsNotTakenForTheOldProcess) {
    auto id = identify_process(::getpid()).value();
    EXPECT_TRUE(alive(id));
    NoLog log;
    Supervisor supervisor([](const std::string&, const ProcessEnd&) {}, [] {}, log);
    auto older = id;
    older.start_ticks -= 1;
    EXPECT_FALSE(alive(older));
    EXPECT_TRUE(supervisor.watch("c", older).failed_with(ErrorKind::NotFound));
    auto other_boot = id;
    other_boot.boot_id = "another";
    EXPECT_FALSE(alive(other_boot));
}

TEST(KubeletProcess, AccessIsExplainedByTheFolderThatRefuses) {
    const ProcessFolder folder;
    std::filesystem::create_directories(folder.path + "/closed/inner");
    std::ofstream(folder.path + "/closed/inner/run") << "x";
    ::chmod(folder.path.c_str(), 0755);
    ::chmod((folder.path + "/closed").c_str(), 0700);
    EXPECT_EQ(explain_access(folder.path + "/closed/inner/run", {65534, 65534}),
              "user 65534 may not enter " + folder.path +
                  "/closed: give it a place that everybody may enter, or change its mode");
    ::chmod((folder.path + "/closed").c_str(), 0755);
    EXPECT_EQ(
        explain_access(folder.path + "/closed/inner/run", {65534, 65534}),
        "user 65534 may not read and run " + folder.path +
            "/closed/inner/run: give it a place that everybody may enter, or change its mode");
    ::chmod((folder.path + "/closed/inner/run").c_str(), 0755);
    EXPECT_EQ(explain_access(folder.path + "/closed/inner/run", {65534, 65534}), "");
}

class LogClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override { return time; }
    TimePoint time{seconds{1'800'000'000}};
};

struct LogWorld {
    ProcessFolder folder;
    LogClock clock;
    LogStore store{folder.path, clock, 64};

    LogWorld() { std::filesystem::create_directories(folder.path + "/uid"); }
    void print(const std::string& text) {
        std::ofstream(store.path("uid", "web"), std::ios::app) << text;
    }
    std::string read(apiserver::LogQuery query) {
        query.pod = "web-1";
        query.pod_uid = "uid";
        query.container = "web";
        auto stream = store.open(query);
        if (!stream.ok()) return stream.error().message;
        std::string text;
        for (auto piece = (*stream)->next(clock.now());; piece = (*stream)->next(clock.now())) {
            text += piece.bytes;
            if (piece.ended) return text;
        }
    }
};

TEST(KubeletLogs, TailSinceAndTimestamps) {
    LogWorld world;
    const auto began = world.clock.time;
    world.store.begin("uid", "web");
    world.print("one\n");
    world.store.tick();
    world.clock.time += seconds{10};
    world.print("two\nthree\n");
    world.store.tick();
    EXPECT_EQ(world.read({}), "one\ntwo\nthree\n");
    EXPECT_EQ(world.read({.tail_lines = 2}), "two\nthree\n");
    EXPECT_EQ(world.read({.tail_lines = 0}), "");
    EXPECT_EQ(world.read({.tail_lines = 99}), "one\ntwo\nthree\n");
    EXPECT_EQ(world.read({.since = began + seconds{5}}), "two\nthree\n");
    EXPECT_EQ(world.read({.since = began}), "one\ntwo\nthree\n");
    EXPECT_EQ(world.read({.timestamps = true, .tail_lines = 1}),
              format_rfc3339_micro(began + seconds{10}) + " three\n");
}

TEST(KubeletLogs, GrownLogIsMovedAsideAndStaysBounded) {
    LogWorld world;
    world.store.begin("uid", "web");
    for (int i = 0; i < 9; ++i) {
        world.print(std::string(30, static_cast<char>('a' + i)) + "\n");
        world.store.tick();
    }
    const auto path = world.store.path("uid", "web");
    EXPECT_LT(std::filesystem::file_size(path), 64U);
    EXPECT_LT(std::filesystem::file_size(path + ".1"), 128U);
    EXPECT_TRUE(
        world.read({}).ends_with(std::string(30, 'h') + "\n" + std::string(30, 'i') + "\n"));
    EXPECT_EQ(world.read({.tail_lines = 3}).substr(0, 30), std::string(30, 'g'));
}

TEST(KubeletLogs, PreviousRunIsKeptOnce) {
    LogWorld world;
    EXPECT_EQ(world.read({}),
              "container \"web\" in pod \"web-1\" is waiting to start: ContainerCreating");
    world.store.begin("uid", "web");
    EXPECT_EQ(world.read({.previous = true}),
              "previous terminated container \"web\" in pod \"web-1\" not found");
    world.print("first\n");
    world.store.begin("uid", "web");
    world.print("second\n");
    EXPECT_EQ(world.read({}), "second\n");
    EXPECT_EQ(world.read({.previous = true}), "first\n");
}

TEST(KubeletLogs, FollowerGetsWhatIsPrintedUntilTheEnd) {
    LogWorld world;
    world.store.begin("uid", "web");
    world.print("one\n");
    auto stream = world.store
                      .open({.ns = "shop",
                             .pod = "web-1",
                             .pod_uid = "uid",
                             .container = "web",
                             .follow = true})
                      .value();
    EXPECT_EQ(stream->next(world.clock.now()).bytes, "one\n");
    const auto nothing = stream->next(world.clock.now());
    EXPECT_TRUE(nothing.bytes.empty() && !nothing.ended);
    EXPECT_TRUE(stream->due().has_value());
    world.print("two\n");
    EXPECT_EQ(stream->next(world.clock.now()).bytes, "two\n");
    world.print("three\n");
    world.store.end("uid", "web");
    EXPECT_EQ(stream->next(world.clock.now()).bytes, "three\n");
    EXPECT_TRUE(stream->next(world.clock.now()).ended);
}

}  // namespace
}  // namespace sluice::standalone::kubelet
