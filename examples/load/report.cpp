// SPDX-License-Identifier: Apache-2.0
#include "examples/load/report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace load {
namespace {

constexpr double first_ms = 1.0 / 16;

size_t bucket_of(double ms, size_t count) {
    if (ms <= first_ms) return 0;
    const auto index = static_cast<size_t>(std::ceil(std::log2(ms / first_ms) * 4));
    return std::min(index, count - 1);
}

}  // namespace

void Tally::answered(std::string_view version, int status, std::chrono::nanoseconds took) {
    auto known = versions_.find(version);
    if (known == versions_.end()) known = versions_.try_emplace(std::string(version)).first;
    ++known->second[status];
    const double ms = std::chrono::duration<double, std::milli>(took).count();
    ++latencies_[bucket_of(ms, latencies_.size())];
}

void Tally::add(const Tally& other) {
    sent_ += other.sent_;
    late_ += other.late_;
    for (const auto& [version, statuses] : other.versions_)
        for (const auto& [status, count] : statuses) versions_[version][status] += count;
    for (const auto& [why, count] : other.lost_) lost_[why] += count;
    for (size_t i = 0; i < latencies_.size(); ++i) latencies_[i] += other.latencies_[i];
}

std::uint64_t Tally::answers() const {
    std::uint64_t sum = 0;
    for (const auto& [version, statuses] : versions_)
        for (const auto& [status, count] : statuses) sum += count;
    return sum;
}

std::uint64_t Tally::losses() const {
    std::uint64_t sum = 0;
    for (const auto& [why, count] : lost_) sum += count;
    return sum;
}

double Tally::quantile_ms(double share) const {
    std::uint64_t all = 0;
    for (const auto count : latencies_) all += count;
    std::uint64_t seen = 0;
    for (size_t i = 0; i < latencies_.size(); ++i) {
        seen += latencies_[i];
        if (all > 0 && static_cast<double>(seen) >= share * static_cast<double>(all))
            return first_ms * std::exp2(static_cast<double>(i) / 4);
    }
    return 0;
}

std::string Tally::json(std::string_view head) const {
    nlohmann::json versions = nlohmann::json::object();
    for (const auto& [version, statuses] : versions_)
        for (const auto& [status, count] : statuses)
            versions[version][std::to_string(status)] = count;
    const auto rounded = [&](double share) { return std::round(quantile_ms(share) * 100) / 100; };
    const nlohmann::json body{{"sent", sent_},          {"versions", versions},
                              {"lost", lost_},          {"late", late_},
                              {"p50_ms", rounded(0.5)}, {"p95_ms", rounded(0.95)},
                              {"p99_ms", rounded(0.99)}};
    return "{" + std::string(head) + body.dump().substr(1);
}

}  // namespace load
