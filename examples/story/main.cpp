// SPDX-License-Identifier: Apache-2.0
// story: plays one good and one bad delivery on real parts, and fails where a promise is broken.
// ./examples/quickstart.sh installs and builds what it needs and then starts it.
#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

#include "examples/story/chapters.hpp"
#include "examples/story/settings.hpp"

namespace {

std::atomic<bool> interrupted = false;  // the one thing that a signal handler may touch

void on_signal(int) {
    interrupted = true;
}

// What the watches have to say belongs into a file, not between the lines of the story.
class FileLog final : public sluice::Log {
public:
    explicit FileLog(const std::string& path) : file_(path, std::ios::app) {}
    void write(sluice::LogLevel, std::string_view message,
               const std::vector<sluice::LogField>& fields) override {
        const std::lock_guard lock(mutex_);
        file_ << message;
        for (const auto& field : fields) file_ << ' ' << field.key << '=' << field.value;
        file_ << std::endl;
    }

private:
    std::mutex mutex_;
    std::ofstream file_;
};

sluice::Result<void> play(story::Story& story, const story::Options& options) {
    TRY(story.raise_curtain());
    TRY(story.first_version());
    if (options.bad_day == story::BadDay::PrometheusKilled) {
        TRY(story.prometheus_killed());
    } else {
        TRY(story.good_version());
        TRY(story.bad_version());
    }
    TRY(story.end());
    return story.look_around();
}

int perform(const story::Options& options) {
    story::Screen screen;
    FileLog log(options.logs + "/story.log");
    story::Stage stage(options);
    int code = 0;
    {
        story::Story story(stage, screen, log, interrupted);
        const auto played = play(story, options);
        if (!played.ok()) {
            screen.plain("");
            screen.plain(interrupted ? std::string("interrupted")
                                     : "FAILED " + played.error().message);
            if (!interrupted) screen.plain("the parts' own words are in " + options.logs);
            code = interrupted ? 130 : 1;
        }
        if (code == 0 && options.keep) {
            // What is pushed now meets the same steady load.
            const auto again = stage.start_load();
            screen.plain("\neverything goes on running, the load too; Ctrl-C stops it");
            if (!again.ok()) screen.plain(again.error().message);
            while (!interrupted) std::this_thread::sleep_for(std::chrono::milliseconds{100});
        }
    }
    for (const auto& complaint : stage.stop()) {
        screen.plain("FAILED clean-end: " + complaint);
        if (code == 0) code = 1;
    }
    if (code == 0) screen.plain("\nEverything that was promised was kept.");
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"story: from Git to Git, one good and one bad delivery on real parts"};
    story::Options options;
    bool fast = false;
    app.add_option("--source", options.source, "the repository")->required();
    app.add_option("--build", options.build, "where sluice is built")->required();
    app.add_option("--tools", options.tools, "where the parts are unpacked")->required();
    app.add_option("--logs", options.logs, "a folder for what the parts say")->required();
    const std::map<std::string, bool> paces{{"normal", false}, {"fast", true}};
    app.add_option("--pace", fast, "normal (under 4 minutes) or fast (under 60 s)")
        ->transform(CLI::CheckedTransformer(paces));
    const std::map<std::string, story::Router> routers{{"nginx", story::Router::Nginx},
                                                       {"istio", story::Router::Istio}};
    app.add_option("--router", options.router, "nginx (Ingress) or istio (VirtualService)")
        ->transform(CLI::CheckedTransformer(routers));
    using story::Sabotage;
    const std::map<std::string, Sabotage> sabotages{{"none", Sabotage::None},
                                                    {"gate-removed", Sabotage::GateRemoved},
                                                    {"harmless-v3", Sabotage::HarmlessV3},
                                                    {"proxy-at-30", Sabotage::ProxyAt30},
                                                    {"request-dropped", Sabotage::RequestDropped},
                                                    {"second-revert", Sabotage::SecondRevert}};
    app.add_option("--sabotage", options.sabotage, "break it on purpose: the story must fail")
        ->transform(CLI::CheckedTransformer(sabotages));
    const std::map<std::string, story::BadDay> bad_days{
        {"none", story::BadDay::None}, {"prometheus-killed", story::BadDay::PrometheusKilled}};
    app.add_option("--bad-day", options.bad_day, "what a good delivery has to come through")
        ->transform(CLI::CheckedTransformer(bad_days));
    app.add_flag("--keep", options.keep, "leave everything running at the end");
    app.add_option("--api-port", options.api_port, "of the Kubernetes API; default: a free one");
    app.add_option("--web-port", options.web_port, "of the ingress; default: a free one");
    app.add_option("--prometheus-port", options.prometheus_port, "default: a free one");
    app.add_option("--git-port", options.git_port, "default: a free one");
    CLI11_PARSE(app, argc, argv);
    options.pace = fast ? story::fast_pace() : story::normal_pace();
    // Errors are asked again after ten seconds, at any pace.
    if (options.bad_day != story::BadDay::None) options.pace.limit += std::chrono::seconds{60};

    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGHUP, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    return perform(options);
}
