// SPDX-License-Identifier: Apache-2.0
// chaos: plays the quickstart's story while it kills Sluice with SIGKILL at seeded moments.
//   build/release/tests/chaos --kills 50 --seed 1 --source . --build build/release
//       --tools build/tools --logs build/logs/chaos
#include <CLI/CLI.hpp>
#include <csignal>
#include <fstream>
#include <iostream>

#include "platform/clock.hpp"
#include "tests/chaos/play.hpp"

namespace {

std::atomic<bool> interrupted = false;  // the one thing that a signal handler may touch

void on_signal(int) {
    interrupted = true;
}

class FileLog final : public sluice::Log {
public:
    explicit FileLog(const std::string& path) : file_(path, std::ios::app) {}
    void write(sluice::LogLevel, std::string_view message,
               const std::vector<sluice::LogField>& fields) override {
        const std::lock_guard lock(mutex_);
        file_ << sluice::format_rfc3339_micro(sluice::SystemClock{}.now()) << ' ' << message;
        for (const auto& field : fields) file_ << ' ' << field.key << '=' << field.value;
        file_ << std::endl;
    }

private:
    std::mutex mutex_;
    std::ofstream file_;
};

// Few requests, so that two cores are left to the parts; short pauses, so that kills fall between
// decisions and not into waiting.
story::Pace chaos_pace() {
    auto pace = story::fast_pace();
    pace.rate = 400;
    for (auto& [from, to] : pace.replacements)
        if (from == "duration: 15s") to = "duration: 6s";
    // Prometheus backs off while the API server is killed again and again, and finds a new pod
    // late: no data yet is nothing that a version should be aborted for here.
    for (const char* limit : {"failureLimit: 3", "failureLimit: 2"})
        pace.replacements.emplace_back(
            limit, sluice::concat(limit, "\n      consecutiveErrorLimit: 1000"));
    return pace;
}

// A port that no outgoing connection takes while its owner is dead.
unsigned short quiet_port() {
    static unsigned next = 20000 + static_cast<unsigned>(::getpid()) % 10000;
    do {
        next = next >= 32000 ? 20000 : next + 1;
    } while (!story::port_is_free(static_cast<unsigned short>(next)));
    return static_cast<unsigned short>(next);
}

int perform(story::Options options, const chaos::Plan& plan) {
    for (auto* port :
         {&options.api_port, &options.web_port, &options.prometheus_port, &options.git_port,
          &options.metrics_port, &options.hooks_port, &options.controller_port})
        *port = quiet_port();
    options.more_versions = chaos::versions_for(2 + plan.kills / 20);
    FileLog log(options.logs + "/chaos.log");
    story::Stage stage(std::move(options));
    chaos::Play play(stage, plan, log, interrupted);
    const auto played = play.perform();
    int code = played.ok() ? 0 : 1;
    if (!played.ok()) std::cout << "FAILED " << played.error().message << std::endl;
    std::vector<std::string> complaints = play.stop();
    for (auto& complaint : stage.stop()) complaints.push_back(std::move(complaint));
    for (const auto& complaint : complaints) {
        std::cout << "FAILED clean-end: " << complaint << std::endl;
        code = 1;
    }
    if (code != 0)
        std::cout << "seed " << plan.seed << "; the parts' own words are in "
                  << stage.options().logs << std::endl;
    return interrupted ? 130 : code;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"chaos: the story, while Sluice is killed at seeded moments"};
    story::Options options;
    chaos::Plan plan;
    app.add_option("--source", options.source, "the repository")->required();
    app.add_option("--build", options.build, "where sluice is built")->required();
    app.add_option("--tools", options.tools, "where the parts are unpacked")->required();
    app.add_option("--logs", options.logs, "a folder for what the parts say")->required();
    app.add_option("--kills", plan.kills, "how many")->capture_default_str();
    app.add_option("--seed", plan.seed, "of the moments and the victims")->capture_default_str();
    const std::map<std::string, chaos::Layout> layouts{{"mixed", chaos::Layout::Mixed},
                                                       {"whole", chaos::Layout::Whole},
                                                       {"split", chaos::Layout::Split},
                                                       {"pair", chaos::Layout::Pair}};
    app.add_option(
           "--layout", plan.layout,
           "whole: one process; split: API server and controller; mixed: now this, now that; pair: "
           "API server and two controllers, of which one leads")
        ->transform(CLI::CheckedTransformer(layouts));
    CLI11_PARSE(app, argc, argv);
    options.pace = chaos_pace();
    if (plan.layout == chaos::Layout::Pair) {
        // So that a standby takes over in the middle of a step, and not after the story.
        options.controller_flags = {"--leader-election-lease-duration", "2s",
                                    "--leader-election-renew-deadline", "1500ms",
                                    "--leader-election-retry-period",   "300ms"};
        plan.longest_gap = std::chrono::seconds{9};
    }
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    return perform(std::move(options), plan);
}
