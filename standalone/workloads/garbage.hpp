// SPDX-License-Identifier: Apache-2.0
// Who owns whom, and what may go because all its owners are gone: pure. Background and foreground
// deletion as https://kubernetes.io/docs/concepts/architecture/garbage-collection/ describes them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/resource.hpp"
#include "standalone/workloads/objects.hpp"

namespace sluice::standalone::workloads {

// The kinds whose objects are watched as owners or dependents.
const std::vector<ResourceType>& collected_types();
// The watched kind behind an owner reference; null for one that nobody watches.
const ResourceType* type_of(const OwnerReference& owner);

struct OwnedObject {
    ResourceType type;
    std::string ns;
    std::string name;
    std::string uid;
    std::vector<OwnerReference> owners;
    bool deleting = false;
    bool foreground = false;  // is being deleted once its dependents are gone
    bool operator==(const OwnedObject&) const = default;
};

// Holds an object back until the collector has removed its dependents.
inline constexpr std::string_view foreground_finalizer = "foregroundDeletion";
bool has_finalizer(const Json& object, std::string_view name);

OwnedObject decode_owned(const ResourceType& type, const Json& object);

// What the watches say. A copy of an object without owners costs its uid only.
class OwnershipGraph {
public:
    void put(const OwnedObject& object);
    void erase(const std::string& uid);
    [[nodiscard]] bool has(const std::string& uid) const { return present_.contains(uid); }
    [[nodiscard]] const OwnedObject* owned(const std::string& uid) const;
    // One that waits for its dependents; null for any other.
    [[nodiscard]] const OwnedObject* waiting(const std::string& uid) const;
    [[nodiscard]] std::vector<std::string> all_waiting() const;
    [[nodiscard]] std::vector<std::string> dependents(const std::string& owner_uid) const;
    // Objects that name an owner that is not there.
    [[nodiscard]] std::vector<std::string> suspects() const;

private:
    void unlink(const std::string& uid);

    std::set<std::string> present_;
    std::map<std::string, OwnedObject> owned_;                 // those with owners
    std::map<std::string, OwnedObject> waiting_;               // those that are `foreground`
    std::map<std::string, std::set<std::string>> dependents_;  // by the owner's uid
};

enum class OwnerState { Present, Absent, Unknown };

// One state for each of the object's owners, read from the server. Unknown (a kind that nobody
// watches, an error) keeps the object.
bool is_garbage(const OwnedObject& object, const std::vector<OwnerState>& owners);

}  // namespace sluice::standalone::workloads
