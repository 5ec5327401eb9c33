// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/judge_verbs.hpp"

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "analysis/judge/replay.hpp"
#include "base/text.hpp"
#include "controller/cli/judge_files.hpp"

namespace sluice::cli {
namespace judge_verbs_detail {
namespace {

// Problems are told at once, each with its place.
std::optional<judge::Plan> read_plan(const std::string& path) {
    const auto file = read_judge_file(path);
    if (!file) return std::nullopt;
    std::vector<Problem> problems;
    const Field root(file->document, problems);
    auto plan = judge::decode_plan(root);
    report_unknown(root);
    return file->holds(problems) ? std::optional(std::move(plan)) : std::nullopt;
}

void print(const judge::Look& look) {
    std::cout << judge::to_json_text(look) << std::endl;
}

}  // namespace
}  // namespace judge_verbs_detail

int run_judge(const JudgeOptions& options) {
    using namespace judge_verbs_detail;
    auto plan = read_plan(options.config);
    if (!plan) return BadInput;
    std::ifstream file;
    if (options.input != "-") {
        file.open(options.input, std::ios::binary);
        if (!file) return complain(concat("read ", options.input, ": cannot be opened"));
    }
    std::istream& input = options.input == "-" ? std::cin : file;
    judge::Replay replay(std::move(*plan));
    judge::Verdict decided = judge::Verdict::Inconclusive;
    bool bad = false;
    const auto take = [&](const std::optional<judge::Look>& look) {
        if (!look) return;
        print(*look);
        if (decided == judge::Verdict::Inconclusive) decided = look->verdict;
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
