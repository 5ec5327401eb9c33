// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/simulation.hpp"

#include "base/text.hpp"
#include "controller/policy/delivery/message.hpp"
#include "controller/policy/verbs/patches.hpp"

namespace sluice::sim {
namespace {

constexpr long most_steps = 60'000;  // of one world; more is a loop without rest

}  // namespace

Simulation::Simulation(std::uint64_t seed, Plant plant, bool trace)
    : seed_(seed),
      stage_(seed, trace),
      shape_(stage_.chance),
      journals_(stage_),
      cluster_(stage_, journals_, seed),
      oracle_(stage_, journals_, shape_),
      faults_(stage_, [this] { outside_now(); }),
      measuring_(stage_, journals_, faults_, seed),
      plant_(plant),
      bad_(seed),
      begin_(stage_.now()) {
    for (int number = 1; number <= (bad_.two_controllers ? 2 : 1); ++number)
        processes_.emplace_back(stage_.clock, number).restart_at = stage_.now();
    for (const auto& type :
         {resources::pods, resources::services, resources::endpoint_slices, resources::replica_sets,
          resources::ingresses, resources::virtual_services, resources::destination_rules,
          resources::rollouts})
        journals_.of(type);
    stage_.trace.say(concat("seed ", seed, " ", shape_.text));
}

// ---- time ----

std::optional<TimePoint> Simulation::Process::next() const {
    if (!leads) return std::nullopt;
    return controller ? controller->next() : std::optional(restart_at);
}

void Simulation::step(Process& process) {
    try {
        if (process.controller) {
            process.controller->step();
            return;
        }
        process.controller = std::make_unique<Controller>(
            Controller::Parts{process.number, stage_, process.clock, journals_, faults_, measuring_,
                              remote_, lag_, plant_});
        stage_.trace.say(concat("controller ", process.number, " started"));
    } catch (const Crash&) {
        process.controller.reset();
        process.restart_at = stage_.now() + stage_.chance.between(5ms, 2s);
    }
    stage_.by_controller = 0;
}

std::vector<Simulation::Process*> Simulation::due(TimePoint now) {
    std::vector<Process*> all;
    for (auto& process : processes_)
        if (const auto next = process.next(); next && *next <= now) all.push_back(&process);
    return all;
}

std::optional<TimePoint> Simulation::next_work() const {
    std::optional<TimePoint> earliest;
    for (const auto& process : processes_)
        if (const auto next = process.next(); next && (!earliest || *next < *earliest))
            earliest = next;
    return earliest;
}

void Simulation::jump_to_next(TimePoint end) {
    auto next = next_work();
    if (const auto deed = stage_.agenda.next(); deed && (!next || *deed < *next)) next = deed;
    stage_.clock.set(std::min(end, next.value_or(end)));
    oracle_.tick(calm_since_);
}

void Simulation::one_step() {
    ++steps_;
    const auto now = stage_.now();
    const auto deed = stage_.agenda.next();
    const auto work = due(now);
    const bool deed_due = deed && *deed <= now;
    if (deed_due && (work.empty() || stage_.chance.permille(500)))
        stage_.agenda.step(now);
    else if (!work.empty())
        step(work.size() == 1 ? *work.front() : *bad_.chance.of(work));
    // Work takes time.
    stage_.clock.set(stage_.now() + Duration{stage_.chance.below(4)});
}

void Simulation::run_until(TimePoint end) {
    while (stage_.now() < end && oracle_.broken().empty()) {
        if (steps_ > most_steps) return oracle_.fail("the world does not come to rest: a loop");
        jump_to_next(end);
        if (stage_.now() < end) one_step();
    }
}

bool Simulation::settles_within(Duration limit) {
    const auto end = stage_.now() + limit;
    for (int quiet = 0; stage_.now() < end && oracle_.broken().empty();) {
        run_until(stage_.now() + 2s);
        quiet = unrest().empty() ? quiet + 1 : 0;
        if (quiet == 3) return true;
        if (quiet == 0) finish_what_waits();
    }
    return false;
}

// ---- the world outside ----

void Simulation::wrote() {
    const int by = stage_.by_controller;
    journals_.pull();
    cluster_.noticed();
    if (by == 0) return oracle_.look({});
    // While it begins it has just listed everything.
    const auto& writer = processes_[static_cast<size_t>(by - 1)].controller;
    const long newest = stage_.store->version();
    oracle_.look(writer ? writer->horizon() : Horizon{newest, newest});
}

// While a call of the controller is on its way.
void Simulation::outside_now() {
    const auto next = stage_.agenda.next();
    if (!next || *next > stage_.now() + 500ms) return;
    stage_.clock.set(*next);
    stage_.agenda.step(stage_.now());
}

void Simulation::verb(const char* name) {
    const auto live = stage_.outside.get({resources::rollouts, "shop", "shop"});
    if (!live.ok()) return;
    stage_.trace.say(concat("USER ", name));
    using namespace policy::verbs;
    const std::string_view what = name;
    const PatchPair pair = what == "abort"          ? policy::verbs::abort()
                           : what == "retry"        ? retry()
                           : what == "pause"        ? pause()
                           : what == "resume"       ? resume()
                           : what == "promote full" ? promote_full(*live)
                                                    : promote(*live);
    const ObjectRef ref{resources::rollouts, "shop", "shop"};
    if (pair.status)
        (void)stage_.outside.patch(ref, kube::PatchType::Merge, *pair.status, "status");
    if (pair.spec) (void)stage_.outside.patch(ref, kube::PatchType::Merge, *pair.spec);
}

void Simulation::push(int version, long replicas) {
    stage_.trace.say(concat("GIT PUSH v", version, " replicas ", replicas,
                            quality_of(seed_, version).fails_analysis ? " (bad)" : "",
                            quality_of(seed_, version).never_ready ? " (never ready)" : ""));
    remote_.edit(
        "main",
        {{"shop/rollout.yaml", sluice::to_text(shape_.rollout(version, replicas)), std::nullopt}},
        concat("shop: v", version, "\n"));
    for (auto& process : processes_)
        if (process.controller) process.controller->hint();
}

void Simulation::push_something() {
    const auto text = remote_.file("main", "shop/rollout.yaml");
    const Json declared = parse_json(text).value();
    const long replicas = integer_at(declared, {"spec", "replicas"});
    auto& chance = stage_.chance;
    if (chance.permille(150)) {
        push(version_of(*find(declared, {"spec", "template"})), chance.between(1, 5));
    } else if (chance.permille(150)) {
        push(static_cast<int>(chance.between(1, versions_)), replicas);
    } else {
        push(++versions_, replicas);
    }
}

void Simulation::user_acts() {
    if (!wild_) return;
    auto& chance = stage_.chance;
    const long what = chance.below(100);
    if (what < 40)
        push_something();
    else if (what < 50)
        verb("abort");
    else if (what < 58)
        verb("retry");
    else if (what < 70)
        verb("promote");
    else if (what < 75)
        verb("promote full");
    else if (what < 78)
        verb("pause");
    else if (what < 83)
        verb("resume");
    else if (what < 95)
        cluster_.harm_a_pod();
    stage_.after(chance.between(500ms, 12s), [this] { user_acts(); });
}

// The users' part in coming to rest: nobody leaves a Rollout paused for ever.
void Simulation::finish_what_waits() {
    const Json* rollout = journals_.find(resources::rollouts, "shop");
    if (!rollout) return;
    if (bool_at(*rollout, {"spec", "paused"})) return verb("resume");
    if (text_at(*rollout, {"status", "phase"}) == "Paused") verb("promote");
}

// ---- at the end ----

std::string Simulation::unrest() {
    const Json* rollout = journals_.find(resources::rollouts, "shop");
    if (!rollout) return "there is no Rollout";
    const auto phase = text_at(*rollout, {"status", "phase"});
    const auto message = text_at(*rollout, {"status", "message"});
    const long weight = oracle_.now().weight.value_or(0);
    if (phase != "Healthy" && phase != "Degraded") return concat(phase, " (", message, ")");
    // Where no stable pod is there to take it, the weight stays.
    const bool rescue = oracle_.now().ready_of(oracle_.now().stable_side) > 0;
    if (weight != 0 && rescue) return concat(phase, " with weight ", weight);
    const auto tip = remote_.tip("main");
    const Json* source = journals_.find(resources::git_sources, "app");
    if (text_at(*source, {"status", "lastAttempted", "commit"},
                text_at(*source, {"status", "lastApplied", "commit"})) != tip->text())
        return "git is not applied";
    for (const auto& [key, delivery] : journals_.of(resources::deliveries).live()) {
        const Json* outbox = find(delivery, {"status", "outbox"});
        if (outbox && !outbox->empty())
            return concat("the outbox of ", key,
                          " is not empty: ", text_at((*outbox)[0], {"kind"}));
    }
    return {};
}

// Each outcome is told once, and a bad commit is taken back at most once.
void Simulation::judge_git() {
    std::map<std::string, int> told;
    for (const auto& message : remote_.messages("sluice-records"))
        if (const auto op = policy::delivery::trailer_op_id(message); !op.empty()) ++told[op];
    for (const auto& [op, count] : told)
        if (count > 1) oracle_.fail(concat("operation ", op, " was recorded ", count, " times"));
    std::map<std::string, std::string> paths;
    for (const auto& path : remote_.paths("sluice-records")) {
        const auto name = path.substr(path.rfind('/') + 1);
        if (name.size() != 31 || !name.ends_with(".json")) continue;
        if (const auto [first, fresh] = paths.emplace(name, path); !fresh)
            oracle_.fail(concat("two records of one operation: ", first->second, " and ", path));
    }
    std::map<std::string, int> reverted;
    for (const auto& message : remote_.messages("main")) {
        if (!policy::delivery::carries_our_trailer(message)) continue;
        const auto at = message.find("This reverts commit ");
        ++reverted[at == std::string::npos ? message : message.substr(at, 60)];
    }
    for (const auto& [commit, count] : reverted)
        if (count > 1) oracle_.fail(concat("reverted ", count, " times: ", commit));
}

void Simulation::judge_final(int version) {
    const Json* rollout = journals_.find(resources::rollouts, "shop");
    const auto stable = text_at(*rollout, {"status", "stableRS"});
    for (const auto& [key, set] : journals_.of(resources::replica_sets).live())
        if (text_at(set, {"metadata", "labels", "rollouts-pod-template-hash"}) == stable &&
            version_of(*find(set, {"spec", "template"})) == version &&
            text_at(*rollout, {"status", "phase"}) == "Healthy")
            return;
    oracle_.fail(concat(
        "the last good version did not become stable: ", text_at(*rollout, {"status", "phase"}),
        " ", text_at(*rollout, {"status", "message"})));
}

Outcome Simulation::run() {
    shape_.create(stage_.outside);
    for (const auto& type : {resources::git_sources, resources::deliveries}) journals_.of(type);
    journals_.pull();
    stage_.on_write = [this](const HttpRequest&) { wrote(); };
    faults_.lose_push = bad_.pushes_lost;
    push(1, stage_.chance.between(1, 5));
    weather();
    stage_.after(stage_.chance.between(3s, 15s), [this] { user_acts(); });
    run_until(stage_.now() + stage_.chance.between(12s, 40s));
    // Users and faults go on as long as the API server takes no writes.
    while (faults_.no_writes && oracle_.broken().empty()) run_until(stage_.now() + 1s);
    wild_ = false;
    weather();
    end_bad_days();
    // Most reverts are written after the storms.
    stage_.after(1min, [this] { faults_.lose_push = 0; });
    stage_.trace.say("---- users and faults stop ----");
    if (!settles_within(6min + latest_clock_ - earliest_clock_) && oracle_.broken().empty())
        oracle_.fail(concat("does not settle: ", unrest()));
    const int last = 1000;
    if (oracle_.broken().empty() && stage_.chance.permille(300)) {
        push(last, 2);
        if (!settles_within(6min + latest_clock_ - earliest_clock_) && oracle_.broken().empty())
            oracle_.fail(concat("does not settle on the last version: ", unrest()));
        if (oracle_.broken().empty()) judge_final(last);
    }
    judge_git();
    if (!oracle_.broken().empty())
        if (const Json* rollout = journals_.find(resources::rollouts, "shop"))
            stage_.trace.say(concat("the Rollout at the end: ", sluice::to_text(*rollout)));
    Outcome outcome{.broken = oracle_.broken(),
                    .shape = shape_.text,
                    .history = concat(
                        stage_.store->version(), " writes, ", steps_, " steps, ",
                        (stage_.now() - begin_).count(), " ms, main at ",
                        remote_.tip("main")->text(), ", records at ",
                        remote_.tip("sluice-records") ? remote_.tip("sluice-records")->text() : ""),
                    .crashes = faults_.crashes,
                    .refused = faults_.refused,
                    .unanswered = faults_.unanswered,
                    .versions = versions_,
                    .pairs = bad_.two_controllers,
                    .jumps = jumps_,
                    .outages = outages_};
    for (const auto& subject : remote_.subjects("sluice-records")) {
        outcome.promoted += subject.find("promoted") != std::string::npos;
        outcome.rolled_back += subject.find("rolled back") != std::string::npos;
    }
    for (const auto& message : remote_.messages("main"))
        outcome.reverts += policy::delivery::carries_our_trailer(message);
    return outcome;
}

Outcome simulate(std::uint64_t seed, Plant plant, bool trace) {
    return Simulation(seed, plant, trace).run();
}

}  // namespace sluice::sim
