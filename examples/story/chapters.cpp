// SPDX-License-Identifier: Apache-2.0
#include "examples/story/chapters.hpp"

#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.hpp"
#include "examples/story/manifests.hpp"
#include "platform/clock.hpp"

namespace story {
namespace {

using sluice::concat;
using sluice::Json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds look_interval{20};
// Git is asked by starting a program: less often.
constexpr milliseconds git_interval{200};
// A stretch that ends just before a new weight may hold a few answers of the next.
constexpr milliseconds margin{100};

TimePoint now() {
    return sluice::SystemClock{}.now();
}

Result<bool> not_yet(const Picture&) {
    return false;
}

}  // namespace

Story::Story(Stage& stage, Screen& screen, sluice::Log& log, const std::atomic<bool>& interrupted)
    : stage_(stage),
      screen_(screen),
      interrupted_(interrupted),
      timeline_(stage.options().router),
      log_(log),
      author_(stage) {}

Result<void> Story::wait(std::string_view check, std::string_view what, Duration patience,
                         const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        if (interrupted_) return sluice::unavailable("interrupted");
        const Picture picture = timeline_.picture();
        if (TRY(condition(picture))) return {};
        TRY(stage_.all_alive());
        TRY(check_nothing_lost(stage_.counts()));
        if (!shown_version_.empty()) show_step(shown_version_, shown_hash_);
        if (std::chrono::steady_clock::now() > deadline)
            return broken(check, concat(what, " did not happen within ",
                                        sluice::format_duration(patience), "; the rollout is ",
                                        picture.rollout.phase, " ", picture.rollout.message));
        std::this_thread::sleep_for(look_interval);
    }
}

void Story::show_step(const std::string& version, const std::string& hash) {
    const Picture picture = timeline_.picture();
    if (picture.weight() == 0) return;
    const auto& change = picture.weights.back();
    screen_.live(describe_step(change.canary,
                               stage_.counts().share(version, change.at + promise_.settle, now()),
                               picture.run_at(hash, change.canary)));
}

Result<void> Story::raise_curtain() {
    screen_.heading("The parts");
    TRY(stage_.prepare());
    TRY(stage_.start_git());
    screen_.line(concat("Git over HTTP at ", stage_.places().git_url()));
    TRY(stage_.start_sluice());
    screen_.line(concat("sluice standalone: Kubernetes API at https://", stage_.places().api,
                        ", ingress at http://", stage_.places().web));
    TRY(stage_.start_prometheus());
    screen_.line(
        concat("Prometheus at http://", stage_.places().prometheus,
               stage_.discovery() == Discovery::Kubernetes
                   ? ", finding pods by itself at the API server"
                   : ", finding pods by HTTP discovery: it is built without that of Kubernetes"));
    const auto source = TRY(render_git_source(stage_.options(), stage_.places()));
    TRY(stage_.kubectl({"apply", "--validate=false", "-f", "-"}, source));
    screen_.line("kubectl apply: GitSource shop/shop follows the repository");
    watch_ = std::make_unique<Watch>(stage_.cluster(), stage_.options().router, timeline_, log_);
    return wait("healthy-on-v1", "the first look at the cluster", seconds{10},
                [&](const Picture&) -> Result<bool> { return watch_->synced(); });
}

Result<void> Story::first_version() {
    screen_.heading("Chapter 1: the manifests are pushed, with v1");
    const auto commit = TRY(author_.begin());
    screen_.line(concat("pushed ", commit.substr(0, 8)));
    TRY(wait("healthy-on-v1", "Healthy on v1", seconds{60},
             [](const Picture& picture) -> Result<bool> {
                 const auto& rollout = picture.rollout;
                 return rollout.observed && rollout.phase == "Healthy" &&
                        !rollout.stable_hash.empty() && rollout.stable_hash == rollout.current_hash;
             }));
    first_hash_ = timeline_.picture().rollout.stable_hash;
    screen_.held("Rollout shop/shop is Healthy on v1");
    TRY(stage_.start_load());
    TRY(wait("healthy-on-v1", "an answer of v1 through the ingress", seconds{10},
             [&](const Picture&) -> Result<bool> {
                 return stage_.counts().share("v1", TimePoint{}, TimePoint::max()).of > 0;
             }));
    screen_.held(concat("clients reach v1, at ", static_cast<long>(stage_.options().pace.rate),
                        " requests a second, half of them POST"));
    return {};
}

