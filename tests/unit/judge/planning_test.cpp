// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/planning.hpp"

#include <gtest/gtest.h>

namespace {

using namespace sluice::judge;

TEST(Planning, MoreTrafficSeesLessHarmSooner) {
    const auto settings = default_settings(Kind::Ratio);
    const auto little = forecast(settings, {0.05, 10}, {600, 0.005});
    const auto much = forecast(settings, {0.5, 10}, {60'000, 0.005});
    ASSERT_TRUE(little.least_harm && much.least_harm);
    EXPECT_GT(*little.least_harm, 4);
    EXPECT_LT(*much.least_harm, 2);
    EXPECT_GT(*little.minutes_to_pass, 60);
    EXPECT_LT(*much.minutes_to_pass, 7);
    EXPECT_FALSE(forecast(settings, {0.01, 10}, {30, 0.0005}).least_harm);
}

TEST(Planning, SaysItInASentence) {
    const auto settings = default_settings(Kind::Ratio);
    const PlannedStep step{0.05, 10};
    const PlannedTraffic traffic{600, 0.005};
    const auto text = sentence(settings, step, traffic, forecast(settings, step, traffic));
    EXPECT_TRUE(text.starts_with("5 % for 10 minutes: 30 canary requests a minute. Errors "))
        << text;
    EXPECT_NE(text.find("which is longer than the step"), std::string::npos) << text;
}

}  // namespace
