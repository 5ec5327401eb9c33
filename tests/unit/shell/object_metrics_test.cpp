// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "controller/shell/object_metrics.hpp"

namespace sluice::shell {
namespace {

TEST(ObjectMetrics, AreUpstreamsNamesAndLabels) {
    crds::Rollout rollout;
    rollout.metadata.ns = "shop";
    rollout.metadata.name = "web";
    rollout.spec.replicas = 5;
    rollout.spec.canary.emplace().traffic_routing.emplace().nginx.emplace();
    rollout.status.available_replicas = 3;
    rollout.status.updated_replicas = 1;
    rollout.status.conditions = {{.type = "Progressing",
                                  .status = crds::ConditionStatus::False,
                                  .reason = "RolloutAborted"}};
    AnalysisRunView run;
    run.ns = "shop";
    run.seen.name = "web-5d8-2-1";
    run.seen.phase = policy::rollout::RunPhase::Failed;
    const auto text = object_metrics({std::make_shared<const crds::Rollout>(rollout)},
                                     {std::make_shared<const AnalysisRunView>(run)});
    const auto has = [&](const std::string& line) {
        return text.find("\n" + line + "\n") != std::string::npos;
    };
    EXPECT_TRUE(
        has("rollout_info{name=\"web\",namespace=\"shop\",phase=\"Abort\","
            "strategy=\"canary\",traffic_router=\"Nginx\"} 1"))
        << text;
    EXPECT_TRUE(has("rollout_info_replicas_desired{name=\"web\",namespace=\"shop\"} 5"));
    EXPECT_TRUE(has("rollout_info_replicas_unavailable{name=\"web\",namespace=\"shop\"} 2"));
    EXPECT_TRUE(has("rollout_info_replicas_updated{name=\"web\",namespace=\"shop\"} 1"));
    EXPECT_TRUE(
        has("analysis_run_info{name=\"web-5d8-2-1\",namespace=\"shop\",phase=\"Failed\"} 1"));
}

}  // namespace
}  // namespace sluice::shell