// The instant from which the route asked for that weight.
Result<TimePoint> Story::weight_after(int weight, TimePoint since, const Condition& meanwhile) {
    std::optional<TimePoint> found;
    TRY(wait("promoted", concat("a weight of ", weight, " %"), stage_.options().pace.step_deadline,
             [&](const Picture& picture) -> Result<bool> {
                 for (const auto& change : picture.weights)
                     if (change.at >= since && change.canary == weight && !found) found = change.at;
                 if (found) return true;
                 return meanwhile(picture);
             }));
    if (!found) return broken("promoted", concat("the weight never was ", weight, " %"));
    return *found;
}

Result<TimePoint> Story::next_weight(TimePoint since, const Condition& meanwhile) {
    std::optional<TimePoint> found;
    TRY(wait("promoted", "the next weight", stage_.options().pace.step_deadline,
             [&](const Picture& picture) -> Result<bool> {
                 for (const auto& change : picture.weights)
                     if (change.at > since && !found) found = change.at;
                 if (found) return true;
                 return meanwhile(picture);
             }));
    return found.value_or(now());
}

Result<void> Story::judge_step(const std::string& version, const std::string& hash, int weight,
                               TimePoint in_force, TimePoint left) {
    const Picture picture = timeline_.picture();
    const auto share = stage_.counts().share(version, in_force + promise_.settle, left - margin);
    const AnalysisRun* run = picture.run_at(hash, weight);
    TRY(check_share(promise_, weight, share));
    TRY(check_measurements(promise_, weight, in_force, run));
    screen_.held(concat(weight, " % asked, ", one_decimal(share.percent()), " % seen (", share.of,
                        " of ", share.all, "); ", describe_values(run)));
    return {};
}

Result<void> Story::recorded(std::string_view kind, const std::string& commit, int weight,
                             Json* record) {
    auto looked = std::chrono::steady_clock::time_point{};
    const std::string what =
        weight < 0 ? concat("a record \"", kind, "\" of ", commit.substr(0, 8))
                   : concat("a record of ", commit.substr(0, 8), " at ", weight, " %");
    return wait("recorded", what, seconds{15}, [&](const Picture&) -> Result<bool> {
        if (std::chrono::steady_clock::now() - looked < git_interval) return false;
        looked = std::chrono::steady_clock::now();
        const auto records = TRY(author_.records());
        const Json* found = find_record(records, kind, commit, weight);
        if (found && record) *record = *found;
        return found != nullptr;
    });
}

