// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/apply/managed_fields.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/text.hpp"
#include "standalone/apiserver/apply/typed_value.hpp"

namespace sluice::standalone::apiserver {
namespace {

constexpr const char* unapplied_manager = "before-first-apply";

struct ManagedEntry {
    std::string manager;
    std::string operation;  // Apply or Update
    std::string api_version;
    std::string subresource;
    std::string time;
    FieldTree fields;

    [[nodiscard]] bool is_of(const Writer& writer, std::string_view by_operation) const {
        return manager == writer.manager && operation == by_operation &&
               (operation == "Apply" || api_version == writer.api_version) &&
               subresource == writer.subresource;
    }
};
using ManagedEntries = std::vector<ManagedEntry>;

ManagedEntries read_entries(const Json& object) {
    ManagedEntries entries;
    const Json* list = find(object, {"metadata", "managedFields"});
    if (!list || !list->is_array()) return entries;
    for (const auto& item : *list) {
        const Json* fields = find(item, {"fieldsV1"});
        entries.push_back({text_at(item, {"manager"}), text_at(item, {"operation"}),
                           text_at(item, {"apiVersion"}), text_at(item, {"subresource"}),
                           text_at(item, {"time"}),
                           fields ? read_field_tree(*fields) : FieldTree{}});
    }
    return entries;
}

void write_entries(Json& object, ManagedEntries entries) {
    std::erase_if(entries, [](const ManagedEntry& entry) { return entry.fields.empty(); });
    std::ranges::stable_sort(entries, {}, [](const ManagedEntry& entry) {
        return std::tie(entry.operation, entry.time, entry.manager, entry.api_version,
                        entry.subresource);
    });
    if (entries.empty()) {
        object["metadata"].erase("managedFields");
        return;
    }
    Json list = Json::array();
    for (const auto& entry : entries) {
        Json item = {{"manager", entry.manager},
                     {"operation", entry.operation},
                     {"apiVersion", entry.api_version},
                     {"fieldsType", "FieldsV1"},
                     {"fieldsV1", write_field_tree(entry.fields)}};
        if (!entry.time.empty()) item["time"] = entry.time;
        if (!entry.subresource.empty()) item["subresource"] = entry.subresource;
        list.push_back(std::move(item));
    }
    object["metadata"]["managedFields"] = std::move(list);
}

// What nobody owns: the server sets it, or this path does not write it.
FieldTree owned_part(FieldTree tree, const Writer& writer) {
    for (const char* name : {"f:apiVersion", "f:kind"}) tree.children.erase(name);
    if (auto metadata = tree.children.find("f:metadata"); metadata != tree.children.end()) {
        FieldTree& fields = metadata->second;
        fields.member = false;
        for (const char* name : {"f:name", "f:namespace", "f:creationTimestamp", "f:selfLink",
                                 "f:uid", "f:generation", "f:managedFields", "f:resourceVersion"})
            fields.children.erase(name);
        if (fields.empty()) tree.children.erase(metadata);
    }
    if (writer.subresource == "status")
        std::erase_if(tree.children, [](const auto& child) { return child.first != "f:status"; });
    else if (writer.has_status)
        tree.children.erase("f:status");
    tree.member = false;
    return tree;
}

std::string told_manager(const ManagedEntry& entry) {
    std::string text = to_text(Json(entry.manager));
    if (!entry.subresource.empty())
        text += concat(" with subresource ", to_text(Json(entry.subresource)));
    if (entry.operation == "Update") text += concat(" using ", entry.api_version);
    return text;
}

StatusError conflict_error(const std::vector<std::pair<std::string, std::string>>& conflicts) {
    StatusError error{.code = 409, .reason = "Conflict"};
    const size_t count = conflicts.size();
    std::vector<std::string> lines;
    for (const auto& [manager, path] : conflicts) {
        error.causes.push_back({path, "FieldManagerConflict", concat("conflict with ", manager)});
        const std::string head = concat("conflicts with ", manager, ":");
        if (std::ranges::find(lines, head) == lines.end()) lines.push_back(head);
        lines.push_back("- " + path);
    }
    error.message =
        concat("Apply failed with ", count, count == 1 ? " conflict: " : " conflicts: ",
               count == 1 ? concat("conflict with ", conflicts[0].first, ": ", conflicts[0].second)
                          : join(lines, "\n"));
    return error;
}

// Object without managedFields, for comparison.
Json bare(Json object) {
    if (object.contains("metadata")) object["metadata"].erase("managedFields");
    return object;
}

// Others lose what was written over, and everybody what is gone.
void take_from_others(ManagedEntries& entries, const FieldChanges& changes, const Writer& writer,
                      std::string_view operation) {
    const FieldTree written = fields_of_either(changes.added, changes.modified);
    for (auto& entry : entries) {
        if (entry.is_of(writer, operation)) continue;
        entry.fields = fields_without(entry.fields, fields_in_both(entry.fields, written));
        entry.fields = fields_without(entry.fields, changes.removed);
    }
}

ManagedEntry& entry_of(ManagedEntries& entries, const Writer& writer, const char* operation) {
    auto found = std::ranges::find_if(
        entries, [&](const ManagedEntry& entry) { return entry.is_of(writer, operation); });
    if (found == entries.end())
        found = entries.insert(
            entries.end(),
            {writer.manager, operation, writer.api_version, writer.subresource, "", {}});
    return *found;
}

void set_fields(ManagedEntry& entry, FieldTree fields, const Writer& writer) {
    if (entry.fields == fields && entry.api_version == writer.api_version) return;
    entry.fields = std::move(fields);
    entry.api_version = writer.api_version;
    entry.time = writer.subresource == "scale" ? "" : format_rfc3339(writer.now);
}

// What kubectl has applied itself before it let the server do so is its own, as upstream has it.
FieldTree applied_by_client(const Schema* schema, const Json& live, const Writer& writer) {
    if (writer.manager != "kubectl") return {};
    const auto last = parse_json(text_at(
        live, {"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"}));
    return last.ok() ? fields_set_by(schema, *last) : FieldTree{};
}

// The fields of an object that nobody has applied yet.
ManagedEntries first_entries(const Schema* schema, const Json& live, const Writer& writer) {
    ManagedEntries entries = read_entries(live);
    if (!entries.empty() || live.empty()) return entries;
    const Writer everybody{unapplied_manager, writer.api_version, "", false, writer.now};
    ManagedEntry entry{everybody.manager, "Update", everybody.api_version, "", "", {}};
    const FieldChanges all = compare_fields(schema, Json::object(), bare(live));
    set_fields(entry, owned_part(all.added, everybody), everybody);
    entries.push_back(std::move(entry));
    return entries;
}

}  // namespace

ApiResult<Json> apply_fields(const Schema* schema, const Json& live, const Json& applied,
                             const Writer& writer, bool force) {
    ManagedEntries entries = first_entries(schema, live, writer);
    const Json live_bare = bare(live);
    ManagedEntry& own = entry_of(entries, writer, "Apply");
    const FieldTree before = own.fields;
    // With what nobody owns: metadata stays for its name's sake.
    FieldTree kept = fields_set_by(schema, applied);
    set_fields(own, owned_part(kept, writer), writer);
    for (const auto& entry : entries) kept = fields_of_either(kept, entry.fields);
    Json merged = live_bare.empty() ? applied : merge_typed(schema, live_bare, applied);
    merged = remove_fields(schema, merged, before, kept);
    const FieldChanges changes = compare_fields(schema, live_bare, merged);
    const FieldTree written = fields_of_either(changes.added, changes.modified);
    const FieldTree contested = fields_without(written, applied_by_client(schema, live, writer));
    std::vector<std::pair<std::string, std::string>> conflicts;
    for (const auto& entry : entries) {
        if (entry.is_of(writer, "Apply")) continue;
        for (const auto& path : member_paths(fields_in_both(entry.fields, contested)))
            conflicts.emplace_back(told_manager(entry), path);
    }
    if (!conflicts.empty() && !force) {
        std::ranges::sort(conflicts);
        return conflict_error(conflicts);
    }
    take_from_others(entries, changes, writer, "Apply");
    write_entries(merged, std::move(entries));
    return merged;
}

void track_write(const Schema* schema, const Json& before, Json& after, const Writer& writer) {
    ManagedEntries entries = read_entries(after);
    const FieldChanges changes = compare_fields(schema, bare(before), bare(after));
    take_from_others(entries, changes, writer, "Update");
    ManagedEntry& own = entry_of(entries, writer, "Update");
    const FieldTree written = fields_of_either(changes.added, changes.modified);
    set_fields(
        own,
        owned_part(fields_of_either(fields_without(own.fields, changes.removed), written), writer),
        writer);
    write_entries(after, std::move(entries));
}

bool has_managed_fields(const Json& object) {
    const Json* list = find(object, {"metadata", "managedFields"});
    return list && list->is_array() && !list->empty();
}

void drop_cleared_managed_fields(Json& object) {
    const Json* list = find(object, {"metadata", "managedFields"});
    if (!list) return;
    const bool cleared = !list->is_array() || list->empty() ||
                         (list->size() == 1 && list->front().is_object() && list->front().empty());
    if (cleared) object["metadata"].erase("managedFields");
}

}  // namespace sluice::standalone::apiserver
