// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/registry.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

std::vector<std::string> texts_at(const Json& object,
                                  std::initializer_list<std::string_view> path) {
    std::vector<std::string> texts;
    if (const Json* list = find(object, path); list && list->is_array())
        for (const auto& item : *list)
            if (item.is_string()) texts.push_back(item.get<std::string>());
    return texts;
}

std::string without_dot(std::string path) {
    if (!path.empty() && path[0] == '.') path.erase(0, 1);
    return path;
}

std::vector<PrinterColumn> read_columns(const Json& version) {
    std::vector<PrinterColumn> columns;
    if (const Json* list = find(version, {"additionalPrinterColumns"}); list && list->is_array())
        for (const auto& item : *list)
            columns.push_back({text_at(item, {"name"}), text_at(item, {"type"}, "string"),
                               text_at(item, {"jsonPath"}), integer_at(item, {"priority"}),
                               text_at(item, {"description"})});
    return columns;
}

}  // namespace

std::string Resource::store_type() const {
    return type.group.empty() ? type.plural : concat(type.plural, ".", type.group);
}

ResourceType Resource::type_at(std::string_view version) const {
    ResourceType asked = type;
    asked.version = std::string(version);
    return asked;
}

SchemaPtr Resource::schema_at(std::string_view version) const {
    const auto found = schemas.find(version);
    return found == schemas.end() ? nullptr : found->second;
}

Result<Resource> read_definition(const Json& definition) {
    const std::string name = text_at(definition, {"metadata", "name"});
    Resource resource{.type = {text_at(definition, {"spec", "group"}), "",
                               text_at(definition, {"spec", "names", "plural"}),
                               text_at(definition, {"spec", "names", "kind"}),
                               text_at(definition, {"spec", "scope"}) == "Namespaced"},
                      .singular = text_at(definition, {"spec", "names", "singular"}),
                      .short_names = texts_at(definition, {"spec", "names", "shortNames"}),
                      .categories = texts_at(definition, {"spec", "names", "categories"}),
                      .generation = true,
                      .custom = true};
    if (resource.type.group.empty() || resource.type.plural.empty() || resource.type.kind.empty())
        return invalid(
            concat("definition ", name, " lacks spec.group, names.plural or names.kind"));
    if (resource.singular.empty()) resource.singular = to_lower(resource.type.kind);
    const Json* versions = find(definition, {"spec", "versions"});
    if (!versions || !versions->is_array())
        return invalid(concat("definition ", name, " lacks spec.versions"));
    for (const auto& version : *versions) {
        const std::string version_name = text_at(version, {"name"});
        if (bool_at(version, {"served"})) resource.versions.push_back(version_name);
        if (const Json* schema = find(version, {"schema", "openAPIV3Schema"}))
            resource.schemas[version_name] = custom_schema(*schema);
        if (!bool_at(version, {"storage"})) continue;
        resource.type.version = version_name;
        resource.status = find(version, {"subresources", "status"}) != nullptr;
        if (const Json* scale = find(version, {"subresources", "scale"}))
            resource.scale = ScalePaths{without_dot(text_at(*scale, {"specReplicasPath"})),
                                        without_dot(text_at(*scale, {"statusReplicasPath"})),
                                        without_dot(text_at(*scale, {"labelSelectorPath"}))};
        resource.columns = read_columns(version);
    }
    if (resource.type.version.empty() || resource.versions.empty())
        return invalid(concat("definition ", name, " lacks a served version or a storage version"));
    return resource;
}

Registry::Registry() {
    for (auto& resource : builtin_resources())
        resources_.push_back(std::make_shared<const Resource>(std::move(resource)));
    builtin_count_ = resources_.size();
}

ResourcePtr Registry::find(std::string_view group, std::string_view version,
                           std::string_view plural) const {
    const std::lock_guard lock(mutex_);
    for (const auto& resource : resources_)
        if (resource->type.plural == plural && resource->type.group == group &&
            std::ranges::find(resource->versions, version) != resource->versions.end())
            return resource;
    return nullptr;
}

ResourcePtr Registry::find_store_type(std::string_view store_type) const {
    const std::lock_guard lock(mutex_);
    for (const auto& resource : resources_)
        if (resource->store_type() == store_type) return resource;
    return nullptr;
}

std::vector<ResourcePtr> Registry::all() const {
    const std::lock_guard lock(mutex_);
    return resources_;
}

bool Registry::is_builtin(std::string_view store_type) const {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < builtin_count_; ++i)
        if (resources_[i]->store_type() == store_type) return true;
    return false;
}

void Registry::add_custom(const Json& definition) {
    auto read = read_definition(definition);
    if (!read.ok()) return;
    const auto fresh = std::make_shared<const Resource>(std::move(read).value());
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < resources_.size(); ++i) {
        if (resources_[i]->store_type() != fresh->store_type()) continue;
        if (i >= builtin_count_) resources_[i] = fresh;
        return;
    }
    resources_.push_back(fresh);
}

void Registry::remove_custom(const Json& definition) {
    const std::string store_type = concat(text_at(definition, {"spec", "names", "plural"}), ".",
                                          text_at(definition, {"spec", "group"}));
    const std::lock_guard lock(mutex_);
    for (size_t i = builtin_count_; i < resources_.size(); ++i)
        if (resources_[i]->store_type() == store_type) {
            resources_.erase(resources_.begin() + static_cast<long>(i));
            return;
        }
}

}  // namespace sluice::standalone::apiserver
