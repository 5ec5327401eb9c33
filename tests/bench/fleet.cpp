// SPDX-License-Identifier: Apache-2.0
// The promise of DESIGN D9, on the shipped program: `sluice controller`, alone in its process,
// against our API server in another, which holds 10,000 Rollouts with their history. The documents
// are those that stood after the quickstart, put straight into the server's store.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.hpp"
#include "crds/pod_template.hpp"
#include "examples/story/process.hpp"
#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "platform/http/curl_transport.hpp"
#include "standalone/apiserver/apiserver.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/usage.hpp"

namespace bench {
namespace {

using sluice::concat;
using sluice::Json;
using sluice::Result;
using namespace std::chrono_literals;
namespace store = sluice::standalone::store;

constexpr int namespaces = 100;

class NoLog final : public sluice::Log {
    void write(sluice::LogLevel, std::string_view, const std::vector<sluice::LogField>&) override {}
};

struct Documents {
    Json rollout, replica_set, run, delivery, service, ingress, analysis_template;
};

Result<Documents> read_documents(const Options& options) {
    const auto read = [&](const std::string& name) -> Result<Json> {
        return sluice::parse_json(TRY(
            sluice::read_file(concat(options.source, "/tests/bench/documents/", name, ".json"))));
    };
    return Documents{TRY(read("rollout")),          TRY(read("replica_set")),
                     TRY(read("analysis_run")),     TRY(read("delivery")),
                     TRY(read("service")),          TRY(read("ingress")),
                     TRY(read("analysis_template"))};
}

// What a Rollout and its history are in the store.
class Fleet {
public:
    Fleet(store::Store& into, const Documents& documents) : into_(into), from_(documents) {}

    Result<void> put_namespace(int index) {
        const std::string name = concat("team-", index);
        TRY(put("namespaces", {{"apiVersion", "v1"},
                               {"kind", "Namespace"},
                               {"metadata", {{"name", name}, {"uid", uid(1, index)}}}}));
        Json one = from_.analysis_template;
        one["metadata"]["namespace"] = name;
        return put("analysistemplates.argoproj.io", std::move(one));
    }

    Result<void> put_rollout(int index) {
        index_ = index;
        ns_ = concat("team-", index % namespaces);
        name_ = concat("shop-", index);
        TRY(put_routes());
        Json rollout = named(from_.rollout, name_);
        rollout["metadata"]["uid"] = uid(2, index);
        auto& canary = rollout["spec"]["strategy"]["canary"];
        canary["stableService"] = name_ + "-stable";
        canary["canaryService"] = name_ + "-canary";
        canary["trafficRouting"]["nginx"]["stableIngress"] = name_;
        // The history is kept as it is.
        rollout["spec"]["revisionHistoryLimit"] = 10;
        rollout["spec"]["analysis"] = {{"successfulRunHistoryLimit", 10},
                                       {"unsuccessfulRunHistoryLimit", 10}};
        const auto hash = sluice::text_at(rollout, {"status", "stableRS"});
        TRY(put("rollouts.argoproj.io", rollout));
        Json live = replica_set(hash);
        live["metadata"]["annotations"].erase("scale-down-deadline");
        live["metadata"]["annotations"]["rollout.argoproj.io/revision"] =
            rollout["metadata"]["annotations"]["rollout.argoproj.io/revision"];
        const long replicas = sluice::integer_at(rollout, {"spec", "replicas"}, 1);
        live["spec"]["replicas"] = replicas;
        for (const char* count : {"replicas", "readyReplicas", "availableReplicas"})
            live["status"][count] = replicas;
        live["spec"]["template"] = rollout["spec"]["template"];
        live["spec"]["template"]["metadata"]["labels"]["rollouts-pod-template-hash"] = hash;
        TRY(put("replicasets.apps", std::move(live)));
        for (int i = 0; i < 10; ++i) TRY(put("replicasets.apps", replica_set(old_hash(i))));
        for (int i = 0; i < 10; ++i) TRY(put("analysisruns.argoproj.io", run(i)));
        for (int i = 0; i < 5; ++i) TRY(put("deliveries.sluice.dev", delivery(i)));
        return {};
    }

private:
    Result<void> put_routes() {
        const auto hash = sluice::text_at(from_.rollout, {"status", "stableRS"});
        for (const char* which : {"-stable", "-canary"}) {
            Json service = named(from_.service, name_ + which);
            service["metadata"]["annotations"]["argo-rollouts.argoproj.io/managed-by-rollouts"] =
                name_;
            service["spec"]["selector"]["rollouts-pod-template-hash"] = hash;
            TRY(put("services", std::move(service)));
        }
        Json ingress = named(from_.ingress, name_);
        for (auto& rule : ingress["spec"]["rules"])
            for (auto& path : rule["http"]["paths"])
                path["backend"]["service"]["name"] = name_ + "-stable";
        return put("ingresses.networking.k8s.io", std::move(ingress));
    }
    Json named(Json document, const std::string& name) const {
        document["metadata"]["name"] = name;
        document["metadata"]["namespace"] = ns_;
        document["metadata"]["uid"] = uid(3 + static_cast<int>(name.back()), ++made_);
        return document;
    }
    Json owned(Json document, const std::string& name) const {
        document = named(std::move(document), name);
        document["metadata"]["ownerReferences"][0]["name"] = name_;
        document["metadata"]["ownerReferences"][0]["uid"] = uid(2, index_);
        return document;
    }
    Json replica_set(const std::string& hash) const {
        Json set = owned(from_.replica_set, concat(name_, "-", hash));
        for (auto* labels : {&set["metadata"]["labels"], &set["spec"]["selector"]["matchLabels"],
                             &set["spec"]["template"]["metadata"]["labels"]})
            (*labels)["rollouts-pod-template-hash"] = hash;
        // No two versions of a fleet are the same.
        set["spec"]["template"]["metadata"]["annotations"]["version"] = concat(name_, hash);
        set["spec"]["replicas"] = 0;
        set["status"] = {{"replicas", 0}, {"observedGeneration", 4}};
        return set;
    }
    Json run(int number) const {
        const auto hash = old_hash(number);
        Json one = owned(from_.run, concat(name_, "-", hash, "-", number + 2, "-11"));
        one["metadata"]["labels"]["rollouts-pod-template-hash"] = hash;
        return one;
    }
    Json delivery(int number) const {
        Json one = owned(from_.delivery, concat(name_, "-", number + 1));
        auto& spec = one["spec"];
        spec["rollout"] = {{"name", name_}, {"uid", uid(2, index_)}};
        spec["number"] = number + 1;
        const bool newest = number == 4;
        if (newest) spec["podTemplateHash"] = from_.rollout["status"]["currentPodHash"];
        spec["generation"] = 1;
        one["status"]["observedGeneration"] = 1;
        return one;
    }
    static std::string old_hash(int number) { return concat("65f8bbf6c", number); }
    static std::string uid(int kind, long index) {
        const auto digits = std::to_string(1'000'000'000'000L + index).substr(1);
        return concat("0a1b2c3d-", 1000 + kind, "-4000-8000-", digits);
    }
    Result<void> put(const std::string& type, Json document) {
        document["metadata"].erase("resourceVersion");
        const store::Key key{type, sluice::text_at(document, {"metadata", "namespace"}),
                             sluice::text_at(document, {"metadata", "name"})};
        (void)TRY(into_.create(key, std::move(document)));
        return {};
    }

