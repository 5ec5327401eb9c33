// SPDX-License-Identifier: Apache-2.0
// The story again and again, a good version and (three times) a bad one each round, while the
// killer works; and what must hold after each round and in the end.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "examples/story/author.hpp"
#include "examples/story/screen.hpp"
#include "examples/story/watch.hpp"
#include "tests/chaos/clerk.hpp"
#include "tests/chaos/killer.hpp"
#include "tests/chaos/verdicts.hpp"

namespace chaos {

class Play {
public:
    Play(story::Stage& stage, Plan plan, sluice::Log& log, const std::atomic<bool>& interrupted);

    // Rounds until every kill is done. The first broken promise ends it.
    Result<void> perform();
    // Ends Sluice. What did not end well.
    std::vector<std::string> stop() { return killer_.stop(); }

private:
    using Condition = std::function<Result<bool>(const story::Picture&)>;
    Result<void> wait(std::string_view what, Duration patience, const Condition& condition);
    Result<void> raise_curtain();
    Result<void> good_version(int number);
    Result<void> bad_version(int number);
    Result<void> rest();
    Result<void> at_the_end();
    Result<void> check_pods();
    // Until the record branch holds all of it; then it is checked.
    Result<void> recorded(const std::string& commit, const std::vector<std::string>& kinds,
                          const std::vector<int>& weights);
    void look_at_route();
    // Both views of the route know that this version's canary is over.
    Result<void> weight_zero();
    Condition healthy(const std::string& image);

    story::Stage& stage_;
    const std::atomic<bool>& interrupted_;
    sluice::Log& log_;
    story::Screen screen_;
    story::Timeline timeline_;
    // The route as read anew ten times a second. A watch hears of a weight late where the server
    // is killed just after taking it.
    story::Timeline looked_;
    std::chrono::steady_clock::time_point looked_at_{};
    story::Author author_;
    Killer killer_;
    std::unique_ptr<Clerk> clerk_;
    std::unique_ptr<story::Watch> watch_;
    std::string first_commit_, good_image_;
    int good_ = 1;  // the version that runs
    int rounds_ = 0;
    int reverts_ = 0;
};

// Versions of the shop for that many rounds: odd ones are bad, as many as are reverted in an hour.
std::map<std::string, std::string> versions_for(int rounds);

}  // namespace chaos
