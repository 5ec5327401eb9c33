// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/watching.hpp"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.hpp"
#include "controller/cli/table.hpp"
#include "controller/policy/verbs/standing.hpp"

namespace sluice::cli {
namespace {

using policy::verbs::Standing;
using policy::verbs::standing_of;

constexpr Duration pause_after_trouble = std::chrono::seconds{1};

bool over(const Standing& standing) {
    return standing.phase == "Healthy" || standing.phase == "Degraded";
}

// Follows one Rollout and tells what changes of its standing.
class Follower {
public:
    Follower(const Cluster& cluster, std::string name, bool quiet)
        : cluster_(cluster), name_(std::move(name)), quiet_(quiet) {}

    // The Rollout as it was seen last: over, or out of time.
    Result<Json> follow(Duration timeout) {
        const std::jthread timer([&](const std::stop_token& end) {
            if (timeout == Duration{0}) return;
            wait(timeout, end);
            if (!end.stop_requested()) stop_.request_stop();
        });
        see(TRY(cluster_.client().get(cluster_.rollout(name_))));
        while (!stop_.stop_requested()) {
            const auto watched = cluster_.client().watch(
                resources::rollouts,
                {.ns = cluster_.ns(), .field_selector = "metadata.name=" + name_},
                text_at(rollout_, {"metadata", "resourceVersion"}),
                [&](const kube::WatchEvent& event) { take(event); }, stop_.get_token());
            if (gone_) return not_found(concat("rollout ", name_, " was deleted"));
            if (stop_.stop_requested()) break;
            if (!watched.ok()) wait(pause_after_trouble, stop_.get_token());
            auto again = cluster_.client().get(cluster_.rollout(name_));
            if (again.failed_with(ErrorKind::NotFound)) return again.error();
            if (again.ok()) see(std::move(*again));
        }
        return rollout_;
    }

private:
    static void wait(Duration duration, const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any changed;
        std::unique_lock lock(mutex);
        changed.wait_for(lock, stop, duration, [] { return false; });
    }

    void take(const kube::WatchEvent& event) {
        if (event.type == kube::WatchEventType::Bookmark) return;
        gone_ = event.type == kube::WatchEventType::Deleted;
        if (gone_)
            stop_.request_stop();
        else
            see(event.object);
    }

    void see(Json rollout) {
        rollout_ = std::move(rollout);
        const Standing standing = standing_of(rollout_);
        const std::string text = to_text(standing);
        if (!quiet_ && text != told_) std::cout << text << std::endl;
        told_ = text;
        if (over(standing)) stop_.request_stop();
    }

