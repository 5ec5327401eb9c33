// SPDX-License-Identifier: Apache-2.0
// What the verbs write: exactly the patches that `kubectl argo rollouts` sends
// (argo-rollouts.md 1.9), as values. All are merge patches unless said otherwise.
#pragma once

#include <optional>

#include "base/json_value.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::policy::verbs {

// The status part goes to the status subresource first, then the spec part to the object. Where the
// server has no such subresource, `unified` goes to the object alone.
struct PatchPair {
    std::optional<Json> status;
    std::optional<Json> spec;
    std::optional<Json> unified;
};

// One step on, or past a pause. Nothing to send where the Rollout waits for nothing.
PatchPair promote(const Json& rollout);
// Straight to the end, past pauses, steps and analysis.
PatchPair promote_full(const Json& rollout);
PatchPair abort();
PatchPair retry();
PatchPair pause();
// Lifts spec.paused alone; a pause step is passed with promote.
PatchPair resume();

// Replaces every pod older than `at`, a few at a time.
PatchPair restart(TimePoint at);

// A JSON patch (RFC 6902): that image for every container of that name ("*": for all), init
// containers too. NotFound where there is none.
Result<Json> set_image(const Json& rollout, const std::string& container, const std::string& image);

// A JSON patch (RFC 6902): the pod template of that ReplicaSet as it was declared.
Json undo(const Json& replica_set);

}  // namespace sluice::policy::verbs
