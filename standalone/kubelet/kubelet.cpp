// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/kubelet.hpp"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/text.hpp"
#include "platform/http/curl_transport.hpp"
#include "platform/kube/informer.hpp"
#include "standalone/kubelet/node.hpp"
#include "standalone/kubelet/pods.hpp"

namespace sluice::standalone {
namespace kubelet {
namespace {

constexpr Duration node_period = std::chrono::minutes{5};

Result<std::string> images_folder(const std::string& images) {
    std::error_code problem;
    auto folder = std::filesystem::absolute(images, problem).lexically_normal().string();
    if (!std::filesystem::is_directory(folder, problem))
        return not_found(concat("images folder ", folder, " is not there"));
    return folder;
}

}  // namespace
}  // namespace kubelet

// Members are destroyed from the last to the first: the watch ends before the workers that it
// feeds.
class Kubelet::Parts final {
public:
    Parts(const KubeletOptions& options, std::string images, kubelet::PodFolders folders,
          const kube::Client& client, const Clock& clock, Log& log)
        : options_(options),
          client_(client),
          clock_(clock),
          log_(log),
          folders_(std::move(folders)),
          logs_(folders_.root(), clock),
          starter_(std::move(images), kubelet::current_starter(options.allow_root), client,
                   folders_, logs_),
          probe_transport_(http::make_curl_transport({.direct = true})),
          pods_({options.node_name, options.simulated},
                {client, cache_, folders_, starter_, logs_, clock, log}, *probe_transport_),
          node_(
              {.name = "node", .workers = 1}, [this](const std::string&) { return keep_node(); },
              clock, log) {
        std::vector<std::string> problems;
        pods_.adopt(folders_.load(problems));
        for (const auto& problem : problems)
            log.warning("pod of an earlier life cannot be read", {{"error", problem}});
        cache_.listen([this](const std::string&, const kubelet::Pod* old,
                             const kubelet::Pod* fresh) { on_pod(old, fresh); });
        informer_ = std::make_unique<kube::Informer>(client, resources::pods, kube::ListOptions{},
                                                     cache_.sink(), log);
        beginning_ = std::jthread([this](const std::stop_token& stop) { begin(stop); });
    }

    [[nodiscard]] bool ready() const { return ready_.load(); }
    [[nodiscard]] kubelet::LogStore& logs() { return logs_; }

    void stop_pods(Duration deadline) {
        beginning_.request_stop();
        if (beginning_.joinable()) beginning_.join();
        pods_.stop();
        pods_.end_processes(deadline);
    }

private:
    void on_pod(const kubelet::Pod* old, const kubelet::Pod* fresh) {
        if (old && (!fresh || fresh->uid != old->uid)) pods_.look_at(old->ns, old->name, old->uid);
        if (fresh) pods_.look_at(fresh->ns, fresh->name, fresh->uid);
    }

    // A pod that is not in the first list is gone, and so is the right of its processes to be here:
    // nothing may be decided before.
    void begin(const std::stop_token& stop) {
        if (!kube::wait_for_sync({informer_.get()}, stop)) return;
        node_.add(options_.node_name);
        node_.start();
        pods_.start();
        ready_ = true;
    }

    Result<std::optional<Duration>> keep_node() {
        TRY(kubelet::register_node(client_, options_.node_name, began_, clock_.now()));
        return std::optional(kubelet::node_period);
    }

    KubeletOptions options_;
    const kube::Client& client_;
    const Clock& clock_;
    Log& log_;
    TimePoint began_ = clock_.now();
    kubelet::PodFolders folders_;
    kubelet::LogStore logs_;
    kubelet::ContainerStarter starter_;
    std::unique_ptr<HttpTransport> probe_transport_;
    kube::Cache<kubelet::Pod> cache_{kubelet::decode_pod};
    kubelet::Pods pods_;
    kube::Reconciler node_;
    std::unique_ptr<kube::Informer> informer_;
    std::atomic<bool> ready_ = false;
    std::jthread beginning_;
};

Kubelet::Kubelet(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Kubelet::~Kubelet() = default;
bool Kubelet::ready() const {
    return parts_->ready();
}
apiserver::LogSource& Kubelet::logs() {
    return parts_->logs();
}
void Kubelet::stop_pods(Duration deadline) {
    parts_->stop_pods(deadline);
}

Result<std::unique_ptr<Kubelet>> start_kubelet(const KubeletOptions& options,
                                               const kube::Client& client, const Clock& clock,
                                               Log& log) {
    std::string images = options.images;
    if (!options.simulated)
        images = TRY(kubelet::images_folder(options.images).while_doing("start the kubelet"));
    auto folders =
        TRY(kubelet::PodFolders::open(options.data_dir).while_doing("start the kubelet"));
    return std::make_unique<Kubelet>(std::make_unique<Kubelet::Parts>(
        options, std::move(images), std::move(folders), client, clock, log));
}

}  // namespace sluice::standalone
