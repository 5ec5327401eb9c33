// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/cli.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "controller/cli/context.hpp"
#include "controller/cli/judge_verbs.hpp"
#include "controller/cli/serve.hpp"
#include "controller/cli/verbs.hpp"
#include "controller/cli/watching.hpp"

namespace sluice::cli {
namespace {

// Filled while the command line is read; one member an option.
struct CommandLine {
    GlobalOptions global;
    StandaloneOptions standalone;
    ControllerOptions controller;
    JudgeOptions judge;
    BacktestOptions backtest;
    PlanOptions plan;
    std::string name;
    std::vector<std::string> words;
    std::string in, timeout, change;
    bool watch = true;
    bool full = false;
    bool all_namespaces = false;
    std::optional<long> revision;
    int exit_code = Done;
};

void add_cluster_options(CLI::App& verb, GlobalOptions& options) {
    verb.add_option("--kubeconfig", options.kubeconfig,
                    "Path of the kubeconfig (default: as kubectl)");
    verb.add_option("--context", options.context,
                    "Context in the kubeconfig (default: the current one)");
    verb.add_option("-n,--namespace", options.ns, "Namespace (default: the context's)");
}

CLI::App* add_rollout_verb(CLI::App& app, CommandLine& line, const char* name, const char* text) {
    auto* verb = app.add_subcommand(name, text);
    add_cluster_options(*verb, line.global);
    verb->add_option("-o,--output", line.global.output, "json, yaml or name")
        ->check(CLI::IsMember({"json", "yaml", "name"}));
    return verb;
}

// `kubectl argo rollouts get rollout NAME` is in people's fingers.
void drop_kind(std::vector<std::string>& words) {
    if (words.size() > 1 && (words[0] == "rollout" || words[0] == "rollouts" || words[0] == "ro"))
        words.erase(words.begin());
}

void add_questions(CLI::App& app, CommandLine& line) {
    auto* status_verb =
        add_rollout_verb(app, line, "status",
                         "Tell how it stands until it is Healthy (exit 0) or Degraded (exit 1)");
    status_verb->add_option("NAME", line.name, "Rollout")->required();
    status_verb->add_flag("-w,--watch,!--no-watch", line.watch,
                          "Wait for the end (default); --watch=false tells once");
    status_verb->add_option("-t,--timeout", line.timeout,
                            "How long to wait (60s, 5m; default: for ever); then exit 4");
    status_verb->callback([&] {
        const auto timeout =
            line.timeout.empty() ? Result<Duration>(Duration{0}) : parse_duration(line.timeout);
        if (!timeout.ok()) throw CLI::ValidationError("--timeout: " + timeout.error().message);
        line.exit_code = show_status(line.global, line.name, line.watch, *timeout);
    });
    auto* history_verb =
        add_rollout_verb(app, line, "history", "Revisions to go back to, and what became of them");
    history_verb->add_option("NAME", line.name, "Rollout")->required();
    history_verb->callback([&] { line.exit_code = show_history(line.global, line.name); });
}

void add_set_image(CLI::App& app, CommandLine& line) {
    const auto add = [&](CLI::App& verb) {
        verb.add_option("NAME", line.name, "Rollout")->required();
        verb.add_option("IMAGE", line.change, "CONTAINER=IMAGE; * stands for every container")
            ->required();
        verb.callback([&] { line.exit_code = set_image(line.global, line.name, line.change); });
    };
    add(*add_rollout_verb(app, line, "set-image", "Change a container's image"));
    // As `kubectl argo rollouts set image` is typed.
    auto* set_verb = app.add_subcommand("set", "set image: the same as set-image");
    set_verb->require_subcommand(1);
    add(*add_rollout_verb(*set_verb, line, "image", "Change a container's image"));
}

void add_verbs(CLI::App& app, CommandLine& line) {
    auto* get_verb = add_rollout_verb(app, line, "get", "Show one Rollout, or a table of all");
    get_verb->add_option("NAME", line.words, "Rollout; `rollout NAME` is understood too")
        ->expected(0, 2);
    get_verb->add_flag("-A,--all-namespaces", line.all_namespaces, "In every namespace");
    get_verb->callback([&] {
        auto& words = line.words;
        drop_kind(words);
        if (words.size() == 1 && (words[0] == "rollout" || words[0] == "rollouts")) words.clear();
        if (words.size() > 1)
            throw CLI::ValidationError(
                concat("expected one Rollout, found \"", words[0], "\" and \"", words[1], "\""));
        line.exit_code = get(line.global, words.empty() ? "" : words[0], line.all_namespaces);
    });

    // Several at once, as `kubectl argo rollouts` takes them; the exit code is the first failure's.
    const auto several = [&](const char* name, const char* text,
                             std::function<int(const std::string&)> run) {
        auto* verb = add_rollout_verb(app, line, name, text);
        verb->add_option("NAME", line.words, "Rollouts")->required();
        verb->callback([&line, run = std::move(run)] {
            drop_kind(line.words);
            for (const auto& each : line.words)
                if (const int code = run(each); line.exit_code == Done) line.exit_code = code;
        });
        return verb;
    };
    several("promote", "Past the current step or pause", [&](const std::string& name) {
        return promote(line.global, name, line.full);
    })->add_flag("--full", line.full, "Straight to the end: no steps, pauses or analysis");
    const auto simple = [&](const char* name, const char* text,
                            int (*run)(const GlobalOptions&, const std::string&)) {
        several(name, text,
                [&line, run](const std::string& each) { return run(line.global, each); });
    };
    simple("abort", "Send all traffic back to the stable version", abort_rollout);
    simple("retry", "Start an aborted update again", retry_rollout);
    simple("pause", "Stop where it stands until resumed", pause_rollout);
    simple("resume", "Go on after a pause by a user", resume_rollout);
    several("restart", "Replace every pod by a new one, a few at a time",
            [&](const std::string& name) { return restart_rollout(line.global, name, line.in); })
        ->add_option("-i,--in", line.in, "How long from now (30s, 5m; default: at once)");
    auto* undo_verb = add_rollout_verb(app, line, "undo", "Back to an earlier revision");
    undo_verb->add_option("NAME", line.name, "Rollout")->required();
    undo_verb->add_option("--to-revision", line.revision, "Revision (default: the one before)");
    undo_verb->callback([&] { line.exit_code = undo(line.global, line.name, line.revision); });
}

}  // namespace

int run(int argc, char** argv) {
    CLI::App app{"sluice: progressive delivery, from Git to Git"};
    app.set_version_flag("--version", std::string("sluice 0.1.0"));
    app.require_subcommand(1);
    CommandLine line;
    add_standalone(app, line.standalone, line.exit_code);
    add_controller(app, line.controller, line.exit_code);
    add_verbs(app, line);
    add_judge_verb(app, line.judge, line.exit_code);
    add_backtest_verb(app, line.backtest, line.exit_code);
    add_plan_verb(app, line.plan, line.exit_code);
    add_questions(app, line);
    add_set_image(app, line);
    app.footer(
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 timed out.\n"
        "`sluice VERB --help` tells more; every verb about Rollouts takes -n and -o.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        const int code = app.exit(problem);
        if (code == 0) return Done;
        // The judge's 2 says that it has no answer.
        return app.got_subcommand("judge") || app.got_subcommand("backtest")
                   ? static_cast<int>(BadInput)
                   : WrongUsage;
    }
    return line.exit_code;
}

}  // namespace sluice::cli