    store::Store& into_;
    const Documents& from_;
    int index_ = 0;
    mutable long made_ = 0;
    std::string ns_, name_;
};

Result<void> fill(const Options& options, const std::string& data) {
    const auto documents = TRY(read_documents(options));
    const auto into = TRY(store::Store::open({.path = data + "/store.db"}));
    if (into->version() > 0) return {};
    Fleet fleet(*into, documents);
    for (int i = 0; i < namespaces; ++i) TRY(fleet.put_namespace(i));
    for (int i = 0; i < options.fleet; ++i) TRY(fleet.put_rollout(i));
    return {};
}

// VmHWM, in MB; begins anew after forget_peak().
double peak_of(pid_t pid) {
    std::ifstream file(concat("/proc/", pid, "/status"));
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) * 1024 / 1e6;
    return 0;
}
void forget_peak(pid_t pid) {
    std::ofstream(concat("/proc/", pid, "/clear_refs")) << "5";
}

bool answers(const std::string& url) {
    const auto transport = sluice::http::make_curl_transport({});
    const auto answer = transport->send({.url = url, .deadline = 60s});
    return answer.ok() && answer->status == 200;
}

bool says(const std::string& log, const std::string& what) {
    std::ifstream file(log);
    std::stringstream text;
    text << file.rdbuf();
    return text.str().find(what) != std::string::npos;
}

pid_t child_named(const std::string& name) {
    for (const auto& child : descendants(::getpid()))
        if (child.name == name) return child.pid;
    return -1;
}

// Until it has done nothing for a while.
void wait_until_quiet(pid_t pid, std::chrono::seconds longest) {
    const auto deadline = std::chrono::steady_clock::now() + longest;
    for (int quiet = 0; quiet < 3 && std::chrono::steady_clock::now() < deadline;) {
        const double before = cpu_of(pid);
        let_pass(1s);
        quiet = cpu_of(pid) - before < 0.02 ? quiet + 1 : 0;
    }
}

struct Play {
    std::string folder, kubeconfig, log, metrics;
    story::Process server, controller;
    pid_t pid = -1;
};

Result<void> start_server(const Options& options, Play& play) {
    std::filesystem::remove(play.kubeconfig);
    play.server = TRY(story::Process::start(
        "fleet-server",
        {.words = {options.build + "/tests/bench", "--source", options.source, "--build",
                   options.build, "--tools", options.tools, "--logs", play.folder, "--fleet",
                   std::to_string(options.fleet), "--listen", play.metrics, "fleet-server"}},
        options.logs + "/fleet-server.log"));
    for (int i = 0; i < 6000; ++i) {
        let_pass(100ms);
        if (const auto ended = play.server.ended())
            return sluice::unavailable("the fleet's server ended: " + *ended);
        if (std::filesystem::exists(play.folder + "/ready")) return {};
    }
    return sluice::unavailable("the fleet's server is not ready after 10 minutes");
}

Result<void> start_controller(const Options& options, Play& play, const std::string& name) {
    play.log = concat(options.logs, "/", name, ".log");
    std::filesystem::remove(play.log);
    const auto port = TRY(story::free_port());
    const auto hooks = TRY(story::free_port());
    play.metrics = concat("127.0.0.1:", port);
    const auto began = std::chrono::steady_clock::now();
    play.controller = TRY(story::Process::start(
        "sluice",
        {.words = {options.build + "/sluice", "controller", "--kubeconfig", play.kubeconfig,
                   "--data", play.folder + "/controller", "--metrics-listen", play.metrics,
                   "--webhook-listen", concat("127.0.0.1:", hooks)}},
        play.log));
    // Another name until the program runs.
    for (int i = 0; i < 200 && (play.pid = child_named("sluice")) < 0; ++i) let_pass(50ms);
    if (play.pid < 0) return sluice::unavailable("the controller does not run: see " + play.log);
    std::string first = "none, there was nothing to do";
    const auto since = [&] {
        return fixed(
            std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    };
    std::string synced;
    const auto waits = [&](int left) {
        return synced.empty() || (left > 0 && first.starts_with("none"));
    };
    for (int i = 0, left = 200; i < 6000 && waits(left); ++i) {
        let_pass(50ms);
        if (!synced.empty()) --left;
        if (synced.empty() && i % 10 == 0 && answers(concat("http://", play.metrics, "/readyz")))
            synced = since();
        if (first.starts_with("none") && says(play.log, "\"decided\"")) first = since() + " s";
        if (!synced.empty() && options.fleet == 0) break;
    }
    if (options.fleet > 0) {
        row("from start to synced", "", synced + " s", "/readyz");
        row("from start to the first decision", "5 s", first, "the first \"decided\" of its log");
    }
    return {};
}

void show_memory(pid_t pid, const std::string& when, const std::string& bound) {
    const auto memory = memory_of(pid);
    row(when + ": memory", bound,
        concat(fixed(memory.resident), " MB, at most ", fixed(peak_of(pid)), " MB"),
        concat("VmRSS, VmHWM; ", fixed(memory.anonymous), " MB anonymous; ", memory.threads,
               " threads"));
}

}  // namespace

Result<void> serve_fleet(const Options& options) {
    NoLog log;
    const sluice::SystemClock clock;
    TRY(fill(options, options.logs));
    const auto server = TRY(sluice::standalone::apiserver::start_api_server(
        {.data_dir = options.logs, .listen = options.listen}, log, clock));
    std::ofstream(options.logs + "/ready") << server->url();
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    int signal = 0;
    ::sigwait(&signals, &signal);
    return {};
}

Result<void> measure_fleet(const Options& given) {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-fleet.XXXXXX").string();
    if (!::mkdtemp(pattern.data())) return sluice::unavailable("no folder for the fleet");
    Play play{.folder = pattern, .kubeconfig = pattern + "/kubeconfig"};
    const auto fleet_port = TRY(story::free_port());
    const std::string listen = concat("127.0.0.1:", fleet_port);
    Options options = given;
    const std::string bound = "134.2 MB (128 MiB)";
    play.metrics = listen;
    TRY(start_server(options, play));
    TRY(start_controller(options, play, "fleet-controller"));
    const std::string many = concat(options.fleet, " Rollouts");
    show_memory(play.pid, many + ", listed", bound);
    wait_until_quiet(play.pid, 300s);
    show_memory(play.pid, many + ", idle", bound);
    const double began = cpu_of(play.pid);
    let_pass(options.look);
    row(many + ", idle: CPU", "1 % of a core",
        fixed((cpu_of(play.pid) - began) / (options.look.count() / 1e3) * 100, 2) + " %",
        concat("over ", options.look.count() / 1000, " s"));
    forget_peak(play.pid);
    for (int i = 0; i < 5; ++i) (void)answers(concat("http://", play.metrics, "/metrics"));
    show_memory(play.pid, many + ", after five scrapes", bound);
    forget_peak(play.pid);
    const auto metrics = std::exchange(play.metrics, listen);
    play.server.stop(10s);
    std::filesystem::remove(play.folder + "/ready");
    TRY(start_server(options, play));
    play.metrics = metrics;
    let_pass(20s);
    wait_until_quiet(play.pid, 300s);
    show_memory(play.pid, many + ", listed anew after the server was gone", bound);
    play.controller.stop(10s);
    play.server.stop(10s);
    std::error_code ignored;
    std::filesystem::remove_all(play.folder, ignored);
    return {};
}

}  // namespace bench
