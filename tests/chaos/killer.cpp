// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/killer.hpp"

#include <condition_variable>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "platform/file.hpp"

namespace chaos {

using sluice::concat;
using std::chrono::milliseconds;
using std::chrono::seconds;

Killer::Killer(story::Stage& stage, Plan plan, std::function<std::uint64_t()> told)
    : stage_(stage),
      plan_(plan),
      told_(std::move(told)),
      random_(plan.seed),
      split_(plan.layout == Layout::Split || plan.layout == Layout::Pair) {}

Killer::~Killer() {
    stop();
}

// Both ends included.
long Killer::pick(long from, long to) {
    return from + static_cast<long>(random_() % static_cast<unsigned long>(to - from + 1));
}

void Killer::complain(std::string text) {
    const std::lock_guard lock(mutex_);
    complaints_.push_back(std::move(text));
}

std::vector<std::string> Killer::complaints() const {
    const std::lock_guard lock(mutex_);
    return complaints_;
}

std::string Killer::summary() const {
    if (plan_.layout == Layout::Pair)
        return concat(of_cluster_, " of the API server, ", of_leader_,
                      " of the controller that led, ", of_standby_, " of the one that stood by");
    return concat(of_whole_, " of the whole, ", of_cluster_, " of the API server, ", of_controller_,
                  " of the controller, ", of_both_, " of both at once");
}

void Killer::start_cluster(bool with_controller) {
    auto started = story::Process::start("sluice", stage_.sluice_command(with_controller),
                                         stage_.log_of("sluice"));
    if (!started.ok()) return complain(started.error().message);
    cluster_ = std::move(*started);
}

void Killer::start_controller() {
    auto started = story::Process::start("controller", stage_.controller_command(),
                                         stage_.log_of("controller"));
    if (!started.ok()) return complain(started.error().message);
    controller_ = std::move(*started);
}

void Killer::start_second() {
    auto started = story::Process::start("second controller", stage_.controller_command(true),
                                         stage_.log_of("second"));
    if (!started.ok()) return complain(started.error().message);
    second_ = std::move(*started);
}

bool Killer::second_leads() const {
    const auto lease = stage_.cluster().get(
        {sluice::resources::leases, "kube-system", "argo-rollouts-controller-lock"});
    const auto name = sluice::read_file(stage_.places().run + "/second/instance");
    return lease.ok() && name.ok() &&
           sluice::text_at(*lease, {"spec", "holderIdentity"}) == sluice::trim(*name);
}

// Mostly the leader, in the middle of what it does.
void Killer::kill_of_pair() {
    const long victim = pick(0, 5);
    if (victim == 0) {
        cluster_.kill_alone();
        ++of_cluster_;
        return start_cluster(false);
    }
    const bool leader = victim != 1;
    const bool second = second_leads() == leader;
    (leader ? of_leader_ : of_standby_) += 1;
    (second ? second_ : controller_).kill_alone();
    if (second)
        start_second();
    else
        start_controller();
}

Result<void> Killer::raise() {
    start_cluster(!split_);
    TRY(stage_.wait_until_serving(cluster_));
    if (split_) start_controller();
    if (plan_.layout == Layout::Pair) start_second();
    return {};
}

void Killer::begin() {
    thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

void Killer::enough() {
    enough_ = true;
}

void Killer::check_alive() {
    for (auto* process : {&cluster_, &controller_, &second_})
        if (const auto how = process->ended()) {
            complain(concat(process == &cluster_ ? "sluice standalone" : "sluice controller",
                            " ended by itself (", *how, ") after ", kills_.load(), " kills"));
            process->kill_alone();
            if (process == &cluster_)
                start_cluster(!split_);
            else if (process == &second_)
                start_second();
            else
                start_controller();
        }
}

bool Killer::nap(Duration delay, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    return !never.wait_for(lock, stop, delay, [&] { return stop.stop_requested(); }) &&
           !stop.stop_requested();
}

// Any moment, or one soon after something happened. False where the end came first.
bool Killer::wait_for_moment(const std::stop_token& stop) {
    const bool soon_after = pick(0, 1) == 0;
    const Duration gap{pick(30, plan_.longest_gap.count())};
    const Duration after{pick(0, 60)};
    const auto seen = told_();
    const auto until = std::chrono::steady_clock::now() + gap;
    while (std::chrono::steady_clock::now() < until) {
        check_alive();
        if (soon_after && told_() != seen) return nap(after, stop);
        if (!nap(milliseconds{5}, stop)) return false;
    }
    return true;
}

void Killer::kill_and_restart() {
    if (plan_.layout == Layout::Pair) return kill_of_pair();
    const bool change = plan_.layout == Layout::Mixed && pick(0, 2) == 0;
    if (!split_) {
        cluster_.kill_alone();
        ++of_whole_;
        split_ = change;
        start_cluster(!split_);
        if (split_) start_controller();
        return;
    }
    const long victim = pick(0, 4);
    const bool both = victim == 4 || change;
    (both ? of_both_ : victim < 2 ? of_cluster_ : of_controller_) += 1;
    if (both || victim < 2) cluster_.kill_alone();
    if (both || victim >= 2) controller_.kill_alone();
    if (change) split_ = false;
    if (both || victim < 2) start_cluster(!split_);
    if (split_ && (both || victim >= 2)) start_controller();
}

void Killer::work(const std::stop_token& stop) {
    while (!done() && !enough_ && wait_for_moment(stop)) {
        kill_and_restart();
        ++kills_;
    }
    while (nap(milliseconds{20}, stop)) check_alive();
}

std::vector<std::string> Killer::stop() {
    thread_ = {};
    check_alive();
    // It must end by itself in time, whatever was done to it before.
    const auto second = second_.stop(seconds{20});
    const auto controller = controller_.stop(seconds{20});
    const auto cluster = cluster_.stop(seconds{30});
    for (const auto& [name, how] : {std::pair{"sluice standalone", cluster},
                                    {"sluice controller", controller},
                                    {"the second sluice controller", second}})
        if (how != "exit 0" && how != "not started")
            complain(concat(name, " did not end well in the end: ", how));
    return complaints();
}

}  // namespace chaos
