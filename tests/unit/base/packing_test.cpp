// SPDX-License-Identifier: Apache-2.0
#include "base/packing.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sluice {
namespace {

TEST(Packing, EveryTextComesBackAsItWas) {
    for (const char* text :
         {"", "a", "abcd", "abcde", "ABCD", "00", "0", "7", "007", "1000000", "9223372036854775807",
          "18446744073709551616", "6b7d9c8f5d", "7ad1d2a4-1111-4222-8333-0123456789ab",
          "7AD1d2a4-1111-4222-8333-0123456789ab", "7ad1d2a4-1111-4222-8333-0123456789a",
          "some words that are longer than a hundred and twenty-eight bytes, so that their length "
          "takes two bytes of the number before them"}) {
        Packer packer;
        packer.text(text);
        packer.integer(-5);
        const auto bytes = packer.take();
        Unpacker unpacker(bytes);
        EXPECT_EQ(unpacker.text(), text);
        EXPECT_EQ(unpacker.integer(), -5) << text;
    }
}

TEST(Packing, ADigestTakesHalfItsLength) {
    Packer packer;
    packer.text(std::string(64, 'd'));
    EXPECT_EQ(packer.take().size(), 34U);
    Packer uuid;
    uuid.text("7ad1d2a4-1111-4222-8333-0123456789ab");
    EXPECT_EQ(uuid.take().size(), 17U);
}

TEST(Packing, NumbersTimesAndMapsComeBack) {
    using namespace std::chrono_literals;
    const TimePoint when{Duration{1'800'000'000'123}};
    const long least = std::numeric_limits<long>::min();
    Packer packer;
    packer.integer(least);
    packer.integer(std::numeric_limits<long>::max());
    packer.time(when);
    packer.time(TimePoint{1'800'000'000s});
    packer.time(TimePoint{-1ms});
    packer.optional(std::optional<long>{});
    packer.optional(std::optional(when));
    packer.map({{"app", "shop"}, {"tier", ""}});
    packer.rest("the rest");
    const auto bytes = packer.take();
    Unpacker unpacker(bytes);
    EXPECT_EQ(unpacker.integer(), least);
    EXPECT_EQ(unpacker.integer(), std::numeric_limits<long>::max());
    EXPECT_EQ(unpacker.time(), when);
    EXPECT_EQ(unpacker.time(), TimePoint{1'800'000'000s});
    EXPECT_EQ(unpacker.time(), TimePoint{-1ms});
    EXPECT_FALSE(unpacker.optional_integer());
    EXPECT_EQ(unpacker.optional_time(), when);
    EXPECT_EQ(unpacker.map(), (std::map<std::string, std::string>{{"app", "shop"}, {"tier", ""}}));
    EXPECT_EQ(unpacker.rest(), "the rest");
}

}  // namespace
}  // namespace sluice
