// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/play.hpp"

#include <algorithm>
#include <condition_variable>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/policy/delivery/decide.hpp"
#include "examples/story/manifests.hpp"
#include "platform/clock.hpp"

namespace chaos {
namespace {

using sluice::concat;
using sluice::TimePoint;
using std::chrono::milliseconds;
using std::chrono::seconds;
using story::broken;
using story::Picture;

const std::vector<int> good_weights{5, 20, 50, 100};
constexpr int bad_weight = 5;
constexpr double tolerance = 3;  // points
// However often it is killed, a version is through within that.
constexpr seconds for_a_version{150};
constexpr seconds for_git{60};
// Kills that are left when a round ends are done at rest, unless they are enough for a round.
constexpr int kills_at_rest = 15;

TimePoint now() {
    return sluice::SystemClock{}.now();
}

std::string version_name(int number) {
    return concat("v", number);
}

// v3, v5 and v7: a fourth revert within an hour is left to people (policy::delivery).
constexpr int last_bad = 3 + 2 * (sluice::policy::delivery::reverts_an_hour - 1);

bool is_bad(int number) {
    return number % 2 == 1 && number <= last_bad;
}

}  // namespace

std::map<std::string, std::string> versions_for(int rounds) {
    std::map<std::string, std::string> versions;
    for (int number = 4; number <= 1 + 2 * rounds; ++number)
        versions[version_name(number)] =
            is_bad(number) ? "--latency-ms 2 --error-rate 0.3" : "--latency-ms 2";
    return versions;
}

Play::Play(story::Stage& stage, Plan plan, sluice::Log& log, const std::atomic<bool>& interrupted)
    : stage_(stage),
      interrupted_(interrupted),
      log_(log),
      timeline_(stage.options().router),
      looked_(stage.options().router),
      author_(stage),
      killer_(stage, plan, [this] { return timeline_.told(); }) {}

void Play::look_at_route() {
    if (std::chrono::steady_clock::now() - looked_at_ < milliseconds{100}) return;
    looked_at_ = std::chrono::steady_clock::now();
    const bool nginx = stage_.options().router == story::Router::Nginx;
    sluice::HttpRequest request;
    request.url = nginx ? "/apis/networking.k8s.io/v1/namespaces/shop/ingresses"
                        : "/apis/networking.istio.io/v1/namespaces/shop/virtualservices";
    request.deadline = seconds{1};
    const auto answer = stage_.cluster().raw(request);
    if (!answer.ok() || answer->status != 200) return;
    const auto list = sluice::parse_json(answer->body);
    const Json* items = list.ok() ? sluice::find(*list, {"items"}) : nullptr;
    if (!items) return;
    for (const auto& item : *items) looked_.route(item, false, now());
}

Result<void> Play::wait(std::string_view what, Duration patience, const Condition& condition) {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        if (interrupted_) return sluice::unavailable("interrupted");
        look_at_route();
        const Picture picture = timeline_.picture();
        if (TRY(condition(picture))) return {};
        TRY(stage_.all_alive());
        if (const auto wrong = killer_.complaints(); !wrong.empty())
            return broken("alive", wrong.front());
        if (std::chrono::steady_clock::now() > deadline)
            return broken("settles", concat(what, " did not happen within ",
                                            sluice::format_duration(patience), "; the rollout is ",
                                            picture.rollout.phase, " ", picture.rollout.message,
                                            ", ", sluice::join(picture.deliveries, ", ")));
        never.wait_for(lock, milliseconds{20});
    }
}

Play::Condition Play::healthy(const std::string& image) {
    return [image](const Picture& picture) -> Result<bool> {
        const auto& rollout = picture.rollout;
        return rollout.observed && rollout.phase == "Healthy" && rollout.image == image &&
               !rollout.stable_hash.empty() && rollout.stable_hash == rollout.current_hash;
    };
}

