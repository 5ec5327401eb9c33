// SPDX-License-Identifier: Apache-2.0
#include "crds/git_source.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::crds {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> problems_of(const Json& document) {
    std::vector<Problem> problems;
    decode_git_source(document, problems);
    std::vector<std::string> texts;
    for (const auto& problem : problems) texts.push_back(to_text(problem));
    return texts;
}

TEST(GitSource, ReadsEverythingThatIsDeclared) {
    const auto document = Json::parse(R"({
        "metadata": {"namespace": "shop", "name": "app", "uid": "u", "resourceVersion": "7",
                     "generation": 3, "annotations": {"sluice.dev/reconcile-at": "now"}},
        "spec": {"url": "https://example.com/app.git", "ref": {"branch": "prod"},
                 "paths": ["apps/shop", "one.yaml"], "interval": "5s", "timeout": "20s",
                 "mode": "Observe", "suspend": true, "secretRef": {"name": "login"},
                 "webhook": {"secretRef": {"name": "hook"}},
                 "writeBack": {"records": {"branch": "log", "onStep": false, "onTerminal": false},
                               "rollback": {"mode": "RecordOnly"},
                               "commit": {"author": {"name": "Robot", "email": "r@example.com"}}}}})");
    std::vector<Problem> problems;
    const auto source = decode_git_source(document, problems);
    EXPECT_TRUE(problems.empty());
    EXPECT_EQ(source.ns, "shop");
    EXPECT_EQ(source.generation, 3);
    EXPECT_EQ(source.reconcile_at, "now");
    const GitSourceSpec expected{.url = "https://example.com/app.git",
                                 .branch = "prod",
                                 .paths = {"apps/shop", "one.yaml"},
                                 .interval = 5s,
                                 .timeout = 20s,
                                 .mode = GitSourceMode::Observe,
                                 .suspend = true,
                                 .write_back = WriteBack{.record_branch = "log",
                                                         .record_steps = false,
                                                         .record_outcomes = false,
                                                         .rollback = RollbackMode::RecordOnly,
                                                         .author_name = "Robot",
                                                         .author_email = "r@example.com"},
                                 .secret = "login",
                                 .webhook_secret = "hook"};
    EXPECT_EQ(source.spec, expected);
}

TEST(GitSource, NeedsOnlyAUrl) {
    std::vector<Problem> problems;
    const auto source =
        decode_git_source(Json::parse(R"({"spec": {"url": "https://a/b"}})"), problems);
    EXPECT_TRUE(problems.empty());
    EXPECT_EQ(source.spec, (GitSourceSpec{.url = "https://a/b"}));
}

TEST(GitSource, TellsAllProblemsAtOnce) {
    const std::vector<std::string> expected{
        "spec.url: is required",
        "spec.paths[1]: expected a path inside the repository, found \"../etc\"",
        "spec.interval: expected between 1s and 24h0m0s, found 10ms",
        "spec.mode: expected Apply or Observe, found \"Push\"",
        "spec.writeBack.rollback.mode: expected ScopedRevert or RecordOnly, found \"Reset\"",
        "spec.writeBack.records.branch: expected another branch than the watched one, found "
        "\"main\"",
        "spec.colour: unknown field"};
    EXPECT_EQ(problems_of(Json::parse(R"({"spec": {
        "paths": ["a", "../etc"], "interval": "10ms", "mode": "Push", "colour": "red",
        "writeBack": {"records": {"branch": "main"}, "rollback": {"mode": "Reset"}}}})")),
              expected);
    EXPECT_EQ(problems_of(Json::parse("{}")), std::vector<std::string>{"spec.url: is required"});
}

TEST(GitSource, ItsStatusReadsBackAsItWasWritten) {
    GitSourceStatus status;
    status.observed_generation = 4;
    status.remote_commit = "a";
    status.attempted_commit = "b";
    status.applied_commit = "c";
    status.applied_at = TimePoint{1000s};
    status.handled_reconcile_at = "x";
    status.failures = 2;
    status.inventory = {{"argoproj.io", "v1alpha1", "Rollout", "shop", "web", "web.yaml", "d1",
                         "c1", "Dev <d@e>", "add web"},
                        {.version = "v1", .kind = "Namespace", .name = "shop", .path = "ns.yaml"}};
    status.problems = {{"web.yaml", 3, 5, "spec.replicas", "web.yaml:3:5: spec.replicas: bad"}};
    status.conditions = {{"Ready", "False", "InvalidManifest", "one", TimePoint{2000s}}};
    std::vector<Problem> problems;
    const auto back = decode_git_source(
        {{"spec", {{"url", "https://a/b"}}}, {"status", encode_git_source_status(status)}},
        problems);
    EXPECT_EQ(back.status, status);
}

TEST(GitSourceCondition, KeepsItsTimeWhileItsStatusStands) {
    std::vector<GitSourceCondition> conditions;
    set_condition(conditions, {"Ready", "True", "Applied", "a", TimePoint{1s}});
    set_condition(conditions, {"Ready", "True", "Applied", "b", TimePoint{2s}});
    EXPECT_EQ(*find_condition(conditions, "Ready"),
              (GitSourceCondition{"Ready", "True", "Applied", "b", TimePoint{1s}}));
    set_condition(conditions, {"Ready", "False", "FetchFailed", "c", TimePoint{3s}});
    EXPECT_EQ(find_condition(conditions, "Ready")->since, TimePoint{3s});
    remove_condition(conditions, "Ready");
    EXPECT_EQ(find_condition(conditions, "Ready"), nullptr);
}

}  // namespace
}  // namespace sluice::crds
