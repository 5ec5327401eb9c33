// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/time.hpp"

namespace sluice {
namespace {

TEST(ParseDuration, ReadsWhatGoReads) {
    const std::pair<const char*, long> rows[] = {
        {"0", 0},       {"90s", 90'000}, {"1h30m", 5'400'000}, {"1.5h", 5'400'000},
        {"150ms", 150}, {"-2s", -2'000}, {"1m0.5s", 60'500},   {"2us", 0}};
    for (const auto& [text, millis] : rows) {
        const auto parsed = parse_duration(text);
        ASSERT_TRUE(parsed.ok()) << text;
        EXPECT_EQ(parsed->count(), millis) << text;
    }
}

TEST(ParseDuration, SaysWhatItExpected) {
    for (const char* text : {"", "5", "5 minutes", "1d", "h", "1h ", "--1s", "1..5s"}) {
        const auto parsed = parse_duration(text);
        ASSERT_FALSE(parsed.ok()) << text;
        EXPECT_EQ(parsed.error().message,
                  std::string("expected a duration such as 90s or 1h30m, found \"") + text + "\"");
    }
}

TEST(FormatDuration, ReadsBack) {
    for (const long millis :
         {0L, 1L, 999L, 1000L, 1500L, 60'000L, 3'600'000L, 5'400'250L, -90'000L}) {
        const auto text = format_duration(Duration{millis});
        EXPECT_EQ(parse_duration(text)->count(), millis) << text;
    }
    EXPECT_EQ(format_duration(std::chrono::minutes{90}), "1h30m0s");
}

TEST(Rfc3339, ReadsOffsetsAndFractions) {
    EXPECT_EQ(format_rfc3339(*parse_rfc3339("2026-11-20T12:31:07.25+02:00")),
              "2026-11-20T10:31:07Z");
    EXPECT_EQ(format_rfc3339_micro(*parse_rfc3339("2024-02-29T23:59:59.123456Z")),
              "2024-02-29T23:59:59.123000Z");
    for (const char* text : {"2023-02-29T00:00:00Z", "2026-11-20 10:31:07Z", "2026-11-20T10:31:07",
                             "2026-11-20T25:31:07Z", "2026-11-20T10:31:07Zx", ""})
        EXPECT_FALSE(parse_rfc3339(text).ok()) << text;
}

}  // namespace
}  // namespace sluice
