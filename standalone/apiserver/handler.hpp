// SPDX-License-Identifier: Apache-2.0
// The API server without sockets: a request in, an answer out. The TLS server, the in-process
// transport and the tests all sit on it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "base/http.hpp"
#include "standalone/apiserver/apply/managed_fields.hpp"
#include "standalone/apiserver/body_stream.hpp"
#include "standalone/apiserver/log_source.hpp"
#include "standalone/apiserver/objects.hpp"
#include "standalone/apiserver/request_path.hpp"

namespace sluice::standalone::apiserver {

struct Answer {
    HttpResponse response;
    // Where set, the body comes from here and response.body is empty. It must not outlive the
    // Handler.
    std::unique_ptr<BodyStream> stream;
};

// Threads: any.
class Handler {
public:
    Handler(store::Store& store, const Clock& clock, Log& log,
            Identities identities = random_identities());

    // Once, before the first request.
    Result<void> prepare() { return objects_.prepare(); }

    // Never fails: errors are answers. Authentication is the server's.
    Answer answer(const HttpRequest& request);
    // For requests that are known not to stream.
    HttpResponse handle(const HttpRequest& request) { return answer(request).response; }

    // The source must outlive the handler; nothing takes it away.
    void set_log_source(LogSource* source) { log_source_ = source; }
    // What /readyz says; ready without one.
    void set_ready_check(std::function<bool()> check);

    [[nodiscard]] const Registry& registry() const { return registry_; }

private:
    struct Call;  // one request, taken apart

    Answer answer_call(const HttpRequest& request);
    ApiResult<Answer> route(const HttpRequest& request, const Target& target);
    ApiResult<Answer> object_request(const HttpRequest& request, const Target& target);
    ApiResult<Answer> collection(const Call& call);
    ApiResult<Answer> single(const Call& call);
    ApiResult<Answer> get(const Call& call);
    ApiResult<Answer> list(const Call& call);
    ApiResult<Answer> watch(const Call& call);
    ApiResult<Answer> create(const Call& call);
    ApiResult<Answer> replace(const Call& call);
    ApiResult<Answer> patch(const Call& call);
    ApiResult<Answer> apply(const Call& call);
    ApiResult<Answer> remove(const Call& call);
    ApiResult<Answer> evict(const Call& call);
    ApiResult<Answer> remove_collection(const Call& call);
    ApiResult<Answer> scale(const Call& call);
    ApiResult<Answer> pod_log(const Call& call);
    ApiResult<Answer> review(const HttpRequest& request, const Target& target);
    // Who a request says it is.
    [[nodiscard]] Writer writer_of(const Call& call, const std::string& manager) const;
    Answer health(std::string_view name);

    store::Store& store_;
    const Clock& clock_;
    Log& log_;
    Registry registry_;
    Objects objects_;
    std::atomic<LogSource*> log_source_ = nullptr;
    std::mutex ready_mutex_;
    std::function<bool()> ready_check_;  // guarded by ready_mutex_
};

}  // namespace sluice::standalone::apiserver
