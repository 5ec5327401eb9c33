// SPDX-License-Identifier: Apache-2.0
// judge and plan as a user types them: files in, lines and exit codes out.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json.hpp"
#include "base/text.hpp"
#include "controller/cli/cli.hpp"

namespace sluice::cli {
namespace judge_verbs_test {

class JudgeVerbs : public testing::Test {
protected:
    JudgeVerbs() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "sluice-cli-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~JudgeVerbs() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::string written(const std::string& name, const std::string& text) {
        const auto path = (folder_ / name).string();
        std::ofstream(path) << text;
        return path;
    }

    // The exit code; what it printed is in out_ and err_.
    int type_in(std::vector<std::string> words) {
        words.insert(words.begin(), "sluice");
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int code = run(static_cast<int>(arguments.size()), arguments.data());
        out_ = testing::internal::GetCapturedStdout();
        err_ = testing::internal::GetCapturedStderr();
        return code;
    }

    int judge(const std::string& samples, const std::string& config =
                                              "metrics:\n"
                                              "- {name: errors, kind: ratio}\n") {
        return type_in({"judge", "--config", written("JUDGE.yaml", config), "--input",
                        written("samples.jsonl", samples)});
    }

    // Two lines a minute.
    static std::string samples(double requests, double baseline, double canary, int minutes = 30) {
        std::string text;
        for (int k = 1; k <= minutes; ++k)
            for (const auto& [arm, bad] :
                 {std::pair("baseline", baseline), std::pair("canary", canary)})
                text += concat("{\"t\": ", 60 * k, ", \"arm\": \"", arm,
                               "\", \"metric\": \"errors\", \"total\": ", format_number(requests),
                               ", \"bad\": ", format_number(bad > 0 ? bad + (2 * k % 3) - 1 : 0),
                               "}\n");
        return text;
    }
    [[nodiscard]] std::vector<Json> looks() const {
        std::vector<Json> looks;
        for (const auto& line : split(out_, '\n'))
            if (!line.empty()) looks.push_back(*parse_json(line));
        return looks;
    }

