// SPDX-License-Identifier: Apache-2.0
// The controller as one thing: what `sluice controller` runs on a cluster and `sluice standalone`
// runs on its embedded one. No globals; everything is wired here.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/http.hpp"
#include "base/log.hpp"

namespace sluice::shell {

struct AppOptions {
    std::string ns;           // watch one namespace; empty: all
    std::string data_dir;     // for Git mirrors; a cache, may be lost
    std::string git_program;  // "git"
};

class App {
public:
    virtual ~App() = default;

    // Whether every cache has listed once and the workers work.
    [[nodiscard]] virtual bool ready() const = 0;
    // Prometheus text.
    [[nodiscard]] virtual std::string metrics() = 0;
    // For the webhook listener.
    virtual HttpResponse webhook(const HttpRequest& request) = 0;
    // Ends every thread; what was under way is finished by the next start.
    virtual void stop() = 0;
};

// To one API server. Moving traffic has a connection of its own, so that no slow answer to
// something else delays it; in process both may be the same.
struct Connections {
    HttpTransport& usual;
    HttpTransport& traffic;
};

// Starts at once. Connections, clock and log must outlive it.
std::unique_ptr<App> start_app(AppOptions options, Connections kubernetes, const Clock& clock,
                               Log& log);

}  // namespace sluice::shell
