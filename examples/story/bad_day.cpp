// SPDX-License-Identifier: Apache-2.0
// A good version meets a Prometheus that is killed: nobody is promoted blindly, nobody is lost, the
// Rollout says what is wrong and what to type, and that very command goes on.
#include <thread>

#include "base/text.hpp"
#include "examples/story/chapters.hpp"
#include "platform/clock.hpp"

namespace story {
namespace {

using sluice::concat;
using std::chrono::seconds;

// How long the update must stand still for want of a verdict.
constexpr seconds no_hurry{5};

TimePoint now() {
    return sluice::SystemClock{}.now();
}

// As a person would type it: `sluice …` with this cluster's kubeconfig.
Result<std::string> type_in(const Stage& stage, const std::string& line) {
    Command command{sluice::split(line, ' '), {{"KUBECONFIG", stage.places().kubeconfig}}, {}};
    if (command.words.empty() || command.words[0] != "sluice")
        return broken("told", concat("\"", line, "\" is no command of sluice"));
    command.words[0] = stage.options().build + "/sluice";
    return run(command);
}

}  // namespace

Result<void> Story::prometheus_killed() {
    screen_.heading("Chapter 2: v2 is pushed, and is good, but Prometheus is killed");
    const TimePoint began = now();
    good_commit_ = TRY(author_.set_version("v1", "v2"));
    screen_.line(concat("pushed ", good_commit_.substr(0, 8), "  shop: v1 -> v2"));
    const Condition goes_on = [&](const Picture& picture) -> Result<bool> {
        if (!picture.rollout.aborted && picture.rollout.phase != "Degraded") return false;
        return broken("promoted", concat("v2 was not promoted: ", picture.rollout.message));
    };
    const TimePoint in_force = TRY(weight_after(5, began, goes_on));
    good_hash_ = timeline_.picture().rollout.current_hash;
    stage_.kill_prometheus();
    screen_.line("5 % is in force; Prometheus is killed");

    std::string command;
    TRY(wait("told", "the condition AnalysisTrouble", stage_.options().pace.step_deadline,
             [&](const Picture& picture) -> Result<bool> {
                 TRY(goes_on(picture));
                 if (picture.weight() != 5)
                     return broken("held", "the weight left 5 % without a verdict");
                 if (picture.rollout.trouble.empty()) return false;
                 command = TRY(check_told(picture.rollout, stage_.places().prometheus));
                 return true;
             }));
    screen_.held(concat("the Rollout says: ", timeline_.picture().rollout.trouble_message));
    const auto until = std::chrono::steady_clock::now() + no_hurry;
    TRY(wait("held", "the standing still", no_hurry + seconds{5},
             [&](const Picture& picture) -> Result<bool> {
                 TRY(goes_on(picture));
                 if (picture.weight() != 5)
                     return broken("held", "the weight left 5 % without a verdict");
                 return std::chrono::steady_clock::now() > until;
             }));
    const auto share = stage_.counts().share("v2", in_force + promise_.settle, now() - seconds{1});
    TRY(check_share(promise_, 5, share));
    screen_.held("nothing is promoted without a verdict, and 5 % of the users stay on v2");

    screen_.line(concat("$ ", command));
    screen_.line(std::string(sluice::trim(TRY(type_in(stage_, command)))));
    (void)TRY(weight_after(20, in_force, goes_on));
    screen_.held("the command goes on to 20 %");
    TRY(stage_.start_prometheus());
    screen_.line("Prometheus is back");
    // Two more gates than usual may have to wait for the next try.
    const auto patience = 2 * stage_.options().pace.step_deadline + seconds{60};
    TRY(wait("promoted", "Healthy on v2", patience, [&](const Picture& picture) -> Result<bool> {
        TRY(goes_on(picture));
        return picture.rollout.phase == "Healthy" && picture.rollout.stable_hash == good_hash_;
    }));
    if (const auto left = timeline_.picture().rollout.trouble_message; !left.empty())
        return broken("told", concat("the condition was left behind: ", left));
    TRY(recorded("promoted", good_commit_, -1));
    screen_.held("v2 is promoted by the gates that were left, and the condition is gone");
    return {};
}

}  // namespace story
