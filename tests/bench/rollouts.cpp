// SPDX-License-Identifier: Apache-2.0
// Many idle Rollouts: the embedded cluster with simulated pods and the shipped controller in this
// process, every request of the controller counted.
#include <unistd.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/shell/app.hpp"
#include "platform/clock.hpp"
#include "platform/kube/client.hpp"
#include "standalone/cluster.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/usage.hpp"

namespace bench {
namespace {

using sluice::concat;
using sluice::HttpRequest;
using sluice::HttpResponse;
using sluice::Json;
using sluice::Result;
namespace resources = sluice::resources;

class NoLog final : public sluice::Log {
    void write(sluice::LogLevel, std::string_view, const std::vector<sluice::LogField>&) override {}
};

// Counts what goes through it.
class CountingTransport final : public sluice::HttpTransport {
public:
    explicit CountingTransport(sluice::HttpTransport& next) : next_(next) {}

    Result<HttpResponse> send(const HttpRequest& request) override {
        count(request.method);
        return next_.send(request);
    }
    Result<HttpResponse> stream(const HttpRequest& request, const sluice::OnChunk& on_chunk,
                                std::stop_token stop) override {
        count("WATCH");
        return next_.stream(request, on_chunk, std::move(stop));
    }
    // "GET 3, WATCH 18", since the last time; "none".
    std::string taken() {
        const std::lock_guard lock(mutex_);
        std::string text;
        for (const auto& [method, number] : counts_)
            text += concat(text.empty() ? "" : ", ", method, " ", number);
        counts_.clear();
        return text.empty() ? "none" : text;
    }

private:
    void count(const std::string& method) {
        const std::lock_guard lock(mutex_);
        ++counts_[method];
    }
    sluice::HttpTransport& next_;
    std::mutex mutex_;
    std::map<std::string, long> counts_;  // guarded by mutex_
};

Json service(const std::string& ns, const std::string& name, const std::string& app) {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", {{"name", name}, {"namespace", ns}}},
            {"spec",
             {{"selector", {{"app", app}}},
              {"ports", Json::array({{{"name", "http"}, {"port", 80}}})}}}};
}

Json rollout(const std::string& ns, const std::string& name) {
    const Json labels = {{"app", name}};
    const Json container = {{"name", "web"},
                            {"image", "shop:v1"},
                            {"ports", Json::array({{{"name", "http"}, {"containerPort", 8080}}})}};
    const Json steps = Json::array({{{"setWeight", 20}}, {{"pause", {{"duration", "10s"}}}}});
    return {{"apiVersion", "argoproj.io/v1alpha1"},
            {"kind", "Rollout"},
            {"metadata", {{"name", name}, {"namespace", ns}}},
            {"spec",
             {{"replicas", 1},
              {"selector", {{"matchLabels", labels}}},
              {"template",
               {{"metadata", {{"labels", labels}}},
                {"spec", {{"containers", Json::array({container})}}}}},
              {"strategy",
               {{"canary",
                 {{"stableService", name + "-stable"},
                  {"canaryService", name + "-canary"},
                  {"steps", steps}}}}}}}};
}

Result<void> create_all(const sluice::kube::Client& client, int rollouts) {
    for (int i = 0; i < rollouts; ++i) {
        const std::string ns = concat("team-", i % 20), name = concat("web-", i);
        if (i < 20)
            (void)TRY(client.create(
                resources::namespaces,
                {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}}));
        (void)TRY(client.create(resources::services, service(ns, name + "-stable", name)));
        (void)TRY(client.create(resources::services, service(ns, name + "-canary", name)));
        (void)TRY(client.create(resources::rollouts, rollout(ns, name)));
    }
    return {};
}

Result<void> wait_until_healthy(const sluice::kube::Client& client, int rollouts) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes{5};
    int healthy = 0;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto list = TRY(client.list(resources::rollouts));
        healthy = 0;
        for (const auto& item : list.items)
            if (sluice::text_at(item, {"status", "phase"}) == "Healthy") ++healthy;
        if (healthy == rollouts) return {};
        let_pass(std::chrono::seconds{1});
    }
    return sluice::unavailable(
        concat("wait for the Rollouts: ", healthy, " of ", rollouts, " are Healthy after 5 min"));
}

struct Folder {
    std::string path;
    Folder() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "sluice-bench.XXXXXX").string();
        if (::mkdtemp(pattern.data())) path = pattern;
    }
    ~Folder() {
        std::error_code ignored;
        if (!path.empty()) std::filesystem::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
};

void show(const Options& options, const Memory& empty, double seconds, double cpu,
          const std::string& requests) {
    const auto full = memory_of(::getpid());
    const std::string many = concat(options.rollouts, " idle Rollouts");
    row(many + ": memory of the whole", "", fixed(full.resident) + " MB",
        concat("VmRSS of cluster and controller in one process, ", fixed(empty.resident),
               " MB before; ", fixed((full.resident - empty.resident) * 1e3 / options.rollouts, 1),
               " kB a Rollout with its ReplicaSet, pod, 2 Services, 2 EndpointSlices, Delivery, "
               "store and watch log included"));
    row(many + ": CPU", "1 % of a core", fixed(cpu / seconds * 100, 2) + " %",
        concat("over ", fixed(seconds, 0), " s, ingress included; load average ", fixed(load())));
    row(many + ": requests of the controller", "0", requests,
        concat("in ", fixed(seconds, 0), " s"));
}

}  // namespace

Result<void> measure_rollouts(const Options& options) {
    const Folder folder;
    NoLog log;
    const sluice::SystemClock clock;
    const auto cluster = TRY(
        sluice::standalone::start_cluster({.data_dir = folder.path + "/data",
                                           .images_dir = folder.path + "/images",
                                           .listen = "127.0.0.1:0",
                                           .ingress_listen = "127.0.0.1:0",
                                           .haproxy_program = options.tools + "/usr/sbin/haproxy",
                                           .simulated_pods = true},
                                          log, clock));
    CountingTransport counted(cluster->transport());
    const auto app = sluice::shell::start_app(
        {.ns = "", .data_dir = folder.path + "/data", .git_program = "git"}, {counted, counted},
        clock, log);
    const sluice::kube::Client client(cluster->transport(), "bench");
    let_pass(std::chrono::seconds{3});
    const auto empty = memory_of(::getpid());
    const auto began = std::chrono::steady_clock::now();
    TRY(create_all(client, options.rollouts));
    TRY(wait_until_healthy(client, options.rollouts));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    row(concat(options.rollouts, " Rollouts, from create to Healthy"), "",
        fixed(took.count()) + " s", concat("requests of the controller: ", counted.taken()));
    let_pass(std::chrono::seconds{10});
    (void)counted.taken();
    const double cpu_began = cpu_of(::getpid());
    const auto from = std::chrono::steady_clock::now();
    let_pass(options.look * 2);
    const std::chrono::duration<double> looked = std::chrono::steady_clock::now() - from;
    show(options, empty, looked.count(), cpu_of(::getpid()) - cpu_began, counted.taken());
    app->stop();
    cluster->stop();
    return {};
}

}  // namespace bench
