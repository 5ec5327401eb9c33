// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/deliveries.hpp"

#include <condition_variable>

#include "base/text.hpp"
#include "controller/shell/delivery_execute.hpp"

namespace sluice::shell {
namespace {

using namespace policy::delivery;

constexpr Duration cluster_id_pause = std::chrono::seconds{1};

}  // namespace

Deliveries::Deliveries(Options options, Caches& caches, const kube::Client& client,
                       RepositoryFactory open, SourceHint hint, const Clock& clock, Log& log)
    : options_(std::move(options)),
      caches_(caches),
      client_(client),
      clock_(clock),
      log_(log),
      who_{options_.cluster_id, options_.cluster_name, options_.version, options_.instance},
      world_(
          caches, [this](const std::string& key) { reconciler_.add(key); },
          [this](const crds::Delivery& delivery) {
              if (ready_) writers_.add(delivery);  // begin() adds what came before
          }),
      writers_(
          options_.writers, [this](const std::string& key) { return world_.source(key); },
          [this, open, hint] {
              return std::make_unique<DeliveryWriteBack>(client_, open, hint, who_, clock_, log_);
          },
          log),
      reconciler_(
          {.name = "delivery", .workers = options_.workers, .done = options_.done},
          [this](const std::string& key) { return reconcile(key); }, clock, log) {}

Deliveries::~Deliveries() {
    stop();
}

void Deliveries::start() {
    starter_ = std::jthread([this](const std::stop_token& stop) { begin_synced(stop); });
}

void Deliveries::stop() {
    starter_ = {};
    reconciler_.stop();
    writers_.stop();
}

// Without a namespace kube-system (an API server of one's own) the cluster's name is its id.
Result<std::string> Deliveries::find_cluster_id() const {
    const auto system = client_.get({resources::namespaces, "", "kube-system"});
    if (system.failed_with(ErrorKind::NotFound)) return options_.cluster_name;
    if (!system.ok()) return system.error();
    auto uid = text_at(*system, {"metadata", "uid"});
    return uid.empty() ? internal("get namespace kube-system: it has no uid")
                       : Result(std::move(uid));
}

bool Deliveries::wait_for_cluster_id(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    while (who_.cluster_id.empty()) {
        auto id = find_cluster_id();
        if (id.ok()) {
            who_.cluster_id = *std::move(id);
            break;
        }
        log_.warning("no cluster id yet", {{"error", id.error().message}});
        std::unique_lock lock(mutex);
        never.wait_for(lock, stop, cluster_id_pause, [] { return false; });
        if (stop.stop_requested()) return false;
    }
    return true;
}

void Deliveries::begin_synced(const std::stop_token& stop) {
    if (!wait_for_cluster_id(stop)) return;
    if (!caches_.wait_for_sync(DeliveryWorld::kinds(), stop)) return;
    begin();
    reconciler_.start();
}

void Deliveries::begin() {
    ready_ = true;
    // What an earlier life, or another controller, has left in the outboxes.
    for (const auto& delivery : world_.owing()) writers_.add(delivery);
}

bool Deliveries::step() {
    return reconciler_.step() || writers_.step();
}

std::optional<TimePoint> Deliveries::next() {
    auto next = reconciler_.next();
    if (const auto write = writers_.next(); write && (!next || *write < *next)) next = write;
    return next;
}

Result<std::optional<Duration>> Deliveries::reconcile(const std::string& key) {
    auto seen = TRY(world_.observe(client_, key));
    if (!seen) return std::optional<Duration>{};  // its Deliveries go with it: it owns them
    const auto decision = TRY(world_.decide(client_, *std::move(seen), who_, clock_.now()));
    // The watch brings what won; where it does not, the back-off grows.
    if (!TRY(execute(client_, decision, log_)))
        return Error{ErrorKind::Conflict,
                     concat("the deliveries of ", key, " have moved since they were decided on")};
    return decision.look_again;
}

}  // namespace sluice::shell
