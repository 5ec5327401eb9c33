// SPDX-License-Identifier: Apache-2.0
// What a client saw, counted: one Tally for each stretch of time, and one for all of it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace load {

// A request is lost when no complete answer came, or when the answer did not come from the service:
// it has no x-version header, so a proxy made it up.
class Tally {
public:
    void sent() { ++sent_; }
    void answered(std::string_view version, int status, std::chrono::nanoseconds took);
    void lost(std::string_view why) { ++lost_[std::string(why)]; }
    // Requests that were due and found every connection busy.
    void late(std::uint64_t count) { late_ += count; }
    void add(const Tally& other);

    [[nodiscard]] std::uint64_t answers() const;
    [[nodiscard]] std::uint64_t losses() const;
    // One JSON object: {"sent", "versions": {"v1": {"200": n}}, "lost": {"reset": n}, "late",
    // "p50_ms", "p95_ms", "p99_ms"}, with `head` (JSON members, ending in a comma) in front.
    [[nodiscard]] std::string json(std::string_view head) const;

private:
    [[nodiscard]] double quantile_ms(double share) const;

    std::uint64_t sent_ = 0;
    std::uint64_t late_ = 0;
    std::map<std::string, std::map<int, std::uint64_t>, std::less<>> versions_;
    std::map<std::string, std::uint64_t> lost_;
    // Latencies in powers of 2^(1/4) from 1/16 ms: ends 16 s, within 10 % of the truth.
    std::array<std::uint64_t, 72> latencies_{};
};

}  // namespace load
