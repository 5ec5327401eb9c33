// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/cli.hpp"

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "controller/cli/context.hpp"
#include "controller/cli/judge_verbs.hpp"
#include "controller/cli/serve.hpp"
#include "controller/cli/verbs.hpp"

namespace sluice::cli {
namespace {

// Filled while the command line is read; one member an option.
struct CommandLine {
    GlobalOptions global;
    StandaloneOptions standalone;
    ControllerOptions controller;
    JudgeOptions judge;
    PlanOptions plan;
    std::string name;
    std::vector<std::string> words;
    std::string in;
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

void add_verbs(CLI::App& app, CommandLine& line) {
    auto* get_verb = add_rollout_verb(app, line, "get", "Show one Rollout, or a table of all");
    get_verb->add_option("NAME", line.words, "Rollout; `rollout NAME` is understood too")
        ->expected(0, 2);
    get_verb->add_flag("-A,--all-namespaces", line.all_namespaces, "In every namespace");
    get_verb->callback([&] {
        auto& words = line.words;
        // `kubectl argo rollouts get rollout NAME` is in people's fingers.
        const bool kind_named =
            !words.empty() && (words[0] == "rollout" || words[0] == "rollouts" || words[0] == "ro");
        if (kind_named && (words.size() == 2 || words[0] != "ro")) words.erase(words.begin());
        if (words.size() > 1)
            throw CLI::ValidationError(
                concat("expected one Rollout, found \"", words[0], "\" and \"", words[1], "\""));
        line.exit_code = get(line.global, words.empty() ? "" : words[0], line.all_namespaces);
    });

    const auto simple = [&](const char* name, const char* text,
                            int (*run)(const GlobalOptions&, const std::string&)) {
        auto* verb = add_rollout_verb(app, line, name, text);
        verb->add_option("NAME", line.name, "Rollout")->required();
        verb->callback([&line, run] { line.exit_code = run(line.global, line.name); });
    };
    auto* promote_verb = add_rollout_verb(app, line, "promote", "Past the current step or pause");
    promote_verb->add_option("NAME", line.name, "Rollout")->required();
    promote_verb->add_flag("--full", line.full,
                           "Straight to the end: no steps, pauses or analysis");
    promote_verb->callback([&] { line.exit_code = promote(line.global, line.name, line.full); });
    simple("abort", "Send all traffic back to the stable version", abort_rollout);
    simple("retry", "Start an aborted update again", retry_rollout);
    simple("pause", "Stop where it stands until resumed", pause_rollout);
    simple("resume", "Go on after a pause by a user", resume_rollout);
    auto* restart_verb =
        add_rollout_verb(app, line, "restart", "Replace every pod by a new one, a few at a time");
    restart_verb->add_option("NAME", line.name, "Rollout")->required();
    restart_verb->add_option("-i,--in", line.in, "How long from now (30s, 5m; default: at once)");
    restart_verb->callback(
        [&] { line.exit_code = restart_rollout(line.global, line.name, line.in); });
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
    add_plan_verb(app, line.plan, line.exit_code);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        const int code = app.exit(problem);
        if (code == 0) return Done;
        // The judge's 2 says that it has no answer.
        return app.got_subcommand("judge") ? static_cast<int>(BadInput) : WrongUsage;
    }
    return line.exit_code;
}

}  // namespace sluice::cli
