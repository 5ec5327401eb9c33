// SPDX-License-Identifier: Apache-2.0
// What applying a branch means, object by object. Pure: documents in, changes out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "base/resource.hpp"
#include "controller/policy/source/manifest.hpp"
#include "crds/git_source.hpp"

namespace sluice::policy::source {

inline constexpr std::string_view last_applied_annotation =
    "kubectl.kubernetes.io/last-applied-configuration";
inline constexpr std::string_view source_annotation = "sluice.dev/git-source";
inline constexpr std::string_view prune_annotation = "sluice.dev/prune";

// An object that the branch declares, with its kind known to the server.
struct Desired {
    ObjectRef ref;
    std::string path;
    std::shared_ptr<const Json> document;
    std::string digest;  // of a Rollout: its template_digest
};

// Which come first: 0 Namespaces and CRDs, 1 what others refer to, 2 routes, 3 Rollouts.
int wave(std::string_view group, std::string_view kind);

// The whole document to be applied: namespace, our annotation, and last-applied as kubectl writes
// it; without what only a server says (status, uid, resourceVersion). `owner` is the GitSource's
// name, or namespace/name where the object lies in another namespace.
Json to_apply(const Desired& desired, std::string_view owner);

struct CreateObject {
    std::shared_ptr<const Json> document;
};
struct PatchObject {
    std::shared_ptr<const Json> patch;  // RFC 7386, bound to the live resourceVersion
};
struct LeaveObject {};  // it is as declared
struct RefuseObject {
    std::string why;
};
using ObjectChange = std::variant<LeaveObject, CreateObject, PatchObject, RefuseObject>;

// `live` is null where the object does not exist. Refused: another GitSource applies it.
ObjectChange plan_object(const Desired& desired, const Json* live, std::string_view owner);

// What the old inventory has and the branch no longer declares. Nothing at all is pruned while a
// file may declare objects that we cannot name, and nothing that a broken file still declares.
struct PrunePlan {
    std::vector<crds::InventoryEntry> prune;
    std::vector<crds::InventoryEntry> keep;  // of broken files, or held back
    std::string held_because;                // why some are held back; empty where none is
};
PrunePlan plan_prune(const std::vector<crds::InventoryEntry>& inventory,
                     const std::vector<Desired>& desired, const std::vector<FileReading>& files);

// Whether a live object may be deleted for us: it is ours and does not opt out.
bool may_prune(const Json& live, std::string_view owner);

// A version of a Rollout that users must not get again (DESIGN D1, gitops.md 5.6).
struct Quarantine {
    std::string delivery;  // its name
    std::string digest;
    std::string reason;
};
// The quarantine that stands among the Deliveries of the Rollout's namespace, if any does.
std::optional<Quarantine> find_quarantine(const std::vector<Json>& deliveries,
                                          std::string_view rollout, std::string_view digest);

}  // namespace sluice::policy::source
