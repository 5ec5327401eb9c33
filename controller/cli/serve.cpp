// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/serve.hpp"

#include <malloc.h>

#include <pthread.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>
#include <iostream>

#include "base/text.hpp"
#include "controller/cli/context.hpp"
#include "controller/server/endpoints.hpp"
#include "controller/shell/leading_app.hpp"
#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "platform/log/json_log.hpp"
#include "standalone/cluster.hpp"
#include "standalone/prometheus_targets.hpp"

namespace sluice::cli {
namespace {

// SIGINT and SIGTERM are taken by whoever waits here; threads started later inherit the mask, and
// child processes get theirs reset by whoever starts them.
class StopSignal {
public:
    StopSignal() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGINT);
        sigaddset(&set_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN);  // `ulimit -f`: a file that may not grow is an error, not the end
    }
    void wait() const {
        int which = 0;
        sigwait(&set_, &which);
    }

private:
    sigset_t set_{};
};

LogLevel level_of(const std::string& text) {
    if (text == "debug") return LogLevel::Debug;
    if (text == "warning") return LogLevel::Warning;
    return text == "error" ? LogLevel::Error : LogLevel::Info;
}

// What the listeners tell of; null until it is there.
struct Live {
    std::atomic<shell::App*> app = nullptr;
    std::atomic<standalone::Cluster*> cluster = nullptr;

    [[nodiscard]] std::string metrics() const {
        auto* const controller = app.load();
        const auto* const embedded = cluster.load();
        return concat(controller ? controller->metrics() : "", embedded ? embedded->metrics() : "");
    }
    [[nodiscard]] Result<std::string> targets() const {
        auto* const embedded = cluster.load();
        if (!embedded) return unavailable("still starting");
        const kube::Client client(embedded->transport(), "sluice-targets");
        const auto pods = TRY(client.list(resources::pods));
        return standalone::prometheus_targets(pods.items);
    }
};

// Opened before anything starts: a port that is taken must not end what runs already, the pods and
// the proxy of an earlier life.
struct Listeners {
    std::unique_ptr<http::Server> metrics;
    std::unique_ptr<http::Server> webhooks;  // null without a controller
};

Result<Listeners> listen(const ServeOptions& options, server::Endpoints endpoints, const Live& live,
                         bool webhooks) {
    Listeners listeners;
    listeners.metrics = TRY(server::serve_endpoints(options.metrics_listen, std::move(endpoints)));
    if (!webhooks) return listeners;
    listeners.webhooks =
        TRY(server::serve_webhooks(options.webhook_listen, [&live](const HttpRequest& request) {
            auto* const app = live.app.load();
            return app ? app->webhook(request) : HttpResponse{503, {}, "still starting\n"};
        }));
    return listeners;
}

// Its own namespace, as upstream; on a machine that is in none, the one that is watched or the
// system's.
std::string lease_namespace(const ServeOptions& options, const std::string& watched) {
    if (!options.lease_namespace.empty()) return options.lease_namespace;
    if (const char* pod = std::getenv("POD_NAMESPACE"); pod && *pod) return pod;
    const auto mounted = read_file("/var/run/secrets/kubernetes.io/serviceaccount/namespace", 300);
    if (mounted.ok()) return std::string(trim(*mounted));
    return watched.empty() ? "kube-system" : watched;
}

Result<std::unique_ptr<shell::App>> start_controller(
    const ServeOptions& options, shell::AppOptions app, const shell::Instance& instance,
    shell::Connections kubernetes, HttpTransport& for_lease, const Clock& clock, Log& log) {
    if (!options.leader_elect) return shell::start_app(std::move(app), kubernetes, clock, log);
    kube::LeaseOptions lease{.ns = lease_namespace(options, app.ns),
                             .name = shell::lease_name,
                             .identity = instance.name()};
    lease.duration = TRY(parse_duration(options.lease_duration));
    lease.renew_deadline = TRY(parse_duration(options.renew_deadline));
    lease.retry_period = TRY(parse_duration(options.retry_period));
    TRY(kube::check_lease(lease));
    return shell::start_leading_app(std::move(app), std::move(lease), kubernetes, for_lease, clock,
                                    log);
}

