// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <iostream>
#include <mutex>

#include "base/text.hpp"

namespace bench {

void row(std::string_view figure, std::string_view bound, std::string_view measured,
         std::string_view how) {
    std::cout << "| " << figure << " | " << (bound.empty() ? "—" : bound) << " | " << measured
              << " | " << how << " |" << std::endl;
}

std::string fixed(double number, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, number);
    return text.data();
}

std::string spread(std::vector<double> values) {
    if (values.empty()) return "none";
    std::sort(values.begin(), values.end());
    const size_t middle = values.size() / 2;
    const double median =
        values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return sluice::concat("median ", fixed(median, 0), ", worst ", fixed(values.back(), 0), " (",
                          values.size(), values.size() == 1 ? " run)" : " runs)");
}

void let_pass(sluice::Duration time) {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, time, [] { return false; });
}

}  // namespace bench
