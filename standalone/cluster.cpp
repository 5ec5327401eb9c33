// SPDX-License-Identifier: Apache-2.0
#include "standalone/cluster.hpp"

#include <atomic>
#include <filesystem>
#include <mutex>

#include "base/text.hpp"
#include "platform/kube/client.hpp"
#include "standalone/apiserver/apiserver.hpp"
#include "standalone/ingress/ingress.hpp"
#include "standalone/kubelet/kubelet.hpp"
#include "standalone/workloads/workloads.hpp"

namespace sluice::standalone {
namespace {

constexpr Duration pods_deadline = std::chrono::seconds{15};

// "127.0.0.1:8080" taken apart; the port is checked by whoever binds it.
Result<LocalIngressOptions> ingress_options(const ClusterOptions& options) {
    const auto colon = options.ingress_listen.rfind(':');
    const auto port =
        colon == std::string::npos
            ? std::nullopt
            : parse_integer(std::string_view(options.ingress_listen).substr(colon + 1));
    if (!port || *port < 0 || *port > 65535)
        return invalid(
            concat("--ingress-listen: expected an address such as 127.0.0.1:8080, found \"",
                   options.ingress_listen, "\""));
    return LocalIngressOptions{.haproxy_path = options.haproxy_program,
                               .data_dir = options.data_dir,
                               .listen_host = options.ingress_listen.substr(0, colon),
                               .listen_port = static_cast<int>(*port)};
}

class EmbeddedCluster final : public Cluster {
public:
    EmbeddedCluster(Log& log, const Clock& clock) : log_(log), clock_(clock) {}

    ~EmbeddedCluster() override { stop(); }

    Result<void> start(const ClusterOptions& options) {
        server_ = TRY(apiserver::start_api_server(
            {.data_dir = options.data_dir,
             .listen = options.listen,
             .durability =
                 options.full_durability ? store::Durability::Full : store::Durability::Process},
            log_, clock_));
        server_->set_ready_check([this] { return ready() && others_ready(); });
        client_ = std::make_unique<kube::Client>(server_->transport(), "sluice-standalone");
        workloads_ = start_workloads(*client_, clock_, log_);
        kubelet_ = TRY(start_kubelet({.images = options.images_dir,
                                      .data_dir = options.data_dir,
                                      .allow_root = options.allow_root_pods,
                                      .simulated = options.simulated_pods},
                                     *client_, clock_, log_));
        server_->set_log_source(&kubelet_->logs());
        if (!options.ingress_listen.empty())
            ingress_ =
                TRY(start_local_ingress(TRY(ingress_options(options)), *client_, clock_, log_));
        started_ = true;
        return {};
    }

    HttpTransport& transport() override { return server_->transport(); }
    std::string url() const override { return server_->url(); }
    std::string kubeconfig_path() const override { return server_->kubeconfig_path(); }
    std::string ingress_url() const override { return ingress_ ? ingress_->url() : "none"; }
    std::string metrics() const override {
        return concat("# HELP sluice_store_refused_writes_total Writes that the disk refused.\n",
                      "# TYPE sluice_store_refused_writes_total counter\n",
                      "sluice_store_refused_writes_total ", server_->refused_writes(), "\n",
                      ingress_ ? ingress_->metrics() : "");
    }
    Result<void> takes_writes() override { return server_->takes_writes(); }

    bool ready() const override {
        return started_ && workloads_->ready() && kubelet_->ready() &&
               (!ingress_ || ingress_->ready());
    }

    void also_wait_for(std::function<bool()> ready) override {
        const std::lock_guard lock(mutex_);
        others_ = std::move(ready);
    }

    void stop() override {
        if (!server_) return;
        const bool started = started_.exchange(false);
        // Users first: the proxy finishes what is under way while the pods still answer.
        ingress_.reset();
        // A start that failed half-way leaves the pods of an earlier life to their users.
        if (kubelet_ && started) kubelet_->stop_pods(pods_deadline);
        workloads_.reset();
        server_->stop();
        kubelet_.reset();  // after the server, which reads logs from it
        client_.reset();
        server_.reset();
    }

private:
    bool others_ready() {
        const std::lock_guard lock(mutex_);
        return !others_ || others_();
    }

    Log& log_;
    const Clock& clock_;
    std::mutex mutex_;
    std::function<bool()> others_;  // guarded by mutex_
    std::atomic<bool> started_ = false;
    std::unique_ptr<apiserver::ApiServer> server_;
    std::unique_ptr<kube::Client> client_;
    std::unique_ptr<Workloads> workloads_;
    std::unique_ptr<Kubelet> kubelet_;
    std::unique_ptr<LocalIngress> ingress_;
};

}  // namespace

Result<std::unique_ptr<Cluster>> start_cluster(const ClusterOptions& options, Log& log,
                                               const Clock& clock) {
    std::error_code problem;
    const auto data_dir = std::filesystem::absolute(options.data_dir, problem);
    std::filesystem::create_directories(data_dir, problem);
    if (problem)
        return unavailable(
            concat("make the data folder \"", data_dir.string(), "\": ", problem.message()));
    std::filesystem::permissions(data_dir, std::filesystem::perms::owner_all, problem);
    ClusterOptions absolute = options;
    absolute.data_dir = data_dir.string();
    absolute.images_dir = std::filesystem::absolute(options.images_dir).string();
    auto cluster = std::make_unique<EmbeddedCluster>(log, clock);
    TRY(cluster->start(absolute));
    return std::unique_ptr<Cluster>(std::move(cluster));
}

}  // namespace sluice::standalone
