// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/apply/field_tree.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

// "k:{"name":"c"}" as [name="c"].
std::string element_text(const std::string& element) {
    const std::string value = element.substr(2);
    if (element.starts_with("f:")) return "." + value;
    if (element.starts_with("v:")) return concat("[=", value, "]");
    if (!element.starts_with("k:")) return concat("[", value, "]");
    std::vector<std::string> parts;
    const Json keys = Json::parse(value, nullptr, false);
    if (keys.is_object())
        for (const auto& [name, key] : keys.items())
            parts.push_back(concat(name, "=", to_text(key)));
    return concat("[", join(parts, ","), "]");
}

void collect_paths(const FieldTree& tree, const std::string& path,
                   std::vector<std::string>& paths) {
    if (tree.member) paths.push_back(path);
    for (const auto& [element, child] : tree.children)
        collect_paths(child, path + element_text(element), paths);
}

}  // namespace

const FieldTree* FieldTree::child(const std::string& element) const {
    const auto found = children.find(element);
    return found == children.end() ? nullptr : &found->second;
}

FieldTree read_field_tree(const Json& fields_v1) {
    FieldTree tree;
    if (!fields_v1.is_object()) return tree;
    for (const auto& [element, inner] : fields_v1.items()) {
        if (element == ".") {
            tree.member = true;
            continue;
        }
        FieldTree child = read_field_tree(inner);
        if (child.children.empty()) child.member = true;
        tree.children[element] = std::move(child);
    }
    return tree;
}

Json write_field_tree(const FieldTree& tree) {
    Json fields = Json::object();
    if (tree.member && !tree.children.empty()) fields["."] = Json::object();
    for (const auto& [element, child] : tree.children) fields[element] = write_field_tree(child);
    return fields;
}

FieldTree fields_in_both(const FieldTree& a, const FieldTree& b) {
    FieldTree both{a.member && b.member, {}};
    for (const auto& [element, child] : a.children) {
        const FieldTree* other = b.child(element);
        if (!other) continue;
        FieldTree common = fields_in_both(child, *other);
        if (!common.empty()) both.children[element] = std::move(common);
    }
    return both;
}

FieldTree fields_without(const FieldTree& tree, const FieldTree& others) {
    FieldTree left{tree.member && !others.member, {}};
    for (const auto& [element, child] : tree.children) {
        const FieldTree* other = others.child(element);
        FieldTree rest = other ? fields_without(child, *other) : child;
        if (!rest.empty()) left.children[element] = std::move(rest);
    }
    return left;
}

FieldTree fields_of_either(const FieldTree& a, const FieldTree& b) {
    FieldTree either = a;
    either.member = a.member || b.member;
    for (const auto& [element, child] : b.children)
        either.children[element] = fields_of_either(either.children[element], child);
    return either;
}

std::vector<std::string> member_paths(const FieldTree& tree) {
    std::vector<std::string> paths;
    collect_paths(tree, "", paths);
    return paths;
}

}  // namespace sluice::standalone::apiserver