    const Cluster& cluster_;
    std::string name_;
    bool quiet_;
    std::stop_source stop_;
    Json rollout_;
    std::string told_;
    bool gone_ = false;
};

int code_of(const Standing& standing, bool watched) {
    if (standing.phase == "Degraded") {
        std::cerr << "sluice: the rollout is degraded: " << standing.message << "\n";
        return Failed;
    }
    if (!watched || standing.phase == "Healthy") return Done;
    std::cerr << "sluice: timed out: the rollout is still " << to_text(standing) << "\n";
    return TimedOut;
}

// ---- history ----

std::string images_of(const Json& replica_set) {
    std::vector<std::string> images;
    const Json* containers = find(replica_set, {"spec", "template", "spec", "containers"});
    if (containers && containers->is_array())
        for (const auto& container : *containers) images.push_back(text_at(container, {"image"}));
    return join(images, ",");
}

std::string hash_of(const Json& replica_set) {
    return text_at(replica_set, {"metadata", "labels", "rollouts-pod-template-hash"});
}

bool controlled_by(const Json& object, const std::string& uid) {
    const Json* owners = find(object, {"metadata", "ownerReferences"});
    return owners && owners->is_array() && std::ranges::any_of(*owners, [&](const Json& owner) {
               return text_at(owner, {"uid"}) == uid && bool_at(owner, {"controller"});
           });
}

std::string role_of(const Json& rollout, const std::string& hash) {
    if (text_at(rollout, {"status", "stableRS"}) == hash) return "stable";
    const bool blue_green = find(rollout, {"spec", "strategy", "blueGreen"}) != nullptr;
    if (text_at(rollout, {"status", "currentPodHash"}) == hash)
        return blue_green ? "preview" : "canary";
    return "";
}

// The newest attempt to bring that version to users; null where none is known.
const Json* attempt_at(const std::vector<Json>& deliveries, const std::string& uid,
                       const std::string& hash) {
    const Json* newest = nullptr;
    for (const auto& delivery : deliveries) {
        if (text_at(delivery, {"spec", "rollout", "uid"}) != uid ||
            text_at(delivery, {"spec", "podTemplateHash"}) != hash)
            continue;
        if (!newest || text_at(*newest, {"metadata", "creationTimestamp"}) <=
                           text_at(delivery, {"metadata", "creationTimestamp"}))
            newest = &delivery;
    }
    return newest;
}

Json history_of(const Json& rollout, std::vector<Json> sets, const std::vector<Json>& deliveries) {
    const std::string uid = text_at(rollout, {"metadata", "uid"});
    std::erase_if(sets, [&](const Json& set) { return !controlled_by(set, uid); });
    std::ranges::sort(sets, std::greater<>{}, revision_of);
    Json rows = Json::array();
    for (const auto& set : sets) {
        Json row = {{"revision", revision_of(set)},
                    {"hash", hash_of(set)},
                    {"images", images_of(set)},
                    {"role", role_of(rollout, hash_of(set))},
                    {"created", text_at(set, {"metadata", "creationTimestamp"})},
                    {"outcome", ""},
                    {"commit", ""}};
        if (const Json* attempt = attempt_at(deliveries, uid, hash_of(set))) {
            row["outcome"] = text_at(*attempt, {"status", "phase"});
            row["commit"] = text_at(*attempt, {"spec", "source", "commit"});
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

void print_history(const Json& rows) {
    std::vector<std::vector<std::string>> cells = {
        {"REVISION", "HASH", "IMAGES", "ROLE", "OUTCOME", "COMMIT", "CREATED"}};
    const auto shown = [](const std::string& text) { return text.empty() ? "-" : text; };
    for (const auto& row : rows)
        cells.push_back({std::to_string(integer_at(row, {"revision"})),
                         shown(text_at(row, {"hash"})), shown(text_at(row, {"images"})),
                         shown(text_at(row, {"role"})), shown(text_at(row, {"outcome"})),
                         shown(text_at(row, {"commit"}).substr(0, 10)),
                         shown(text_at(row, {"created"}))});
    print_cells(cells);
}

}  // namespace

int show_status(const GlobalOptions& options, const std::string& name, bool watch,
                Duration timeout) {
    const auto attempt = [&]() -> Result<int> {
        const auto cluster = TRY(Cluster::open(options));
        Json rollout;
        if (watch)
            rollout = TRY(Follower(cluster, name, !options.output.empty()).follow(timeout));
        else
            rollout = TRY(cluster.client().get(cluster.rollout(name)));
        const Standing standing = standing_of(rollout);
        if (!watch || !options.output.empty()) print_object(options, rollout, to_text(standing));
        return code_of(standing, watch);
    };
    const auto outcome = attempt();
    return outcome.ok() ? *outcome : report(outcome.error());
}

int show_history(const GlobalOptions& options, const std::string& name) {
    const auto attempt = [&]() -> Result<int> {
        const auto cluster = TRY(Cluster::open(options));
        const Json rollout = TRY(cluster.client().get(cluster.rollout(name)));
        auto sets = TRY(cluster.client().list(resources::replica_sets, {.ns = cluster.ns()}));
        // A cluster without our definitions has no Deliveries.
        auto deliveries = cluster.client().list(resources::deliveries, {.ns = cluster.ns()});
        if (!deliveries.ok() && !deliveries.failed_with(ErrorKind::NotFound))
            return deliveries.error();
        const Json rows = history_of(rollout, std::move(sets.items),
                                     deliveries.ok() ? deliveries->items : std::vector<Json>{});
        if (options.output.empty())
            print_history(rows);
        else
            print_object(options, rows, "");
        return Done;
    };
    const auto outcome = attempt();
    return outcome.ok() ? *outcome : report(outcome.error());
}

}  // namespace sluice::cli
