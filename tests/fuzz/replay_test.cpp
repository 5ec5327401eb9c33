// SPDX-License-Identifier: Apache-2.0
// Every input of the kept corpus, and every cut of it, with any compiler: what once was found stays
// found. New inputs are found by the fuzzers (docs in CONTRIBUTING.md).
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

size_t replay(const char* folder, void (*target)(std::string_view)) {
    size_t count = 0;
    const auto corpus = std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/fuzz/corpus" / folder;
    for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
        std::ifstream file(entry.path(), std::ios::binary);
        std::stringstream text;
        text << file.rdbuf();
        const std::string bytes = text.str();
        const testing::ScopedTrace trace(entry.path().c_str(), 1, "input");
        target(bytes);
        constexpr size_t most_cuts = 400;
        for (size_t cut = 0; cut < std::min(bytes.size(), most_cuts); ++cut)
            target(std::string_view(bytes).substr(0, cut));
        ++count;
    }
    return count;
}

TEST(FuzzReplay, Conditions) {
    EXPECT_GE(replay("condition", condition), 10U);
}

TEST(FuzzReplay, JsonPaths) {
    EXPECT_GE(replay("json_path", json_path), 5U);
}

TEST(FuzzReplay, Replies) {
    EXPECT_GE(replay("reply", reply), 5U);
}

}  // namespace
}  // namespace sluice::fuzz