Result<void> Play::raise_curtain() {
    TRY(stage_.prepare());
    TRY(stage_.start_git());
    TRY(killer_.raise());
    TRY(stage_.start_prometheus());
    const auto source = TRY(story::render_git_source(stage_.options(), stage_.places()));
    TRY(stage_.kubectl({"apply", "--validate=false", "-f", "-"}, source));
    watch_ =
        std::make_unique<story::Watch>(stage_.cluster(), stage_.options().router, timeline_, log_);
    clerk_ = std::make_unique<Clerk>(stage_.cluster());
    clerk_->begin();
    TRY(wait("the first look at the cluster", seconds{10},
             [&](const Picture&) -> Result<bool> { return watch_->synced(); }));
    killer_.begin();
    first_commit_ = TRY(author_.begin());
    TRY(wait("Healthy on v1", for_a_version, healthy("shop:v1")));
    TRY(stage_.start_load());
    screen_.line(concat("Healthy on v1 after ", killer_.kills(), " kills; the load begins"));
    return {};
}

Result<void> Play::recorded(const std::string& commit, const std::vector<std::string>& kinds,
                            const std::vector<int>& weights) {
    auto looked = std::chrono::steady_clock::time_point{};
    Result<void> outcome;
    const auto told = wait("the records", for_git, [&](const Picture&) -> Result<bool> {
        if (std::chrono::steady_clock::now() - looked < milliseconds{500}) return false;
        looked = std::chrono::steady_clock::now();
        outcome = check_records(TRY(author_.records()), commit, kinds, weights);
        return outcome.ok();
    });
    return outcome.ok() ? told : outcome;
}

Result<void> Play::weight_zero() {
    return wait("a route without a weight", seconds{30},
                [&](const Picture& picture) -> Result<bool> {
                    return picture.weight() == 0 && looked_.picture().weight() == 0;
                });
}

Result<void> Play::good_version(int number) {
    const auto from = now();
    const auto version = version_name(number);
    const auto commit = TRY(author_.set_version(version_name(good_), version));
    const auto image = concat("shop:", version);
    TRY(wait(concat("Healthy on ", version), for_a_version,
             [&, check = healthy(image)](const Picture& picture) -> Result<bool> {
                 if (picture.rollout.aborted && picture.rollout.image == image)
                     return broken("promoted",
                                   concat(version, " was aborted: ", picture.rollout.message));
                 return check(picture);
             }));
    TRY(weight_zero());
    TRY(recorded(commit, {"promoted"}, good_weights));
    const auto picture = timeline_.picture();
    TRY(check_weights(picture.weights, from, now(), good_weights));
    TRY(check_shares(stage_.counts(), version, looked_.picture().weights, from, now(), tolerance));
    good_ = number;
    screen_.held(concat(version, " is promoted, once, after ", killer_.kills(), " kills"));
    return {};
}

Result<void> Play::bad_version(int number) {
    const auto from = now();
    const auto version = version_name(number);
    const auto good_image = concat("shop:", version_name(good_));
    const auto bad = TRY(author_.set_version(version_name(good_), version));
    auto looked = std::chrono::steady_clock::time_point{};
    std::vector<story::Commit> since;
    TRY(wait(concat("the revert of ", version), for_a_version,
             [&](const Picture& picture) -> Result<bool> {
                 const auto& rollout = picture.rollout;
                 if (rollout.observed && rollout.image == concat("shop:", version))
                     TRY(story::check_not_promoted(picture, rollout.current_hash, bad_weight));
                 if (std::chrono::steady_clock::now() - looked < milliseconds{300}) return false;
                 looked = std::chrono::steady_clock::now();
                 since = TRY(author_.commits_since(bad, "main"));
                 return !since.empty();
             }));
    TRY(wait(concat("Healthy on ", good_image), for_git, healthy(good_image)));
    TRY(weight_zero());
    TRY(recorded(bad, {"rolledback", "reverted"}, {}));
    since = TRY(author_.commits_since(bad, "main"));
    TRY(story::check_one_revert(since));
    TRY(story::check_revert(since.front(), bad, "shop/rollout.yaml"));
    const auto picture = timeline_.picture();
    TRY(check_weights(picture.weights, from, now(), {bad_weight}));
    TRY(check_shares(stage_.counts(), version, looked_.picture().weights, from, now(), tolerance));
    screen_.held(
        concat(version, " is rolled back and reverted, once, after ", killer_.kills(), " kills"));
    return {};
}

