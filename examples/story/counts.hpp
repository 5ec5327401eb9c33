// SPDX-License-Identifier: Apache-2.0
// What clients really saw, in stretches of about 100 ms as the load client reports them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace story {

struct Stretch {
    sluice::TimePoint from;
    sluice::TimePoint to;
    std::map<std::string, std::uint64_t> answers;  // by the x-version header
    std::map<std::string, std::uint64_t> lost;     // by what happened
};

// One line of the load client. Nothing for its last line, the summary.
sluice::Result<std::optional<Stretch>> read_stretch(std::string_view line);

struct Share {
    std::uint64_t of = 0;   // answers of that version
    std::uint64_t all = 0;  // answers
    [[nodiscard]] double percent() const {
        return all == 0 ? 0 : 100.0 * static_cast<double>(of) / static_cast<double>(all);
    }
    bool operator==(const Share&) const = default;
};

class Counts {
public:
    void add(Stretch stretch) { stretches_.push_back(std::move(stretch)); }

    // Over the stretches that lie wholly between the two instants.
    [[nodiscard]] Share share(const std::string& version, sluice::TimePoint from,
                              sluice::TimePoint to) const;
    // The end of the last stretch in which that version answered.
    [[nodiscard]] std::optional<sluice::TimePoint> last_answer(const std::string& version) const;
    [[nodiscard]] std::uint64_t answers() const;
    // "3 reset, 1 timeout", or "" where nothing is lost.
    [[nodiscard]] std::string losses() const;
    // Until when there are counts.
    [[nodiscard]] sluice::TimePoint until() const {
        return stretches_.empty() ? sluice::TimePoint{} : stretches_.back().to;
    }

private:
    std::vector<Stretch> stretches_;  // in order
};

}  // namespace story
