// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "base/text.hpp"
#include "tests/sim/simulation.hpp"

namespace sluice::sim {
namespace {

std::optional<long> number_in(const char* variable) {
    const char* text = std::getenv(variable);
    return text ? parse_integer(text) : std::nullopt;
}

#ifdef __OPTIMIZE__
constexpr long seeds_a_push = 2000;
#else
constexpr long seeds_a_push = 100;  // without optimisation each takes several times as long
#endif

std::string first_of(const Outcome& outcome) {
    return outcome.broken.empty() ? "" : outcome.broken.front();
}

constexpr long shards = 4;  // so that ctest can run them beside each other

void add(Outcome& all, const Outcome& one) {
    all.crashes += one.crashes;
    all.refused += one.refused;
    all.unanswered += one.unanswered;
    all.versions += one.versions;
    all.promoted += one.promoted;
    all.rolled_back += one.rolled_back;
    all.reverts += one.reverts;
    all.pairs += one.pairs;
    all.jumps += one.jumps;
    all.outages += one.outages;
}

class World : public testing::TestWithParam<long> {};

TEST_P(World, HoldsItsInvariants) {
    const auto one = number_in("SLUICE_SEED");
    const long from = one.value_or(number_in("SLUICE_FROM").value_or(1));
    const long count = one ? 1 : number_in("SLUICE_SEEDS").value_or(seeds_a_push);
    Outcome all;
    long seeds = 0;
    int failed = 0;
    for (long seed = from + GetParam(); seed < from + count && failed < 20; seed += shards) {
        const auto outcome = simulate(static_cast<std::uint64_t>(seed));
        EXPECT_EQ(first_of(outcome), "")
            << "replay with a trace: SLUICE_SEED=" << seed << " sim_test --gtest_filter='Replay.*'";
        failed += !outcome.broken.empty();
        add(all, outcome);
        ++seeds;
    }
    std::cout << seeds << " seeds: " << all.versions << " versions, " << all.promoted
              << " promoted, " << all.rolled_back << " rolled back, " << all.reverts << " reverts, "
              << all.crashes << " crashes, " << all.refused << " refused, " << all.unanswered
              << " unanswered, " << all.pairs << " with two controllers, " << all.jumps
              << " clocks set, " << all.outages << " outages of writes\n";
    // A world in which nothing happens proves nothing.
    if (seeds < 100) return;
    EXPECT_GT(all.promoted, seeds);
    EXPECT_GT(all.rolled_back, seeds / 10);
    EXPECT_GT(all.reverts, seeds / 10);
    EXPECT_GT(all.crashes, seeds / 2);
    EXPECT_GT(all.pairs, seeds / 10);
    EXPECT_GT(all.jumps, seeds / 10);
    EXPECT_GT(all.outages, seeds / 50);
}

INSTANTIATE_TEST_SUITE_P(Shard, World, testing::Range(0L, shards));

// With SLUICE_SEED that one, with a trace.
TEST(Replay, OfASeedIsTheSame) {
    const auto asked = number_in("SLUICE_SEED");
    const auto seed = static_cast<std::uint64_t>(asked.value_or(7));
    const auto first = simulate(seed, Plant::None, asked.has_value());
    EXPECT_EQ(join(first.broken, "\n"), "") << "seed " << seed << " " << first.shape;
    EXPECT_EQ(first.history, simulate(seed).history);
    EXPECT_NE(first.history, simulate(seed + 1).history);
}

// Seeds that once broke something, with what it was.
struct Row {
    std::uint64_t seed;
    const char* was;
};
class OnceBroken : public testing::TestWithParam<Row> {};

TEST_P(OnceBroken, HoldsNow) {
    EXPECT_EQ(first_of(simulate(GetParam().seed)), "") << GetParam().was;
}

INSTANTIATE_TEST_SUITE_P(
    Seeds, OnceBroken,
    testing::Values(
        Row{56, "an old ReplicaSet without pods stopped the progress deadline for ever"},
        Row{138, "a superseded canary kept its weight: dynamicStableScale did not make room"},
        Row{665, "pods that a Service still selects stopped the progress deadline for ever"}),
    [](const auto& test) { return concat("Seed", test.param.seed); });

// A planted bug is found by some seed, for its own reason, and only because it is there.
struct Bug {
    Plant plant;
    const char* reason;   // part of the invariant's text
    std::uint64_t first;  // where the search begins: near one that finds it, to save time
};
class Planted : public testing::TestWithParam<Bug> {};

TEST_P(Planted, IsFoundWithinAThousandSeeds) {
    const auto [plant, reason, first] = GetParam();
    for (std::uint64_t tries = 0; tries < 1000; ++tries) {
        const auto seed = (first - 1 + tries) % 1000 + 1;
        const auto outcome = simulate(seed, plant);
        if (outcome.broken.empty()) continue;
        const auto found = join(outcome.broken, "\n");
        std::cout << to_text(plant) << ": seed " << seed << ": " << found << '\n';
        EXPECT_NE(found.find(reason), std::string::npos) << found;
        EXPECT_EQ(first_of(simulate(seed)), "") << "without the plant, seed " << seed;
        return;
    }
    FAIL() << to_text(plant) << " was not found";
}

INSTANTIATE_TEST_SUITE_P(
    Bugs, Planted,
    testing::Values(Bug{Plant::RouteBeforeReady, "raised on pods that are not available", 1},
                    Bug{Plant::SkipWeightCheck, "passed before its weight was in force", 16},
                    Bug{Plant::RecordBeforeAct, "recorded that was never in force", 1},
                    Bug{Plant::DoubleRevert, "reverted 2 times", 1},
                    Bug{Plant::ScaleBeforeVerify, "below what their traffic needs", 1}),
    [](const auto& test) {
        std::string name;
        bool word = true;
        for (const char letter : std::string(to_text(test.param.plant))) {
            if (letter != ' ') name += word ? static_cast<char>(std::toupper(letter)) : letter;
            word = letter == ' ';
        }
        return name;
    });

}  // namespace
}  // namespace sluice::sim
