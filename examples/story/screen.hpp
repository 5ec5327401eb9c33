// SPDX-License-Identifier: Apache-2.0
// What a person sees: lines with the seconds since the start, and on a terminal one more line that
// lives until the next. Elsewhere the living line is printed every two seconds.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "examples/story/counts.hpp"
#include "examples/story/timeline.hpp"

namespace story {

class Screen {
public:
    Screen();

    void heading(std::string_view text);
    void line(std::string_view text);
    void held(std::string_view text);  // a promise that was kept
    void live(const std::string& text);
    void plain(std::string_view text);  // without the time

    [[nodiscard]] sluice::Duration elapsed() const;

private:
    void clear_live();

    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point live_printed_{};
    bool terminal_;
    bool live_shown_ = false;
};

// "20 % asked · 19.8 % seen (2,011 of 10,150) · success-rate 1 (result[0] >= 0.95) 2 measured …"
std::string describe_step(int weight, const Share& share, const AnalysisRun* run);
// "success-rate 1, 1, 1 (result[0] >= 0.95)".
std::string describe_values(const AnalysisRun* run);
std::string one_decimal(double value);

}  // namespace story
