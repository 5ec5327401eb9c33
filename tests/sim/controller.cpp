// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/controller.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "controller/shell/git_source_decoders.hpp"
#include "crds/pod_template.hpp"

namespace sluice::sim {
namespace {

void sooner(std::optional<TimePoint>& best, const std::optional<TimePoint>& other) {
    if (other && (!best || *other < *best)) best = other;
}

}  // namespace

void Measuring::submit(http::AsyncRequest request, OnAnswer on_answer) {
    const Duration longest = request.request.deadline;
    Duration late = stage_.chance.between(5ms, 300ms);
    if (mood == Mood::Slow) late += stage_.chance.between(Duration{0}, longest * 2);
    if (late >= longest)
        return stage_.after(longest, [call = std::move(on_answer)] {
            call(Error{ErrorKind::Timeout, "prometheus: no answer"});
        });
    stage_.after(late, [this, url = request.request.url, body = request.request.body,
                        call = std::move(on_answer)] { call(answer(url + body)); });
}

std::string Measuring::measured(const std::string& url) {
    std::string value = "1";
    for (const auto& [key, set] : journals_.of(resources::replica_sets).live()) {
        const auto hash = text_at(set, {"metadata", "labels", crds::pod_template_hash_label});
        if (hash.empty() || url.find(hash) == std::string::npos) continue;
        const int version = version_of(*find(set, {"spec", "template"}));
        if (quality_of(seed_, version).fails_analysis) value = "0.5";
    }
    return value;
}

Result<HttpResponse> Measuring::answer(const std::string& url) {
    if (mood == Mood::Away || stage_.chance.permille(faults_.rates.refuse))
        return Error{ErrorKind::Unavailable, "prometheus is away"};
    if (mood == Mood::Broken) return HttpResponse{500, {}, R"({"status":"err)"};
    std::string series;
    if (mood != Mood::Empty)
        series = concat(R"({"metric":{},"value":[1,")", mood == Mood::NaN ? "NaN" : measured(url),
                        R"("]})");
    return HttpResponse{
        200,
        {},
        concat(R"({"status":"success","data":{"resultType":"vector","result":[)", series, "]}}")};
}

Controller::Controller(Parts parts)
    : parts_(parts),
      transport_(parts.stage, parts.faults, parts.number),
      client_(transport_, "sluice"),
      rollouts_(
          {.decide = planted_decide(parts.plant)}, caches_, client_, client_,
          [](const shell::Event&) {}, parts.clock, parts.stage.trace),
      runs_({.caches = caches_,
             .client = client_,
             .http = parts.measuring,
             .clock = parts.clock,
             .log = parts.stage.trace,
             .events = {}},
            {}),
      sources_(
          {.data_dir = {},
           .decoders = shell::manifest_decoders(),
           .open = [this](const crds::GitSource&) { return open(); },
           .jitter_seed = static_cast<unsigned>(parts.number)},
          caches_, client_, [](const shell::Event&) {}, parts.clock, parts.stage.trace),
      deliveries_(
          {.cluster_id = "cluster",
           .version = "sim",
           .instance = concat("sim-", parts.number),
           .writers = {.stepped_by = &parts.stage.clock}},
          caches_, client_, [this](const std::string&) { return open(); },
          [this](const std::string& key) { sources_.hint(key); }, parts.clock, parts.stage.trace) {
    const auto feed = [&](kube::Watch watch) {
        auto& journal = parts_.journals.of(watch.type);
        feeds_.emplace_back(parts_.stage, journal, std::move(watch), parts_.lag);
    };
    auto watches = caches_.watches();
    const auto rest = std::ranges::stable_partition(watches, [](const auto& watch) {
        const auto kinds = shell::World::kinds();
        return std::ranges::find(kinds, watch.type) != kinds.end();
    });
    rollout_feeds_ = watches.size() - rest.size();
    for (auto& watch : watches) feed(std::move(watch));
    for (auto& each : feeds_) each.list();
    deliveries_.begin();
}

Result<std::unique_ptr<git::Repository>> Controller::open() const {
    return planted_repository(parts_.plant, faulty_repository(parts_.faults, parts_.remote));
}

std::optional<TimePoint> Controller::next() {
    std::optional<TimePoint> best;
    for (auto& feed : feeds_) sooner(best, feed.due());
    sooner(best, rollouts_.next());
    sooner(best, runs_.next());
    sooner(best, sources_.next());
    sooner(best, deliveries_.next());
    return best;
}

std::vector<std::function<bool()>> Controller::due() {
    std::vector<std::function<bool()>> all;
    const auto now = parts_.stage.now();
    for (auto& feed : feeds_)
        if (const auto when = feed.due(); when && *when <= now)
            all.emplace_back([&feed] {
                feed.deliver();
                return true;
            });
    const auto offer = [&](auto& part) {
        if (const auto when = part.next(); when && *when <= now)
            all.emplace_back([&part] { return part.step(); });
    };
    offer(rollouts_);
    offer(runs_);
    offer(sources_);
    offer(deliveries_);
    return all;
}

bool Controller::step() {
    const auto all = due();
    return !all.empty() && parts_.stage.chance.of(all)();
}

Horizon Controller::horizon() const {
    const long newest = parts_.stage.store->version();
    Horizon seen{newest, newest};
    for (size_t i = 0; i < rollout_feeds_; ++i) {
        const long one = feeds_[i].horizon(newest);
        seen.all = std::min(seen.all, one);
        if (feeds_[i].type().plural == resources::rollouts.plural) seen.rollout = one;
    }
    return seen;
}

}  // namespace sluice::sim
