// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace sluice {
namespace {

TEST(Base64, RoundTripsEveryLength) {
    std::string bytes;
    for (int i = 0; i < 70; ++i) {
        EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
        bytes += static_cast<char>(i * 37);
    }
    EXPECT_EQ(base64_encode("M"), "TQ==");
    EXPECT_EQ(base64_encode("Ma"), "TWE=");
    EXPECT_EQ(base64_decode("T!"), std::nullopt);
}

TEST(Percent, RoundTripsEveryByte) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    EXPECT_EQ(percent_decode(percent_encode(bytes)), bytes);
    EXPECT_EQ(percent_decode("%4"), std::nullopt);
    EXPECT_EQ(percent_decode("%zz"), std::nullopt);
}

TEST(Digest, GivesThePublishedVectors) {
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hmac_sha256_hex("key", "The quick brown fox jumps over the lazy dog"),
              "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
    EXPECT_EQ(fnv1a_32("foobar"), 0xbf9cf968U);
}

TEST(FormatNumber, IsTheShortestThatReadsBack) {
    EXPECT_EQ(format_number(0.95), "0.95");
    EXPECT_EQ(format_number(1), "1");
    EXPECT_EQ(format_number(parse_number("NaN").value()), "NaN");
    EXPECT_EQ(format_number(parse_number("+Inf").value()), "+Inf");
}

}  // namespace
}  // namespace sluice
