// SPDX-License-Identifier: Apache-2.0
// Requests whose answers are waited for by nobody: they come back as a call (DESIGN D4).
#pragma once

#include <functional>

#include "base/http.hpp"

namespace sluice::http {

struct AsyncRequest {
    HttpRequest request;    // absolute URL; the deadline counts from submit()
    bool insecure = false;  // TLS without verification
};

class AsyncHttp {
public:
    // Any status is an answer. Timeout: the deadline; Unavailable: no connection, too many waiting
    // requests, or the end of the loop; Denied: a certificate that does not verify.
    using OnAnswer = std::function<void(Result<HttpResponse>)>;

    virtual ~AsyncHttp() = default;

    // Any thread; never waits. `on_answer` is called exactly once, from another thread or from
    // this call, and must return at once.
    virtual void submit(AsyncRequest request, OnAnswer on_answer) = 0;
};

}  // namespace sluice::http
