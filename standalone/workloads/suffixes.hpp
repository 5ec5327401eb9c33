// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <random>
#include <string>

namespace sluice::standalone::workloads {

// Random ends of pods' names, as Kubernetes makes them. Any thread.
class NameSuffixes final {
public:
    std::string next() {
        // Kubernetes' own alphabet for generated names: no vowels, so no words.
        constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
        const std::lock_guard lock(mutex_);
        std::string suffix;
        for (int i = 0; i < 5; ++i) suffix += alphabet[random_() % alphabet.size()];
        return suffix;
    }

private:
    std::mutex mutex_;
    std::mt19937_64 random_{std::random_device{}()};  // guarded by mutex_
};

}  // namespace sluice::standalone::workloads
