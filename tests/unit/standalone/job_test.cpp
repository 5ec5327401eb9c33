// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/job.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::standalone::workloads {
namespace {

using std::chrono::seconds;

constexpr TimePoint job_noon{seconds{1'800'000'000}};

struct JobWorld {
    JobView job{.ns = "shop", .name = "once", .uid = "j-1", .completions = 1};
    std::vector<PodView> pods;
    TimePoint now = job_noon;

    JobDecision decide() { return decide_job(job, pods, now); }
    // What the controller does with a decision.
    JobDecision step() {
        const auto decision = decide();
        for (long i = 0; i < decision.create; ++i) {
            PodView pod{.ns = "shop", .name = "once-" + std::to_string(pods.size())};
            pod.uid = pod.name;
            pod.controller = OwnerReference{"batch/v1", "Job", "once", "j-1", true};
            pod.phase = "Running";
            pod.created = now;
            pods.push_back(pod);
        }
        for (const auto& name : decision.remove)
            std::erase_if(pods, [&](const auto& pod) { return pod.name == name; });
        job.status = decision.status;
        return decision;
    }
    void end(size_t pod, const std::string& phase) {
        pods.at(pod).phase = phase;
        pods.at(pod).finished = now;
    }
    [[nodiscard]] std::string outcome() const {
        for (const auto& one : job.status.conditions)
            if ((one.type == "Complete" || one.type == "Failed") && one.status == "True")
                return one.type + " " + one.reason;
        return "";
    }
};

TEST(Job, RunsToItsEnd) {
    JobWorld world;
    EXPECT_EQ(world.step().create, 1);
    EXPECT_EQ(world.job.status.started, job_noon);
    EXPECT_FALSE(world.step().acts());
    EXPECT_EQ(world.job.status.active, 1);
    world.end(0, "Succeeded");
    EXPECT_FALSE(world.step().acts());
    EXPECT_EQ(world.outcome(), "Complete CompletionsReached");
    EXPECT_EQ(world.job.status.completed, job_noon);
    EXPECT_EQ(world.job.status.active, 0);
    EXPECT_EQ(world.decide().status, world.job.status) << "a finished one is not written";
}

TEST(Job, SoManyAtOnceAndNoMoreThanAreMissing) {
    JobWorld world;
    world.job.completions = 3;
    world.job.parallelism = 2;
    EXPECT_EQ(world.step().create, 2);
    world.end(0, "Succeeded");
    EXPECT_EQ(world.step().create, 1);
    world.end(1, "Succeeded");
    EXPECT_EQ(world.step().create, 0);
    EXPECT_EQ(world.job.status.succeeded, 2);
    world.job.parallelism = 0;
    EXPECT_EQ(world.step().remove, std::vector<std::string>{"once-2"});
}

TEST(Job, WithoutCompletionsOneThatEndsWellIsTheSignToStop) {
    JobWorld world;
    world.job.completions.reset();
    world.job.parallelism = 2;
    EXPECT_EQ(world.step().create, 2);
    world.end(0, "Succeeded");
    EXPECT_FALSE(world.step().acts()) << "the other may finish, and nobody follows it";
    EXPECT_EQ(world.outcome(), "");
    world.end(1, "Succeeded");
    world.step();
    EXPECT_EQ(world.outcome(), "Complete CompletionsReached");
}

TEST(Job, TriesAgainLaterAndLaterUntilItsLimit) {
    JobWorld world;
    world.job.backoff_limit = 2;
    world.step();
    for (const int wait : {10, 20}) {
        world.end(world.pods.size() - 1, "Failed");
        EXPECT_EQ(world.decide().create, 0);
        EXPECT_EQ(world.decide().look_again, seconds{wait});
        world.now += seconds{wait};
        EXPECT_EQ(world.step().create, 1);
    }
    world.end(2, "Failed");
    world.step();
    world.step();
    EXPECT_EQ(world.outcome(), "Failed BackoffLimitExceeded");
    EXPECT_EQ(world.job.status.failed, 3);
    EXPECT_EQ(world.job.status.completed, std::nullopt);
}

TEST(Job, ContainersThatAreStartedAgainCountToo) {
    JobWorld world;
    world.job.restarts_containers = true;
    world.job.backoff_limit = 2;
    world.step();
    world.pods[0].all_restarts = 1;
    EXPECT_FALSE(world.step().acts());
    world.pods[0].all_restarts = 2;
    EXPECT_EQ(world.step().remove, std::vector<std::string>{"once-0"});
    EXPECT_EQ(world.outcome(), "") << "said once its pod is gone";
    world.step();
    EXPECT_EQ(world.outcome(), "Failed BackoffLimitExceeded");
}

TEST(Job, OneThatTakesTooLongFailsAndLosesItsPods) {
    JobWorld world;
    world.job.active_deadline = seconds{30};
    world.step();
    EXPECT_EQ(world.decide().look_again, seconds{30});
    world.now += seconds{30};
    EXPECT_EQ(world.step().remove, std::vector<std::string>{"once-0"});
    world.step();
    EXPECT_EQ(world.outcome(), "Failed DeadlineExceeded");
}

TEST(Job, APodOnItsWayOutIsNotReplacedWhileItRuns) {
    JobWorld world;
    world.step();
    world.pods[0].terminating = true;
    EXPECT_EQ(world.step().create, 0);
    EXPECT_EQ(world.job.status.terminating, 1);
    world.pods.clear();
    EXPECT_EQ(world.step().create, 1);
}

TEST(Job, WhatWasCountedStaysCounted) {
    JobWorld world;
    world.job.completions = 2;
    world.step();
    world.end(0, "Succeeded");
    world.step();
    std::erase_if(world.pods, [](const auto& pod) { return pod.phase == "Succeeded"; });
    world.step();
    EXPECT_EQ(world.job.status.succeeded, 1);
    EXPECT_EQ(world.job.status.active, 1);
}

TEST(Job, ASuspendedOneHasNoPodsAndBeginsAnew) {
    JobWorld world;
    world.step();
    world.job.suspended = true;
    EXPECT_EQ(world.step().remove, std::vector<std::string>{"once-0"});
    EXPECT_EQ(world.job.status.started, std::nullopt);
    EXPECT_TRUE(world.job.status.has("Suspended"));
    world.job.suspended = false;
    world.now += seconds{5};
    EXPECT_EQ(world.step().create, 1);
    EXPECT_EQ(world.job.status.started, world.now);
    EXPECT_FALSE(world.job.status.has("Suspended"));
}

TEST(Job, GoesWhenItsTimeIsOver) {
    JobWorld world;
    world.job.time_to_live = seconds{60};
    world.step();
    world.end(0, "Succeeded");
    world.step();
    EXPECT_EQ(world.decide().look_again, seconds{60});
    world.now += seconds{60};
    EXPECT_TRUE(world.decide().remove_job);
}

TEST(Job, ItsStatusIsReadAsItWasWritten) {
    JobWorld world;
    world.step();
    world.end(0, "Succeeded");
    world.step();
    Json status = encode_status(world.job.status);
    for (auto at = status.begin(); at != status.end();)
        at = at->is_null() ? status.erase(at) : std::next(at);
    EXPECT_EQ(decode_job_view({{"status", status}}).status, world.job.status);
}

}  // namespace
}  // namespace sluice::standalone::workloads
