// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/delivery_writers.hpp"

#include <algorithm>

#include "base/resource.hpp"
#include "base/text.hpp"

namespace sluice::shell {
namespace {

using namespace policy::delivery;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr Duration first_pause = std::chrono::milliseconds{50};
constexpr Duration longest_pause = std::chrono::seconds{5};
constexpr Duration longest_pause_later = std::chrono::minutes{2};
constexpr int tries_at_first = 12;

bool is_urgent(const crds::Delivery& delivery) {
    return std::any_of(delivery.status.outbox.begin(), delivery.status.outbox.end(),
                       [](const auto& op) {
                           return op.kind == crds::DeliveryOpKind::Reverted ||
                                  op.kind == crds::DeliveryOpKind::RolledBack;
                       });
}

}  // namespace

Duration DecorrelatedBackoff::next() {
    const Duration cap = ++tries_ > tries_at_first ? longest_pause_later : longest_pause;
    const Duration top = std::min(cap, std::max(first_pause, last_ * 3));
    last_ = Duration{
        std::uniform_int_distribution<Duration::rep>(first_pause.count(), top.count())(random_)};
    return last_;
}

void DecorrelatedBackoff::reset() {
    last_ = {};
    tries_ = 0;
}

class DeliveryWriters::Writer {
public:
    Writer(const Options& options, const FindSource& find,
           std::unique_ptr<DeliveryWriteBack> write_back, Log& log)
        : options_(options),
          find_(find),
          write_back_(std::move(write_back)),
          log_(log),
          backoff_(options.stepped_by ? 1 : std::random_device{}()) {
        if (!options.stepped_by)
            thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }

    void add(const std::string& key, const std::string& git_source, bool urgent) {
        const std::lock_guard lock(mutex_);
        const auto now = time();
        const auto due = urgent ? now : now + options_.window;
        const bool fresh = waiting_.emplace(key, git_source).second;
        // A rollback breaks a pause once; what comes again of the same Delivery waits with it.
        if (!due_)
            due_ = due;
        else if (fresh || !pausing_)
            due_ = std::min(*due_, due);
        changed_.notify_all();
    }

    bool step() {
        std::unique_lock lock(mutex_);
        if (!due_ || time() < *due_) return false;
        write_due(lock);
        return true;
    }
    std::optional<SteadyTime> next() {
        const std::lock_guard lock(mutex_);
        return due_;
    }

private:
    [[nodiscard]] SteadyTime time() const {
        return options_.stepped_by ? SteadyTime(options_.stepped_by->now().time_since_epoch())
                                   : std::chrono::steady_clock::now();
    }

    void run(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            if (!due_) {
                changed_.wait(lock, stop, [&] { return due_.has_value(); });
                continue;
            }
            if (const auto due = *due_; time() < due) {
                changed_.wait_until(lock, stop, due, [&] { return due_ != due; });
                continue;
            }
            write_due(lock);
        }
    }

    // `lock` is on mutex_ and let go while Git is spoken to.
    void write_due(std::unique_lock<std::mutex>& lock) {
        auto batch = std::exchange(waiting_, {});
        due_.reset();
        pausing_ = false;
        lock.unlock();
        const auto pause = write(batch);
        lock.lock();
        if (!pause) return;
        waiting_.merge(batch);
        pausing_ = true;
        due_ = time() + *pause;
    }

    // Nothing where all is written; else how long to wait.
    std::optional<Duration> write(const std::map<std::string, std::string>& batch) {
        std::map<std::string, std::vector<std::string>> by_source;
        for (const auto& [key, git_source] : batch) by_source[git_source].push_back(key);
        bool failed = false;
        for (const auto& [git_source, keys] : by_source) {
            const auto target = find_(git_source);
            if (!target) continue;  // it wakes its Deliveries when it comes back
            const auto written = write_back_->write(*target, keys);
            if (written.ok()) continue;
            failed = true;
            if (written.error().kind != ErrorKind::Conflict)
                log_.warning("git waits", {{"source", git_source},
                                           {"deliveries", keys.size()},
                                           {"error", written.error().message}});
        }
        if (failed) return backoff_.next();
        backoff_.reset();
        return std::nullopt;
    }

    const Options& options_;
    const FindSource& find_;
    std::unique_ptr<DeliveryWriteBack> write_back_;
    Log& log_;
    DecorrelatedBackoff backoff_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::string, std::string> waiting_;  // Delivery to GitSource; guarded by mutex_
    std::optional<SteadyTime> due_;               // guarded by mutex_
    bool pausing_ = false;                        // guarded by mutex_
    std::jthread thread_;                         // last: it stops first
};

DeliveryWriters::DeliveryWriters(Options options, FindSource find, MakeWriteBack make, Log& log)
    : options_(options), find_(std::move(find)), make_(std::move(make)), log_(log) {}

DeliveryWriters::~DeliveryWriters() {
    stop();
}

void DeliveryWriters::stop() {
    std::map<std::string, std::unique_ptr<Writer>> ending;
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        ending.swap(writers_);
    }
}

bool DeliveryWriters::step() {
    std::vector<Writer*> all;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [group, writer] : writers_) all.push_back(writer.get());
    }
    return std::any_of(all.begin(), all.end(), [](Writer* writer) { return writer->step(); });
}

std::optional<TimePoint> DeliveryWriters::next() {
    const std::lock_guard lock(mutex_);
    std::optional<TimePoint> earliest;
    for (const auto& [group, writer] : writers_)
        if (const auto due = writer->next()) {
            const TimePoint when(std::chrono::ceil<Duration>(due->time_since_epoch()));
            earliest = std::min(earliest.value_or(when), when);
        }
    return earliest;
}

void DeliveryWriters::add(const crds::Delivery& delivery) {
    if (delivery.status.outbox.empty() || !delivery.spec.source) return;
    const auto& git_source = delivery.spec.source->git_source;
    const auto source = find_(git_source);
    if (!source) return;
    // Of one namespace only: tenants do not share credentials.
    const std::string group = concat(split_key(source->key).first, "|", source->url, "|",
                                     source->branch, "|", source->record_branch);
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    auto& writer = writers_[group];
    if (!writer) writer = std::make_unique<Writer>(options_, find_, make_(), log_);
    writer->add(key_of(delivery.ns, delivery.name), git_source, is_urgent(delivery));
}

}  // namespace sluice::shell
