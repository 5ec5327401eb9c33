// SPDX-License-Identifier: Apache-2.0
// What an API server asks of its clients: to come back later when it says so (429 with Retry-After:
// its priority and fairness, or a limit of its own), and with the token that the file holds today,
// for a service account's is replaced every hour.
// https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/http.hpp"

namespace sluice::kube {

// The token in a file, read again when the file is another one or was written. Any thread.
class TokenFile final {
public:
    // `first`: what it held when it was read before.
    TokenFile(std::string path, std::string first);
    // The last one that could be read.
    [[nodiscard]] std::string current();

private:
    std::string path_;
    std::mutex mutex_;
    std::string token_;    // guarded by mutex_
    std::string seen_as_;  // guarded by mutex_: which file it was, and when it was written
};

struct Patience {
    std::string token_file;  // empty: the inner transport knows its token
    std::string token;       // what the file held
    // Waits that long; empty: really. For tests.
    std::function<void(Duration)> wait;
};

// Requests that are told to come back do so within their deadline, at most ten times; an eviction
// is told "not now" by a budget, which its caller wants to hear. Streams are not tried again here:
// who follows one resumes it.
std::unique_ptr<HttpTransport> with_patience(std::unique_ptr<HttpTransport> inner,
                                             Patience patience);

}  // namespace sluice::kube
