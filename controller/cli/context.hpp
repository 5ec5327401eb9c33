// SPDX-License-Identifier: Apache-2.0
// What every verb that talks to a cluster needs: where it is, and how to answer.
#pragma once

#include <memory>
#include <string>

#include "base/http.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/config.hpp"

namespace sluice::cli {

enum ExitCode { Done = 0, Failed = 1, WrongUsage = 2, NotFoundCode = 3, TimedOut = 4 };

struct GlobalOptions {
    std::string kubeconfig;
    std::string context;
    std::string ns;      // empty: the context's
    std::string output;  // "", "json", "yaml", "name"
};

// A connection, opened when first asked for.
class Cluster {
public:
    static Result<Cluster> open(const GlobalOptions& options);
    [[nodiscard]] const kube::Client& client() const { return *client_; }
    [[nodiscard]] const std::string& ns() const { return ns_; }
    [[nodiscard]] ObjectRef rollout(const std::string& name) const {
        return {resources::rollouts, ns_, name};
    }

private:
    std::unique_ptr<HttpTransport> transport_;
    std::unique_ptr<kube::Client> client_;
    std::string ns_;
};

// The revision of a Rollout or of one of its ReplicaSets; 0 where it has none yet.
long revision_of(const Json& object);

// Prints "sluice: <message>" on standard error; the exit code that says what kind of failure it
// was.
int report(const Error& error);

// The object as -o asks, or one line of text.
void print_object(const GlobalOptions& options, const Json& object, const std::string& line);

}  // namespace sluice::cli
