// SPDX-License-Identifier: Apache-2.0
// The embedded cluster's ingress: serves what Ingress and VirtualService objects say through a real
// HAProxy on one address. HAProxy is never reloaded; shares, backends and endpoints change in
// place.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "platform/kube/client.hpp"

namespace sluice::standalone {

struct LocalIngressOptions {
    std::string haproxy_path;  // the program, version 2.6 or later
    std::string data_dir;      // "<data_dir>/ingress" is ours; at most 80 bytes, no blanks
    std::string listen_host = "127.0.0.1";
    int listen_port = 8080;  // 0: any free one, kept over restarts
};

class LocalIngress {
public:
    // Clean stop: HAProxy finishes the requests under way (at most 5 s) and ends.
    virtual ~LocalIngress() = default;

    // Prometheus text. Any thread.
    [[nodiscard]] virtual std::string metrics() const = 0;
    // "http://127.0.0.1:8080".
    [[nodiscard]] virtual std::string url() const = 0;
    // True once the proxy has served what the API says, and its process lives.
    [[nodiscard]] virtual bool ready() const = 0;
    // From now on the destructor leaves HAProxy serving, for the next start to adopt.
    virtual void leave_running() = 0;
};

// Starts HAProxy, or adopts the one that a former life left behind (kill -9), and follows the API
// from then on. Unavailable: HAProxy does not start, with its own words. Everything referenced must
// outlive it.
Result<std::unique_ptr<LocalIngress>> start_local_ingress(const LocalIngressOptions& options,
                                                          const kube::Client& client,
                                                          const Clock& clock, Log& log);

}  // namespace sluice::standalone
