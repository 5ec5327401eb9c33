// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/deployment.hpp"

#include <algorithm>
#include <tuple>

#include "base/text.hpp"
#include "standalone/workloads/deployment_sizes.hpp"
#include "standalone/workloads/deployment_status.hpp"

namespace sluice::standalone::workloads {
namespace {

long number_in(const Labels& annotations, const char* key) {
    const auto found = annotations.find(key);
    return found == annotations.end() ? 0
                                      : static_cast<long>(parse_integer(found->second).value_or(0));
}

// One pass over one Deployment.
class DeploymentPass final {
public:
    DeploymentPass(const DeploymentView& deployment, const std::vector<ReplicaSetView>& sets,
                   const std::set<std::string>& busy, TimePoint now)
        : deployment_(deployment), busy_(busy), now_(now) {
        decision_.status = deployment.status;
        claim(sets);
    }

    DeploymentDecision run() {
        if (deployment_.deleting) {
            decision_.adopt.clear();
            return decision_;
        }
        note_pause(decision_.status.conditions, deployment_.paused, now_);
        number_revision();
        if (deployment_.paused || resized())
            resize();
        else if (deployment_.recreate)
            recreate();
        else
            roll();
        finish();
        decision_.status = next_status(deployment_, sets_, decision_.status.conditions, now_);
        decision_.look_again = until_deadline(deployment_, decision_.status, now_);
        if (!deployment_.paused && is_complete(deployment_, decision_.status)) forget_history();
        return decision_;
    }

private:
    void claim(const std::vector<ReplicaSetView>& all) {
        for (const auto& rs : all) {
            const bool fits = matches(deployment_.selector, rs.deployed.labels);
            const auto& controller = rs.deployed.controller;
            const bool ours = controller && controller->uid == deployment_.uid;
            if (ours && !fits && !deployment_.deleting) {
                decision_.release.push_back(rs.name);
                continue;
            }
            if (!ours) {
                if (controller || !fits || rs.deleting) continue;
                decision_.adopt.push_back(rs.name);
            }
            sets_.old.push_back(&rs);
        }
        std::ranges::sort(sets_.old, [](const auto* a, const auto* b) {
            return std::tie(a->deployed.created, a->name) < std::tie(b->deployed.created, b->name);
        });
        const auto current = std::ranges::find_if(sets_.old, [&](const auto* rs) {
            return rs->deployed.template_digest == deployment_.template_digest;
        });
        if (current == sets_.old.end()) return;
        sets_.current = *current;
        sets_.old.erase(current);
    }

    void number_revision() {
        long newest = 0;
        for (const auto* rs : sets_.old)
            newest = std::max(newest, number_in(rs->deployed.annotations, revision_annotation));
        revision_ = newest + 1;
        if (sets_.current) {
            const long has = number_in(sets_.current->deployed.annotations, revision_annotation);
            revision_ = std::max(revision_, has);
            note_found_set(decision_.status.conditions, deployment_, sets_.current->name, now_);
        }
        if (sets_.current && deployment_.revision != std::to_string(revision_))
            decision_.revision = std::to_string(revision_);
    }

    // spec.replicas was changed since the active sets got their sizes.
    [[nodiscard]] bool resized() const {
        return std::ranges::any_of(sets_.all(), [&](const auto* rs) {
            return rs->replicas > 0 && rs->deployed.annotations.contains(desired_annotation) &&
                   number_in(rs->deployed.annotations, desired_annotation) != deployment_.replicas;
        });
    }

    void set_size(const ReplicaSetView& rs, long replicas) { sizes_[rs.name] = replicas; }

    void resize() {
        std::vector<const ReplicaSetView*> active;
        for (const auto* rs : sets_.all())
            if (rs->replicas > 0) active.push_back(rs);
        const ReplicaSetView* only = active.size() == 1 ? active.front() : nullptr;
        if (active.empty())
            only = sets_.current ? sets_.current : (sets_.old.empty() ? nullptr : sets_.old.back());
        if (only) return set_size(*only, deployment_.replicas);
        const auto* current = sets_.current;
        const bool saturated =
            current && current->replicas == deployment_.replicas &&
            current->status.available == deployment_.replicas &&
            number_in(current->deployed.annotations, desired_annotation) == deployment_.replicas;
        if (saturated) {
            for (const auto* rs : sets_.old) set_size(*rs, 0);
        } else if (!deployment_.recreate) {
            sizes_ = proportional_sizes(deployment_, sets_);
        }
    }

