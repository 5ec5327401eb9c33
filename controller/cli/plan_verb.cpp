// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "analysis/judge/planning.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "base/yaml.hpp"
#include "controller/cli/context.hpp"
#include "controller/cli/judge_files.hpp"
#include "controller/cli/judge_verbs.hpp"
#include "crds/rollout.hpp"

namespace sluice::cli {
namespace plan_verb_detail {
namespace {

// Requests a minute from "600/m", "10/s" or "36000/h".
Result<double> traffic_of(std::string_view text) {
    const auto slash = text.find('/');
    const auto number = parse_number(trim(text.substr(0, slash)));
    const auto unit = slash == std::string_view::npos ? "m" : trim(text.substr(slash + 1));
    const double a_minute = unit == "s" ? 60 : unit == "m" ? 1 : unit == "h" ? 1.0 / 60 : 0;
    if (!number || !(*number > 0) || !std::isfinite(*number) || a_minute == 0)
        return invalid(concat("expected traffic such as 600/m, 10/s or 36000/h, found \"",
                              std::string(text), "\""));
    return *number * a_minute;
}

Result<double> share_of(std::string_view text) {
    std::string number(trim(text));
    const bool percent = number.ends_with('%');
    if (percent) number.pop_back();
    const auto value = parse_number(trim(number));
    const double share = value ? *value / (percent ? 100 : 1) : -1;
    if (!(share >= 0 && share < 1))
        return invalid(concat("expected errors such as 0.5%, found \"", std::string(text), "\""));
    return share;
}

double pause_minutes(const Json& duration) {
    if (duration.is_number()) return duration.get<double>() / 60;
    const std::string text = duration.is_string() ? duration.get<std::string>() : "";
    // A bare number is seconds.
    if (const auto seconds = parse_number(text)) return *seconds / 60;
    const auto parsed = parse_duration(text);
    return parsed.ok() ? static_cast<double>(parsed->count()) / 60'000 : 0;
}

// Weights with the pauses that follow each; a pause without end leaves the time open.
std::vector<judge::PlannedStep> steps_of(const Json& rollout) {
    std::vector<judge::PlannedStep> steps;
    const Json* list = find(rollout, {"spec", "strategy", "canary", "steps"});
    if (!list || !list->is_array()) return steps;
    for (const auto& item : *list) {
        if (const Json* weight = find(item, {"setWeight"}); weight && weight->is_number()) {
            steps.push_back({weight->get<double>() / 100, 0});
            continue;
        }
        const Json* pause = find(item, {"pause"});
        if (!pause || steps.empty()) continue;
        const Json* duration = find(*pause, {"duration"});
        auto& minutes = steps.back().minutes;
        if (!duration)
            minutes.reset();
        else if (minutes)
            *minutes += pause_minutes(*duration);
    }
    // Nothing is learnt without a canary, nor without a baseline.
    std::erase_if(steps, [](const auto& step) { return step.share <= 0 || step.share >= 1; });
    for (auto& step : steps)
        if (step.minutes && *step.minutes == 0) step.minutes.reset();
    return steps;
}

// What is wrong with the strategy, every problem with its line; the rest is for others to check.
Result<void> strategy_of(const Json& rollout, const YamlDocument& document,
                         const std::string& file) {
    std::vector<std::string> told;
    const auto decoded = crds::decode_rollout(rollout);
    auto problems = decoded.problems;
    // Upstream's words leave out one part of the path, and with it the place.
    const std::string_view short_path = "spec.strategy.steps";
    for (auto refused : crds::validate(decoded)) {
        if (refused.path.starts_with(short_path))
            refused.path.replace(0, short_path.size(), "spec.strategy.canary.steps");
        problems.push_back(std::move(refused));
    }
    for (const auto& problem : problems)
        if (problem.path.starts_with("spec.strategy"))
            told.push_back(to_text(problem, file, document.places));
    if (!told.empty()) return invalid(join(told, "\nsluice: "));
    return {};
}

Result<void> print_plan(const PlanOptions& options) {
    const judge::PlannedTraffic traffic{TRY(traffic_of(options.traffic)),
                                        TRY(share_of(options.base_error))};
    const std::string text = TRY(read_file(options.file));
    const auto settings = judge::default_settings(judge::Kind::Ratio);
    bool any = false;
    for (const auto& document : TRY(parse_yaml(text, options.file))) {
        const Json rollout = TRY(parse_json(document.text));
        if (text_at(rollout, {"kind"}) != "Rollout") continue;
        any = true;
        TRY(strategy_of(rollout, document, options.file));
        const auto steps = steps_of(rollout);
        if (steps.empty())
            return invalid(concat(options.file, ": Rollout ",
                                  text_at(rollout, {"metadata", "name"}),
                                  " has no canary step with a weight between 0 and 100, so there "
                                  "is nothing to compare"));
        std::cout << text_at(rollout, {"metadata", "name"}, "rollout")
                  << ", judged by its errors with the defaults (1 % false alarms, safety up to "
                     "twice as many errors or 0.1 points more):\n";
        for (const auto& step : steps)
            std::cout << "  "
                      << judge::sentence(settings, step, traffic,
                                         judge::forecast(settings, step, traffic))
                      << "\n";
    }
    if (!any) return invalid(concat(options.file, ": there is no Rollout in it"));
    return {};
}

}  // namespace
}  // namespace plan_verb_detail

int run_plan(const PlanOptions& options) {
    const auto printed = plan_verb_detail::print_plan(options);
    if (printed.ok()) return Done;
    std::cerr << "sluice: " << printed.error().message << "\n";
    return WrongUsage;
}

void add_plan_verb(CLI::App& app, PlanOptions& plan, int& exit_code) {
    auto* verb = app.add_subcommand("plan", "What each step can and cannot show, and how long");
    verb->add_option("FILE", plan.file, "A manifest with a Rollout")->required();
    verb->add_option("--traffic", plan.traffic, "Both arms together: 600/m, 10/s, 36000/h")
        ->required();
    verb->add_option("--base-error", plan.base_error, "Errors of the stable version: 0.5%")
        ->required();
    verb->footer(
        "Asks the judge about the counts that each step is to expect. Exits 2 where the "
        "file or an\noption cannot be read.");
    verb->callback([&plan, &exit_code] { exit_code = run_plan(plan); });
}

}  // namespace sluice::cli
