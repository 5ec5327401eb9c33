// SPDX-License-Identifier: Apache-2.0
// `sluice backtest` as a user types it, on the history of a real Prometheus.
#include <fstream>
#include <sstream>

#include "tests/integration/child.hpp"
#include "tests/integration/judge_fixture.hpp"

namespace sluice {
namespace backtest_test {

using judge_test::add;
using judge_test::at_minute;
using judge_test::JudgeOnPrometheus;

// Minute 10 is the deploy: until then there is only the old version.
constexpr int deploy = 10, last_look = 30;

class Backtest : public JudgeOnPrometheus {
protected:
    void add_arm(const std::string& version, double requests, double errors, int from) {
        const auto labels = concat("{app=\"shop\",version=\"", version, "\",code=\"");
        add(past_, {.series = concat("http_requests_total", labels, "200\"}"),
                    .growth = [=](int) { return requests; },
                    .from = from,
                    .to = 40});
        add(past_, {.series = concat("http_requests_total", labels, "503\"}"),
                    .growth = [=](int k) { return errors > 0 ? errors + (k * 2 % 3) - 1 : 0; },
                    .from = from,
                    .to = 40});
    }
    // Beside v1: v2 with four times its errors, v3 with as many, v4 with hardly a request.
    void begin() {
        add_arm("v1", 1200, 6, 0);
        add_arm("v2", 600, 12, deploy);
        add_arm("v3", 600, 3, deploy);
        add_arm("v4", 3, 0, deploy);
        start();
    }

    static constexpr const char* analysis_template = R"(apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: errors}
spec:
  args: [{name: stable-hash}, {name: latest-hash}, {name: app}]
  metrics:
  - name: errors
    provider:
      plugin:
        sluice/judge:
          kind: ratio
          baseline: "{{args.stable-hash}}"
          canary: "{{args.latest-hash}}"
          total: http_requests_total{app="{{args.app}}"}
          bad: http_requests_total{app="{{args.app}}",code=~"5.."}
)";

    std::string written(const std::string& text) {
        const auto path = folder_.path() + "/template.yaml";
        std::ofstream(path) << text;
        return path;
    }
    std::vector<std::string> words(const std::string& canary) {
        return {"backtest",
                "--template",
                written(analysis_template),
                "--prometheus",
                prometheus_ ? prometheus_->url() : "http://127.0.0.1:1",
                "--start",
                format_rfc3339(at_minute(deploy)),
                "--end",
                format_number(judge_test::minute(last_look)),
                "--canary-selector",
                concat("version=\"", canary, "\""),
                "--baseline-selector",
                "{version=\"v1\"}",
                "--arg",
                "app=shop"};
    }
    static testing::Child::Outcome type_in(std::vector<std::string> words) {
        words.insert(words.begin(), SLUICE_PROGRAM);
        return testing::Child(words, {}).wait();
    }
    // The looks that were printed; other lines go to `rest`.
    static std::vector<Json> looks_in(const std::string& output, std::string* rest = nullptr) {
        std::vector<Json> looks;
        for (const auto& line : split(output, '\n'))
            if (line.starts_with("{"))
                looks.push_back(*parse_json(line));
            else if (rest && !line.empty())
                *rest += line + "\n";
        return looks;
    }
    int exit_of(const std::string& canary) {
        const auto ended = type_in(words(canary));
        output_ = ended.output;
        return ended.status;
    }

