// SPDX-License-Identifier: Apache-2.0
#include "standalone/ingress/access_log.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "base/resource.hpp"
#include "base/text.hpp"
#include "standalone/ingress/plan.hpp"

namespace sluice::standalone::ingress {
namespace {

// "shop/web:80#canary" to shop and web.
std::pair<std::string, std::string> service_of_identity(const std::string& identity) {
    return split_key(identity.substr(0, identity.find(':')));
}

std::string labels_text(const std::string& ns, const std::string& service,
                        const std::string& hash) {
    return concat("namespace=\"", ns, "\",service=\"", service, "\",rollouts_pod_template_hash=\"",
                  hash, "\"");
}

}  // namespace

std::optional<LogLine> parse_log_line(std::string_view line) {
    const auto words = split(trim(line), ' ');
    if (words.size() < 5 || words[0] != "req") return std::nullopt;
    const auto code = parse_integer(words[3]);
    const auto took = parse_integer(words[4]);
    if (!code || !took) return std::nullopt;
    return LogLine{words[1], words[2], static_cast<int>(*code),
                   static_cast<int>(std::max(*took, 0L))};
}

void RequestMetrics::set_backends(std::map<std::string, std::string> identity_of) {
    const std::lock_guard lock(mutex_);
    identity_of_ = std::move(identity_of);
}

void RequestMetrics::count(const LogLine& line, TimePoint now) {
    const std::lock_guard lock(mutex_);
    Key key;
    if (const auto found = identity_of_.find(line.slot); found != identity_of_.end())
        std::tie(key.ns, key.service) = service_of_identity(found->second);
    key.hash = hash_of_server(line.server);
    auto& series = series_[key];
    ++series.by_code[line.code];
    size_t bucket = 0;
    while (bucket < bounds_ms.size() && line.milliseconds > bounds_ms[bucket]) ++bucket;
    ++series.buckets[bucket];
    series.sum_ms += static_cast<std::uint64_t>(line.milliseconds);
    series.touched = now;
}

void RequestMetrics::forget_older_than(TimePoint then) {
    const std::lock_guard lock(mutex_);
    std::erase_if(series_, [&](const auto& entry) { return entry.second.touched < then; });
}

std::string RequestMetrics::text() const {
    const std::lock_guard lock(mutex_);
    std::string text =
        "# HELP sluice_ingress_requests_total Requests answered by the local ingress.\n"
        "# TYPE sluice_ingress_requests_total counter\n";
    for (const auto& [key, series] : series_)
        for (const auto& [code, count] : series.by_code)
            text += concat("sluice_ingress_requests_total{",
                           labels_text(key.ns, key.service, key.hash), ",code=\"",
                           code < 0 ? "aborted" : std::to_string(code), "\"} ", count, "\n");
    text +=
        "# HELP sluice_ingress_request_duration_seconds From the first byte of a request to the "
        "last "
        "of its answer.\n"
        "# TYPE sluice_ingress_request_duration_seconds histogram\n";
    const std::string name = "sluice_ingress_request_duration_seconds";
    for (const auto& [key, series] : series_) {
        const std::string labels = labels_text(key.ns, key.service, key.hash);
        std::uint64_t sum = 0;
        for (size_t i = 0; i < series.buckets.size(); ++i) {
            sum += series.buckets[i];
            const std::string bound =
                i < bounds_ms.size() ? format_number(bounds_ms[i] / 1000.0) : "+Inf";
            text += concat(name, "_bucket{", labels, ",le=\"", bound, "\"} ", sum, "\n");
        }
        text += concat(name, "_sum{", labels, "} ",
                       format_number(static_cast<double>(series.sum_ms) / 1000.0), "\n");
        text += concat(name, "_count{", labels, "} ", sum, "\n");
    }
    return text;
}

Result<std::unique_ptr<AccessLog>> AccessLog::start(int port, RequestMetrics& metrics,
                                                    const Clock& clock) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    // Bursts wait here; the kernel grants what it allows.
    const int buffer = 8 << 20;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
        const std::string why = strerror(errno);
        if (fd >= 0) ::close(fd);
        return unavailable(concat("bind the access log to 127.0.0.1:", port, ": ", why));
    }
    socklen_t size = sizeof(address);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return std::unique_ptr<AccessLog>(new AccessLog(fd, ntohs(address.sin_port), metrics, clock));
}

AccessLog::AccessLog(int fd, int port, RequestMetrics& metrics, const Clock& clock)
    : fd_(fd), port_(port), metrics_(metrics), clock_(clock) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

AccessLog::~AccessLog() {
    thread_.request_stop();
    ::shutdown(fd_, SHUT_RDWR);  // wakes the poll
    thread_.join();
    ::close(fd_);
}

void AccessLog::run(const std::stop_token& stop) {
    std::vector<char> buffer(2048);
    while (!stop.stop_requested()) {
        pollfd poll{fd_, POLLIN, 0};
        if (::poll(&poll, 1, 1000) <= 0) continue;
        ssize_t size = 0;
        while ((size = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0)
            if (const auto line = parse_log_line({buffer.data(), static_cast<size_t>(size)}))
                metrics_.count(*line, clock_.now());
    }
}

}  // namespace sluice::standalone::ingress
