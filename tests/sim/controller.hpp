// SPDX-License-Identifier: Apache-2.0
// One life of the shipped controller: everything that `sluice controller` wires, stepped by hand,
// with all its memory in one place, so that a crash forgets it.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "controller/shell/analysis_runs.hpp"
#include "controller/shell/deliveries.hpp"
#include "controller/shell/git_sources.hpp"
#include "controller/shell/rollouts.hpp"
#include "tests/sim/bad_days.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/feed.hpp"
#include "tests/sim/plants.hpp"
#include "tests/sim/shape.hpp"

namespace sluice::sim {

// What answers queries: Prometheus, as the controller sees it.
class Measuring : public http::AsyncHttp {
public:
    Measuring(Stage& stage, Journals& journals, Faults& faults, std::uint64_t seed)
        : stage_(stage), journals_(journals), faults_(faults), seed_(seed) {}
    void submit(http::AsyncRequest request, OnAnswer on_answer) override;

    Mood mood = Mood::Answers;

private:
    [[nodiscard]] Result<HttpResponse> answer(const std::string& url);
    [[nodiscard]] std::string measured(const std::string& url);

    Stage& stage_;
    Journals& journals_;
    Faults& faults_;
    std::uint64_t seed_;
};

// The newest version of the store that was seen.
struct Horizon {
    long all;      // by every cache of the rollout controller
    long rollout;  // by the one that holds the Rollout
};

class Controller {
public:
    struct Parts {
        int number;  // the first or the second
        Stage& stage;
        const Clock& clock;  // its machine's; outlives what it asked for
        Journals& journals;
        Faults& faults;
        Measuring& measuring;
        test::MemoryRemote& remote;
        const Lag& lag;
        Plant plant;
    };

    // Lists everything and begins.
    explicit Controller(Parts parts);

    // When something will be done next, if nobody writes.
    [[nodiscard]] std::optional<TimePoint> next();
    // One event delivered or one key worked on, by chance among what is due; false where nothing
    // is. Throws Crash.
    bool step();
    // The webhook: something was pushed.
    void hint() { sources_.hint("shop/app"); }
    [[nodiscard]] Horizon horizon() const;

private:
    Result<std::unique_ptr<git::Repository>> open() const;
    [[nodiscard]] std::vector<std::function<bool()>> due();

    Parts parts_;
    FaultyTransport transport_;
    kube::Client client_;
    shell::Caches caches_{""};
    shell::Rollouts rollouts_;
    shell::AnalysisRuns runs_;
    shell::GitSources sources_;
    shell::Deliveries deliveries_;
    std::vector<Feed> feeds_;
    size_t rollout_feeds_ = 0;  // how many of them feed rollouts_
};

}  // namespace sluice::sim
