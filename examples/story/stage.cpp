// SPDX-License-Identifier: Apache-2.0
#include "examples/story/stage.hpp"

#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/text.hpp"
#include "examples/story/settings.hpp"
#include "platform/file.hpp"
#include "platform/http/curl_transport.hpp"
#include "platform/kube/config.hpp"

namespace story {

using sluice::concat;
using sluice::HttpRequest;

namespace fs = std::filesystem;

Stage::Stage(Options options)
    : options_(std::move(options)), web_(sluice::http::make_curl_transport({})) {}

Stage::~Stage() {
    stop();
}

Result<void> Stage::prepare() {
    std::string pattern = (fs::temp_directory_path() / "sluice-story.XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
        return sluice::unavailable(concat("make a folder in ", fs::temp_directory_path().string(),
                                          ": ", std::strerror(errno)));
    places_.run = pattern;
    places_.data = pattern + "/data";
    places_.images = pattern + "/images";
    places_.repository = pattern + "/git/shop.git";
    places_.ref_log = pattern + "/pushes.log";
    places_.kubeconfig = places_.data + "/kubeconfig";
    std::error_code failed;
    // Pods run as another user where we are root, and must reach their images.
    fs::permissions(places_.run, fs::perms{0755}, failed);
    for (const auto& folder : {places_.data, places_.images, pattern + "/git", options_.logs})
        if (!fs::create_directories(folder, failed) && failed)
            return sluice::unavailable(concat("make ", folder, ": ", failed.message()));
    fs::permissions(places_.data, fs::perms{0700}, failed);

    const auto choose = [](unsigned short wanted, const char* flag) -> Result<std::string> {
        if (wanted == 0) return concat("127.0.0.1:", TRY(free_port()));
        if (port_is_free(wanted)) return concat("127.0.0.1:", wanted);
        return sluice::invalid(
            concat("port ", wanted, " (", flag, ") is taken by another program on this machine"));
    };
    places_.api = TRY(choose(options_.api_port, "--api-port"));
    places_.web = TRY(choose(options_.web_port, "--web-port"));
    places_.prometheus = TRY(choose(options_.prometheus_port, "--prometheus-port"));
    places_.git = TRY(choose(options_.git_port, "--git-port"));
    places_.metrics = TRY(choose(options_.metrics_port, "metrics"));
    places_.hooks = TRY(choose(options_.hooks_port, "webhooks"));
    places_.controller_metrics = TRY(choose(options_.controller_port, "the controller's metrics"));
    return make_images();
}

Result<void> Stage::make_images() const {
    std::error_code failed;
    const auto binary = places_.images + "/shop/bin";
    fs::create_directories(places_.images + "/shop", failed);
    fs::copy_file(options_.build + "/examples/shop", binary, failed);
    if (failed) return sluice::unavailable(concat("copy the shop: ", failed.message()));
    fs::permissions(binary, fs::perms{0755}, failed);
    const bool harmless = options_.sabotage == Sabotage::HarmlessV3;
    auto versions = shop_versions(harmless);
    versions.insert(options_.more_versions.begin(), options_.more_versions.end());
    for (const auto& [version, flags] : versions) {
        const std::string folder = concat(places_.images, "/shop/", version);
        fs::create_directories(folder, failed);
        // --run marks the process as one of this run.
        TRY(sluice::write_file(folder + "/run",
                               concat("#!/bin/sh\nexec ", binary, " --version ", version, " ",
                                      flags, " --run ", places_.run, " \"$@\"\n"),
                               0755));
    }
    return {};
}

Result<void> Stage::start_git() {
    const std::map<std::string, std::string> quiet{{"GIT_CONFIG_GLOBAL", "/dev/null"}};
    TRY(run({{"git", "init", "--quiet", "--bare", "--initial-branch=main", places_.repository},
             quiet,
             {}}));
    TRY(run({{"git", "-C", places_.repository, "config", "http.receivepack", "true"}, quiet, {}}));
    TRY(run({{"git", "-C", places_.repository, "config", "uploadpack.allowFilter", "true"},
             quiet,
             {}}));
    TRY(sluice::write_file(places_.repository + "/hooks/pre-receive",
                           pre_receive_hook(places_.ref_log), 0755));
    TRY(sluice::write_file(places_.repository + "/hooks/post-receive",
                           post_receive_hook(places_.hooks), 0755));
    const auto exec_path = TRY(run({{"git", "--exec-path"}, {}, {}}));
    const std::string config = places_.run + "/lighttpd.conf";
    TRY(sluice::write_file(
        config, lighttpd_config(places_, concat(sluice::trim(exec_path), "/git-http-backend")),
        0644));
    const auto lighttpd = options_.tools + "/usr/sbin/lighttpd";
    git_ = TRY(
        Process::start("git server",
                       {{lighttpd, "-D", "-f", config, "-m", options_.tools + "/usr/lib/lighttpd"},
                        {},
                        places_.run},
                       log_of("git-server")));
    return wait_for(concat("http://", places_.git,
                           "/git/shop.git/info/refs"
                           "?service=git-upload-pack"),
                    git_, "the Git server", std::chrono::seconds{10});
}

Command Stage::sluice_command(bool with_controller) const {
    Command command{
        {options_.build + "/sluice", "standalone", "--data", places_.data, "--images",
         places_.images, "--listen", places_.api, "--ingress-listen", places_.web,
         "--metrics-listen", places_.metrics, "--haproxy", options_.tools + "/usr/sbin/haproxy"},
        {},
        places_.run};
    if (with_controller)
        command.words.insert(command.words.end(), {"--webhook-listen", places_.hooks});
    else
        command.words.emplace_back("--without-controller");
    return command;
}

// The first one shares the cluster's folder, and is the same to the lease as a controller that ran
// in the cluster's process before.
Command Stage::controller_command(bool second) const {
    Command command{{options_.build + "/sluice", "controller", "--kubeconfig", places_.kubeconfig,
                     "--data", second ? places_.run + "/second" : places_.data, "--metrics-listen",
                     second ? "127.0.0.1:0" : places_.controller_metrics, "--webhook-listen",
                     second ? "127.0.0.1:0" : places_.hooks},
                    {},
                    places_.run};
    const auto& flags = options_.controller_flags;
    command.words.insert(command.words.end(), flags.begin(), flags.end());
    return command;
}

Result<void> Stage::start_sluice() {
    sluice_ = TRY(Process::start("sluice", sluice_command(true), log_of("sluice")));
    return wait_until_serving(sluice_);
}

Result<void> Stage::wait_until_serving(Process& sluice) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!fs::exists(places_.kubeconfig)) {
        if (const auto how = sluice.ended())
            return sluice::unavailable(
                concat("sluice standalone ended at once (", *how, "); see ", log_of("sluice")));
        if (std::chrono::steady_clock::now() > deadline)
            return sluice::unavailable(concat("sluice standalone wrote no ", places_.kubeconfig,
                                              "; see ", log_of("sluice")));
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    if (!client_) TRY(connect());
    while (true) {
        HttpRequest request;
        request.url = "/readyz";
        request.deadline = std::chrono::seconds{2};
        const auto answer = client_->raw(request);
        if (answer.ok() && answer->status == 200) return {};
        TRY(all_alive());
        if (std::chrono::steady_clock::now() > deadline)
            return sluice::unavailable(
                concat("sluice standalone is not ready after 30 s; see ", log_of("sluice")));
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

Result<void> Stage::connect() {
    const auto access = TRY(sluice::kube::load_access(places_.kubeconfig, ""));
    cluster_ = sluice::kube::connect(access);
    client_ = std::make_unique<sluice::kube::Client>(*cluster_, "story");
    return {};
}

// Debian 13's program has Kubernetes discovery, Debian 12's has not (docs/decisions/0001).
Result<void> Stage::configure_prometheus() {
    const std::string file = places_.run + "/prometheus.yml";
    const std::string promtool = options_.tools + "/usr/bin/promtool";
    discovery_ = Discovery::Kubernetes;
    TRY(sluice::write_file(file, prometheus_config(places_, discovery_), 0644));
    const auto checked = run({{promtool, "check", "config", file}, {}, {}});
    if (checked.ok()) return {};
    if (checked.error().message.find("kubernetes_sd_configs") == std::string::npos)
        return checked.error();
    discovery_ = Discovery::Http;
    return sluice::write_file(file, prometheus_config(places_, discovery_), 0644);
}

Result<void> Stage::start_prometheus() {
    TRY(configure_prometheus());
    prometheus_ = TRY(Process::start(
        "prometheus",
        {{options_.tools + "/usr/bin/prometheus",
          concat("--config.file=", places_.run, "/prometheus.yml"),
          concat("--storage.tsdb.path=", places_.run, "/prometheus"),
          concat("--web.listen-address=", places_.prometheus),
          // A new pod is scraped a second after the API server has told of it, not five.
          "--scrape.discovery-reload-interval=1s", "--log.level=warn"},
         {},
         options_.tools + "/usr/share/prometheus"},
        log_of("prometheus")));
    prometheus_is_away_ = false;
    return wait_for(concat("http://", places_.prometheus, "/-/ready"), prometheus_, "Prometheus",
                    std::chrono::seconds{20});
}

void Stage::kill_prometheus() {
    prometheus_is_away_ = true;
    prometheus_.kill_alone();
}

Result<void> Stage::start_load() {
    load_ = TRY(Process::start(
        "load",
        {{options_.build + "/examples/load", "--target", places_.web, "--host", "shop.example.test",
          "--rate", std::to_string(options_.pace.rate), "--every-ms", "100", "--commands"},
         {},
         places_.run},
        log_of("load"), true));
    load_reader_ = std::thread([this, output = load_.output()] { read_load(output); });
    return {};
}

void Stage::read_load(int output) {
    std::string text;
    std::array<char, 8192> bytes{};
    while (true) {
        const auto got = ::read(output, bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        text.append(bytes.data(), static_cast<size_t>(got));
        for (size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
            auto stretch = read_stretch(std::string_view(text).substr(0, end));
            if (!stretch.ok() || !*stretch) continue;
            const std::lock_guard lock(mutex_);
            counts_.add(**std::move(stretch));
        }
    }
}

void Stage::tell_load(std::string_view command) {
    const std::string line = concat(command, "\n");
    if (load_.input() >= 0 && ::write(load_.input(), line.data(), line.size()) < 0) return;
}

Result<void> Stage::stop_load() {
    if (!load_reader_.joinable()) return {};
    tell_load("stop");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!load_.ended() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    const bool ended = load_.ended().has_value();
    if (!ended) load_.stop(std::chrono::seconds{0});
    load_reader_.join();
    load_.stop(std::chrono::seconds{1});
    if (!ended) return sluice::unavailable("the load client did not end within 10 s");
    return {};
}

Result<void> Stage::all_alive() {
    const std::vector<std::pair<const char*, Process*>> parts{{"git-server", &git_},
                                                              {"sluice", &sluice_},
                                                              {"prometheus", &prometheus_},
                                                              {"load", &load_}};
    for (const auto& [name, part] : parts)
        if (const auto how = part->ended(); how && !(part == &prometheus_ && prometheus_is_away_))
            return sluice::unavailable(
                concat(name, " ended in the middle of the story (", *how, "); see ", log_of(name)));
    return {};
}

std::vector<std::string> Stage::stop() {
    std::vector<std::string> complaints;
    (void)stop_load();
    prometheus_.stop(std::chrono::seconds{5});
    // Pods drain first: five seconds, and a little.
    const std::string how = sluice_.stop(std::chrono::seconds{30});
    if (how != "exit 0" && how != "not started")
        complaints.push_back(concat("sluice standalone ended with ", how));
    git_.stop(std::chrono::seconds{5});
    if (places_.run.empty()) return complaints;
    for (const pid_t pid : find_marked(places_.run)) {
        complaints.push_back(concat("process ", pid, " was left over and is killed"));
        ::kill(pid, SIGKILL);
    }
    std::error_code ignored;
    fs::remove_all(places_.run, ignored);
    places_.run.clear();
    return complaints;
}

Counts Stage::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

Result<std::string> Stage::kubectl(std::vector<std::string> words, std::string_view input) const {
    words.insert(words.begin(), options_.tools + "/usr/bin/kubectl");
    return run({std::move(words), {{"KUBECONFIG", places_.kubeconfig}, {"HOME", places_.run}}, {}},
               input);
}

std::string Stage::log_of(std::string_view part) const {
    return concat(options_.logs, "/", part, ".log");
}

Result<void> Stage::wait_for(const std::string& url, Process& part, std::string_view name,
                             sluice::Duration patience) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        HttpRequest request;
        request.url = url;
        request.deadline = std::chrono::seconds{2};
        const auto answer = web_->send(request);
        if (answer.ok() && answer->status == 200) return {};
        if (const auto how = part.ended())
            return sluice::unavailable(
                concat(name, " ended at once (", *how, "); see ", options_.logs));
        if (std::chrono::steady_clock::now() > deadline)
            return sluice::unavailable(concat(name, " does not answer; see ", options_.logs));
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

}  // namespace story
