// SPDX-License-Identifier: Apache-2.0
// What a look over many metrics costs in processor time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace judge_bench {

struct Cost {
    std::string name;
    double verdict = 0, explained = 0;  // milliseconds a look over 20 metrics of 60 buckets, median
};

std::vector<Cost> costs_of_a_look(std::uint64_t seed);

}  // namespace judge_bench
