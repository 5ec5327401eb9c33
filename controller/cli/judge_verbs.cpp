// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/judge_verbs.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "analysis/judge/replay.hpp"
#include "analysis/kayenta/replay.hpp"
#include "base/text.hpp"
#include "controller/cli/judge_files.hpp"

namespace sluice::cli {
namespace judge_verbs_detail {
namespace {

// Problems are told at once, each with its place.
std::optional<judge::Plan> read_plan(const JudgeFile& file) {
    std::vector<Problem> problems;
    const Field root(file.document, problems);
    if (const Field mode = root.at("mode"); mode.text().value_or("judge") != "judge")
        mode.complain(concat("expected judge or kayenta, found \"", *mode.text(), "\""));
    auto plan = judge::decode_plan(root);
    report_unknown(root);
    return file.holds(problems) ? std::optional(std::move(plan)) : std::nullopt;
}

// The canary config, in JUDGE.yaml itself or in a file beside it that it names.
std::optional<kayenta::Plan> read_kayenta_plan(const JudgeFile& file) {
    std::vector<Problem> problems;
    const Field root(file.document, problems);
    auto plan = kayenta::decode_plan(root);
    const Field config = root.at("canaryConfig");
    if (!config.present())
        config.complain("required: a Kayenta canary config, or the name of its file");
    else if (!config.peek().is_string())
        plan.config = kayenta::decode_config(config);
    (void)config.document();  // Kayenta's own keys are many
    report_unknown(root);
    if (!file.holds(problems)) return std::nullopt;
    if (!config.peek().is_string()) return plan;
    const auto path =
        std::filesystem::path(file.path).parent_path() / config.peek().get<std::string>();
    const auto imported = read_judge_file(path.string());
    if (!imported) return std::nullopt;
    plan.config = kayenta::decode_config(Field(imported->document, problems));
    return imported->holds(problems) ? std::optional(std::move(plan)) : std::nullopt;
}

// Every line to a look or a complaint; the first answer decides. Where `last_decides`, a pass
// holds only if it is the last word.
template <class Replay>
int replay_all(const JudgeOptions& options, Replay replay, bool last_decides) {
    std::ifstream file;
    if (options.input != "-") {
        file.open(options.input, std::ios::binary);
        if (!file) return complain(concat("read ", options.input, ": cannot be opened"));
    }
    std::istream& input = options.input == "-" ? std::cin : file;
    judge::Verdict decided = judge::Verdict::Inconclusive;
    bool bad = false;
    const auto take = [&](const auto& look) {
        if (!look) return;
        std::cout << to_json_text(*look) << std::endl;
        if (decided == judge::Verdict::Inconclusive ||
            (last_decides && decided == judge::Verdict::Pass))
            decided = look->verdict;
    };
    std::string line;
    for (long number = 1; std::getline(input, line); ++number) {
        if (trim(line).empty()) continue;
        const auto look = replay.feed(line);
        if (look.ok()) {
            take(*look);
            continue;
        }
        bad = true;
        complain(concat(options.input, ":", number, ": ", look.error().message));
    }
    take(replay.finish());
    return bad ? static_cast<int>(BadInput) : exit_of(decided);
}

}  // namespace
}  // namespace judge_verbs_detail

int run_judge(const JudgeOptions& options) {
    using namespace judge_verbs_detail;
    const auto file = read_judge_file(options.config);
    if (!file) return BadInput;
    if (text_at(file->document, {"mode"}) == "kayenta") {
        auto plan = read_kayenta_plan(*file);
        return plan ? replay_all(options, kayenta::Replay(std::move(*plan)), true)
                    : static_cast<int>(BadInput);
    }
    auto plan = read_plan(*file);
    return plan ? replay_all(options, judge::Replay(std::move(*plan)), false)
                : static_cast<int>(BadInput);
}

int exit_of(judge::Verdict verdict) {
    if (verdict == judge::Verdict::Pass) return Passed;
    return verdict == judge::Verdict::Fail ? FailedVerdict : Undecided;
}

void add_judge_verb(CLI::App& app, JudgeOptions& judge, int& exit_code) {
    auto* verb = app.add_subcommand("judge", "Replay samples: what the judge would have said");
    verb->add_option("--config", judge.config, "JUDGE.yaml: the metrics and what they must show")
        ->required();
    verb->add_option("--input", judge.input, "Samples, one JSON object a line; - is standard input")
        ->required();
    verb->footer(
        "Prints one JSON object a look. Exits 0 where the first answer is pass, 1 where it "
        "is fail,\n2 where there is none, 64 where the input is bad.");
    verb->callback([&judge, &exit_code] { exit_code = run_judge(judge); });
}

}  // namespace sluice::cli
