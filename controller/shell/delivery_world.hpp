// SPDX-License-Identifier: Apache-2.0
// What the Delivery controller watches, as caches; which Rollout a change concerns; and what a
// decision about one Rollout's Deliveries is made on.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "controller/policy/delivery/decide.hpp"
#include "platform/kube/cache.hpp"

namespace sluice::shell {

// Fed through the caches' sinks. Any thread.
class DeliveryWorld {
public:
    // A Rollout ("namespace/name") is to be looked at. Must not block.
    using Wake = std::function<void(const std::string& rollout)>;
    // A Delivery's outbox is not empty and has changed, or where it goes to has. Must not block.
    using Owes = std::function<void(const crds::Delivery& delivery)>;

    DeliveryWorld(Wake wake, Owes owes);

    kube::Cache<policy::delivery::RolloutView> rollouts{policy::delivery::view_rollout};
    kube::Cache<policy::delivery::RunView> runs{policy::delivery::view_run};
    kube::Cache<policy::delivery::SourceView> sources{policy::delivery::view_source};
    kube::Cache<crds::Delivery> deliveries;

    // Nothing where there is no such Rollout.
    [[nodiscard]] std::optional<policy::delivery::Observation> observe(
        const std::string& rollout) const;
    // The GitSource ("namespace/name") as it is now, without its inventory.
    [[nodiscard]] std::optional<policy::delivery::SourceView> source(const std::string& key) const;

private:
    using Index = std::map<std::string, std::set<std::string>>;

    void delivery_changed(const std::string& key, const crds::Delivery* old,
                          const crds::Delivery* fresh);
    void source_changed(const policy::delivery::SourceView* old,
                        const policy::delivery::SourceView* fresh);
    void run_changed(const std::string& key, const policy::delivery::RunView* old,
                     const policy::delivery::RunView* fresh);
    void index(Index& in, const std::string& owner, const std::string& key, const void* fresh);
    [[nodiscard]] std::set<std::string> indexed(const Index& in, const std::string& owner) const;
    [[nodiscard]] std::optional<policy::delivery::SourceView> source_of(
        const policy::delivery::RolloutView& rollout) const;

    Wake wake_;
    Owes owes_;
    mutable std::mutex mutex_;
    Index by_rollout_;   // Deliveries by "namespace/rollout"; guarded by mutex_
    Index runs_by_uid_;  // AnalysisRuns by their Rollout's uid; guarded by mutex_
};

}  // namespace sluice::shell
