// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(MetricText, EscapesWhatPeopleWrite) {
    MetricText text;
    text.family("a_total", "counter", "What.");
    text.sample({{"x", "a\"b\\c\nd"}}, 3);
    text.sample({}, 0.25);
    EXPECT_EQ(text.take(),
              "# HELP a_total What.\n# TYPE a_total counter\n"
              "a_total{x=\"a\\\"b\\\\c\\nd\"} 3\na_total 0.25\n");
}

TEST(CounterFamily, ForgetsWithTheObject) {
    CounterFamily family("errors_total", "E.", {"name", "kind"});
    family.add({"web", "a"});
    family.add({"web", "a"}, 2);
    family.add({"gone", "a"});
    family.forget_unless([](const MetricValues& values) { return values[0] != "gone"; });
    MetricText text;
    family.write(text);
    EXPECT_EQ(text.take(),
              "# HELP errors_total E.\n# TYPE errors_total counter\n"
              "errors_total{name=\"web\",kind=\"a\"} 3\n");
}

TEST(HistogramFamily, CountsUpToEachBound) {
    HistogramFamily family("took", "T.", {"name"}, {0.25, 1});
    for (const double value : {0.25, 0.5, 0.5, 7.0}) family.observe({"web"}, value);
    MetricText text;
    family.write(text);
    EXPECT_EQ(text.take(),
              "# HELP took T.\n# TYPE took histogram\n"
              "took_bucket{name=\"web\",le=\"0.25\"} 1\n"
              "took_bucket{name=\"web\",le=\"1\"} 3\n"
              "took_bucket{name=\"web\",le=\"+Inf\"} 4\n"
              "took_sum{name=\"web\"} 8.25\n"
              "took_count{name=\"web\"} 4\n");
}

}  // namespace
}  // namespace sluice
