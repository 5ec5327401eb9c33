// SPDX-License-Identifier: Apache-2.0
// One thread for each (repository, branches) that is written to: it collects operations for a short
// window, writes them in one push, and comes back after a back-off while Git is away.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "controller/shell/delivery_write_back.hpp"

namespace sluice::shell {

// How long to wait before the next try: random between the first pause and three times the last
// one ("decorrelated"), at most 5 s for a while and at most 2 min when Git stays away.
class DecorrelatedBackoff {
public:
    explicit DecorrelatedBackoff(unsigned seed) : random_(seed) {}
    Duration next();
    void reset();

private:
    std::minstd_rand random_;
    Duration last_{};
    int tries_ = 0;
};

class DeliveryWriters {
public:
    struct Options {
        Duration window = std::chrono::seconds{1};  // for records; rollbacks go at once
        // Set: no threads, step() does the work and this says when (a simulator). Otherwise time is
        // steady: no jump of the machine's clock hurries or delays a write.
        const Clock* stepped_by = nullptr;
    };
    // The GitSource as it is now; nothing where it is gone.
    using FindSource =
        std::function<std::optional<policy::delivery::SourceView>(const std::string& git_source)>;
    using MakeWriteBack = std::function<std::unique_ptr<DeliveryWriteBack>()>;

    DeliveryWriters(Options options, FindSource find, MakeWriteBack make, Log& log);
    ~DeliveryWriters();
    DeliveryWriters(const DeliveryWriters&) = delete;
    DeliveryWriters& operator=(const DeliveryWriters&) = delete;

    // The Delivery has something in its outbox. Returns at once. Any thread.
    void add(const crds::Delivery& delivery);
    // With stepped_by: writes one batch that is due; false where none is.
    bool step();
    // When step() will next have something to do.
    [[nodiscard]] std::optional<TimePoint> next();
    // Ends the threads. What was not written stays in the outboxes.
    void stop();

private:
    class Writer;
    Options options_;
    FindSource find_;
    MakeWriteBack make_;
    Log& log_;
    std::mutex mutex_;
    bool stopped_ = false;                                    // guarded by mutex_
    std::map<std::string, std::unique_ptr<Writer>> writers_;  // guarded by mutex_
};

}  // namespace sluice::shell
