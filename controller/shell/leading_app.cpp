// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/leading_app.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "base/text.hpp"
#include "controller/shell/git_source_webhook.hpp"
#include "platform/file.hpp"

namespace sluice::shell {
namespace {

std::string new_instance() {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    std::random_device random;
    std::string text = concat(host.data(), "_");
    for (int i = 0; i < 16; ++i) text += "0123456789abcdef"[random() % 16];
    return text;
}

class LeadingApp final : public App {
public:
    LeadingApp(AppOptions options, kube::LeaseOptions lease, Connections kubernetes,
               HttpTransport& for_lease, const Clock& clock, Log& log)
        : options_(std::move(options)),
          kubernetes_(kubernetes),
          clock_(clock),
          log_(log),
          client_(for_lease, "sluice", lease.renew_deadline / 2),
          lease_(std::move(lease), client_, clock),
          standby_hooks_([this](const std::string& key) { return hand_on(key); }, client_),
          thread_([this](const std::stop_token& stop) { run(stop); }) {}
    ~LeadingApp() override { LeadingApp::stop(); }
    LeadingApp(const LeadingApp&) = delete;
    LeadingApp& operator=(const LeadingApp&) = delete;

    bool ready() const override {
        const auto [app, standing] = now();
        return app ? app->ready() : standing == Standing::Behind;
    }
    std::string metrics() override {
        const auto [app, standing] = now();
        return concat("# HELP sluice_controller_leading Whether this controller holds the lease.\n",
                      "# TYPE sluice_controller_leading gauge\nsluice_controller_leading ",
                      app ? 1 : 0, "\n", app ? app->metrics() : "");
    }
    HttpResponse webhook(const HttpRequest& request) override {
        const auto [app, standing] = now();
        return app ? app->webhook(request) : standby_hooks_.handle(request);
    }
    void stop() override {
        thread_ = {};
        step_down();
        const auto given = lease_.give_back();
        if (!given.ok())
            log_.debug("the lease was not given back", {{"error", given.error().message}});
    }

private:
    enum class Standing { Unknown, Behind, Leading };

    std::pair<std::shared_ptr<App>, Standing> now() const {
        const std::lock_guard lock(mutex_);
        return {app_, standing_};
    }

    // Whoever leads sees the annotation.
    Result<void> hand_on(const std::string& key) {
        const auto [ns, name] = split_key(key);
        TRY(client_.patch(
            {resources::git_sources, ns, name}, kube::PatchType::Merge,
            {{"metadata",
              {{"annotations",
                {{"sluice.dev/reconcile-at", format_rfc3339_micro(clock_.now())}}}}}}));
        return {};
    }

    void step_up() {
        auto app = std::shared_ptr<App>(start_app(options_, kubernetes_, clock_, log_));
        {
            const std::lock_guard lock(mutex_);
            app_ = std::move(app);
            standing_ = Standing::Leading;
        }
        log_.info("leading", {{"lease", key_of(lease_.options().ns, lease_.options().name)},
                              {"as", lease_.options().identity}});
    }

    void step_down() {
        std::shared_ptr<App> app;
        {
            const std::lock_guard lock(mutex_);
            app.swap(app_);
            standing_ = Standing::Unknown;
        }
        if (app) app->stop();
    }

    void stand_by() {
        {
            const std::lock_guard lock(mutex_);
            if (standing_ == Standing::Behind && behind_ == lease_.holder()) return;
            standing_ = Standing::Behind;
            behind_ = lease_.holder();
        }
        log_.info("standing by", {{"lease", key_of(lease_.options().ns, lease_.options().name)},
                                  {"leader", lease_.holder()}});
    }

    void tell_once(const Result<bool>& ours) {
        const bool failed = !ours.ok() && ours.error().kind != ErrorKind::Conflict;
        std::string problem = failed ? ours.error().message : "";
        if (failed && problem != problem_)
            log_.warning("the lease cannot be had", {{"error", problem}});
        problem_ = std::move(problem);
    }

    void run(const std::stop_token& stop) {
        std::minstd_rand random(std::random_device{}());
        std::mutex mutex;
        std::condition_variable_any changed;
        while (!stop.stop_requested()) {
            const auto ours = lease_.try_once();
            const bool leads = now().second == Standing::Leading;
            tell_once(ours);
            if (ours.ok() && *ours && !leads) step_up();
            if (leads && !lease_.held()) {
                log_.warning("no longer leading",
                             {{"leader", lease_.holder()},
                              {"error", ours.ok() ? "" : ours.error().message}});
                step_down();
            }
            if (ours.ok() && !*ours) stand_by();
            // Jitter as client-go's: up to 1.2 periods.
            const auto period = lease_.options().retry_period;
            const Duration pause{period.count() +
                                 static_cast<long>(random() % (period.count() / 5 + 1))};
            std::unique_lock lock(mutex);
            changed.wait_for(lock, stop, pause, [] { return false; });
        }
    }

    AppOptions options_;
    Connections kubernetes_;
    const Clock& clock_;
    Log& log_;
    kube::Client client_;
    kube::Lease lease_;    // the thread's, and stop()'s after it
    std::string problem_;  // the thread's: what was told last
    WebhookHandler standby_hooks_;
    mutable std::mutex mutex_;
    std::shared_ptr<App> app_;               // guarded by mutex_
    Standing standing_ = Standing::Unknown;  // guarded by mutex_
    std::string behind_;                     // guarded by mutex_
    std::jthread thread_;                    // last: it stops first
};

}  // namespace

Result<Instance> Instance::of(const std::string& data_dir) {
    std::error_code failed;
    std::filesystem::create_directories(data_dir, failed);
    const std::string path = data_dir + "/instance";
    const int lock = ::open((path + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock < 0 || ::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (lock >= 0) ::close(lock);
        return Instance(new_instance(), -1);
    }
    Instance instance({}, lock);
    const auto known = read_file(path, 1000);
    instance.name_ = known.ok() ? std::string(trim(*known)) : "";
    if (!instance.name_.empty()) return instance;
    instance.name_ = new_instance();
    TRY(write_file(path, instance.name_ + "\n", 0600));
    return instance;
}

Instance::~Instance() {
    if (lock_ >= 0) ::close(lock_);
}

Instance::Instance(Instance&& other) noexcept
    : name_(std::move(other.name_)), lock_(std::exchange(other.lock_, -1)) {}

std::unique_ptr<App> start_leading_app(AppOptions options, kube::LeaseOptions lease,
                                       Connections kubernetes, HttpTransport& for_lease,
                                       const Clock& clock, Log& log) {
    return std::make_unique<LeadingApp>(std::move(options), std::move(lease), kubernetes, for_lease,
                                        clock, log);
}

}  // namespace sluice::shell
