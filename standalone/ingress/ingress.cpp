// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>  // first: the client's events hold documents

#include "standalone/ingress/ingress.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "base/text.hpp"
#include "platform/kube/informer.hpp"
#include "platform/kube/reconciler.hpp"
#include "standalone/ingress/access_log.hpp"
#include "standalone/ingress/haproxy.hpp"
#include "standalone/ingress/routes.hpp"

namespace sluice::standalone {
namespace ingress {
namespace {

constexpr const char* only_key = "proxy";
constexpr auto look_around = std::chrono::seconds{10};
constexpr auto while_draining = std::chrono::milliseconds{100};
constexpr auto series_kept = std::chrono::minutes{30};

Result<int> free_port(const std::string& host) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
        return invalid(concat("listen on ", host, ": not an IPv4 address"));
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(address);
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(fd);
    if (!bound) return unavailable(concat("listen on ", host, ": no free port"));
    return static_cast<int>(ntohs(address.sin_port));
}

// The ports of the last life: HAProxy may still use them.
struct Ports {
    int log = 0;
    int listen = 0;
};
Ports read_ports(const std::string& folder) {
    Ports ports;
    std::ifstream(folder + "/ports") >> ports.log >> ports.listen;
    return ports;
}

Result<void> check_folder(const std::string& folder) {
    // HAProxy binds its socket under a longer name first; an address holds 107 bytes.
    constexpr size_t longest = 88;
    if (folder.size() > longest)
        return invalid(concat("data folder ", folder, ": longer than ", longest,
                              " bytes, which is too long for a socket's address"));
    for (const char c : folder)
        if (c <= ' ' || std::string_view("\"'\\#$;").find(c) != std::string_view::npos)
            return invalid(concat("data folder ", folder,
                                  ": holds a blank or a sign that HAProxy gives a meaning to"));
    return {};
}

class Controller final : public LocalIngress {
public:
    Controller(std::string binary, ProxyConfig config, std::unique_ptr<RequestMetrics> metrics,
               std::unique_ptr<AccessLog> access_log, const kube::Client& client,
               const Clock& clock, Log& log)
        : metrics_(std::move(metrics)),
          access_log_(std::move(access_log)),
          process_(std::move(binary), std::move(config), log),
          client_(client),
          clock_(clock),
          log_(log),
          reconciler_(
              {.name = "ingress",
               .workers = 1,
               .backoff = {.first = std::chrono::milliseconds{20},
                           .longest = std::chrono::seconds{5}}},
              [this](const std::string&) { return pass(); }, clock, log) {}

    ~Controller() override {
        watcher_ = {};
        informers_.clear();
        reconciler_.stop();
        if (leave_running_)
            process_.abandon();
        else
            process_.stop(std::chrono::seconds{5});
    }

    Result<void> start() {
        TRY(process_.ensure(std::chrono::seconds{10}));
        pid_ = process_.pid();
        reconciler_.start();
        reconciler_.add(only_key);
        for (const auto& type :
             {resources::ingresses, resources::virtual_services, resources::destination_rules,
              resources::services, resources::endpoint_slices, resources::pods})
            informers_.push_back(std::make_unique<kube::Informer>(
                client_, type, kube::ListOptions{},
                kube::InformerSink{{},
                                   [](const Json&) {},
                                   [this] { objects_changed(); },
                                   [this](const kube::WatchEvent& event) {
                                       if (event.type != kube::WatchEventType::Bookmark)
                                           objects_changed();
                                   }},
                log_));
        watcher_ = std::jthread([this](const std::stop_token& stop) { watch_process(stop); });
        return {};
    }

    [[nodiscard]] std::string metrics() const override { return metrics_->text(); }
    [[nodiscard]] std::string url() const override {
        return concat("http://", process_.config().listen_host, ":", process_.config().listen_port);
    }
    [[nodiscard]] bool ready() const override { return ready_; }
    void leave_running() override { leave_running_ = true; }

private:
    void objects_changed() {
        changed_ = true;
        reconciler_.add(only_key);
    }

    // Routes before endpoints: see Objects.
    Result<Objects> list_objects() const {
        const auto list = [&](const ResourceType& type) -> Result<std::vector<Json>> {
            auto found = client_.list(type);
            // A cluster without Istio's kinds has no such routes.
            if (found.failed_with(ErrorKind::NotFound)) return std::vector<Json>{};
            if (!found.ok()) return std::move(found).error();
            return std::move(found->items);
        };
        Objects objects;
        objects.ingresses = TRY(list(resources::ingresses));
        objects.virtual_services = TRY(list(resources::virtual_services));
        objects.destination_rules = TRY(list(resources::destination_rules));
        objects.services = TRY(list(resources::services));
        objects.endpoint_slices = TRY(list(resources::endpoint_slices));
        objects.pods = TRY(list(resources::pods));
        return objects;
    }

    // Where no watch told of a change since the last good pass, what the objects ask for is what it
    // was: a look around in an idle cluster reads no pod.
    Result<std::optional<Duration>> pass() {
        const bool anew = changed_.exchange(false) || !passed_;
        passed_ = false;
        auto outcome = pass_over(anew);
        passed_ = outcome.ok();
        return outcome;
    }

