// SPDX-License-Identifier: Apache-2.0
// The pods of a story, as far as restarts and injected metadata see them.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "controller/policy/rollout/observation.hpp"
#include "crds/injected.hpp"

namespace sluice::policy::rollout::story {

class Pods {
public:
    // As many as the set wants, named by its hash and a number.
    void make(const ReplicaSetSeen& set, TimePoint now) {
        long left = set.spec_replicas;
        std::erase_if(pods_,
                      [&](const auto& pod) { return pod.replica_set == set.name && --left < 0; });
        for (; left > 0; --left) {
            const std::string name = concat(set.hash, "-", ++last_);
            pods_.push_back({.name = name,
                             .replica_set = set.name,
                             .created = now,
                             .marks = marks_of(carried_[name] = templates_[set.name])});
        }
        long ready = set.available_replicas;
        for (auto& pod : pods_)
            if (pod.replica_set == set.name)
                pod.ready_since = ready-- > 0 ? std::optional(pod.created) : std::nullopt;
    }

    // The name of its ReplicaSet; empty where there is no such pod.
    std::string evict(const std::string& name) {
        const auto found = std::ranges::find(pods_, name, &PodSeen::name);
        if (found == pods_.end()) return {};
        const std::string owner = found->replica_set;
        pods_.erase(found);
        return owner;
    }

    void inject(const std::string& replica_set, const crds::PodMetadata& metadata) {
        templates_[replica_set] = metadata;
    }
    void label(const std::vector<std::string>& names, const crds::PodMetadata& metadata) {
        for (auto& pod : pods_)
            if (std::ranges::find(names, pod.name) != names.end())
                pod.marks = marks_of(carried_[pod.name] = metadata);
    }

    [[nodiscard]] const std::vector<PodSeen>& seen() const { return pods_; }
    // What every pod carries of injected metadata: "role=canary".
    [[nodiscard]] std::map<std::string, std::vector<std::string>> carried() const {
        std::map<std::string, std::vector<std::string>> all;
        for (const auto& pod : pods_) {
            auto& texts = all[pod.name];
            const auto& metadata = carried_.at(pod.name);
            for (const auto* map : {&metadata.annotations, &metadata.labels})
                for (const auto& [key, value] : *map) texts.push_back(concat(key, "=", value));
        }
        return all;
    }

private:
    static std::vector<std::uint64_t> marks_of(const crds::PodMetadata& metadata) {
        std::vector<std::uint64_t> marks;
        for (const auto& [key, value] : metadata.labels) marks.push_back(label_mark(key, value));
        for (const auto& [key, value] : metadata.annotations)
            marks.push_back(annotation_mark(key, value));
        std::ranges::sort(marks);
        return marks;
    }

    std::vector<PodSeen> pods_;
    long last_ = 0;
    std::map<std::string, crds::PodMetadata> templates_;  // by ReplicaSet
    std::map<std::string, crds::PodMetadata> carried_;    // by pod
};

}  // namespace sluice::policy::rollout::story
