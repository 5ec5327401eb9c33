// SPDX-License-Identifier: Apache-2.0
// HAProxy's configuration, and the process: started once, adopted by later lives of ours, replaced
// without losing a connection where the configuration changed.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "base/result.hpp"
#include "standalone/ingress/plan.hpp"
#include "standalone/ingress/runtime_socket.hpp"

namespace sluice::standalone::ingress {

struct ProxyConfig {
    std::string folder;  // holds the configuration, the maps, the socket and HAProxy's own log
    std::string listen_host;
    int listen_port = 0;
    int log_port = 0;  // UDP, loopback: one datagram a request
    int slots = 64;    // spare backends
    bool operator==(const ProxyConfig&) const = default;
};

// The whole configuration file. Its "description" is a digest of the rest, which `show info`
// repeats: so an old process can be told to be the right one. The servers of `inherited` stand in
// it from the start (and not in the digest): a process that takes over serves at once.
std::string config_text(const ProxyConfig& config, const ProxyState& inherited = {});
// That digest.
std::string config_description(const ProxyConfig& config);

// The HAProxy process. Not for several threads at once.
class HaproxyProcess {
public:
    HaproxyProcess(std::string binary, ProxyConfig config, Log& log);
    ~HaproxyProcess();
    HaproxyProcess(const HaproxyProcess&) = delete;
    HaproxyProcess& operator=(const HaproxyProcess&) = delete;

    // After it a HAProxy with our configuration answers on the socket: the one that was there, or a
    // new one that takes the listening socket over from one with another configuration.
    Result<void> ensure(Duration deadline);
    // True while the process lives.
    [[nodiscard]] bool alive() const;
    // 0 where there is none.
    [[nodiscard]] int pid() const { return pid_; }
    // Finishes the requests under way, at most until the deadline; then kills.
    void stop(Duration deadline);
    // Leaves the process running without us.
    void abandon();

    [[nodiscard]] const ProxyConfig& config() const { return config_; }
    [[nodiscard]] RuntimeSocket socket() const { return RuntimeSocket(socket_path()); }

private:
    [[nodiscard]] std::string socket_path() const { return config_.folder + "/haproxy.sock"; }
    Result<void> write_files(const ProxyState& inherited) const;
    void kill_silent_one() const;
    Result<int> spawn(std::optional<int> takes_over_from) const;
    Result<void> wait_for_answer(int pid, Duration deadline) const;
    void follow(int pid, bool child);
    void forget();

    std::string binary_;
    ProxyConfig config_;
    Log& log_;
    int pid_ = 0;
    int pid_fd_ = -1;
    bool child_ = false;
};

}  // namespace sluice::standalone::ingress
