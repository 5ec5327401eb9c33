// SPDX-License-Identifier: Apache-2.0
// The seed's will: splitmix64, so that one seed gives one world on every machine and library.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace sluice::sim {

class Chance {
public:
    explicit Chance(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }
    // 0..count-1; count > 0.
    long below(long count) { return static_cast<long>(next() % static_cast<std::uint64_t>(count)); }
    long between(long least, long most) { return least + below(most - least + 1); }
    bool permille(long rate) { return below(1000) < rate; }
    Duration between(Duration least, Duration most) {
        return Duration{between(static_cast<long>(least.count()), static_cast<long>(most.count()))};
    }
    template <class T>
    const T& of(const std::vector<T>& all) {
        return all[static_cast<size_t>(below(static_cast<long>(all.size())))];
    }
    // Another stream, so that one part's draws do not shift another's.
    Chance split() { return Chance(next()); }

private:
    std::uint64_t state_;
};

}  // namespace sluice::sim
