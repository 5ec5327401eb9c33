// SPDX-License-Identifier: Apache-2.0
// A good day and the bad ones, of every provider: a reply of the shape that the vendor's page
// shows, 401, 429 with Retry-After, 500, a body that breaks off, an empty result, NaN, and a server
// that hangs (each question has a deadline; tests/unit/shell/provider_wire_test.cpp runs into it).
#include "tests/unit/analysis/provider_asked.hpp"
#include "tests/unit/analysis/provider_days.hpp"

namespace sluice::analysis::provider_test {
namespace {

TEST(ProviderDays, EndAsTheyShould) {
    for (const auto& days : all_days()) {
        const testing::ScopedTrace trace(days.page, 1, days.provider);
        const auto metric = metric_of(days.provider, days.config);
        EXPECT_EQ(read(metric, days.good), days.value);
        EXPECT_EQ(read(metric, {401, {}, "who are you?"}), days.said_401);
        EXPECT_EQ(read(metric, {429, {{"Retry-After", "30"}}, "slow down"}), days.said_429);
        EXPECT_EQ(read(metric, {500, {}, "oops"}), days.said_500);
        EXPECT_EQ(read(metric, days.empty), days.of_empty);
        EXPECT_EQ(read(metric, days.no_number), days.of_it);
    }
}

// A reply that breaks off is an error wherever it does so, or a text where any text is a reply;
// never a number that was not there.
TEST(ProviderDays, NoReplyThatBreaksOffIsTakenForAnother) {
    for (const auto& days : all_days()) {
        const testing::ScopedTrace trace(days.page, 1, days.provider);
        const auto metric = metric_of(days.provider, days.config);
        const std::string_view good = days.good;
        EXPECT_EQ(read(metric, good.substr(0, good.size() / 2))
                      .substr(0, std::string_view(days.said_broken).size()),
                  days.said_broken);
        const bool lines = std::string_view(days.provider) == "influxdb";
        for (size_t cut = 0; cut < good.size() && !lines; ++cut) {
            const auto reading = parse_reading(metric, {200, {}, std::string(good.substr(0, cut))});
            EXPECT_TRUE(!reading.ok() || reading->result.as<std::string>() ||
                        reading->text == days.value)
                << cut << ": " << reading->text;
        }
    }
}

// Nobody waits for a server that hangs.
TEST(ProviderDays, EveryQuestionHasADeadline) {
    for (const auto& days : all_days()) {
        const auto query = asked(days.provider, days.config, days.credentials);
        EXPECT_GT(query.request.deadline, Duration{0}) << days.provider;
        EXPECT_LE(query.request.deadline, Duration{std::chrono::hours{1}}) << days.provider;
    }
}

TEST(ProviderDays, WhoNeedsCredentialsSaysSo) {
    for (const auto& days : all_days()) {
        const bool needs = credentials_of(metric_of(days.provider, days.config)).has_value();
        EXPECT_EQ(needs, !days.credentials.empty()) << days.provider;
        if (needs) {
            EXPECT_NE(refused(days.provider, days.config), "asked") << days.provider;
        }
    }
}

}  // namespace
}  // namespace sluice::analysis::provider_test
