// SPDX-License-Identifier: Apache-2.0
// `mode: kayenta` of `sluice judge`: samples as JSON lines to Kayenta's classification and score.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "analysis/judge/judge.hpp"
#include "analysis/kayenta/judge.hpp"

namespace sluice::kayenta {

struct Plan {
    Config config;
    double pass = 95, marginal = 75;  // scores
    Precision precision;
    // Seconds between judgements, each over all that was seen; nothing: one at the end, as with
    // Kayenta where analysisIntervalMins is not set.
    std::optional<double> interval;
};

// All of JUDGE.yaml but `canaryConfig`, which may stand in a file of its own: decode_config().
Plan decode_plan(const Field& document);

struct Look {
    double t = 0;
    judge::Verdict verdict = judge::Verdict::Inconclusive;  // of Marginal
    std::vector<Classified> metrics;
    Score score;
};

// One JSON object without a line break. `estimate` is the effect (a ratio of means, or CLES), low
// and high are limits of the shift between the arms, as Kayenta's test has them.
std::string to_json_text(const Look& look);

// Lines {"t": 60, "arm": "canary", "metric": "cpu", "value": 0.61} in order of time; a value that
// is null is a missing point.
class Replay {
public:
    explicit Replay(Plan plan);

    // As judge::Replay: invalid where the line is not as above; the look of an earlier time.
    Result<std::optional<Look>> feed(std::string_view line);
    std::optional<Look> finish();

private:
    [[nodiscard]] Look look(double t) const;

    Plan plan_;
    std::map<std::string, Arms, std::less<>> arms_;
    std::optional<double> last_, next_look_;
    bool pending_ = false;
};

}  // namespace sluice::kayenta
