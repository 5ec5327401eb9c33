// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/prober.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"
#include "standalone/kubelet/process.hpp"

namespace sluice::standalone::kubelet {
namespace {

std::string entry_key(const std::string& container_id, ProbeRole role) {
    return concat(container_id, "/", role_name(role));
}

// True where the connection is made within `timeout`.
Result<void> connect_tcp(const std::string& ip, long port, Duration timeout) {
    const auto attempt = concat("connect to ", ip, ":", port);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1)
        return invalid(attempt + ": no IPv4 address");
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) return unavailable(concat(attempt, ": ", std::strerror(errno)));
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return {};
    if (errno != EINPROGRESS) return unavailable(concat(attempt, ": ", std::strerror(errno)));
    pollfd waiting{socket.get(), POLLOUT, 0};
    if (::poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0)
        return Error{ErrorKind::Timeout, attempt + ": timed out"};
    int problem = 0;
    socklen_t size = sizeof problem;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem != 0) return unavailable(concat(attempt, ": ", std::strerror(problem)));
    return {};
}

}  // namespace

// A target that hangs holds one worker for its timeout, so there are several.
Prober::Prober(HttpTransport& transport, OnChange on_change, const Clock& clock, Log& log)
    : transport_(transport),
      on_change_(std::move(on_change)),
      clock_(clock),
      reconciler_(
          {.name = "probe", .workers = 8}, [this](const std::string& key) { return probe(key); },
          clock, log) {}

void Prober::add(ProbeTarget target) {
    const auto key = entry_key(target.container_id, target.role);
    const auto delay = first_attempt(target.role, target.spec);
    const auto wait = std::clamp(target.started + delay - clock_.now(), Duration{0}, delay);
    {
        const std::lock_guard lock(mutex_);
        if (entries_.contains(key)) return;
        auto state = initial_state(target.role);
        if (target.passed_before) state = {.passing = true, .ever_passed = true};
        entries_[key] = {std::move(target), state};
    }
    reconciler_.add_after(key, wait);
}

void Prober::remove(const std::string& container_id) {
    const std::lock_guard lock(mutex_);
    for (const auto role : {ProbeRole::Startup, ProbeRole::Readiness, ProbeRole::Liveness})
        entries_.erase(entry_key(container_id, role));
}

Result<std::optional<Duration>> Prober::probe(const std::string& key) {
    ProbeTarget target;
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(key);
        if (found == entries_.end()) return std::optional<Duration>{};
        target = found->second.target;
    }
    const auto answer = ask(target);
    bool changed = false;
    ProbeState state;
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(key);
        if (found == entries_.end()) return std::optional<Duration>{};
        const bool before = found->second.state.passing;
        found->second.state = record_result(found->second.state, target.spec, answer.ok());
        state = found->second.state;
        changed = state.passing != before;
        // A startup probe that never passes ends like a liveness probe that fails.
        if (target.role == ProbeRole::Startup && !answer.ok() &&
            state.run == target.spec.failure_threshold)
            changed = true;
    }
    if (changed) on_change_(target, state.passing, answer.ok() ? "" : answer.error().message);
    if (target.role == ProbeRole::Startup && changed) return std::optional<Duration>{};
    return std::optional(next_attempt(target.role, state, target.spec));
}

Result<void> Prober::ask(const ProbeTarget& target) {
    if (target.spec.http) return ask_http(target);
    const auto& host = target.spec.host.empty() ? target.ip : target.spec.host;
    return connect_tcp(host, target.spec.port, target.spec.timeout);
}

// 200 to 399 is well, as Kubernetes has it.
Result<void> Prober::ask_http(const ProbeTarget& target) {
    HttpRequest request{.url = probe_url(target.spec, target.ip),
                        .headers = {{"User-Agent", "kube-probe/1.32"}, {"Connection", "close"}},
                        .deadline = target.spec.timeout};
    for (const auto& [name, value] : target.spec.headers) request.headers.push_back({name, value});
    const auto response = TRY(transport_.send(request));
    if (response.status >= 200 && response.status < 400) return {};
    return unavailable(concat("GET ", request.url, ": status ", response.status));
}

}  // namespace sluice::standalone::kubelet
