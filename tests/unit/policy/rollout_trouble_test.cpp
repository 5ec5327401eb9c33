// SPDX-License-Identifier: Apache-2.0
// The condition AnalysisTrouble, as text: people act on it.
#include <gtest/gtest.h>

#include "crds/rollout_conditions.hpp"
#include "tests/unit/policy/rollout_setting.hpp"

namespace sluice::policy::rollout {
namespace trouble_test {

using namespace rollout_setting;
using crds::AnalysisPhase;

const TimePoint began = *parse_rfc3339("2026-11-20T11:59:50Z");

analysis::Trouble refused(AnalysisPhase phase) {
    return {.phase = phase,
            .metric = "success-rate",
            .found = "POST http://127.0.0.1:9090/api/v1/query: connection refused",
            .rule = "2 in a row, and more than 4 end the run",
            .since = began};
}

const crds::Condition* said(const crds::RolloutStatus& status) {
    return crds::find_condition(status, crds::condition_types::analysis_trouble);
}

Setting in_trouble(RunPhase phase, analysis::Trouble trouble) {
    Setting setting;
    setting.in_analysis(phase);
    setting.seen.analysis_runs[0].trouble = std::move(trouble);
    return setting;
}

Setting beside_steps(RunPhase phase, analysis::Trouble trouble) {
    Setting setting;
    setting.spec.canary->analysis.emplace().analysis.templates = {{"errors"}};
    setting.status.canary.current_background_analysis_run =
        crds::RunStatus{"shop-v2-2", "Running", ""};
    setting.seen.analysis_runs = {{.name = "shop-v2-2",
                                   .type = RunType::Background,
                                   .hash = "v2",
                                   .phase = phase,
                                   .trouble = std::move(trouble)}};
    return setting;
}

TEST(AnalysisTrouble, IsSaidBeforeAnyLimitIsHit) {
    auto setting = in_trouble(RunPhase::Running, refused(AnalysisPhase::Running));
    const auto decision = setting.decide_now();
    const auto* condition = said(decision.status);
    ASSERT_TRUE(condition);
    EXPECT_EQ(condition->status, crds::ConditionStatus::True);
    EXPECT_EQ(condition->reason, "MeasurementError");
    EXPECT_EQ(condition->last_transition_time, began);
    EXPECT_EQ(condition->message,
              "metric success-rate of analysis run shop-v2-2-0: POST "
              "http://127.0.0.1:9090/api/v1/query: connection refused, since 2026-11-20T11:59:50Z "
              "(2 in a row, and more than 4 end the run); it is measured again; to go on without "
              "it: sluice promote shop -n default");
    EXPECT_EQ(decision.status.phase, "Progressing");

    // Said once, it is not written again.
    setting.status = decision.status;
    EXPECT_EQ(setting.decide_now().status, decision.status);
    // And it goes when the metric can be measured again.
    setting.seen.analysis_runs[0].trouble.reset();
    EXPECT_FALSE(said(setting.decide_now().status));
}

TEST(AnalysisTrouble, OfARunBesideTheStepsTellsHowToPassIt) {
    const auto setting = beside_steps(RunPhase::Running, refused(AnalysisPhase::Running));
    EXPECT_TRUE(
        said(setting.decide_now().status)
            ->message.ends_with("to go on without it: sluice promote shop -n default --full"));
}

TEST(AnalysisTrouble, NamesWhatAPauseWaitsFor) {
    const auto setting =
        in_trouble(RunPhase::Inconclusive, {.phase = AnalysisPhase::Inconclusive,
                                            .metric = "success-rate",
                                            .others = {"latency"},
                                            .found = "found [0.93]",
                                            .rule = "inconclusive (1) > inconclusiveLimit (0)",
                                            .since = began});
    const auto status = setting.decide_now().status;
    EXPECT_EQ(status.phase, "Paused");
    EXPECT_EQ(status.message, "InconclusiveAnalysisRun");
    ASSERT_TRUE(said(status));
    EXPECT_EQ(said(status)->reason, "InconclusiveAnalysisRun");
    EXPECT_EQ(said(status)->message,
              "metric success-rate of analysis run shop-v2-2-0 (and latency): found [0.93], since "
              "2026-11-20T11:59:50Z (inconclusive (1) > inconclusiveLimit (0)); the update waits; "
              "to go on: sluice promote shop -n default; to go back: sluice abort shop -n default");
}

TEST(AnalysisTrouble, OfABackgroundPauseGoesOnByMeasuringAgain) {
    const auto setting = beside_steps(RunPhase::Inconclusive, refused(AnalysisPhase::Inconclusive));
    EXPECT_NE(said(setting.decide_now().status)
                  ->message.find("to go on and measure again: sluice promote shop -n default;"),
              std::string::npos);
}

TEST(AnalysisTrouble, StaysAfterTheAbortThatItCausedUntilTheUpdateBeginsAnew) {
    auto setting = in_trouble(RunPhase::Error, refused(AnalysisPhase::Error));
    setting.seen.analysis_runs[0].trouble->rule =
        "consecutiveErrors (5) > consecutiveErrorLimit (4)";
    const auto aborting = setting.decide_now().status;
    ASSERT_TRUE(aborting.abort);
    ASSERT_TRUE(said(aborting));
    EXPECT_EQ(said(aborting)->reason, "AnalysisRunError");
    EXPECT_EQ(
        said(aborting)->message,
        "metric success-rate of analysis run shop-v2-2-0: POST "
        "http://127.0.0.1:9090/api/v1/query: connection refused, since 2026-11-20T11:59:50Z "
        "(consecutiveErrors (5) > consecutiveErrorLimit (4)); the update is aborted and users "
        "are on the stable version; to try it again: sluice retry shop -n default");

    setting.status = aborting;
    const auto aborted = setting.decide_now().status;
    EXPECT_FALSE(aborted.canary.current_step_analysis_run);
    ASSERT_TRUE(said(aborted));
    EXPECT_EQ(*said(aborted), *said(aborting));

    setting.status = aborted;
    setting.status.abort = false;  // sluice retry
    EXPECT_FALSE(said(setting.decide_now().status));
}

TEST(AnalysisTrouble, OfAVersionThatGitTakesBackNamesTheGitSource) {
    auto setting = in_trouble(RunPhase::Failed, refused(AnalysisPhase::Failed));
    setting.seen.rollout.annotations["sluice.dev/git-source"] = "ops/shop-repo";
    const auto status = setting.decide_now().status;
    ASSERT_TRUE(said(status));
    EXPECT_EQ(said(status)->reason, "AnalysisRunFailed");
    EXPECT_TRUE(said(status)->message.ends_with(
        "the update is aborted, users are on the stable version and Git takes this one back; to "
        "try it again push it anew, and where it is refused as quarantined lift that as told by: "
        "kubectl -n ops describe gitsource shop-repo"))
        << said(status)->message;
}

TEST(AnalysisTrouble, OfAVersionThatWasNotJudgedNamesTheRetryThoughGitDeclaresIt) {
    auto setting = in_trouble(RunPhase::Error, refused(AnalysisPhase::Error));
    setting.seen.rollout.annotations["sluice.dev/git-source"] = "ops/shop-repo";
    const auto status = setting.decide_now().status;
    ASSERT_TRUE(said(status));
    EXPECT_TRUE(said(status)->message.ends_with(
        "the update is aborted and users are on the stable version; Git keeps declaring this one, "
        "for it was not judged; to try it again: sluice retry shop -n default"))
        << said(status)->message;
}

TEST(AnalysisTrouble, OfARunThatAUserAbortedIsForgotten) {
    auto setting = in_trouble(RunPhase::Running, refused(AnalysisPhase::Running));
    setting.status = setting.decide_now().status;
    ASSERT_TRUE(said(setting.status));
    setting.status.abort = true;
    EXPECT_FALSE(said(setting.decide_now().status));
}

TEST(AnalysisTrouble, KeepsItsBeginningWhenMeasurementsForget) {
    auto setting = in_trouble(RunPhase::Running, refused(AnalysisPhase::Running));
    setting.status = setting.decide_now().status;
    auto& trouble = *setting.seen.analysis_runs[0].trouble;
    trouble.since = now;
    trouble.since_is_exact = false;
    trouble.rule = "12 in a row, and more than 20 end the run";
    const auto status = setting.decide_now().status;
    EXPECT_NE(said(status)->message.find("since 2026-11-20T11:59:50Z (12 in a row"),
              std::string::npos)
        << said(status)->message;
}

TEST(AnalysisTrouble, AVerdictWeighsMoreThanAnErrorOfAStep) {
    auto setting = in_trouble(RunPhase::Running, refused(AnalysisPhase::Running));
    const auto background = beside_steps(RunPhase::Failed, refused(AnalysisPhase::Failed));
    setting.spec.canary->analysis = background.spec.canary->analysis;
    setting.status.canary.current_background_analysis_run =
        background.status.canary.current_background_analysis_run;
    setting.seen.analysis_runs.push_back(background.seen.analysis_runs[0]);
    const auto status = setting.decide_now().status;
    EXPECT_TRUE(status.abort);
    ASSERT_TRUE(said(status));
    EXPECT_NE(said(status)->message.find("analysis run shop-v2-2:"), std::string::npos);
}

}  // namespace trouble_test
}  // namespace sluice::policy::rollout
