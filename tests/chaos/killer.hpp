// SPDX-License-Identifier: Apache-2.0
// Kills the processes of Sluice with SIGKILL at seeded moments and starts each again at once. They
// run as one process, or as the embedded cluster and the controller beside it, and change from one
// to the other as the seed says.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "examples/story/stage.hpp"

namespace chaos {

using sluice::Duration;
using sluice::Result;

enum class Layout { Mixed, Whole, Split, Pair };

struct Plan {
    int kills = 50;
    unsigned seed = 1;
    Layout layout = Layout::Mixed;
    Duration longest_gap = std::chrono::milliseconds{1800};
};

class Killer {
public:
    // `told` grows with each thing that is seen to happen: half of the kills come right after one.
    Killer(story::Stage& stage, Plan plan, std::function<std::uint64_t()> told);
    ~Killer();
    Killer(const Killer&) = delete;
    Killer& operator=(const Killer&) = delete;

    // Starts Sluice, and waits until it serves.
    Result<void> raise();
    // The kills begin.
    void begin();
    // No more kills; what runs goes on.
    void enough();
    // Ends Sluice gracefully. What went wrong, now or before.
    std::vector<std::string> stop();

    [[nodiscard]] int kills() const { return kills_.load(); }
    [[nodiscard]] int left() const { return plan_.kills - kills_.load(); }
    [[nodiscard]] bool done() const { return left() <= 0; }
    // Ended by itself, or could not be started: a crash of ours.
    [[nodiscard]] std::vector<std::string> complaints() const;
    // "31 of the whole, 12 of the cluster, …".
    [[nodiscard]] std::string summary() const;

private:
    void work(const std::stop_token& stop);
    bool wait_for_moment(const std::stop_token& stop);
    bool nap(Duration delay, const std::stop_token& stop);
    void kill_and_restart();
    void start_cluster(bool with_controller);
    void start_controller();
    void start_second();
    void kill_of_pair();
    // Whether the lease is the second controller's.
    [[nodiscard]] bool second_leads() const;
    void check_alive();
    void complain(std::string text);
    long pick(long from, long to);

    story::Stage& stage_;
    Plan plan_;
    std::function<std::uint64_t()> told_;
    std::minstd_rand random_;
    bool split_;
    story::Process cluster_, controller_, second_;  // the thread's, between begin() and stop()
    std::atomic<int> kills_ = 0;
    std::atomic<bool> enough_ = false;
    int of_whole_ = 0, of_cluster_ = 0, of_controller_ = 0, of_both_ = 0;
    int of_leader_ = 0, of_standby_ = 0;
    mutable std::mutex mutex_;
    std::vector<std::string> complaints_;  // guarded by mutex_
    std::jthread thread_;
};

}  // namespace chaos