Result<int> standalone(const StandaloneOptions& options) {
    const StopSignal stop;
    const SystemClock clock;
    const auto log = make_json_log(clock, level_of(options.serve.log_level));
    Live live;
    // The proxy's metrics and the pods to scrape are the cluster's, whoever controls it.
    auto listeners =
        TRY(listen(options.serve,
                   {.metrics = [&] { return live.metrics(); },
                    .ready =
                        [&] {
                            const auto* const cluster = live.cluster.load();
                            const auto* const app = live.app.load();
                            return cluster && cluster->ready() &&
                                   (options.without_controller || (app && app->ready()));
                        },
                    .well = [&]() -> Result<void> {
                        auto* const cluster = live.cluster.load();
                        return cluster ? cluster->takes_writes() : Result<void>{};
                    },
                    .targets = [&] { return live.targets(); }},
                   live, !options.without_controller));
    auto cluster = TRY(standalone::start_cluster({.data_dir = options.data_dir,
                                                  .images_dir = options.images_dir,
                                                  .listen = options.listen,
                                                  .ingress_listen = options.ingress_listen,
                                                  .haproxy_program = options.haproxy_program,
                                                  .full_durability = options.durability == "full",
                                                  .allow_root_pods = options.allow_root_pods,
                                                  .simulated_pods = options.simulated_pods},
                                                 *log, clock));
    live.cluster = cluster.get();
    std::optional<shell::Instance> instance;
    std::unique_ptr<shell::App> app;
    if (!options.without_controller) {
        instance.emplace(TRY(shell::Instance::of(options.data_dir)));
        app = TRY(start_controller(
            options.serve, {.data_dir = options.data_dir, .git_program = options.serve.git_program},
            *instance, {cluster->transport(), cluster->transport()}, cluster->transport(), clock,
            *log));
        live.app = app.get();
        cluster->also_wait_for([&app] { return app->ready(); });
    }
    std::cout << "API server   " << cluster->url() << "\n"
              << "kubeconfig   " << cluster->kubeconfig_path() << "\n"
              << "ingress      " << cluster->ingress_url() << "\n";
    std::cout << "metrics      http://" << listeners.metrics->address() << "/metrics\n";
    if (listeners.webhooks)
        std::cout << "webhooks     http://" << listeners.webhooks->address()
                  << "/hooks/git/NAMESPACE/NAME\n";
    std::cout << std::flush;
    stop.wait();
    log->info("stopping");
    listeners = {};
    if (app) app->stop();
    cluster->also_wait_for([] { return false; });
    app.reset();
    cluster->stop();
    return Done;
}