Result<void> Story::good_version() {
    screen_.heading("Chapter 2: v2 is pushed, and is good");
    const TimePoint began = now();
    good_commit_ = TRY(author_.set_version("v1", "v2"));
    const TimePoint pushed = now();
    screen_.line(concat("pushed ", good_commit_.substr(0, 8), "  shop: v1 -> v2"));
    const Condition goes_on = [&](const Picture& picture) -> Result<bool> {
        if (!picture.rollout.aborted && picture.rollout.phase != "Degraded") return false;
        return broken("promoted", concat("v2 was not promoted: ", picture.rollout.message));
    };
    TimePoint since = began;
    std::vector<int> weights;
    for (const int weight : timeline_.picture().step_weights)
        if (weights.empty() || weights.back() != weight) weights.push_back(weight);
    for (const int weight : weights) {
        const TimePoint in_force = TRY(weight_after(weight, since, goes_on));
        if (since == began) {
            good_hash_ = timeline_.picture().rollout.current_hash;
            shown_version_ = "v2";
            shown_hash_ = good_hash_;
            screen_.line(
                concat("first weight ", (in_force - pushed).count(), " ms after the push"));
        }
        if (stage_.options().sabotage == Sabotage::ProxyAt30 && weight == 5)
            TRY(saboteur_.hold_proxy_at(stage_.places().data, 30));
        if (stage_.options().sabotage == Sabotage::RequestDropped && weight == 20)
            stage_.tell_load("drop");
        since = TRY(next_weight(in_force, goes_on));
        TRY(judge_step("v2", good_hash_, weight, in_force, since));
        TRY(recorded("step", good_commit_, weight));
        screen_.held(concat("the record branch shows the step at ", weight, " %"));
    }
    const Condition healthy = [&](const Picture& picture) -> Result<bool> {
        TRY(goes_on(picture));
        return picture.rollout.phase == "Healthy" && picture.rollout.stable_hash == good_hash_;
    };
    TRY(wait("promoted", "Healthy on v2", seconds{30}, healthy));
    shown_version_.clear();
    TRY(recorded("promoted", good_commit_, -1));
    screen_.held("v2 is promoted, and the record branch says so");
    return {};
}

// Waits for the bad version's analysis to fail; anything that lets it go on is the broken promise.
Result<TimePoint> Story::failed_verdict(const std::string& hash, int weight) {
    TimePoint verdict;
    const Condition failed = [&](const Picture& picture) -> Result<bool> {
        TRY(check_not_promoted(picture, hash, weight));
        const AnalysisRun* run = picture.run_at(hash, weight);
        if (!run || !run->failed() || !run->ended) return false;
        verdict = *run->ended;
        return true;
    };
    TRY(wait("rolled-back", "a failed verdict on v3", stage_.options().pace.step_deadline, failed));
    return verdict;
}

Result<void> Story::bad_version() {
    screen_.heading("Chapter 3: v3 is pushed, and is bad");
    const auto sabotage = stage_.options().sabotage;
    const TimePoint began = now();
    bad_commit_ = TRY(author_.set_version("v2", "v3", sabotage == Sabotage::GateRemoved));
    screen_.line(concat("pushed ", bad_commit_.substr(0, 8), "  shop: v2 -> v3"));
    const TimePoint in_force = TRY(weight_after(5, began, not_yet));
    const std::string bad_hash = timeline_.picture().rollout.current_hash;
    shown_version_ = "v3";
    shown_hash_ = bad_hash;
    const TimePoint verdict = TRY(failed_verdict(bad_hash, 5));
    const TimePoint zero = TRY(next_weight(in_force, not_yet));
    TRY(wait("weight-zero", "the counts after the verdict", promise_.to_zero + seconds{5},
             [&](const Picture&) -> Result<bool> {
                 return stage_.counts().until() > verdict + promise_.to_zero + margin;
             }));
    shown_version_.clear();
    TRY(judge_step("v3", bad_hash, 5, in_force, std::min(zero, verdict)));
    const auto last_bad = stage_.counts().last_answer("v3");
    const auto picture = timeline_.picture();
    TRY(check_weight_zero(promise_, verdict,
                          picture.weight() == 0 ? std::optional{zero} : std::nullopt, last_bad));
    screen_.held(concat("verdict Failed; the route said 0 ", (zero - verdict).count(),
                        " ms later, and v3's last answer ended ",
                        last_bad ? (*last_bad - verdict).count() : 0, " ms after it"));

    const Commit revert = TRY(reverted());
    TimePoint pushed;
    for (const auto& push : TRY(author_.pushes()))
        if (push.to == revert.id) pushed = push.at;
    TRY(check_restored_first(last_bad, pushed));
    TRY(check_revert(revert, bad_commit_, "shop/rollout.yaml"));
    screen_.held(concat("revert ", revert.id.substr(0, 8), " names ", bad_commit_.substr(0, 8),
                        "; pushed ", (pushed - verdict).count(), " ms after the verdict"));
    Json record;
    TRY(recorded("rolledback", bad_commit_, -1, &record));
    TRY(check_evidence(record));
    screen_.held(concat("record: ", sluice::text_at(record, {"cause", "text"})));
    return at_rest(revert, pushed);
}

