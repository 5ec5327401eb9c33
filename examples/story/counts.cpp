// SPDX-License-Identifier: Apache-2.0
#include "examples/story/counts.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"

namespace story {

using sluice::Json;
using sluice::Result;
using sluice::TimePoint;

Result<std::optional<Stretch>> read_stretch(std::string_view line) {
    const Json object = TRY(sluice::parse_json(line));
    if (sluice::bool_at(object, {"summary"})) return std::optional<Stretch>{};
    Stretch stretch;
    stretch.from = TimePoint{sluice::Duration{sluice::integer_at(object, {"from_ms"})}};
    stretch.to = TimePoint{sluice::Duration{sluice::integer_at(object, {"to_ms"})}};
    if (const Json* versions = sluice::find(object, {"versions"}))
        for (const auto& [version, statuses] : versions->items())
            for (const auto& [status, count] : statuses.items())
                stretch.answers[version] += count.get<std::uint64_t>();
    if (const Json* lost = sluice::find(object, {"lost"}))
        for (const auto& [why, count] : lost->items())
            stretch.lost[why] += count.get<std::uint64_t>();
    return std::optional{std::move(stretch)};
}

Share Counts::share(const std::string& version, TimePoint from, TimePoint to) const {
    Share share;
    for (const auto& stretch : stretches_) {
        if (stretch.from < from || stretch.to > to) continue;
        for (const auto& [name, count] : stretch.answers) {
            share.all += count;
            if (name == version) share.of += count;
        }
    }
    return share;
}

std::optional<TimePoint> Counts::last_answer(const std::string& version) const {
    for (auto stretch = stretches_.rbegin(); stretch != stretches_.rend(); ++stretch)
        if (stretch->answers.contains(version)) return stretch->to;
    return {};
}

std::uint64_t Counts::answers() const {
    std::uint64_t sum = 0;
    for (const auto& stretch : stretches_)
        for (const auto& [version, count] : stretch.answers) sum += count;
    return sum;
}

std::string Counts::losses() const {
    std::map<std::string, std::uint64_t> sum;
    for (const auto& stretch : stretches_)
        for (const auto& [why, count] : stretch.lost) sum[why] += count;
    std::vector<std::string> parts;
    for (const auto& [why, count] : sum) parts.push_back(sluice::concat(count, " ", why));
    return sluice::join(parts, ", ");
}

}  // namespace story
