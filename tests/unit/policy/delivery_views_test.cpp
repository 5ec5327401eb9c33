// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/policy/delivery/views.hpp"

namespace sluice::policy::delivery {
namespace {

Json document(std::string_view text) {
    return parse_json(text).value();
}

TEST(ViewRollout, ReadsWhatUpstreamWrites) {
    const auto view = view_rollout(document(R"({
        "metadata": {"namespace": "shop", "name": "web", "uid": "u1", "generation": 4,
                     "annotations": {"rollout.argoproj.io/revision": "3",
                     "sluice.dev/git-source": "app"}},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "shop:v3"}]}},
                 "strategy": {"canary": {"steps": [{"setWeight": 5}, {"analysis": {}},
                 {"setWeight": 20}],
                                         "trafficRouting": {"nginx": {},
                                         "maxTrafficWeight": 1000}}}},
        "status": {"observedGeneration": "4", "currentPodHash": "h3", "stableRS": "h2",
        "currentStepIndex": 1,
                   "abort": true, "abortedAt": "2026-11-20T10:31:07Z", "updatedReplicas": 2,
                   "conditions": [{"type": "Progressing", "reason": "RolloutAborted",
                   "message": "why"}],
                   "canary": {"weights": {"canary": {"weight": 5}, "stable": {"weight": 95},
                   "verified": false},
                              "currentStepAnalysisRunStatus": {"name": "web-h3-3-1",
                              "status": "Failed"}}}})"));
    EXPECT_EQ(view.ns, "shop");
    EXPECT_EQ(view.git_source, "app");
    EXPECT_EQ(view.image, "shop:v3");
    EXPECT_EQ(view.template_digest.size(), 64U);
    EXPECT_EQ(view.generation, 4);
    EXPECT_EQ(view.observed_generation, 4);
    EXPECT_EQ(view.steps, (std::vector<std::optional<long>>{5, std::nullopt, 20}));
    EXPECT_EQ(view.max_weight, 1000);
    EXPECT_TRUE(view.traffic_routing && view.abort && !view.weight_verified);
    EXPECT_EQ(view.canary_weight, 5);
    EXPECT_EQ(view.abort_message, "why");
    EXPECT_EQ(view.runs, std::vector<RunRef>({{"web-h3-3-1", "Failed"}}));
    EXPECT_TRUE(view_rollout(document("{}")).uid.empty());
}

TEST(ViewRun, PutsArgumentsIntoQueriesAndKeepsThresholds) {
    const auto view = view_run(document(R"({
        "metadata": {"namespace": "shop", "name": "web-h3-3-1",
                     "labels": {"rollouts-pod-template-hash": "h3", "rollout-type": "Step",
                     "step-index": "1"},
                     "ownerReferences": [{"uid": "u1", "name": "web", "controller": true}]},
        "spec": {"args": [{"name": "hash", "value": "h3"}, {"name": "limit", "value": "0.05"}],
                 "metrics": [{"name": "errors", "successCondition": "result[0] < {{args.limit}}",
                              "failureCondition": "result[0] > 0.5",
                              "provider": {"prometheus":
                              {"query": "e{hash=\"{{args.hash}}\"} / {{ args.limit }}"}}}]},
        "status": {"phase": "Failed", "completedAt": "2026-11-20T10:31:07Z",
                   "metricResults": [{"name": "errors", "phase": "Failed", "count": 3,
                     "measurements": [{"value": "[0.2]", "phase": "Failed",
                     "finishedAt": "2026-11-20T10:31:06Z"}]}]}})"));
    EXPECT_EQ(view.rollout, "web");
    EXPECT_EQ(view.rollout_uid, "u1");
    EXPECT_EQ(view.step_index, 1);
    EXPECT_TRUE(view.completed() && view.failed());
    ASSERT_EQ(view.metrics.size(), 1U);
    EXPECT_EQ(view.metrics[0].query, "e{hash=\"h3\"} / 0.05");
    EXPECT_EQ(view.metrics[0].threshold, "result[0] < 0.05, fails if result[0] > 0.5");
    EXPECT_EQ(view.metrics[0].measurements[0].value, "[0.2]");
}

TEST(ViewSource, WritesBackOnlyWhereAskedTo) {
    const auto plain = view_source(document(R"({"metadata": {"namespace": "shop", "name": "app"},
                                                "spec": {"url": "https://git/x"}})"));
    EXPECT_EQ(plain.key, "shop/app");
    EXPECT_EQ(plain.branch, "main");
    EXPECT_FALSE(plain.write_back);
    const auto full = view_source(document(R"({"metadata": {"namespace": "shop", "name": "app"},
        "spec": {"url": "https://git/x", "ref": {"branch": "prod"},
                 "writeBack": {"records": {"branch": "log", "onStep": false}, "rollback":
                 {"mode": "RecordOnly"},
                               "commit": {"author": {"name": "bot", "email": "bot@x"}}}},
        "status": {"inventory": [{"group": "", "kind": "Service", "name": "web"},
          {"group": "argoproj.io", "kind": "Rollout", "namespace": "shop", "name": "web",
          "path": "a.yaml",
           "digest": "d", "commit": "c", "author": "Ann", "subject": "s"}]}})"));
    EXPECT_TRUE(full.write_back && !full.record_steps && full.record_outcomes && !full.revert);
    EXPECT_EQ(full.record_branch, "log");
    EXPECT_EQ(full.author_name, "bot");
    EXPECT_EQ(full.entries,
              std::vector<SourceEntry>({{"shop", "web", "a.yaml", "d", "c", "Ann", "s"}}));
}

}  // namespace
}  // namespace sluice::policy::delivery
