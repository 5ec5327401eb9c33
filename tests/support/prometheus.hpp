// SPDX-License-Identifier: Apache-2.0
// A real Prometheus that scrapes itself five times a second, on a free loopback port; it can be
// stopped, frozen and started again at the same address. Where a past is given (OpenMetrics text
// with timestamps), promtool writes it into the data first.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/text.hpp"

namespace sluice::test {

inline int free_loopback_port() {
    const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    (void)bind(handle, reinterpret_cast<sockaddr*>(&address), size);
    (void)getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size);
    close(handle);
    return ntohs(address.sin_port);
}

// The program where SLUICE_TOOLS has it, else where a package puts it; empty where there is none.
inline std::string prometheus_path() {
    const char* tools = std::getenv("SLUICE_TOOLS");
    for (const std::string& path : {tools ? concat(tools, "/usr/bin/prometheus") : std::string{},
                                    std::string("/usr/bin/prometheus")})
        if (!path.empty() && std::filesystem::exists(path)) return path;
    return {};
}

// promtool beside prometheus; empty where there is none.
inline std::string promtool_path() {
    const auto prometheus = prometheus_path();
    if (prometheus.empty()) return {};
    const auto path = std::filesystem::path(prometheus).parent_path() / "promtool";
    return std::filesystem::exists(path) ? path.string() : std::string{};
}

// Samples of series, each in order of time, as OpenMetrics text.
class PrometheusPast {
public:
    // `series` as in PromQL: requests_total{pod="a"}; seconds since the epoch.
    void add(const std::string& series, double seconds, double value) {
        auto& line = lines_[series];
        line += concat(series, " ", format_number(value), " ", format_number(seconds), "\n");
    }
    [[nodiscard]] std::string text() const {
        std::string text;
        for (const auto& [series, lines] : lines_) text += lines;
        return text + "# EOF\n";
    }

private:
    std::map<std::string, std::string> lines_;
};

class RealPrometheus {
public:
    explicit RealPrometheus(std::string program, const std::string& past = {})
        : program_(std::move(program)), port_(free_loopback_port()) {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "sluice-prom-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        std::ofstream(folder_ / "prometheus.yml")
            << "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
            << "scrape_configs: [{job_name: self, static_configs: [{targets: ['127.0.0.1:" << port_
            << "']}]}]\n";
        past_written_ = past.empty() || write_past(past);
        start();
    }
    ~RealPrometheus() {
        stop();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    RealPrometheus(const RealPrometheus&) = delete;
    RealPrometheus& operator=(const RealPrometheus&) = delete;

    // Connections are refused until start().
    void stop() {
        if (child_ <= 0) return;
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
        child_ = -1;
    }
    // With the data of before.
    void start() {
        const std::string config = "--config.file=" + (folder_ / "prometheus.yml").string();
        const std::string data = "--storage.tsdb.path=" + (folder_ / "data").string();
        const std::string web = concat("--web.listen-address=127.0.0.1:", port_);
        const std::string log = (folder_ / "log").string();
        child_ = fork();
        if (child_ != 0) return;
        if (!freopen(log.c_str(), "a", stderr)) _exit(126);
        execl(program_.c_str(), program_.c_str(), config.c_str(), data.c_str(), web.c_str(),
              static_cast<char*>(nullptr));
        _exit(127);
    }
    // Connections are accepted and never answered until thaw().
    void freeze() const { kill(child_, SIGSTOP); }
    void thaw() const { kill(child_, SIGCONT); }

    [[nodiscard]] std::string url() const { return concat("http://127.0.0.1:", port_); }
    [[nodiscard]] bool past_written() const { return past_written_; }

private:
    [[nodiscard]] bool write_past(const std::string& past) const {
        const std::string tool = promtool_path();
        const std::string file = (folder_ / "past").string(), data = (folder_ / "data").string();
        const std::string log = (folder_ / "promtool.log").string();
        std::ofstream(file) << past;
        const pid_t child = fork();
        if (child == 0) {
            if (!freopen(log.c_str(), "a", stdout) || !freopen(log.c_str(), "a", stderr))
                _exit(126);
            execl(tool.c_str(), tool.c_str(), "tsdb", "create-blocks-from", "openmetrics",
                  file.c_str(), data.c_str(), static_cast<char*>(nullptr));
            _exit(127);
        }
        int status = 0;
        return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
               WEXITSTATUS(status) == 0;
    }

    std::string program_;
    int port_;
    pid_t child_ = -1;
    bool past_written_ = false;
    std::filesystem::path folder_;
};

}  // namespace sluice::test
