// SPDX-License-Identifier: Apache-2.0
// Keeps writing to the API server and remembers what was acknowledged, so that nothing of it may be
// missing afterwards.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "platform/kube/client.hpp"

namespace chaos {

// What is known of one object of ours: a counter that each write raises by one.
struct Entry {
    long acknowledged = 0;  // 0: its creation never was
    long tried = 0;         // the newest write that may have landed all the same
    bool removal_tried = false;
    bool removed = false;  // acknowledged
};

// What contradicts `entry` in the object that was read (its counter, 0: absent); empty: nothing.
std::string contradiction(const std::string& name, const Entry& entry, long found);

class Clerk {
public:
    // The client must outlive it.
    explicit Clerk(const sluice::kube::Client& client) : client_(client) {}

    void begin();
    // No more writes.
    void stop();
    // Reads everything back. Everything that is wrong, now or on the way.
    std::vector<std::string> audit();
    [[nodiscard]] int acknowledged() const { return acknowledged_.load(); }
    [[nodiscard]] int refused() const { return refused_.load(); }

private:
    void work(const std::stop_token& stop);
    void write(const std::string& name, Entry& entry);
    void remove(const std::string& name, Entry& entry);
    void note_version(const std::string& name, const sluice::Json& document);
    [[nodiscard]] sluice::Result<long> read(const std::string& name) const;

    const sluice::kube::Client& client_;
    std::map<std::string, Entry> entries_;  // the thread's, until stop()
    std::vector<std::string> complaints_;   // the thread's, until stop()
    long newest_version_ = 0;
    std::atomic<int> acknowledged_ = 0, refused_ = 0;
    std::jthread thread_;
};

}  // namespace chaos
