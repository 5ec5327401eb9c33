// SPDX-License-Identifier: Apache-2.0
#include "analysis/pattern.hpp"

#include <gtest/gtest.h>

#include "analysis/run.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace pattern_test {

TEST(Pattern, IsFoundAnywhereUnlessAnchored) {
    EXPECT_EQ(*found_in("rate", "success-rate"), true);
    EXPECT_EQ(*found_in("^rate", "success-rate"), false);
    EXPECT_EQ(*found_in("^success.*\\d$", "success-rate-2"), true);
    EXPECT_EQ(*found_in("(?i)RATE", "success-rate"), true);
    EXPECT_EQ(*found_in("", "anything"), true);
    EXPECT_EQ(*found_in("^ü.$", "üß"), true);
}

TEST(Pattern, SaysWhatIsWrongWithIt) {
    EXPECT_EQ(found_in("a(b", "ab").error().message,
              "error parsing regexp: missing closing ): `a(b`");
    EXPECT_EQ(found_in("*", "ab").error().message,
              "error parsing regexp: missing argument to repetition operator: `*`");
    EXPECT_EQ(found_in(std::string(5000, 'a'), "a").error().message,
              "error parsing regexp: the pattern is longer than 4096 bytes");
}

// What kills engines that go back: here it is a matter of microseconds.
TEST(Pattern, CostsNoMoreThanItsInputIsLong) {
    EXPECT_EQ(*found_in("(a+)+$", std::string(100'000, 'a') + "b"), false);
    EXPECT_EQ(*found_in("(x+x+)+y", std::string(100'000, 'x')), false);
    EXPECT_FALSE(found_in("((a{100}){100}){100}", "a").ok());
}

TEST(Pattern, SelectsMetricsForDryRunAndRetention) {
    crds::AnalysisRunSpec spec;
    for (const char* name : {"errors", "error-ratio", "latency"})
        spec.metrics.push_back(
            {name, concat(R"({"name":")", name, R"(","provider":{"prometheus":{}}})")});
    spec.dry_run = {"^error"};
    spec.measurement_retention = {{"latency|ratio", 20}, {"ratio", 30}};
    const auto run = resolve_run(spec);
    ASSERT_TRUE(run.ok()) << run.error().message;
    EXPECT_EQ(run->dry_run, (std::set<std::string>{"error-ratio", "errors"}));
    EXPECT_EQ(run->kept, (std::map<std::string, size_t>{{"error-ratio", 30}, {"latency", 20}}));

    spec.dry_run = {"errors", "cpu"};
    EXPECT_EQ(resolve_run(spec).error().message,
              "Analysis spec invalid: dryRun[1]: Rule didn't match any metric name(s)");
    spec.dry_run = {"(errors"};  // no pattern: matches nothing
    EXPECT_EQ(resolve_run(spec).error().message,
              "Analysis spec invalid: dryRun[0]: Rule didn't match any metric name(s)");
}

}  // namespace pattern_test
}  // namespace sluice::analysis