// A thread for each watch, with an arena for each, would keep what its longest list once took; and
// a page of a list must go back to the system when it is done, however many there were before.
// glibc tunes both by what it has seen: fixed, they stay as they are for months.
void keep_memory_small() {
    ::mallopt(M_ARENA_MAX, 2);
    ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

Result<int> controller(const ControllerOptions& options) {
    keep_memory_small();
    const StopSignal stop;
    const SystemClock clock;
    const auto log = make_json_log(clock, level_of(options.serve.log_level));
    const auto access = TRY(kube::load_access(options.kubeconfig, options.context));
    const auto usual = kube::connect(access), traffic = kube::connect(access),
               for_lease = kube::connect(access);
    Live live;
    auto listeners = TRY(listen(options.serve,
                                {.metrics = [&] { return live.metrics(); },
                                 .ready =
                                     [&] {
                                         const auto* const app = live.app.load();
                                         return app && app->ready();
                                     },
                                 .well = {},
                                 .targets = {}},
                                live, true));
    const auto instance = TRY(shell::Instance::of(options.data_dir));
    const auto app = TRY(start_controller(
        options.serve,
        {.ns = options.ns, .data_dir = options.data_dir, .git_program = options.serve.git_program},
        instance, {*usual, *traffic}, *for_lease, clock, *log));
    live.app = app.get();
    log->info("controller started", {{"server", access.server}});
    stop.wait();
    log->info("stopping");
    listeners = {};
    app->stop();
    return Done;
}

void add_serve_options(CLI::App& verb, ServeOptions& options) {
    verb.add_option("--metrics-listen", options.metrics_listen,
                    "Address of /metrics, /healthz and /readyz")
        ->capture_default_str();
    verb.add_option("--webhook-listen", options.webhook_listen,
                    "Address for webhooks of Git servers")
        ->capture_default_str();
    verb.add_flag("--leader-elect,!--no-leader-elect", options.leader_elect,
                  "Work only while holding the lease (default: true)");
    verb.add_option("--leader-election-lease-duration", options.lease_duration,
                    "After which another controller may take over")
        ->capture_default_str();
    verb.add_option("--leader-election-renew-deadline", options.renew_deadline,
                    "After which a leader that cannot renew stops working")
        ->capture_default_str();
    verb.add_option("--leader-election-retry-period", options.retry_period,
                    "Between two tries to take or renew the lease")
        ->capture_default_str();
    verb.add_option(
        "--leader-election-namespace", options.lease_namespace,
        "Of the lease (default: the pod's own, else the watched one, else kube-system)");
    verb.add_option("--git", options.git_program, "The git program")->capture_default_str();
    verb.add_option("--log-level", options.log_level, "debug, info, warning or error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
}

std::string default_data_dir() {
    const char* state = std::getenv("XDG_STATE_HOME");
    const char* home = std::getenv("HOME");
    if (state && *state) return concat(state, "/sluice");
    return concat(home ? home : "/var/lib", "/.local/state/sluice");
}

template <class Run>
int finish(const Run& run) {
    const Result<int> outcome = run();
    return outcome.ok() ? *outcome : report(outcome.error());
}

}  // namespace

void add_standalone(CLI::App& app, StandaloneOptions& options, int& exit_code) {
    auto* verb = app.add_subcommand(
        "standalone", "An embedded cluster on this machine, with the controller in it");
    options.data_dir = default_data_dir();
    verb->add_option("--data", options.data_dir,
                     "Folder of the store, the CA, the kubeconfig and logs")
        ->capture_default_str();
    verb->add_option("--images", options.images_dir,
                     "Folder of images: shop:v2 runs <images>/shop/v2/run")
        ->required();
    verb->add_option("--listen", options.listen, "Address of the API server")
        ->capture_default_str();
    verb->add_option("--ingress-listen", options.ingress_listen,
                     "Address of the proxy for users' requests")
        ->capture_default_str();
    verb->add_option("--haproxy", options.haproxy_program, "The haproxy program")
        ->capture_default_str();
    verb->add_option("--durability", options.durability,
                     "process: writes survive kill -9; full: power loss too")
        ->check(CLI::IsMember({"process", "full"}))
        ->capture_default_str();
    verb->add_flag("--allow-root-pods", options.allow_root_pods,
                   "Let pods that ask for it run as root");
    verb->add_flag("--simulate-pods", options.simulated_pods,
                   "No processes: pods do what their annotation says");
    verb->add_flag("--without-controller", options.without_controller,
                   "Only the cluster; run `sluice controller` beside it");
    add_serve_options(*verb, options.serve);
    verb->callback([&] { exit_code = finish([&] { return standalone(options); }); });
}

void add_controller(CLI::App& app, ControllerOptions& options, int& exit_code) {
    auto* verb = app.add_subcommand("controller", "The controller, on a cluster that is there");
    options.data_dir = default_data_dir();
    verb->add_option("--kubeconfig", options.kubeconfig,
                     "Path of the kubeconfig (default: as kubectl, or the pod's service account)");
    verb->add_option("--context", options.context,
                     "Context in the kubeconfig (default: the current one)");
    verb->add_option("-n,--namespace", options.ns, "Watch one namespace only (default: all)");
    verb->add_option("--data", options.data_dir, "Folder for Git mirrors: a cache, may be lost")
        ->capture_default_str();
    add_serve_options(*verb, options.serve);
    verb->callback([&] { exit_code = finish([&] { return controller(options); }); });
}

}  // namespace sluice::cli
