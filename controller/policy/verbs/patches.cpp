// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/verbs/patches.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "crds/injected.hpp"

namespace sluice::policy::verbs {
namespace {

constexpr std::string_view inconclusive = "InconclusiveAnalysisRun";

long step_count(const Json& rollout) {
    const Json* steps = find(rollout, {"spec", "strategy", "canary", "steps"});
    return steps && steps->is_array() ? static_cast<long>(steps->size()) : 0;
}

bool has_pause_conditions(const Json& rollout) {
    const Json* conditions = find(rollout, {"status", "pauseConditions"});
    return conditions && conditions->is_array() && !conditions->empty();
}

bool paused_inconclusive(const Json& rollout) {
    if (!has_pause_conditions(rollout) || !bool_at(rollout, {"status", "controllerPause"}))
        return false;
    if (text_at(rollout, {"status", "canary", "currentStepAnalysisRunStatus", "status"}) !=
        "Inconclusive")
        return false;
    for (const auto& condition : rollout["status"]["pauseConditions"])
        if (text_at(condition, {"reason"}) == inconclusive) return true;
    return false;
}

long next_step(const Json& rollout) {
    const long steps = step_count(rollout);
    return std::min(steps, integer_at(rollout, {"status", "currentStepIndex"}) + 1);
}

std::optional<Json> status_part(const Json& rollout) {
    if (paused_inconclusive(rollout))
        return Json{{"pauseConditions", nullptr},
                    {"controllerPause", false},
                    {"currentStepIndex", next_step(rollout)}};
    if (has_pause_conditions(rollout)) return Json{{"pauseConditions", nullptr}};
    // Past a step that waits for something else: an analysis, an experiment, a weight.
    if (find(rollout, {"spec", "strategy", "canary"}) && step_count(rollout) > 0 &&
        find(rollout, {"status", "currentStepIndex"}) &&
        integer_at(rollout, {"status", "currentStepIndex"}) < step_count(rollout) &&
        !bool_at(rollout, {"spec", "paused"}))
        return Json{{"pauseConditions", nullptr}, {"currentStepIndex", next_step(rollout)}};
    return std::nullopt;
}

PatchPair pair_of(std::optional<Json> status, std::optional<Json> spec) {
    PatchPair pair;
    Json unified = Json::object();
    if (status) {
        pair.status = Json{{"status", *status}};
        unified["status"] = *status;
    }
    if (spec) {
        pair.spec = Json{{"spec", *spec}};
        unified["spec"] = *spec;
    }
    if (!unified.empty()) pair.unified = std::move(unified);
    return pair;
}

}  // namespace

PatchPair promote(const Json& rollout) {
    std::optional<Json> spec;
    if (bool_at(rollout, {"spec", "paused"})) spec = Json{{"paused", false}};
    return pair_of(status_part(rollout), std::move(spec));
}

PatchPair promote_full(const Json& rollout) {
    std::optional<Json> spec, status;
    if (bool_at(rollout, {"spec", "paused"})) spec = Json{{"paused", false}};
    if (text_at(rollout, {"status", "currentPodHash"}) != text_at(rollout, {"status", "stableRS"}))
        status = Json{{"promoteFull", true}};
    return pair_of(std::move(status), std::move(spec));
}

PatchPair abort() {
    return pair_of(Json{{"abort", true}}, std::nullopt);
}
PatchPair retry() {
    return pair_of(Json{{"abort", false}}, std::nullopt);
}
PatchPair pause() {
    return pair_of(std::nullopt, Json{{"paused", true}});
}
PatchPair resume() {
    return pair_of(std::nullopt, Json{{"paused", false}});
}

PatchPair restart(TimePoint at) {
    return pair_of(std::nullopt, Json{{"restartAt", format_rfc3339(at)}});
}

Result<Json> set_image(const Json& rollout, const std::string& container,
                       const std::string& image) {
    Json patch = Json::array();
    for (const char* list : {"initContainers", "containers"}) {
        const Json* all = find(rollout, {"spec", "template", "spec", list});
        if (!all || !all->is_array()) continue;
        for (size_t i = 0; i < all->size(); ++i) {
            const std::string name = text_at((*all)[i], {"name"});
            if (container != "*" && name != container) continue;
            const std::string path = concat("/spec/template/spec/", list, "/", i);
            // Where the list has changed meanwhile, nothing is written.
            patch.push_back({{"op", "test"}, {"path", path + "/name"}, {"value", name}});
            patch.push_back({{"op", "add"}, {"path", path + "/image"}, {"value", image}});
        }
    }
    if (patch.empty())
        return not_found(concat("unable to find container named \"", container, "\""));
    return patch;
}

Json undo(const Json& replica_set) {
    return Json::array({{{"op", "replace"},
                         {"path", "/spec/template"},
                         {"value", crds::declared_template(replica_set)}}});
}

}  // namespace sluice::policy::verbs