    std::filesystem::path folder_;
    std::string out_, err_;
};

TEST_F(JudgeVerbs, TheFirstAnswerIsTheExitCodeAndTheLooksGoOn) {
    EXPECT_EQ(judge(samples(6000, 30, 30)), 0) << err_;
    EXPECT_EQ(looks().size(), 30U);
    EXPECT_EQ(looks().back()["verdict"], "pass");
    EXPECT_EQ(judge(samples(6000, 30, 120)), 1) << err_;
    EXPECT_EQ(looks().size(), 30U);
    EXPECT_EQ(judge(samples(5, 0, 0)), 2) << err_;
    EXPECT_EQ(looks().back()["verdict"], "inconclusive");
    EXPECT_EQ(err_, "");

    // It failed first; that it recovers in the end is told but changes nothing.
    auto mixed = samples(6000, 30, 120, 8);
    for (int k = 9; k <= 400; ++k)
        for (const char* arm : {"baseline", "canary"})
            mixed += concat("{\"t\": ", 60 * k, ", \"arm\": \"", arm,
                            "\", \"metric\": \"errors\", \"total\": 6000, \"bad\": 30}\n");
    EXPECT_EQ(judge(mixed), 1);
    EXPECT_EQ(looks().back()["verdict"], "pass") << out_.substr(out_.size() - 400);
}

TEST_F(JudgeVerbs, ABadLineIsNamedAndTheOthersAreJudged) {
    auto lines = split(samples(6000, 30, 120), '\n');
    lines[2] = "{\"t\": 120,";
    lines[5] = R"({"t": 180, "arm": "both", "metric": "errors", "total": 1, "bad": 1})";
    lines[6] = R"({"t": 240, "arm": "canary", "metric": "errors", "total": 1})";
    lines[9] = R"({"t": 60, "weight": 5})";
    lines[11] = R"({"t": 360, "weight": 500})";
    EXPECT_EQ(judge(join(lines, "\n")), 64);
    const auto told = split(err_, '\n');
    const auto place = concat("sluice: ", (folder_ / "samples.jsonl").string(), ":");
    ASSERT_EQ(told.size(), 6U) << err_;
    EXPECT_TRUE(told[0].starts_with(place + "3: ")) << told[0];
    EXPECT_EQ(told[1], place + "6: \"arm\" is neither \"baseline\" nor \"canary\"");
    EXPECT_EQ(told[2], place + "7: \"bad\" is missing");
    EXPECT_EQ(told[3], place + "10: \"t\" is 60 after 300: lines must be in order of time");
    EXPECT_EQ(told[4], place + "12: \"weight\" is not between 0 and 100");
    EXPECT_EQ(looks().back()["verdict"], "fail") << out_;
}

TEST_F(JudgeVerbs, ABadConfigIsToldWithEveryPlace) {
    const auto path = (folder_ / "JUDGE.yaml").string();
    EXPECT_EQ(judge("",
                    "metrics:\n"
                    "- name: errors\n"
                    "  kind: rate\n"
                    "- name: errors\n"
                    "  kind: gauge\n"
                    "  burnRate: {}\n"
                    "  colour: red\n"),
              64);
    EXPECT_EQ(
        err_,
        concat("sluice: ", path,
               ":3:3: metrics[0].kind: expected one of ratio, quantile, gauge, found "
               "\"rate\"\nsluice: ",
               path, ":6:3: metrics[1].burnRate: only a ratio has a burn rate\nsluice: ", path,
               ":4:3: metrics[1].name: a metric \"errors\" stands above\nsluice: ", path,
               ":7:3: metrics[1].colour: unknown field\n"));
    EXPECT_EQ(judge("", "metrics: [\n"), 64);
    EXPECT_TRUE(err_.starts_with(concat("sluice: ", path, ":"))) << err_;
    EXPECT_EQ(judge("", "metrics: []\n"), 64);
    EXPECT_NE(err_.find("required: a list of metrics to judge"), std::string::npos) << err_;
    EXPECT_EQ(judge("", ""), 64);
    EXPECT_EQ(err_, concat("sluice: ", path, ": expected one document, found 0\n"));
    EXPECT_EQ(out_, "");
}

TEST_F(JudgeVerbs, WhatIsNotThereOrNotKnownIs64) {
    const auto config = written("JUDGE.yaml", "metrics: [{name: errors, kind: ratio}]\n");
    const auto nowhere = (folder_ / "nowhere").string();
    EXPECT_EQ(type_in({"judge", "--config", nowhere, "--input", "-"}), 64);
    EXPECT_EQ(err_, concat("sluice: read ", nowhere, ": cannot be opened\n"));
    EXPECT_EQ(type_in({"judge", "--config", config, "--input", nowhere}), 64);
    EXPECT_EQ(err_, concat("sluice: read ", nowhere, ": cannot be opened\n"));
    EXPECT_EQ(type_in({"judge", "--config", config}), 64);
    EXPECT_NE(err_.find("--input is required"), std::string::npos) << err_;
    EXPECT_EQ(type_in({"judge", "--config", config, "--input", "-", "--colour"}), 64);
    EXPECT_EQ(type_in({"judge", "--help"}), 0);
    for (const char* word : {"--config", "--input", "Exits 0", "64 where the input is bad"})
        EXPECT_NE(out_.find(word), std::string::npos) << word << " in\n" << out_;
}

TEST_F(JudgeVerbs, ADashIsStandardInput) {
    std::istringstream typed(samples(6000, 30, 120));
    auto* before = std::cin.rdbuf(typed.rdbuf());
    const auto config = written("JUDGE.yaml", "metrics: [{name: errors, kind: ratio}]\n");
    EXPECT_EQ(type_in({"judge", "--config", config, "--input", "-"}), 1);
    std::cin.rdbuf(before);
    std::cin.clear();
    EXPECT_EQ(looks().size(), 30U);
}

class PlanVerb : public JudgeVerbs {
protected:
    int plan(const std::string& rollout, const std::string& traffic = "600/m",
             const std::string& errors = "0.5%") {
        return type_in({"plan", written("rollout.yaml", rollout), "--traffic", traffic,
                        "--base-error", errors});
    }
    static std::string rollout(const std::string& steps) {
        return concat(
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\n"
            "spec:\n  strategy:\n    canary:\n      steps:\n",
            steps);
    }
    const std::string good_ = rollout(
        "      - setWeight: 5\n      - pause: {duration: 10m}\n"
        "      - setWeight: 50\n      - pause: {}\n      - setWeight: 100\n");
};

TEST_F(PlanVerb, SaysOfEachStepWhatItCanShow) {
    ASSERT_EQ(plan(good_), 0) << err_;
    const auto lines = split(out_, '\n');
    ASSERT_EQ(lines.size(), 4U) << out_;
    EXPECT_TRUE(lines[0].starts_with("shop, judged by its errors")) << lines[0];
    EXPECT_TRUE(lines[1].starts_with("  5 % for 10 minutes: 30 canary requests a minute.")) << out_;
    EXPECT_NE(lines[1].find("less is not seen"), std::string::npos) << out_;
    EXPECT_TRUE(lines[2].starts_with("  50 %")) << out_;
    const std::string by_minute = out_;
    for (const char* same : {"10/s", "36000/h", "600"}) {
        ASSERT_EQ(plan(good_, same, " 0.005 "), 0) << err_;
        EXPECT_EQ(out_, by_minute) << same;
    }
    // A file of several documents, of which one is a Rollout.
    ASSERT_EQ(plan("kind: Service\n---\n" + good_), 0) << err_;
    EXPECT_EQ(out_, by_minute);
}

TEST_F(PlanVerb, WhatCannotBeReadIs2AndSaysWhere) {
    const auto path = (folder_ / "rollout.yaml").string();
    EXPECT_EQ(plan(rollout("      - setWeight: x\n      - pause: {duration: 10m}\n"
                           "      - setWeight: 5\n      - pause: {duration: soon}\n")),
              2);
    EXPECT_NE(
        err_.find(concat("sluice: ", path, ":8:9: spec.strategy.canary.steps[0].setWeight: ")),
        std::string::npos)
        << err_;
    EXPECT_NE(err_.find(concat("sluice: ", path,
                               ":11:17: spec.strategy.canary.steps[3].pause.duration: ")),
              std::string::npos)
        << err_;
    EXPECT_EQ(plan(rollout("      - setWeight: 100\n")), 2);
    EXPECT_EQ(err_, concat("sluice: ", path,
                           ": Rollout shop has no canary step with a weight between 0 and 100, so "
                           "there is nothing to compare\n"));
    EXPECT_EQ(plan("kind: [\n"), 2);
    EXPECT_TRUE(err_.starts_with(concat("sluice: ", path, ":"))) << err_;
    EXPECT_EQ(plan("kind: Service\n"), 2);
    EXPECT_EQ(err_, concat("sluice: ", path, ": there is no Rollout in it\n"));
    for (const char* traffic : {"600/d", "many", "0/m", "-5/m", "inf"}) {
        EXPECT_EQ(plan(good_, traffic), 2) << traffic;
        EXPECT_NE(err_.find(concat("found \"", traffic, "\"")), std::string::npos) << err_;
    }
    for (const char* errors : {"100%", "-1%", "few", "1.5"}) {
        EXPECT_EQ(plan(good_, "600/m", errors), 2) << errors;
        EXPECT_NE(err_.find("expected errors such as 0.5%"), std::string::npos) << err_;
    }
    EXPECT_EQ(out_, "");
    const auto nowhere = (folder_ / "nowhere").string();
    EXPECT_EQ(type_in({"plan", nowhere, "--traffic", "6/m", "--base-error", "1%"}), 2);
    EXPECT_EQ(err_, concat("sluice: read ", nowhere, ": cannot be opened\n"));
    EXPECT_EQ(type_in({"plan", nowhere}), 2);
    EXPECT_NE(err_.find("--traffic is required"), std::string::npos) << err_;
    EXPECT_EQ(type_in({"plan", "--help"}), 0);
    for (const char* word : {"--traffic", "--base-error", "FILE", "Exits 2"})
        EXPECT_NE(out_.find(word), std::string::npos) << word << " in\n" << out_;
}

}  // namespace judge_verbs_test
}  // namespace sluice::cli