Result<Commit> Story::reverted() {
    Commit revert;
    auto looked = std::chrono::steady_clock::time_point{};
    const Condition landed = [&](const Picture&) -> Result<bool> {
        if (std::chrono::steady_clock::now() - looked < git_interval) return false;
        looked = std::chrono::steady_clock::now();
        const auto commits = TRY(author_.commits_since(bad_commit_, "main"));
        if (commits.empty()) return false;
        revert = commits.back();
        return true;
    };
    TRY(wait("reverted", "a revert commit on main", seconds{20}, landed));
    return revert;
}

Result<void> Story::at_rest(const Commit& revert, TimePoint pushed) {
    const auto restored = TRY(author_.file_at(revert.id, "shop/rollout.yaml"));
    const auto wanted = TRY(author_.file_at(good_commit_, "shop/rollout.yaml"));
    if (restored != wanted)
        return broken("revert-names-bad", "the reverted manifest is not that of v2");
    TRY(wait(
        "healthy-on-v2", "Healthy on v2", seconds{30}, [&](const Picture& picture) -> Result<bool> {
            const auto& rollout = picture.rollout;
            return rollout.observed && rollout.phase == "Healthy" && rollout.image == "shop:v2" &&
                   rollout.stable_hash == good_hash_ && rollout.current_hash == good_hash_;
        }));
    screen_.held("Rollout shop/shop is Healthy on v2");
    if (stage_.options().sabotage == Sabotage::SecondRevert) TRY(author_.repeat_newest());
    const auto until = std::chrono::steady_clock::now() + stage_.options().pace.settle;
    const Condition rested = [&](const Picture& picture) -> Result<bool> {
        TRY(check_still(picture, pushed));
        return std::chrono::steady_clock::now() > until;
    };
    TRY(wait("still", "the rest", stage_.options().pace.settle + seconds{5}, rested));
    const auto since_bad = TRY(author_.commits_since(bad_commit_, "main"));
    TRY(check_one_revert(since_bad));
    screen_.held("one revert, and no new canary from it");
    return {};
}

Result<void> Story::end() {
    TRY(stage_.stop_load());
    const auto counts = stage_.counts();
    TRY(check_nothing_lost(counts));
    screen_.held(concat("nothing lost in ", counts.answers(), " requests"));
    TRY(check_on_time(screen_.elapsed(), stage_.options().pace.limit));
    screen_.held(concat("the whole took ", screen_.elapsed().count() / 1000, " s of ",
                        stage_.options().pace.limit.count() / 1000));
    return {};
}

Result<void> Story::look_around() {
    const auto& options = stage_.options();
    screen_.heading("What Git says: main");
    screen_.plain(TRY(author_.log("main", 10)));
    screen_.heading("What Git says: sluice-records");
    screen_.plain(TRY(author_.log("sluice-records", 20)));
    screen_.heading("Look around");
    screen_.plain(concat("export KUBECONFIG=", stage_.places().kubeconfig));
    for (const auto* words : {"get rollouts,deliveries,analysisruns,replicasets,pods",
                              "describe rollout shop", "get deliveries -o yaml", "get events"})
        screen_.plain(concat(options.tools, "/usr/bin/kubectl -n shop ", words));
    screen_.plain(concat("git clone ", stage_.places().git_url()));
    if (!options.keep)
        screen_.plain(
            "(all of it is stopped now; ./examples/quickstart.sh --keep leaves it running)");
    return {};
}

}  // namespace story
