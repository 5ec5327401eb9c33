// SPDX-License-Identifier: Apache-2.0
// HAProxy says one datagram a request; here they become counters and histograms a backend and
// version, which HAProxy's own exporter does not have (feasibility.md 4).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace sluice::standalone::ingress {

struct LogLine {
    std::string slot;    // backend, or the frontend's name where no route matched
    std::string server;  // "<NOSRV>" where none was reached
    int code = 0;        // -1 where the client went away
    int milliseconds = 0;
    bool operator==(const LogLine&) const = default;
};
// Nothing for lines that are not about a request.
std::optional<LogLine> parse_log_line(std::string_view line);

// Counts by (backend, version). Any thread.
class RequestMetrics {
public:
    // Which backend a slot stands for: slot to "namespace/service:port#subset". A slot that is
    // given to another backend starts counting for that one.
    void set_backends(std::map<std::string, std::string> identity_of);
    void count(const LogLine& line, TimePoint now);
    // Drops series that nothing has touched since then and whose backend is gone.
    void forget_older_than(TimePoint then);
    // sluice_ingress_requests_total{namespace,service,rollouts_pod_template_hash,code} and the
    // histogram sluice_ingress_request_duration_seconds, as Prometheus text.
    [[nodiscard]] std::string text() const;

private:
    static constexpr std::array<int, 12> bounds_ms = {1,   2,   5,   10,   25,   50,
                                                      100, 250, 500, 1000, 2500, 10000};
    struct Series {
        std::map<int, std::uint64_t> by_code;
        std::array<std::uint64_t, bounds_ms.size() + 1> buckets{};
        std::uint64_t sum_ms = 0;
        TimePoint touched{};
    };
    struct Key {
        std::string ns, service, hash;
        auto operator<=>(const Key&) const = default;
    };

    mutable std::mutex mutex_;
    std::map<std::string, std::string> identity_of_;  // guarded by mutex_
    std::map<Key, Series> series_;                    // guarded by mutex_
};

// Receives the datagrams in a thread of its own.
class AccessLog {
public:
    // Binds 127.0.0.1:port, or any port where it is 0.
    static Result<std::unique_ptr<AccessLog>> start(int port, RequestMetrics& metrics,
                                                    const Clock& clock);
    ~AccessLog();
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    [[nodiscard]] int port() const { return port_; }

private:
    AccessLog(int fd, int port, RequestMetrics& metrics, const Clock& clock);
    void run(const std::stop_token& stop);

    int fd_;
    int port_;
    RequestMetrics& metrics_;
    const Clock& clock_;
    std::jthread thread_;
};

}  // namespace sluice::standalone::ingress
