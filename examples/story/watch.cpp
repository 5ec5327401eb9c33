// SPDX-License-Identifier: Apache-2.0
#include "examples/story/watch.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "platform/clock.hpp"

namespace story {

using sluice::Json;
using sluice::ResourceType;
using sluice::TimePoint;
using sluice::kube::Informer;
using sluice::kube::InformerSink;
using sluice::kube::ListOptions;
using sluice::kube::WatchEvent;
using sluice::kube::WatchEventType;

namespace resources = sluice::resources;

Watch::Watch(const sluice::kube::Client& client, Router router, Timeline& timeline,
             sluice::Log& log) {
    using Take = std::function<void(const Json&, bool gone, TimePoint)>;
    const auto follow = [&](const ResourceType& type, const Take& take) {
        InformerSink sink;
        sink.on_item = [take](const Json& item) { take(item, false, sluice::SystemClock{}.now()); };
        sink.on_event = [take](const WatchEvent& event) {
            if (event.type == WatchEventType::Bookmark) return;
            take(event.object, event.type == WatchEventType::Deleted, sluice::SystemClock{}.now());
        };
        informers_.push_back(
            std::make_unique<Informer>(client, type, ListOptions{"shop", "", ""}, sink, log));
    };
    follow(resources::rollouts,
           [&](const Json& object, bool, TimePoint) { timeline.rollout(object); });
    follow(resources::analysis_runs,
           [&](const Json& object, bool, TimePoint now) { timeline.analysis_run(object, now); });
    follow(resources::deliveries,
           [&](const Json& object, bool, TimePoint now) { timeline.delivery(object, now); });
    follow(resources::replica_sets, [&](const Json& object, bool gone, TimePoint now) {
        if (!gone) timeline.born("ReplicaSet", object, now);
    });
    follow(
        router == Router::Nginx ? resources::ingresses : resources::virtual_services,
        [&](const Json& object, bool gone, TimePoint now) { timeline.route(object, gone, now); });
}

bool Watch::synced() const {
    return std::all_of(informers_.begin(), informers_.end(),
                       [](const auto& informer) { return informer->synced(); });
}

}  // namespace story
