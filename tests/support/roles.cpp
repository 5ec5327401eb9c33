// SPDX-License-Identifier: Apache-2.0
#include "tests/support/roles.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/json.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"

namespace sluice::test {
namespace {

std::string verb_of(const HttpRequest& request, bool named, std::string_view query) {
    if (request.method == "GET" || request.method == "HEAD") {
        if (query.find("watch=") != std::string_view::npos) return "watch";
        return named ? "get" : "list";
    }
    if (request.method == "POST") return "create";
    if (request.method == "PUT") return "update";
    if (request.method == "PATCH") return "patch";
    return named ? "delete" : "deletecollection";
}

std::vector<std::string> texts_at(const Json& rule, const char* field) {
    std::vector<std::string> texts;
    if (const Json* list = find(rule, {field}))
        for (const auto& one : *list) texts.push_back(one.get<std::string>());
    return texts;
}

HttpResponse forbidden(const Ask& ask) {
    const Json status = {{"kind", "Status"},
                         {"apiVersion", "v1"},
                         {"status", "Failure"},
                         {"reason", "Forbidden"},
                         {"code", 403},
                         {"message", concat("the roles of deploy/ do not allow to ",
                                            to_text(ask.permission), " ", ask.name)}};
    return {.status = 403,
            .headers = {{"Content-Type", "application/json"}},
            .body = sluice::to_text(status)};
}

}  // namespace

std::string to_text(const Permission& permission) {
    return concat(permission.verb, " ", permission.resource, permission.group.empty() ? "" : ".",
                  permission.group);
}

Ask ask_of(const HttpRequest& request) {
    const auto mark = request.url.find('?');
    std::vector<std::string> parts;
    for (const auto& part : split(request.url.substr(0, mark), '/'))
        if (!part.empty()) parts.emplace_back(part);
    Ask ask;
    if (parts.empty()) return ask;
    const bool core = parts[0] == "api";
    if (!core && parts.size() > 1) ask.permission.group = parts[1];
    size_t at = core ? 2 : 3;
    // /namespaces/NAME alone is the namespace itself.
    if (at + 2 < parts.size() && parts[at] == "namespaces") at += 2;
    if (at < parts.size()) ask.permission.resource = parts[at];
    if (at + 1 < parts.size()) ask.name = parts[at + 1];
    if (at + 2 < parts.size()) ask.permission.resource += "/" + parts[at + 2];
    const auto query = mark == std::string::npos ? "" : request.url.substr(mark);
    ask.permission.verb = verb_of(request, !ask.name.empty(), query);
    return ask;
}

Roles::Roles(const std::string& path, const std::set<std::string>& names) {
    std::ifstream file(path);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto documents = parse_yaml(text, path);
    if (!documents.ok()) throw std::runtime_error(documents.error().message);
    for (const auto& document : *documents) {
        const Json role = parse_json(document.text).value();
        if (!names.empty() && !names.contains(text_at(role, {"metadata", "name"}))) continue;
        for (const auto& rule : role.at("rules")) {
            const auto objects = texts_at(rule, "resourceNames");
            Rule read{{}, {objects.begin(), objects.end()}};
            for (const auto& group : texts_at(rule, "apiGroups"))
                for (const auto& resource : texts_at(rule, "resources"))
                    for (const auto& verb : texts_at(rule, "verbs"))
                        read.permissions.insert({group, resource, verb});
            rules_.push_back(std::move(read));
        }
    }
}

bool Roles::allow(const Ask& ask) const {
    return std::ranges::any_of(rules_, [&](const Rule& rule) {
        return rule.permissions.contains(ask.permission) &&
               (rule.names.empty() || rule.names.contains(ask.name));
    });
}

void Roles::note(const Permission& permission) {
    const std::lock_guard lock(mutex_);
    used_.insert(permission);
}

std::set<Permission> Roles::used() const {
    const std::lock_guard lock(mutex_);
    return used_;
}

std::set<Permission> Roles::unused() const {
    const std::lock_guard lock(mutex_);
    std::set<Permission> unused;
    for (const auto& rule : rules_)
        for (const auto& permission : rule.permissions)
            if (!used_.contains(permission)) unused.insert(permission);
    return unused;
}

Result<HttpResponse> RoledTransport::send(const HttpRequest& request) {
    const Ask ask = ask_of(request);
    // What there is to ask for may be read by everybody who is known (system:discovery).
    const bool discovery = ask.permission.resource.empty();
    if (!discovery) roles_.note(ask.permission);
    if (!discovery && !roles_.allow(ask)) return forbidden(ask);
    return inner_.send(request);
}

Result<HttpResponse> RoledTransport::stream(const HttpRequest& request, const OnChunk& on_chunk,
                                            std::stop_token stop) {
    const Ask ask = ask_of(request);
    // What there is to ask for may be read by everybody who is known (system:discovery).
    const bool discovery = ask.permission.resource.empty();
    if (!discovery) roles_.note(ask.permission);
    if (!discovery && !roles_.allow(ask)) return forbidden(ask);
    return inner_.stream(request, on_chunk, std::move(stop));
}

}  // namespace sluice::test