    void recreate() {
        bool running = false;
        for (const auto* rs : sets_.old) {
            if (rs->replicas > 0) set_size(*rs, 0);
            running = running || rs->replicas > 0 || busy_.contains(rs->uid);
        }
        if (running) return;
        if (sets_.current)
            set_size(*sets_.current, deployment_.replicas);
        else
            make(deployment_.replicas);
    }

    void roll() {
        const long size = rolling_size(deployment_, sets_);
        if (!sets_.current) return make(size);
        set_size(*sets_.current, size);
        // What has just been asked to grow is looked at again before anything shrinks.
        if (size <= sets_.current->replicas) sizes_.merge(shrink_old_sets(deployment_, sets_));
    }

    [[nodiscard]] Labels size_annotations() const {
        return {{desired_annotation, std::to_string(deployment_.replicas)},
                {max_annotation, std::to_string(deployment_.replicas + deployment_.max_surge)}};
    }

    void make(long replicas) {
        ReplicaSetChange change{concat(deployment_.name, "-", deployment_.template_hash), replicas,
                                deployment_.copied_annotations};
        change.annotations.merge(size_annotations());
        change.annotations[revision_annotation] = std::to_string(revision_);
        note_new_set(decision_.status.conditions, deployment_, change.name, now_);
        decision_.create = std::move(change);
        if (deployment_.revision != std::to_string(revision_))
            decision_.revision = std::to_string(revision_);
    }

    // What is asked of the sets beside their sizes, and only what is not so already.
    void finish() {
        for (const auto* rs : sets_.all()) {
            const auto size = sizes_.find(rs->name);
            const long replicas = size == sizes_.end() ? rs->replicas : size->second;
            Labels wanted;
            if (replicas != rs->replicas || rs->replicas > 0) wanted = size_annotations();
            if (rs == sets_.current) {
                for (const auto& [key, value] : deployment_.copied_annotations) wanted[key] = value;
                add_revision(*rs, wanted);
            }
            std::erase_if(wanted, [&](const auto& pair) {
                const auto has = rs->deployed.annotations.find(pair.first);
                return has != rs->deployed.annotations.end() && has->second == pair.second;
            });
            const bool slower = rs == sets_.current && rs->min_ready != deployment_.min_ready;
            if (replicas != rs->replicas || !wanted.empty() || slower)
                decision_.change.push_back({rs->name, replicas, std::move(wanted)});
        }
    }

    void add_revision(const ReplicaSetView& rs, Labels& wanted) const {
        const auto has = rs.deployed.annotations.find(revision_annotation);
        wanted[revision_annotation] = std::to_string(revision_);
        if (has == rs.deployed.annotations.end() || has->second == wanted[revision_annotation])
            return;
        const auto history = rs.deployed.annotations.find(revision_history_annotation);
        wanted[revision_history_annotation] =
            history == rs.deployed.annotations.end() || history->second.empty()
                ? has->second
                : concat(history->second, ",", has->second);
    }

    void forget_history() {
        std::vector<const ReplicaSetView*> alive;
        for (const auto* rs : sets_.old)
            if (!rs->deleting) alive.push_back(rs);
        std::ranges::stable_sort(alive, {}, [](const auto* rs) {
            return number_in(rs->deployed.annotations, revision_annotation);
        });
        const long surplus = static_cast<long>(alive.size()) - deployment_.history_limit;
        for (long i = 0; i < surplus; ++i) {
            const auto& rs = *alive[static_cast<size_t>(i)];
            if (rs.replicas == 0 && rs.status.replicas == 0 &&
                rs.status.observed_generation >= rs.generation)
                decision_.remove.push_back(rs.name);
        }
    }

    const DeploymentView& deployment_;
    const std::set<std::string>& busy_;
    TimePoint now_;
    DeployedSets sets_;
    Sizes sizes_;
    long revision_ = 1;
    DeploymentDecision decision_;
};

}  // namespace

DeploymentDecision decide_deployment(const DeploymentView& deployment,
                                     const std::vector<ReplicaSetView>& sets,
                                     const std::set<std::string>& busy, TimePoint now) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    return DeploymentPass(deployment, sets, busy, seconds).run();
}

}  // namespace sluice::standalone::workloads