// The last kills while nothing is to be done: nothing may stir.
Result<void> Play::rest() {
    const auto from = now();
    TRY(wait("the last kills", seconds{90},
             [&](const Picture&) -> Result<bool> { return killer_.done(); }));
    killer_.enough();
    const auto image = concat("shop:", version_name(good_));
    TRY(wait("the API server after the last kill", seconds{30},
             [&](const Picture&) -> Result<bool> {
                 sluice::HttpRequest request;
                 request.url = "/readyz";
                 request.deadline = seconds{2};
                 const auto answer = stage_.cluster().raw(request);
                 return answer.ok() && answer->status == 200;
             }));
    TRY(wait(concat("Healthy on ", image), seconds{30}, healthy(image)));
    const auto until = std::chrono::steady_clock::now() + stage_.options().pace.settle;
    return wait("the rest", stage_.options().pace.settle + seconds{5},
                [&](const Picture& picture) -> Result<bool> {
                    TRY(story::check_still(picture, from));
                    return std::chrono::steady_clock::now() > until;
                });
}

// No container was ever started a second time: the death of Sluice is not theirs.
Result<void> Play::check_pods() {
    const auto pods = TRY(stage_.cluster().list(sluice::resources::pods, {.ns = "shop"}));
    for (const auto& pod : pods.items) {
        const Json* containers = sluice::find(pod, {"status", "containerStatuses"});
        if (!containers) continue;
        for (const auto& container : *containers)
            if (const long count = sluice::integer_at(container, {"restartCount"}); count != 0)
                return broken("pods", concat(sluice::text_at(pod, {"metadata", "name"}),
                                             " was restarted ", count, " times"));
    }
    return {};
}

Result<void> Play::at_the_end() {
    TRY(stage_.stop_load());
    clerk_->stop();
    const auto lost = clerk_->audit();
    for (size_t i = 0; i < lost.size() && i < 5; ++i) screen_.line(lost[i]);
    if (!lost.empty()) return broken("acknowledged", lost.front());
    screen_.held(concat("each of ", clerk_->acknowledged(), " acknowledged writes is there (",
                        clerk_->refused(), " calls were not answered)"));
    const auto commits = TRY(author_.commits_since(first_commit_, "main"));
    const auto mine = static_cast<long>(commits.size());
    if (mine != 2L * rounds_ + reverts_)
        return broken("commits", concat("main has ", mine, " commits after the first, and ",
                                        "must have ", 2 * rounds_ + reverts_));
    // A revert's operation is on both branches, once each: the commit, and the record of it.
    TRY(check_op_ids(commits));
    TRY(check_op_ids(TRY(author_.all_commits("sluice-records"))));
    const auto picture = timeline_.picture();
    const auto count = [&](std::string_view kind) {
        return std::count_if(picture.births.begin(), picture.births.end(),
                             [&](const story::Birth& birth) { return birth.kind == kind; });
    };
    if (count("Delivery") != 1 + 2L * rounds_ || count("ReplicaSet") != 1 + 2L * rounds_)
        return broken("births", concat("there were ", count("Delivery"), " Deliveries and ",
                                       count("ReplicaSet"), " ReplicaSets for ", 1 + 2 * rounds_,
                                       " versions"));
    TRY(check_pods());
    const auto counts = stage_.counts();
    TRY(story::check_nothing_lost(counts));
    screen_.held(concat("nothing lost in ", counts.answers(), " requests"));
    return {};
}

Result<void> Play::perform() {
    TRY(raise_curtain());
    do {
        TRY(good_version(2 * rounds_ + 2));
        const int number = 2 * rounds_ + 3;
        TRY(is_bad(number) ? bad_version(number) : good_version(number));
        reverts_ += is_bad(number) ? 1 : 0;
        ++rounds_;
    } while (killer_.left() > kills_at_rest);
    TRY(rest());
    TRY(at_the_end());
    screen_.line(concat(killer_.kills(), " kills in ", rounds_, " rounds: ", killer_.summary()));
    return {};
}

}  // namespace chaos
