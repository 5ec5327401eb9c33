// SPDX-License-Identifier: Apache-2.0
// Samples as JSON lines, in order of time, to a look a time: `sluice judge` without its files.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/judge/judge.hpp"

namespace sluice::judge {

struct Look {
    double t = 0;
    Verdict verdict = Verdict::Inconclusive;
    std::vector<MetricVerdict> metrics;
    bool operator==(const Look&) const = default;
};

// One JSON object without a line break.
std::string to_json_text(const Look& look);

// One line of input:
//   {"t": 60, "arm": "canary", "metric": "errors", "total": 600, "bad": 3}
//   {"t": 60, "arm": "baseline", "metric": "latency", "histogram": {"0.1": 410, "+Inf": 600}}
//   {"t": 60, "arm": "canary", "metric": "cpu", "value": 0.61}
//   {"t": 300, "weight": 20}
// A bucket ends at t and is 60 s long unless "seconds" says otherwise. Samples of metrics that the
// plan does not name are passed over.
class Replay {
public:
    explicit Replay(Plan plan);

    // Invalid where the line is not as above, or not in order of time; it then counts for nothing.
    // The look of an earlier time, once a line of a later time shows that it is whole.
    Result<std::optional<Look>> feed(std::string_view line);
    // The look of the last time.
    std::optional<Look> finish();

private:
    struct Series {
        std::vector<ArmBucket> baseline, canary;
    };
    struct SampleLine {
        std::vector<ArmBucket>* buckets = nullptr;  // where it belongs; null: nowhere
        ArmBucket bucket;
    };
    Result<SampleLine> read_sample(const Json& object, double t);
    std::optional<Look> look_before(double t);
    Look look();

    Plan plan_;
    std::map<std::string, Series, std::less<>> series_;
    std::vector<double> changes_;
    std::optional<double> weight_, first_start_;
    std::optional<double> last_;  // the time of the last line
    bool pending_ = false;        // samples of `last_` that no look has seen
};

}  // namespace sluice::judge
