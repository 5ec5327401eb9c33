// SPDX-License-Identifier: Apache-2.0
// The Delivery controller on the real API server's handler and a Git remote in memory, turned by
// hand; and a fuse that ends its life at any call to either of them.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "controller/shell/delivery_execute.hpp"
#include "controller/shell/delivery_world.hpp"
#include "controller/shell/delivery_write_back.hpp"
#include "crds/pod_template.hpp"
#include "standalone/apiserver/in_process_transport.hpp"
#include "tests/support/memory_repository.hpp"
#include "tests/unit/standalone/support.hpp"

namespace sluice::shell::testing {

using standalone::apiserver::InProcessTransport;
using standalone::apiserver::testing::SetClock;
using standalone::apiserver::testing::SilentLog;
using standalone::apiserver::testing::TestServer;

// Counts calls to the outside; the last one before the end may or may not have its effect, and
// nothing is answered after it: what a killed process sees of the world.
struct Fuse {
    long left = -1;  // never, below zero
    bool effect_of_last = false;
    bool blown = false;

    enum class Call { Ordinary, EffectWithoutAnswer, Nothing };
    Call next() {
        if (blown) return Call::Nothing;
        if (left < 0 || left-- > 0) return Call::Ordinary;
        blown = true;
        return effect_of_last ? Call::EffectWithoutAnswer : Call::Nothing;
    }
    template <class Value, class Do>
    Result<Value> pass(const Do& run) {
        const auto call = next();
        if (call == Call::Nothing) return unavailable("the process is gone");
        auto answer = run();
        if (call == Call::EffectWithoutAnswer) return unavailable("the process is gone");
        return answer;
    }
};

class FusedTransport final : public HttpTransport {
public:
    FusedTransport(HttpTransport& inner, Fuse& fuse) : inner_(inner), fuse_(fuse) {}
    Result<HttpResponse> send(const HttpRequest& request) override {
        return fuse_.pass<HttpResponse>([&] { return inner_.send(request); });
    }
    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& chunk,
                                std::stop_token stop) override {
        return inner_.stream(request, chunk, stop);
    }

private:
    HttpTransport& inner_;
    Fuse& fuse_;
};

class FusedRepository final : public git::Repository {
public:
    FusedRepository(test::MemoryRemote& remote, Fuse& fuse) : inner_(remote), fuse_(fuse) {}
    Result<std::optional<git::Oid>> remote_tip(std::string_view branch) override {
        return fetch(branch);
    }
    Result<std::optional<git::Oid>> fetch(std::string_view branch) override {
        return fuse_.pass<std::optional<git::Oid>>([&] { return inner_.fetch(branch); });
    }
    Result<std::vector<git::TreeFile>> files(const git::Oid& commit,
                                             const std::vector<std::string>& paths) override {
        return inner_.files(commit, paths);
    }
    Result<std::optional<git::Oid>> blob_at(const git::Oid& commit,
                                            std::string_view path) override {
        return inner_.blob_at(commit, path);
    }
    Result<std::string> read(const git::Oid& blob, size_t limit) override {
        return inner_.read(blob, limit);
    }
    Result<git::CommitInfo> commit_info(const git::Oid& commit) override {
        return inner_.commit_info(commit);
    }
    Result<git::CommitInfo> last_change(const git::Oid& commit, std::string_view path,
                                        int depth) override {
        return inner_.last_change(commit, path, depth);
    }
    Result<bool> contains(const git::Oid& tip, const git::Oid& commit) override {
        return inner_.contains(tip, commit);
    }
    std::optional<git::Oid> last_fetched(std::string_view branch) override {
        return inner_.last_fetched(branch);
    }
    Result<git::Oid> commit(const std::optional<git::Oid>& parent,
                            const std::vector<git::TreeChange>& changes,
                            const git::Signature& author, std::string_view message) override {
        return fuse_.pass<git::Oid>(
            [&] { return inner_.commit(parent, changes, author, message); });
    }
    Result<git::PushAnswer> push(const std::vector<git::RefUpdate>& updates) override {
        return fuse_.pass<git::PushAnswer>([&] { return inner_.push(updates); });
    }

private:
    test::MemoryRepository inner_;
    Fuse& fuse_;
};

// What outlives every controller.
struct Outside {
    TestServer server;
    InProcessTransport transport{server.handler, server.clock};
    kube::Client user{transport, "test"};
    test::MemoryRemote remote;
    std::vector<std::string> hints;
};

