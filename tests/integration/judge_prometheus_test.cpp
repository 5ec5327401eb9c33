// SPDX-License-Identifier: Apache-2.0
// The metric plugin sluice/judge on a real Prometheus: raw counters of two arms, with everything
// that happens to counters, to the evidence and to the verdict.
#include <cmath>

#include "analysis/judge/evidence.hpp"
#include "tests/integration/judge_fixture.hpp"

namespace sluice {
namespace judge_prometheus_test {

using crds::AnalysisPhase;
using judge::Counts;
using judge_test::add;
using judge_test::JudgeOnPrometheus;
using judge_test::minute;

class JudgePlugin : public JudgeOnPrometheus {
protected:
    // Requests and errors a minute of one pod; errors come three, two, four, … of every three.
    void add_pod(const std::string& version, const std::string& pod, double requests,
                 double errors) {
        const auto labels = concat("{version=\"", version, "\",pod=\"", pod, "\"}");
        add(past_, {.series = "requests_total" + labels, .growth = [=](int) { return requests; }});
        add(past_, {.series = "errors_total" + labels,
                    .growth = [=](int k) { return std::max(0.0, errors + (k * 2 % 3) - 1); }});
    }
    // The buckets of an arm at minutes of the past.
    static std::map<double, Counts> counted(const std::vector<judge::ArmBucket>& buckets) {
        std::map<double, Counts> counts;
        for (const auto& bucket : buckets)
            counts[(bucket.end - judge_test::minute_zero) / 60] = std::get<Counts>(bucket.sample);
        return counts;
    }
    Result<judge::ArmsSeen> arms(const Json& block, double now) {
        std::vector<Problem> problems;
        const auto metric = judge::decode_judged_metric(Field(block, problems));
        const auto range = judge::range_of(metric.source, judge_test::at_minute(now));
        const auto answer =
            TRY(send({.method = "POST",
                      .url = prometheus_->url() + "/api/v1/query_range",
                      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                      .body = judge::form_of(metric, range)}));
        const Json body = TRY(parse_json(answer.body));
        const Json* data = find(body, {"data"});
        if (!data) return invalid(answer.body);
        return judge::read_matrix(metric, *data, range);
    }
};

TEST_F(JudgePlugin, CountersThatResetAndScrapesThatAreMissedBecomeHonestEvidence) {
    const std::string steady = "{version=\"old\",pod=\"a\"}",
                      missed = "{version=\"old\",pod=\"b\"}", young = "{version=\"new\",pod=\"c\"}";
    const auto growth = [](double value) { return [=](int) { return value; }; };
    const auto not_fifth = [](int k) { return k != 5; };
    const auto seventh = [](int k) { return k == 7; };
    add(past_, {"requests_total" + steady, growth(600), 0, 12, 5e6});
    add(past_, {"errors_total" + steady, growth(6), 0, 12, 5e4});
    add(past_, {.series = "requests_total" + missed,
                .growth = growth(300),
                .to = 12,
                .start = 1e6,
                .scraped = not_fifth});
    add(past_, {.series = "errors_total" + missed,
                .growth = growth(2),
                .to = 12,
                .start = 1e4,
                .scraped = not_fifth});
    // Starts in minute 3 from nothing, and again from nothing in minute 7; its errors have a series
    // from the first one on.
    add(past_, {.series = "requests_total" + young,
                .growth = growth(900),
                .from = 2,
                .to = 12,
                .resets = seventh});
    add(past_, {.series = "errors_total" + young, .growth = growth(1), .from = 8, .to = 12});
    start();
    const auto seen = arms(errors({{"window", "10m"}}), 12);
    ASSERT_TRUE(seen.ok()) << seen.error().message;
    const auto old = counted(seen->baseline), young_counts = counted(seen->canary);
    EXPECT_EQ(old.at(3), (Counts{900, 8}));
    EXPECT_EQ(old.at(4), (Counts{900, 8}));
    // Prometheus repeats what it scraped in minute 4; how much of the growth until minute 6 belongs
    // to which of both nobody knows.
    EXPECT_FALSE(old.contains(5));
    EXPECT_FALSE(old.contains(6));
    EXPECT_EQ(old.at(7), (Counts{900, 8}));
    EXPECT_EQ(young_counts.at(3), (Counts{900, 0}));
    EXPECT_EQ(young_counts.at(6), (Counts{900, 0}));
    // 450 from nothing until the half minute, which is all that the counter of its second life says
    // of the first scrape, and 450 more.
    EXPECT_EQ(young_counts.at(7), (Counts{900, 0}));
    EXPECT_EQ(young_counts.at(9), (Counts{900, 1}));
    EXPECT_EQ(young_counts.at(12), (Counts{900, 1}));
    const auto evidence = judge::pair_up(seen->baseline, seen->canary, seen->weight_changes, 1);
    // Minutes 3 to 12 without 5 and 6; the canary was first seen at the end of minute 2, which
    // warms it up.
    EXPECT_EQ(evidence.buckets.size(), 8U);
    EXPECT_EQ(evidence.warming_up, 1);
}

// A window that begins in the middle of a gap must not take a counter's whole life for one minute.
TEST_F(JudgePlugin, ACounterThatWasThereBeforeTheWindowDidNotBeginInIt) {
    for (const std::string version : {"old", "new"})
        for (const std::string pod : {"steady", "missed"}) {
            const auto labels = concat("{version=\"", version, "\",pod=\"", pod, "\"}");
            const bool missed = pod == "missed";
            add(past_, {.series = "requests_total" + labels,
                        .growth = [](int) { return 300.0; },
                        .start = 7e6,
                        .scraped = [=](int k) { return !missed || k < 12 || k > 21; }});
            add(past_, {.series = "errors_total" + labels,
                        .growth = [](int) { return 2.0; },
                        .start = 9e4,
                        .scraped = [=](int k) { return !missed || k < 12 || k > 21; }});
        }
    start();
    // The window is minutes 20 to 30, and one pod of two was not scraped from minute 12 to 21: the
    // first eleven buckets are dark, minute 22 because nobody knows when its growth came.
    const auto reading = look(errors({{"window", "10m"}}), 30);
    EXPECT_EQ(reading.metadata.at("canary"), "28 of 4200") << reading.message;
    EXPECT_EQ(reading.metadata.at("baseline"), "28 of 4200");
}

TEST_F(JudgePlugin, EqualArmsPassABadCanaryFailsAndLittleTrafficWaits) {
    add_pod("old", "a", 600, 3);
    add_pod("old", "b", 600, 3);
    add_pod("new", "c", 600, 3);
    add_pod("bad", "d", 600, 12);
    add_pod("idle", "e", 4, -1);
    start();
    const auto equal = look(errors(), 30);
    EXPECT_EQ(equal.phase, AnalysisPhase::Successful) << equal.message;
    EXPECT_EQ(equal.metadata.at("baseline"), "172 of 34800");
    EXPECT_EQ(equal.metadata.at("canary"), "86 of 17400");
    EXPECT_EQ(equal.metadata.at("buckets"), "29");
    const auto worse = look(errors({{"canary", "bad"}}), 30);
    EXPECT_EQ(worse.phase, AnalysisPhase::Failed) << worse.message;
    EXPECT_NE(worse.message.find("is harm"), std::string::npos) << worse.message;
    // Early, too: a run does not wait for the window to fill.
    EXPECT_EQ(look(errors({{"canary", "bad"}}), 8).phase, AnalysisPhase::Failed);
    const auto idle = look(errors({{"canary", "idle"}}), 30);
    EXPECT_EQ(idle.phase, AnalysisPhase::Running) << idle.message;
    EXPECT_FALSE(idle.metadata.at("needs").empty());
    EXPECT_EQ(look(errors({{"canary", "nobody"}}), 30).phase, AnalysisPhase::Running);
}

// An hour with 2 % errors for everybody falls on the half of the time in which the canary has half
// of the traffic: over all, its rate is twice the baseline's, and in neither half it is.
TEST_F(JudgePlugin, AChangeOfWeightPartsWhatMustNotBeAddedUp) {
    const auto traffic = [&](const char* version, double before, double errors_before) {
        const auto labels = concat("{version=\"", version, "\"}");
        add(past_, {.series = "requests_total" + labels,
                    .growth = [=](int k) { return k <= 15 ? before : 3000; }});
        add(past_, {.series = "errors_total" + labels, .growth = [=](int k) {
                        return k > 15 ? 60
                                      : std::floor(errors_before * k) -
                                            std::floor(errors_before * (k - 1));
                    }});
    };
    traffic("old", 5700, 12);
    traffic("new", 300, 0.63);
    for (int k = 0; k <= 30; ++k)
        past_.add("rollout_weight{name=\"shop\"}", minute(k), k <= 15 ? 5 : 50);
    start();
    const auto estimate = [](const analysis::Reading& reading) {
        return parse_json(reading.text)->at("estimate").get<double>();
    };
    const auto pooled = look(errors(), 30);
    EXPECT_GT(estimate(pooled), 2) << pooled.message;
    EXPECT_EQ(pooled.metadata.at("buckets"), "29");
    const auto parted = look(errors({{"weight", "rollout_weight{name=\"shop\"}"}}), 30);
    EXPECT_NEAR(estimate(parted), 1, 0.02) << parted.message;
    // Neither the bucket in which it changed nor the one in which the canary warms up again.
    EXPECT_EQ(parted.metadata.at("buckets"), "27");
}

TEST_F(JudgePlugin, HistogramsAndGaugesAreJudgedFromTheSameQuery) {
    const std::map<std::string, double> bounds{
        {"0.1", 0.4}, {"0.25", 0.8}, {"0.5", 0.95}, {"1", 0.99}, {"+Inf", 1}};
    const std::map<std::string, double> slower{
        {"0.1", 0.2}, {"0.25", 0.6}, {"0.5", 0.85}, {"1", 0.96}, {"+Inf", 1}};
    const auto add_arm = [&](const char* version, const auto& shares, double level) {
        for (const auto& [bound, share] : shares)
            add(past_,
                {.series = concat("latency_bucket{version=\"", version, "\",le=\"", bound, "\"}"),
                 .growth = [share = share](int k) {
                     return std::round((6000 + 40 * (k % 5)) * share) +
                            (share < 1 ? k * 7 % 5 : 10);
                 }});
        for (int k = 0; k <= 30; ++k)
            past_.add(concat("cpu{version=\"", version, "\"}"), minute(k),
                      level * (1 + 0.01 * (k * 5 % 3)) * (1 + 0.05 * (k % 7)));
    };
    add_arm("old", bounds, 0.5);
    add_arm("new", bounds, 0.5);
    add_arm("slow", slower, 0.8);
    start();
    const auto with = [](const char* canary, Json more) {
        more["canary"] = canary;
        return more;
    };
    const Json latency{{"kind", "quantile"}, {"quantile", 0.9}, {"histogram", "latency_bucket"}};
    const Json cpu{{"kind", "gauge"}, {"value", "cpu"}};
    for (const auto& kind : {latency, cpu}) {
        const auto equal = look(block(with("new", kind)), 30);
        EXPECT_EQ(equal.phase, AnalysisPhase::Successful) << equal.message;
        const auto worse = look(block(with("slow", kind)), 30);
        EXPECT_EQ(worse.phase, AnalysisPhase::Failed) << worse.message;
    }
}

}  // namespace judge_prometheus_test
}  // namespace sluice
