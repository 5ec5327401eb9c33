// SPDX-License-Identifier: Apache-2.0
// One generic Kubernetes client over documents. It builds requests and reads answers; the transport
// performs them, so the same client talks to a real API server through libcurl and to the embedded
// one in process.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/http.hpp"
#include "base/json_value.hpp"
#include "base/resource.hpp"

namespace sluice::kube {

enum class PatchType { Json, Merge, StrategicMerge };

struct ListOptions {
    std::string ns;  // empty: all namespaces
    std::string label_selector;
    std::string field_selector;
};

struct ObjectList {
    std::string resource_version;
    std::vector<Json> items;  // each with apiVersion and kind
};

enum class WatchEventType { Added, Modified, Deleted, Bookmark };

struct WatchEvent {
    WatchEventType type;
    Json object;
};

struct DeleteOptions {
    std::string uid;               // precondition where not empty
    std::string resource_version;  // precondition where not empty
    std::string propagation;       // "", Background, Foreground, Orphan
    std::optional<std::chrono::seconds> grace_period;
};

// Errors of every call: NotFound, AlreadyExists, Conflict, Invalid (422, 400), Denied (401, 403),
// Gone (410), Unavailable (429, 5xx, no connection), Timeout. Messages name the call and the
// object: "get rollout shop/web: 404: rollouts.argoproj.io \"web\" not found". Threads: any; the
// transport must outlive the client.
class Client {
public:
    // `user_agent` names the field manager too.
    Client(HttpTransport& transport, std::string user_agent,
           Duration deadline = std::chrono::seconds{10});

    [[nodiscard]] Result<Json> get(const ObjectRef& ref) const;
    // All pages, held at once: for short lists.
    [[nodiscard]] Result<ObjectList> list(const ResourceType& type,
                                          const ListOptions& options = {}) const;
    // Page by page, each object handed over as soon as it is parsed, so that a list of any length
    // costs the text of one page. The list's resourceVersion; Gone where the list took so long that
    // the server forgot its beginning. `take` must not throw.
    [[nodiscard]] Result<std::string> list_each(const ResourceType& type,
                                                const ListOptions& options,
                                                const std::function<void(Json&&)>& take) const;
    // The namespace is the object's own.
    [[nodiscard]] Result<Json> create(const ResourceType& type, const Json& object) const;
    // Compare-and-swap on the resourceVersion that the object carries. subresource: "" or "status".
    [[nodiscard]] Result<Json> replace(const ResourceType& type, const Json& object,
                                       std::string_view subresource = {}) const;
    [[nodiscard]] Result<Json> patch(const ObjectRef& ref, PatchType patch_type, const Json& patch,
                                     std::string_view subresource = {}) const;
    [[nodiscard]] Result<void> remove(const ObjectRef& ref,
                                      const DeleteOptions& options = {}) const;

    // Asks for the pod to be evicted (policy/v1 Eviction), so that PodDisruptionBudgets are heard;
    // false where one says not now (429). Conflict where the pod's uid is another.
    [[nodiscard]] Result<bool> evict(const ObjectRef& pod, const std::string& uid) const;

    // Calls `on_event` for each event after `resource_version` until the stream ends (then ok:
    // watch again from the last version seen) or `stop` is asked for. Gone: list anew.
    Result<void> watch(const ResourceType& type, const ListOptions& options,
                       std::string_view resource_version,
                       const std::function<void(WatchEvent)>& on_event, std::stop_token stop) const;

    // Raw access, for what has no object: "/version", "/api/v1/namespaces/x/pods/y/log".
    [[nodiscard]] Result<HttpResponse> raw(HttpRequest request) const;

private:
    HttpTransport& transport_;
    std::string user_agent_;
    Duration deadline_;
};

// "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web/status"; the list where name is empty.
std::string path_of(const ObjectRef& ref, std::string_view subresource = {});

}  // namespace sluice::kube
