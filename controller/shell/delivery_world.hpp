// SPDX-License-Identifier: Apache-2.0
// What the Delivery controller reads of the caches; which Rollout a change concerns; and what a
// decision about one Rollout's Deliveries is made on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controller/policy/delivery/decide.hpp"
#include "controller/shell/caches.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

// Any thread.
class DeliveryWorld {
public:
    // A Rollout ("namespace/name") is to be looked at. Must not block.
    using Wake = std::function<void(const std::string& rollout)>;
    // A Delivery's outbox is not empty and has changed, or where it goes to has. Must not block.
    using Owes = std::function<void(const crds::Delivery& delivery)>;

    // Made before the caches are started.
    DeliveryWorld(Caches& caches, Wake wake, Owes owes);

    // What must have been listed before anything is decided.
    static std::vector<ResourceType> kinds();

    kube::RowView<policy::delivery::RolloutView> rollouts;
    kube::RowView<policy::delivery::RunView> runs;

    // Nothing where there is no such Rollout. What decide() may still ask of finished runs is read
    // from the server, once for each; an error of the server is one of this.
    [[nodiscard]] Result<std::optional<policy::delivery::Observation>> observe(
        const kube::Client& client, const std::string& rollout);
    // The decision on it. Where that changes a Delivery of which the caches hold an extract, it is
    // made on the whole one.
    [[nodiscard]] Result<policy::delivery::Decision> decide(const kube::Client& client,
                                                            policy::delivery::Observation seen,
                                                            const policy::delivery::Identity& who,
                                                            TimePoint now) const;
    // Those that owe Git something.
    [[nodiscard]] std::vector<crds::Delivery> owing() const;
    // The GitSource ("namespace/name") as it is now, without its inventory.
    [[nodiscard]] std::optional<policy::delivery::SourceView> source(const std::string& key) const;

private:
    using Evidence = std::map<std::string, std::vector<policy::delivery::MetricView>>;  // by uid

    using SourcePointer = std::shared_ptr<const policy::delivery::SourceView>;

    void delivery_changed(const kube::Row* old, const kube::Row* fresh);
    void source_changed(const std::string& key, const kube::Row* fresh);
    [[nodiscard]] SourcePointer find_source(const std::string& key) const;
    void run_changed(const policy::delivery::RunView* old, const policy::delivery::RunView* fresh);
    [[nodiscard]] std::optional<policy::delivery::SourceView> source_of(
        const policy::delivery::RolloutView& rollout) const;
    Result<void> recall_evidence(const kube::Client& client, const std::string& rollout,
                                 policy::delivery::Observation& seen);
    Result<std::optional<std::vector<policy::delivery::MetricView>>> evidence_of(
        const kube::Client& client, const std::string& rollout,
        const policy::delivery::RunView& run);

    Caches& caches_;
    Wake wake_;
    Owes owes_;
    mutable std::mutex mutex_;
    // The metrics of finished runs, of Rollouts whose Delivery is not recorded yet; guarded by
    // mutex_.
    std::map<std::string, Evidence> evidence_;
    // GitSources are few, and an inventory takes long to read; guarded by mutex_.
    std::map<std::string, SourcePointer> sources_;
};

}  // namespace sluice::shell
