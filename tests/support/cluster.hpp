// SPDX-License-Identifier: Apache-2.0
// The embedded cluster without sockets of its own, in a folder that is thrown away: API server in
// process, workload controllers, and a kubelet that starts real processes.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/text.hpp"
#include "platform/clock.hpp"
#include "platform/kube/client.hpp"
#include "standalone/apiserver/handler.hpp"
#include "standalone/apiserver/in_process_transport.hpp"
#include "standalone/kubelet/kubelet.hpp"
#include "standalone/store/store.hpp"
#include "standalone/workloads/workloads.hpp"
#include "tests/support/eventually.hpp"

namespace sluice::test {

// Lines go to stderr where SLUICE_TEST_LOG is set.
class TestLog final : public Log {
public:
    void write(LogLevel, std::string_view message, const std::vector<LogField>& fields) override {
        if (!std::getenv("SLUICE_TEST_LOG")) return;
        const std::lock_guard lock(mutex_);
        std::cerr << message;
        for (const auto& field : fields) std::cerr << ' ' << field.key << '=' << field.value;
        std::cerr << '\n';
    }

private:
    std::mutex mutex_;
};

class ClusterFolder final {
public:
    ClusterFolder() {
        std::string name = "/tmp/sluice-test-XXXXXX";
        path_ = ::mkdtemp(name.data());
        ::chmod(path_.c_str(), 0755);  // pods run as somebody else
    }
    ~ClusterFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ClusterFolder(const ClusterFolder&) = delete;
    ClusterFolder& operator=(const ClusterFolder&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

// Members in the order in which they need each other.
class Cluster final {
public:
    explicit Cluster(standalone::KubeletOptions options = {})
        : store_(standalone::store::Store::open({.path = ":memory:"}).value()),
          handler_(*store_, clock_, log_),
          transport_(handler_, clock_),
          client_(transport_, "test"),
          options_(std::move(options)) {
        handler_.prepare().value();
        options_.images = folder_.path() + "/images";
        options_.data_dir = folder_.path() + "/data";
        std::filesystem::create_directories(options_.images);
        // As the API server makes it: pods run below a folder that they may not pass.
        std::filesystem::create_directories(options_.data_dir);
        std::filesystem::permissions(options_.data_dir, std::filesystem::perms{0700});
        client_.create(resources::namespaces, {{"metadata", {{"name", "shop"}}}}).value();
    }
    ~Cluster() {
        if (kubelet_) kubelet_->stop_pods(std::chrono::seconds{5});
    }

    void start() {
        workloads_ = standalone::start_workloads(client_, clock_, log_);
        start_kubelet();
    }
    void start_kubelet() {
        kubelet_ = standalone::start_kubelet(options_, client_, clock_, log_).value();
    }
    // As kill -9 leaves it: nobody watches, processes go on.
    void drop_kubelet() { kubelet_.reset(); }

    void add_image(const std::string& name, const std::string& tag, const std::string& script) {
        const auto folder = folder_.path() + "/images/" + name + "/" + tag;
        std::filesystem::create_directories(folder);
        std::ofstream(folder + "/run") << script;
        std::filesystem::permissions(folder + "/run", std::filesystem::perms{0755});
    }

    [[nodiscard]] const kube::Client& client() const { return client_; }
    [[nodiscard]] standalone::Kubelet& kubelet() { return *kubelet_; }
    [[nodiscard]] const Clock& clock() const { return clock_; }
    [[nodiscard]] std::string folder() const { return folder_.path(); }

    [[nodiscard]] std::vector<Json> pods() const {
        return client_.list(resources::pods, {.ns = "shop"}).value().items;
    }
    // Null Json where it is gone.
    [[nodiscard]] Json get(const ResourceType& type, const std::string& name) const {
        const auto found = client_.get({type, "shop", name});
        return found.ok() ? *found : Json{};
    }

private:
    ClusterFolder folder_;
    SystemClock clock_;
    TestLog log_;
    std::unique_ptr<standalone::store::Store> store_;
    standalone::apiserver::Handler handler_;
    standalone::apiserver::InProcessTransport transport_;
    kube::Client client_;
    standalone::KubeletOptions options_;
    std::unique_ptr<standalone::Workloads> workloads_;
    std::unique_ptr<standalone::Kubelet> kubelet_;
};

}  // namespace sluice::test
