// SPDX-License-Identifier: Apache-2.0
// A good day and the bad ones of every provider.
#pragma once

#include <vector>

#include "analysis/providers/provider.hpp"

namespace sluice::analysis::provider_test {

struct Days {
    const char* provider;
    const char* page;  // of the vendor, where the shape of the replies is described
    const char* config;
    Credentials credentials;
    const char *good, *value;       // a reply, and what the measurement shows
    const char* said_401;           // of "who are you?"
    const char* said_429;           // of "slow down", Retry-After 30
    const char* said_500;           // of "oops"
    const char* said_broken;        // the good reply, broken off in the middle: how it starts
    const char *empty, *of_empty;   // no data
    const char *no_number, *of_it;  // NaN, or what stands for it
};

inline const std::vector<Days>& all_days() {
    static const std::vector<Days> days{
#include "tests/unit/analysis/provider_days.inc"
    };
    return days;
}

}  // namespace sluice::analysis::provider_test
