// SPDX-License-Identifier: Apache-2.0
// Create, change and delete over the store with Kubernetes' semantics: what a request means,
// without HTTP.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "standalone/apiserver/admission.hpp"
#include "standalone/apiserver/apply/managed_fields.hpp"
#include "standalone/apiserver/registry.hpp"
#include "standalone/store/store.hpp"

namespace sluice::standalone::apiserver {

// Where uids and name suffixes come from: random in production, counted in a simulation. Any
// thread.
struct Identities {
    std::function<std::string()> new_uid;
    std::function<std::string()> new_suffix;
};
Identities random_identities();

struct Deletion {
    std::string uid;  // preconditions where not empty
    std::string resource_version;
    std::optional<long> grace_period_seconds;
    bool orphan = false;
    bool foreground = false;  // after its dependents, where the kind's are collected
    bool dry_run = false;
};

struct Deleted {
    store::RecordPtr record;  // as it is now, or was last
    bool gone = false;        // false: it waits for finalizers or for the kubelet
};

// Threads: any.
class Objects {
public:
    Objects(store::Store& store, Registry& registry, const Clock& clock, Identities identities,
            Log& log);

    // `default` and `kube-system`, what interrupted deletions left, and the kinds of stored
    // definitions.
    Result<void> prepare();

    ApiResult<store::RecordPtr> create(const Resource& resource, const std::string& ns, Json body,
                                       bool dry_run);

    // Where the object has managed fields, what changes is `writer`'s, unless null.
    // `change` gets the live document and says what it is to be; called again where another writer
    // was faster, unless what it returns names a resourceVersion that is then stale.
    using Change = std::function<ApiResult<Json>(const Json& live)>;
    ApiResult<store::RecordPtr> update(const Resource& resource, Part part, const std::string& ns,
                                       const std::string& name, const Change& change, bool dry_run,
                                       const Writer* writer = nullptr);

    ApiResult<Deleted> remove(const Resource& resource, const std::string& ns,
                              const std::string& name, const Deletion& deletion);

private:
    ApiResult<void> check_namespace(const Resource& resource, const std::string& ns,
                                    const std::string& name) const;
    ApiResult<std::optional<Deleted>> try_remove(const Resource& resource,
                                                 const store::RecordPtr& record, Json live,
                                                 const Deletion& deletion);
    // After the last write of an object: what else has to go.
    void after_removal(const Resource& resource, const store::RecordPtr& record);
    void empty_namespace(const std::string& ns);
    void finish_namespace(const std::string& ns);
    void orphan_dependents(const std::string& uid);
    // Of an owner that is marked: its dependents lose it, and then its finalizer goes.
    void finish_orphaning(const Resource& resource, const store::Key& key);
    // What a kill between the two left behind.
    void finish_interrupted_orphaning();
    void remove_all_of(const std::string& store_type);
    // Events live for an hour, as upstream's; looked at when one is added, every few minutes.
    void expire_events();

    store::Store& store_;
    Registry& registry_;
    const Clock& clock_;
    Identities identities_;
    Log& log_;
    std::atomic<TimePoint::rep> next_expiry_ = 0;  // milliseconds since the epoch
};

// From the store's error.
StatusError from_store(const Resource& resource, std::string_view name, const Error& error);

}  // namespace sluice::standalone::apiserver