// One process, from its start to its death.
class Life {
public:
    Life(Outside& outside, Fuse fuse, std::string instance)
        : outside_(outside),
          fuse_(fuse),
          transport_(outside.transport, fuse_),
          client_(transport_, "sluice"),
          who_{"cluster-uid", "local", "0.1.0", std::move(instance)},
          world_(
              caches_, [this](const std::string& key) { woken_.insert(key); },
              [this](const crds::Delivery& delivery) {
                  owing_.insert(key_of(delivery.ns, delivery.name));
              }),
          write_back_(
              client_,
              [this](const std::string&) -> Result<std::unique_ptr<git::Repository>> {
                  return std::unique_ptr<git::Repository>(
                      std::make_unique<FusedRepository>(outside_.remote, fuse_));
              },
              [this](const std::string& source) { outside_.hints.push_back(source); }, who_,
              outside.server.clock, outside.server.log) {}

    [[nodiscard]] bool dead() const { return fuse_.blown; }

    // What the informers do.
    void look() {
        refresh(resources::git_sources, caches_.git_sources.sink());
        refresh(resources::deliveries, caches_.deliveries.sink());
        refresh(resources::analysis_runs, caches_.analysis_runs.sink());
        refresh(resources::rollouts, caches_.rollouts.sink());
    }
    // What the reconciler does. True where something may be left to do.
    bool reconcile() {
        bool busy = false;
        for (const auto& key : std::exchange(woken_, {})) {
            auto seen = world_.observe(client_, key);
            if (seen.ok() && !*seen) continue;
            const auto decision = seen.ok() ? world_.decide(client_, **std::move(seen), who_,
                                                            outside_.server.clock.now())
                                            : Result<policy::delivery::Decision>(seen.error());
            if (!decision.ok()) {
                woken_.insert(key);
                busy = true;
                continue;
            }
            const auto done = execute(client_, *decision, outside_.server.log);
            if (decision->look_again) woken_.insert(key);
            if (done.ok() && *done) continue;
            woken_.insert(key);
            busy = true;
        }
        return busy;
    }
    // What a writer does. Ok where nothing is owed any more.
    Result<void> write() {
        if (owing_.empty()) return {};
        const auto target = world_.source("shop/app");
        if (!target) return {};
        const std::vector<std::string> keys(owing_.begin(), owing_.end());
        auto written = write_back_.write(*target, keys);
        if (written.ok()) owing_.clear();
        return written;
    }
    Result<void> turn() {
        look();
        reconcile();
        look();
        return write();
    }
    [[nodiscard]] bool idle() const { return woken_.empty() && owing_.empty(); }

private:
    void refresh(const ResourceType& type, const kube::InformerSink& sink) {
        const auto list = client_.list(type);
        if (list.ok()) sink.on_list(list->items);
    }

    Outside& outside_;
    Fuse fuse_;
    FusedTransport transport_;
    kube::Client client_;
    policy::delivery::Identity who_;
    std::set<std::string> woken_;
    std::set<std::string> owing_;
    Caches caches_{""};
    DeliveryWorld world_;
    DeliveryWriteBack write_back_;
};

// The Rollout shop/shop as its controller and a GitSource leave it, moved by hand.
class Shop {
public:
    explicit Shop(Outside& outside) : outside_(outside) {
        create(resources::namespaces, {{"metadata", {{"name", "shop"}}}});
        create(
            resources::git_sources,
            {{"metadata", {{"name", "app"}, {"namespace", "shop"}}},
             {"spec", {{"url", "https://git.example/shop.git"}, {"writeBack", Json::object()}}}});
    }

