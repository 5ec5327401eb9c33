// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/verdicts.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace chaos {
namespace {

using sluice::concat;
using sluice::TimePoint;
using story::broken;

constexpr std::uint64_t requests_to_judge_by = 400;
// The proxy follows the route within that, where it is not just being killed; lower is never wrong.
constexpr std::chrono::milliseconds margin{200};

std::string listed(const std::vector<int>& weights) {
    std::vector<std::string> texts;
    for (const int weight : weights) texts.push_back(std::to_string(weight));
    return sluice::join(texts, ", ");
}

// "Sluice-Op-Id: …" of a commit's trailers.
std::string op_id_of(const std::string& message) {
    const std::string key = "\nSluice-Op-Id: ";
    const auto at = message.rfind(key);
    if (at == std::string::npos) return {};
    const auto from = at + key.size();
    return message.substr(from, message.find('\n', from) - from);
}

}  // namespace

Result<void> check_weights(const std::vector<story::WeightChange>& changes, TimePoint from,
                           TimePoint to, const std::vector<int>& allowed) {
    std::vector<int> seen;
    for (const auto& change : changes)
        if (change.at >= from && change.at < to) seen.push_back(change.canary);
    int highest = 0;
    bool ended = false;
    for (const int weight : seen) {
        if (weight != 0 && std::find(allowed.begin(), allowed.end(), weight) == allowed.end())
            return broken("weights", concat("a weight of ", weight, " % is no step's: the route ",
                                            "told ", listed(seen)));
        const bool back = weight < highest && weight != 0;
        if (back || (ended && weight != 0))
            return broken("weights", concat("they went back and forth: ", listed(seen)));
        if (weight == 0 && highest > 0) ended = true;
        highest = std::max(highest, weight);
    }
    return {};
}

Result<void> check_records(const std::vector<Json>& records, const std::string& commit,
                           const std::vector<std::string>& kinds, const std::vector<int>& weights) {
    std::map<std::string, int> found;
    for (const auto& record : records) {
        if (sluice::text_at(record, {"source", "commit"}) != commit) continue;
        std::string what = sluice::text_at(record, {"kind"});
        const Json* steps = sluice::find(record, {"steps"});
        if (what == "step")
            what = concat("step at ", steps && !steps->empty()
                                          ? sluice::integer_at(steps->back(), {"weight"}, -1)
                                          : -1);
        ++found[what];
    }
    std::map<std::string, int> wanted;
    for (const auto& kind : kinds) wanted[kind] = 1;
    for (const int weight : weights) wanted[concat("step at ", weight)] = 1;
    if (found == wanted) return {};
    std::vector<std::string> texts;
    for (const auto& [what, count] : found) texts.push_back(concat(count, " × ", what));
    return broken("records", concat("of ", commit.substr(0, 8), " there must be one of each of ",
                                    sluice::join(kinds, ", "), " and steps ", listed(weights),
                                    ", and there are ", sluice::join(texts, ", ")));
}

Result<void> check_op_ids(const std::vector<story::Commit>& commits) {
    std::map<std::string, std::string> first;
    for (const auto& commit : commits) {
        const auto id = op_id_of(commit.message);
        if (id.empty()) continue;
        const auto [known, fresh] = first.try_emplace(id, commit.id);
        if (!fresh)
            return broken("op-ids", concat("operation ", id, " was committed twice, as ",
                                           known->second, " and ", commit.id));
    }
    return {};
}

Result<void> check_shares(const story::Counts& counts, const std::string& version,
                          const std::vector<story::WeightChange>& changes, TimePoint from,
                          TimePoint to, double tolerance) {
    for (size_t i = 0; i < changes.size(); ++i) {
        const auto& change = changes[i];
        if (change.at < from || change.at >= to) continue;
        const auto until = i + 1 < changes.size() ? std::min(changes[i + 1].at, to) : to;
        const auto share = counts.share(version, change.at, until - margin);
        // A falling weight is followed when Sluice lives again: only what rises is judged.
        const bool fell = i > 0 && changes[i - 1].canary > change.canary;
        if (fell || share.all < requests_to_judge_by) continue;
        if (share.percent() > change.canary + tolerance)
            return broken("share", concat("at ", change.canary, " % clients saw ", share.of, " of ",
                                          share.all, " answers of ", version));
    }
    return {};
}

}  // namespace chaos
