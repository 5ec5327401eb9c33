// SPDX-License-Identifier: Apache-2.0
// A real Prometheus that scrapes itself five times a second, on a free loopback port; it can be
// stopped, frozen and started again at the same address.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
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

class RealPrometheus {
public:
    explicit RealPrometheus(std::string program)
        : program_(std::move(program)), port_(free_loopback_port()) {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "sluice-prom-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        std::ofstream(folder_ / "prometheus.yml")
            << "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
            << "scrape_configs: [{job_name: self, static_configs: [{targets: ['127.0.0.1:" << port_
            << "']}]}]\n";
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

private:
    std::string program_;
    int port_;
    pid_t child_ = -1;
    std::filesystem::path folder_;
};

}  // namespace sluice::test