    static std::string manifest(int version) {
        return concat("kind: Rollout\nmetadata: {name: shop}\nspec: {template: ",
                      to_text(pod_template(version)), "}\n");
    }
    // A person pushes; the GitSource applies it; the rollout controller sees it.
    void push(int version) {
        outside_.remote.edit("main", {{"shop.yaml", manifest(version), std::nullopt}},
                             concat("shop: bump to v", version, "\n"));
        apply(version);
    }
    void apply(int version) {
        declared_ = version;
        const auto live = outside_.user.get(rollout_ref());
        const Json spec = {{"template", pod_template(version)},
                           {"strategy",
                            {{"canary",
                              {{"trafficRouting", {{"nginx", Json::object()}}},
                               {"steps", parse_json(steps).value()}}}}}};
        if (live.ok())
            patch(resources::rollouts, "shop", {{"spec", spec}});
        else
            create(resources::rollouts,
                   {{"metadata", {{"name", "shop"}, {"namespace", "shop"}}}, {"spec", spec}});
        const auto commit = git_change();
        patch(
            resources::git_sources, "app",
            {{"status",
              {{"inventory", Json::array({{{"group", "argoproj.io"},
                                           {"kind", "Rollout"},
                                           {"namespace", "shop"},
                                           {"name", "shop"},
                                           {"path", "shop.yaml"},
                                           {"digest", crds::template_digest(pod_template(version))},
                                           {"commit", commit.id.text()},
                                           {"author", commit.author},
                                           {"subject", commit.subject}}})}}}},
            "status");
        status({{"currentPodHash", hash(version)},
                {"abort", false},
                {"abortedAt", nullptr},
                {"conditions", Json::array()},
                {"currentStepIndex", hash(version) == stable_ ? 8 : 0}});
        if (hash(version) != stable_) weight(0, 0);
    }
    void weight(long index, long weight) {
        status({{"currentStepIndex", index},
                {"canary",
                 {{"weights",
                   {{"canary", {{"weight", weight}}}, {"stable", {{"weight", 100 - weight}}}}}}}});
    }
    void promote() {
        stable_ = hash(declared_);
        status({{"stableRS", stable_}, {"currentStepIndex", 8}, {"phase", "Healthy"}});
        weight(8, 0);
    }
    void gate(long index, const std::string& phase, const std::string& value) {
        const auto uid = text_at(outside_.user.get(rollout_ref()).value(), {"metadata", "uid"});
        const auto time = format_rfc3339(outside_.server.clock.now());
        create(resources::analysis_runs,
               {{"metadata",
                 {{"name", concat("shop-", hash(declared_), "-", index)},
                  {"namespace", "shop"},
                  {"labels",
                   {{"rollouts-pod-template-hash", hash(declared_)},
                    {"rollout-type", "Step"},
                    {"step-index", std::to_string(index)}}},
                  {"ownerReferences", Json::array({{{"apiVersion", "argoproj.io/v1alpha1"},
                                                    {"kind", "Rollout"},
                                                    {"name", "shop"},
                                                    {"uid", uid},
                                                    {"controller", true}}})}}},
                {"spec",
                 {{"metrics", Json::array({{{"name", "error-rate"},
                                            {"successCondition", "result[0] < 0.01"}}})}}},
                {"status",
                 {{"phase", phase},
                  {"completedAt", time},
                  {"metricResults",
                   Json::array({{{"name", "error-rate"},
                                 {"phase", phase},
                                 {"count", 3},
                                 {"measurements", Json::array({{{"value", value},
                                                                {"phase", phase},
                                                                {"finishedAt", time}}})}}})}}}});
    }
    void abort(long index) {
        const auto time = format_rfc3339(outside_.server.clock.now());
        gate(index, "Failed", "[0.2]");
        status(
            {{"abort", true},
             {"abortedAt", time},
             {"conditions",
              Json::array(
                  {{{"type", "Progressing"},
                    {"status", "False"},
                    {"reason", "RolloutAborted"},
                    {"message", "Rollout aborted update to revision 3: error-rate failed"}}})},
             {"canary",
              {{"currentStepAnalysisRunStatus",
                {{"name", concat("shop-", hash(declared_), "-", index)}, {"status", "Failed"}}}}}});
    }
    [[nodiscard]] std::vector<crds::Delivery> deliveries() const {
        std::vector<crds::Delivery> all;
        std::vector<Problem> problems;
        const auto list = outside_.user.list(resources::deliveries).value();
        for (const auto& item : list.items) all.push_back(crds::decode_delivery(item, problems));
        check(problems.empty(), "a delivery cannot be read back");
        return all;
    }
    [[nodiscard]] crds::Delivery delivery(const std::string& name) const {
        for (auto& one : deliveries())
            if (one.name == name) return one;
        check(false, name.c_str());
        return {};
    }

private:
    static constexpr const char* steps =
        R"([{"setWeight":5},{"analysis":{}},{"setWeight":20},{"analysis":{}},)"
        R"({"setWeight":50},{"analysis":{}},{"setWeight":100},{"analysis":{}}])";
    static Json pod_template(int version) {
        return {{"spec",
                 {{"containers",
                   Json::array({{{"name", "shop"}, {"image", concat("shop:v", version)}}})}}}};
    }
    static std::string hash(int version) { return concat("hash", version); }
    static ObjectRef rollout_ref() { return {resources::rollouts, "shop", "shop"}; }

    git::CommitInfo git_change() {
        test::MemoryRepository repository(outside_.remote);
        return repository.last_change(*outside_.remote.tip("main"), "shop.yaml", 1000).value();
    }
    void create(const ResourceType& type, Json object) {
        object["apiVersion"] = type.api_version();
        object["kind"] = type.kind;
        const auto made = outside_.user.create(type, object);
        check(made.ok(), made.ok() ? "" : made.error().message.c_str());
    }
    void patch(const ResourceType& type, const std::string& name, const Json& change,
               std::string_view part = {}) {
        const auto done =
            outside_.user.patch({type, "shop", name}, kube::PatchType::Merge, change, part);
        check(done.ok(), done.ok() ? "" : done.error().message.c_str());
    }
    void status(Json change) {
        const auto live = outside_.user.get(rollout_ref()).value();
        change["observedGeneration"] = std::to_string(integer_at(live, {"metadata", "generation"}));
        patch(resources::rollouts, "shop", {{"status", change}}, "status");
    }

    Outside& outside_;
    int declared_ = 0;
    std::string stable_;
};

}  // namespace sluice::shell::testing
