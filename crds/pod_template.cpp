// SPDX-License-Identifier: Apache-2.0
#include "crds/pod_template.hpp"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "crds/go_json.hpp"
#include "crds/injected.hpp"

namespace sluice::crds {
namespace pod_template {

constexpr const char* hash_label = "rollouts-pod-template-hash";

struct Default {
    std::string_view owner;
    std::string_view field;
    Json value;
};

const std::vector<Default>& defaults() {
#define GO_DEFAULT(owner, field, value) {owner, field, Json::parse(value)},
    static const std::vector<Default> table{
#include "crds/pod_template_defaults.inc"
    };
#undef GO_DEFAULT
    return table;
}

bool is_default(std::string_view owner, std::string_view field, const Json& value) {
    for (const auto& row : defaults())
        if (row.owner == owner && row.field == field && row.value == value) return true;
    return false;
}

const GoField* field_of(std::string_view type, std::string_view name) {
    const auto [first, last] = pod_template_types().fields_of(type);
    for (const GoField* field = first; field != last; ++field)
        if (field->name == name) return field;
    return nullptr;
}

// A zero value that Go would have left out; a pointer's zero is a value of its own.
bool left_out(const GoField& field, const Json& value) {
    if (value.is_null()) return true;
    if (!field.omit_empty) return false;
    if (field.shape == GoField::Shape::Pointer) return false;
    if (field.shape != GoField::Shape::Value) return value.empty();
    return value == Json("") || value == Json(false) || value == Json(0);
}

Json canonical_struct(std::string_view type, const Json& value);

Json canonical_one(const GoField& field, const Json& value) {
    if (field.kind == GoField::Kind::Struct) return canonical_struct(field.type, value);
    if (field.kind == GoField::Kind::Quantity)
        return canonical_quantity(value.is_string() ? value.get<std::string>() : to_text(value));
    return value;
}

Json canonical_field(const GoField& field, const Json& value) {
    if (field.shape == GoField::Shape::List && value.is_array()) {
        Json items = Json::array();
        for (const auto& item : value) items.push_back(canonical_one(field, item));
        return items;
    }
    if (field.shape == GoField::Shape::Map && value.is_object()) {
        Json items = Json::object();
        for (const auto& [key, item] : value.items()) items[key] = canonical_one(field, item);
        return items;
    }
    return canonical_one(field, value);
}

// imagePullPolicy defaults by the image's tag: Always for none or `latest`.
std::string default_pull_policy(const std::string& image) {
    const auto slash = image.rfind('/');
    const std::string name = slash == std::string::npos ? image : image.substr(slash + 1);
    if (name.find('@') != std::string::npos) return "IfNotPresent";
    const auto colon = name.find(':');
    const std::string tag = colon == std::string::npos ? "latest" : name.substr(colon + 1);
    return tag == "latest" ? "Always" : "IfNotPresent";
}

void drop_derived(std::string_view type, Json& value) {
    if ((type == "Container" || type == "EphemeralContainer") &&
        text_at(value, {"imagePullPolicy"}) == default_pull_policy(text_at(value, {"image"})))
        value.erase("imagePullPolicy");
    if (type != "PodSpec") return;
    // serviceAccount is the old name of serviceAccountName; servers fill in both.
    if (!value.contains("serviceAccountName") && value.contains("serviceAccount"))
        value["serviceAccountName"] = value["serviceAccount"];
    value.erase("serviceAccount");
}

// With hostNetwork, servers copy each containerPort to hostPort.
void drop_host_ports(Json& spec) {
    if (!bool_at(spec, {"hostNetwork"})) return;
    for (const char* list : {"containers", "initContainers"}) {
        if (!spec.contains(list) || !spec[list].is_array()) continue;
        for (auto& container : spec[list]) {
            if (!find(container, {"ports"}) || !container["ports"].is_array()) continue;
            for (auto& port : container["ports"])
                if (find(port, {"hostPort"}) &&
                    port.value("containerPort", Json()) == port["hostPort"])
                    port.erase("hostPort");
        }
    }
}

Json canonical_struct(std::string_view type, const Json& value) {
    if (!value.is_object()) return value;
    Json canonical = Json::object();
    for (const auto& [key, inner] : value.items()) {
        const GoField* field = field_of(type, key);
        if (!field) {
            if (!inner.is_null()) canonical[key] = inner;
            continue;
        }
        if (left_out(*field, inner)) continue;
        Json kept = canonical_field(*field, inner);
        if (!is_default(type, key, kept)) canonical[key] = std::move(kept);
    }
    drop_derived(type, canonical);
    if (type == "PodSpec") drop_host_ports(canonical);
    return canonical;
}

// A volume without a source is an emptyDir.
void name_default_volumes(Json& spec) {
    if (!spec.contains("volumes") || !spec["volumes"].is_array()) return;
    for (auto& volume : spec["volumes"])
        if (volume.is_object() && volume.size() == 1 && volume.contains("name"))
            volume["emptyDir"] = Json::object();
}

std::string encode(const std::string& text, std::optional<long> collision_count) {
    std::uint32_t hash = fnv1a_32(text);
    if (collision_count) {
        std::array<char, 8> bytes{};
        const auto count = static_cast<std::uint32_t>(*collision_count);
        for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(count >> (8 * i) & 0xff);
        hash = fnv1a_32({bytes.data(), bytes.size()}, hash);
    }
    return safe_encode(hash);
}

}  // namespace pod_template

std::string go_pod_template_json(const Json& pod_template) {
    return pod_template_types().write("PodTemplateSpec", pod_template);
}

std::string pod_template_hash(const Json& pod_template, std::optional<long> collision_count) {
    return pod_template::encode(go_pod_template_json(pod_template), collision_count);
}

std::string template_digest(const Json& pod_template) {
    using namespace pod_template;
    Json canonical = canonical_struct("PodTemplateSpec", pod_template);
    if (find(canonical, {"metadata"}) && canonical["metadata"].is_object()) {
        Json& metadata = canonical["metadata"];
        metadata.erase("creationTimestamp");
        if (find(metadata, {"labels", hash_label})) metadata["labels"].erase(hash_label);
        if (find(metadata, {"labels"}) && metadata["labels"].empty()) metadata.erase("labels");
        if (metadata.empty()) canonical.erase("metadata");
    }
    if (find(canonical, {"spec"}) && canonical["spec"].is_object()) {
        name_default_volumes(canonical["spec"]);
        drop_anti_affinity(canonical["spec"]);
    }
    return sha256_hex(to_text(canonical));
}

std::string step_hash(const Json& steps) {
    return pod_template::encode(canary_step_types().write_list("CanaryStep", steps), std::nullopt);
}

}  // namespace sluice::crds