    test::ClusterFolder folder_;
    std::string output_;
};

TEST_F(Backtest, SaysOfEachBucketWhatThePluginSaidThen) {
    begin();
    // From before all of it, as the plugin's window reaches.
    auto typed = words("v2");
    typed[6] = format_number(judge_test::minute(-10));
    const auto ended = type_in(typed);
    EXPECT_EQ(ended.status, 1) << ended.output;
    const auto looks = looks_in(ended.output);
    ASSERT_EQ(looks.size(), 40U) << ended.output;
    const Json plugin = errors({{"canary", "v2"},
                                {"baseline", "v1"},
                                {"total", "http_requests_total{app=\"shop\"}"},
                                {"bad", "http_requests_total{app=\"shop\",code=~\"5..\"}"},
                                {"window", "1h"}});
    int failed = 0;
    for (int minute = 1; minute <= last_look; ++minute) {
        const auto& found = looks[static_cast<size_t>(minute + 9)];
        const auto said = look(plugin, minute);
        const Json value = *parse_json(said.text);
        EXPECT_EQ(found["t"], judge_test::minute(minute));
        EXPECT_EQ(found["verdict"], value["verdict"]) << minute;
        EXPECT_EQ(found["metrics"][0]["reason"], said.message) << minute;
        EXPECT_NEAR(found["metrics"][0]["estimate"].get<double>(), value["estimate"].get<double>(),
                    1e-4 * value["estimate"].get<double>())
            << minute;
        failed += found["verdict"] == "fail" ? 1 : 0;
    }
    EXPECT_GT(failed, 10);
}

TEST_F(Backtest, TheFirstAnswerIsTheExitCode) {
    begin();
    EXPECT_EQ(exit_of("v3"), 0) << output_;
    EXPECT_EQ(exit_of("v4"), 2) << output_;
    std::string rest;
    EXPECT_EQ(exit_of("nobody"), 2) << output_;
    looks_in(output_, &rest);
    EXPECT_EQ(rest,
              "sluice: metric errors: no samples of the canary {version=\"nobody\"} in that "
              "time\n");
}

TEST_F(Backtest, WhatCannotBeAskedIs64AndSaysWhere) {
    // Nobody listens there: the deadline of this test is the connection that is refused.
    auto typed = words("v2");
    auto ended = type_in(typed);
    EXPECT_EQ(ended.status, 64);
    EXPECT_NE(ended.output.find("127.0.0.1:1"), std::string::npos) << ended.output;

    typed[2] = folder_.path() + "/none.yaml";
    ended = type_in(typed);
    EXPECT_EQ(ended.status, 64);
    EXPECT_EQ(ended.output, concat("sluice: read ", typed[2], ": cannot be opened\n"));

    std::string text = analysis_template;
    text.replace(text.find("kind: ratio"), 11, "kind: rate");
    typed = words("v2");
    written(text);
    ended = type_in(typed);
    EXPECT_EQ(ended.status, 64);
    EXPECT_NE(ended.output.find(concat(typed[2], ":11:11: ")), std::string::npos) << ended.output;
    EXPECT_NE(ended.output.find("expected one of ratio, quantile, gauge"), std::string::npos);

    typed = words("v2");
    typed.resize(typed.size() - 2);
    ended = type_in(typed);
    EXPECT_EQ(ended.status, 64);
    EXPECT_NE(ended.output.find("metric errors: failed to resolve {{args.app}}"), std::string::npos)
        << ended.output;

    typed = words("v2");
    typed[6] = "yesterday";
    ended = type_in(typed);
    EXPECT_EQ(ended.status, 64);
    EXPECT_NE(ended.output.find("--start: expected a time"), std::string::npos) << ended.output;
    typed[6] = "1800000000";
    EXPECT_EQ(type_in(typed).output, "sluice: --end must be after --start\n");
    typed = words("v2");
    typed[10] = "bad";
    EXPECT_NE(type_in(typed).output.find("--canary-selector: expected label matchers"),
              std::string::npos);
    EXPECT_EQ(type_in({"backtest", "--no-such"}).status, 64);
}

TEST_F(Backtest, ThePageOnTheJudgeShowsWhatItPrints) {
    std::ifstream file(SLUICE_SOURCE_DIR "/docs/judge.md");
    std::ostringstream text;
    text << file.rdbuf();
    const std::string page = text.str();
    const auto section = page.find("## Backtest");
    ASSERT_NE(section, std::string::npos);
    const auto between = [&](const std::string& open, const std::string& close) {
        const auto from = page.find(open, section) + open.size();
        return page.substr(from, page.find(close, from) - from);
    };
    // Versions and times of the page are those of this past.
    begin();
    const auto path = written(between("```yaml\n", "```"));
    std::vector<std::string> typed;
    for (const auto& word : split(between("    sluice ", "\n\n"), ' '))
        if (const auto bare = std::string(trim(word)); !bare.empty() && bare != "\\")
            typed.push_back(bare);
    const auto set = [&](const char* option, const std::string& value) {
        for (size_t i = 0; i + 1 < typed.size(); ++i)
            if (typed[i] == option) typed[i + 1] = value;
    };
    set("--template", path);
    set("--prometheus", prometheus_->url());
    for (auto& word : typed)  // as a shell takes the quotes off
        word.erase(std::remove(word.begin(), word.end(), '\''), word.end());
    const auto ended = type_in(typed);
    EXPECT_EQ(ended.status, 1) << ended.output;
    const auto shown = between("```json\n", "\n```");
    EXPECT_NE(ended.output.find(shown + "\n"), std::string::npos) << "the page shows\n"
                                                                  << shown << "\nbut it is\n"
                                                                  << ended.output;
}

}  // namespace backtest_test
}  // namespace sluice