    Result<std::optional<Duration>> pass_over(bool anew) {
        if (!process_.alive()) {
            ready_ = false;
            TRY(process_.ensure(std::chrono::seconds{10}));
            pid_ = process_.pid();
        }
        Objects objects;
        if (anew) {
            objects = TRY(list_objects());
            desired_ = render(objects);
        }
        const RuntimeSocket socket = process_.socket();
        const ProxyConfig& config = process_.config();
        const ProxyState current = TRY(socket.read_state(config.folder));
        const Plan plan = diff(desired_, current, config.folder, config.slots);
        metrics_->set_backends(plan.backends);
        for (const auto& command : plan.commands) TRY(socket.perform(command));
        report(desired_, plan);
        ready_ = true;
        write_status(objects);
        metrics_->forget_older_than(clock_.now() - series_kept);
        return std::optional<Duration>(plan.draining ? Duration{while_draining}
                                                     : Duration{look_around});
    }

    // A problem is said once, when it appears.
    void report(const Desired& desired, const Plan& plan) {
        std::set<std::string> problems(desired.problems.begin(), desired.problems.end());
        problems.insert(plan.problems.begin(), plan.problems.end());
        for (const auto& problem : problems)
            if (!problems_.contains(problem))
                log_.warning("ingress cannot serve as asked", {{"problem", problem}});
        problems_ = std::move(problems);
        if (!plan.commands.empty())
            log_.debug("ingress changed",
                       {{"commands", plan.commands.size()}, {"last", plan.commands.back().text}});
    }

    // Where an Ingress can be reached; written once, and again where somebody took it away. It is
    // for people: a failure must not hold up traffic and is tried again with the next pass.
    void write_status(const Objects& objects) {
        const std::string ip = process_.config().listen_host;
        for (const auto& object : objects.ingresses) {
            const ObjectRef ref{resources::ingresses, text_at(object, {"metadata", "namespace"}),
                                text_at(object, {"metadata", "name"})};
            const Json* told = find(object, {"status", "loadBalancer", "ingress"});
            const Json wanted = Json::array({{{"ip", ip}}});
            if (!serves_class(object) || (told && *told == wanted)) continue;
            const auto written =
                client_.patch(ref, kube::PatchType::Merge,
                              {{"status", {{"loadBalancer", {{"ingress", wanted}}}}}}, "status");
            if (written.ok()) continue;
            changed_ = true;
            log_.debug("ingress status not written", {{"error", written.error().message}});
        }
    }

    // A dead HAProxy wakes the key at once.
    void watch_process(const std::stop_token& stop) {
        int seen = 0;
        while (!stop.stop_requested()) {
            const int pid = pid_;
            const int fd = pid == seen ? -1 : static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
            const bool gone = fd < 0 && pid != seen;
            pollfd poll{fd, POLLIN, 0};
            int ended = 0;
            do ended = ::poll(&poll, fd < 0 ? 0 : 1, 200);
            while (fd >= 0 && ended == 0 && !stop.stop_requested());
            if (fd >= 0) ::close(fd);
            if (ended > 0 || gone) {
                seen = pid;
                ready_ = false;
                log_.warning("haproxy ended", {{"pid", pid}});
                reconciler_.add(only_key);
            }
        }
    }

    std::unique_ptr<RequestMetrics> metrics_;
    std::unique_ptr<AccessLog> access_log_;
    HaproxyProcess process_;  // the reconciler's worker's, once started
    const kube::Client& client_;
    const Clock& clock_;
    Log& log_;
    std::set<std::string> problems_;
    Desired desired_;                   // the worker's
    bool passed_ = false;               // the worker's: the last pass went well
    std::atomic<bool> changed_ = true;  // since desired_ was made
    std::atomic<bool> ready_ = false;
    std::atomic<bool> leave_running_ = false;
    std::atomic<int> pid_ = 0;
    kube::Reconciler reconciler_;
    std::vector<std::unique_ptr<kube::Informer>> informers_;
    std::jthread watcher_;
};

}  // namespace
}  // namespace ingress

Result<std::unique_ptr<LocalIngress>> start_local_ingress(const LocalIngressOptions& options,
                                                          const kube::Client& client,
                                                          const Clock& clock, Log& log) {
    using namespace ingress;
    std::error_code failed;
    const std::string folder = std::filesystem::absolute(options.data_dir + "/ingress", failed)
                                   .lexically_normal()
                                   .string();
    TRY(check_folder(folder));
    std::filesystem::create_directories(folder, failed);
    if (failed) return unavailable(concat("create ", folder, ": ", failed.message()));

    const Ports last = read_ports(folder);
    ProxyConfig config{folder, options.listen_host, options.listen_port};
    if (config.listen_port == 0)
        config.listen_port = last.listen != 0 ? last.listen : TRY(free_port(options.listen_host));
    auto metrics = std::make_unique<RequestMetrics>();
    auto access_log = AccessLog::start(last.log, *metrics, clock);
    if (!access_log.ok() && last.log != 0) access_log = AccessLog::start(0, *metrics, clock);
    if (!access_log.ok()) return std::move(access_log).error();
    config.log_port = (*access_log)->port();
    std::ofstream(folder + "/ports", std::ios::trunc)
        << config.log_port << " " << config.listen_port << "\n";

    auto controller = std::make_unique<Controller>(options.haproxy_path, config, std::move(metrics),
                                                   std::move(*access_log), client, clock, log);
    TRY(controller->start());
    return std::unique_ptr<LocalIngress>(std::move(controller));
}

}  // namespace sluice::standalone
