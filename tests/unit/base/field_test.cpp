// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/field.hpp"

namespace sluice {
namespace {

std::vector<std::string> read_all(const char* yaml) {
    const auto documents = parse_yaml(yaml, "rollouts/web.yaml");
    EXPECT_TRUE(documents.ok());
    const Json document = *parse_json(documents->front().text);
    std::vector<Problem> problems;
    const Field root(document, problems);
    const Field spec = root.at("spec");
    for (const auto& step : spec.at("steps").items()) {
        (void)step.at("setWeight").integer();
        (void)step.at("pause").at("duration").duration();
    }
    (void)spec.at("target").required_text();
    report_unknown(root);
    std::vector<std::string> texts;
    for (const auto& problem : problems)
        texts.push_back(to_text(problem, "rollouts/web.yaml", documents->front().places));
    return texts;
}

TEST(Field, TellsEveryProblemWithItsPlace) {
    const auto texts = read_all(R"(
spec:
  steps:
  - setWeight: many
  - pause: {duration: 5 minutes}
  - analyze: yes
  stepDeadlin: 3s
)");
    const std::vector<std::string> expected = {
        "rollouts/web.yaml:4:5: spec.steps[0].setWeight: expected a whole number, found \"many\"",
        "rollouts/web.yaml:5:13: spec.steps[1].pause.duration: expected a duration such as 90s or "
        "1h30m, found \"5 minutes\"",
        "rollouts/web.yaml:2:1: spec.target: is required",
        "rollouts/web.yaml:7:3: spec.stepDeadlin: unknown field",
        "rollouts/web.yaml:6:5: spec.steps[2].analyze: unknown field"};
    std::vector<std::string> sorted = texts, wanted = expected;
    std::sort(sorted.begin(), sorted.end());
    std::sort(wanted.begin(), wanted.end());
    EXPECT_EQ(sorted, wanted);
}

TEST(Field, DocumentCountsAsAskedFor) {
    const Json document = {{"template", {{"spec", {{"anything", 1}}}}}};
    std::vector<Problem> problems;
    const Field root(document, problems);
    EXPECT_EQ(to_text(root.at("template").document()), R"({"spec":{"anything":1}})");
    report_unknown(root);
    EXPECT_TRUE(problems.empty());
}

TEST(ParseYaml, KeepsTextsThatLookLikeOtherThings) {
    const auto documents = parse_yaml("a: '1'\nb: 1\nc: yes\nd: 1e3\ne: 0x10\nf: !!str 2\n", "f");
    ASSERT_TRUE(documents.ok());
    EXPECT_EQ(documents->front().text,
              R"({"a":"1","b":1,"c":"yes","d":1000.0,"e":"0x10","f":"2"})");
}

TEST(ParseYaml, RefusesDuplicateKeysWithTheirPlace) {
    const auto documents = parse_yaml("a: 1\nb: 2\na: 3\n", "dir/f.yaml");
    ASSERT_FALSE(documents.ok());
    EXPECT_EQ(documents.error().message, "dir/f.yaml:3:1: duplicate key \"a\"");
}

TEST(ParseYaml, BoundsAliasBombs) {
    std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 9; ++i) {
        const std::string below = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int k = 0; k < 10; ++k) bomb += (k ? "," : "") + below;
        bomb += "]\n";
    }
    EXPECT_FALSE(parse_yaml(bomb, "bomb.yaml").ok());
}

TEST(ToYaml, ReadsBackAsTheSameValue) {
    const Json value = {{"text", "1"},
                        {"list", {1, "a: b", true, nullptr}},
                        {"empty", Json::object()},
                        {"lines", "a\nb\n"},
                        {"number", 0.5},
                        {"flag", "true"},
                        {"none", Json::array()}};
    const auto back = parse_yaml(to_yaml(value), "f");
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(*parse_json(back->front().text), value) << to_yaml(value);
}

TEST(DiffMergePatch, TurnsOneIntoTheOther) {
    Json from = {{"a", 1}, {"b", {{"c", 2}, {"d", 3}}}, {"list", {1, 2}}};
    const Json to = {{"b", {{"c", 2}, {"e", 4}}}, {"list", {1}}, {"f", Json::object()}};
    const Json patch = diff_merge_patch(from, to);
    EXPECT_EQ(to_text(patch), R"({"a":null,"b":{"d":null,"e":4},"f":{},"list":[1]})");
    apply_merge_patch(from, patch);
    EXPECT_EQ(from, to);
}

}  // namespace
}  // namespace sluice
