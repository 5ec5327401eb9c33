// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/row.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "tests/oracle/normal_form.hpp"
#include "tests/support/cluster.hpp"

namespace sluice::oracle {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& why) {
    throw std::runtime_error(concat(where, ": ", why));
}

const std::map<std::string, std::string> content_types{
    {"", "application/json"},
    {"json", "application/json"},
    {"yaml", "application/yaml"},
    {"merge", "application/merge-patch+json"},
    {"json-patch", "application/json-patch+json"},
    {"strategic", "application/strategic-merge-patch+json"},
    {"apply", "application/apply-patch+yaml"},
    {"protobuf", "application/vnd.kubernetes.protobuf"},
};
const std::map<std::string, std::string> accepted_types{
    {"", "application/json"},
    {"table", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"},
    {"metadata", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"},
    {"metadata-list",
     "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"},
    {"discovery",
     "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"},
};

std::string looked_up(const std::map<std::string, std::string>& words, const std::string& word) {
    const auto found = words.find(word);
    return found == words.end() ? word : found->second;
}

Pick read_pick(const Json& item) {
    return {text_at(item, {"at"}), text_at(item, {"by"}),
            item.at("of").get<std::vector<std::string>>()};
}

Row read_row(const Json& item, const std::string& where) {
    static const std::set<std::string> methods{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"};
    static const std::set<std::string> others{"name", "accept", "type",    "body", "keep",
                                              "pick", "only",   "managed", "until"};
    Row row;
    row.name = text_at(item, {"name"});
    if (row.name.empty()) refuse(where, "a row lacks a name: " + to_text(item));
    const std::string place = concat(where, ": ", row.name);
    for (const auto& [key, value] : item.items()) {
        if (methods.contains(key)) {
            row.method = key;
            row.path = value.get<std::string>();
        } else if (!others.contains(key)) {
            refuse(place, concat("there is no \"", key, "\""));
        }
    }
    if (row.method.empty()) refuse(place, "lacks a method with its path");
    row.accept = looked_up(accepted_types, text_at(item, {"accept"}));
    if (const auto body = item.find("body"); body != item.end()) row.body = *body;
    row.content_type = looked_up(content_types, text_at(item, {"type"}));
    if (const auto keep = item.find("keep"); keep != item.end())
        row.keep = keep->get<std::map<std::string, std::string>>();
    if (const auto pick = item.find("pick"); pick != item.end())
        for (const auto& one : *pick) row.picks.push_back(read_pick(one));
    row.status_only = text_at(item, {"only"}) == "status";
    row.managed = bool_at(item, {"managed"});
    row.until_status = static_cast<int>(integer_at(item, {"until", "status"}));
    row.until_at = text_at(item, {"until", "at"});
    if (const Json* value = find(item, {"until", "is"})) row.until_is = *value;
    return row;
}

Script read_script(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::ostringstream text;
    text << stream.rdbuf();
    const auto documents = parse_yaml(text.str(), file.filename().string());
    if (!documents.ok()) throw std::runtime_error(documents.error().message);
    if (documents->size() != 1) refuse(file.string(), "must hold one list");
    const Json list = parse_json(documents->front().text).value();
    Script script{file.stem().string(), {}};
    std::set<std::string> names;
    for (const auto& item : list) {
        script.rows.push_back(read_row(item, file.filename().string()));
        if (!names.insert(script.rows.back().name).second)
            refuse(file.string(), "two rows are called " + script.rows.back().name);
    }
    return script;
}

using Variables = std::map<std::string, std::string>;

std::string filled_in(std::string text, const Variables& variables) {
    for (const auto& [name, value] : variables) {
        const std::string hole = concat("$(", name, ")");
        for (auto at = text.find(hole); at != std::string::npos; at = text.find(hole))
            text.replace(at, hole.size(), value);
    }
    return text;
}

HttpRequest request_of(const Row& row, const Variables& variables) {
    HttpRequest request{.method = row.method, .url = filled_in(row.path, variables)};
    request.headers.push_back({"Accept", row.accept});
    if (row.body.is_null()) return request;
    request.headers.push_back({"Content-Type", row.content_type});
    request.body = filled_in(row.body.is_string() ? row.body.get<std::string>() : to_text(row.body),
                             variables);
    // Its body stands in base64.
    if (row.content_type == "application/vnd.kubernetes.protobuf")
        request.body = base64_decode(request.body).value_or("");
    return request;
}

// What a later row names.
void keep_from(const Row& row, const HttpResponse& response, Variables& variables) {
    if (row.keep.empty()) return;
    const auto body = parse_json(response.body);
    for (const auto& [name, pointer] : row.keep) {
        const Json::json_pointer at(pointer);
        const bool there = body.ok() && body->contains(at);
        variables[name] = !there                     ? "missing"
                          : body->at(at).is_string() ? body->at(at).get<std::string>()
                                                     : to_text(body->at(at));
    }
}

bool awaited(const Row& row, const HttpResponse& response) {
    if (row.until_status != 0) return response.status == row.until_status;
    if (row.until_at.empty()) return true;
    const auto body = parse_json(response.body);
    const Json::json_pointer at(row.until_at);
    return body.ok() && body->contains(at) && body->at(at) == row.until_is;
}

Result<HttpResponse> send(const Row& row, const HttpRequest& request, HttpTransport& server) {
    Result<HttpResponse> response = server.send(request);
    test::eventually([&] {
        if (!response.ok() || awaited(row, *response)) return true;
        response = server.send(request);
        return false;
    });
    return response;
}

}  // namespace

std::vector<Script> load_scripts(const std::string& folder) {
    std::vector<Script> scripts;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".yaml") scripts.push_back(read_script(entry.path()));
    std::ranges::sort(scripts, {}, &Script::name);
    return scripts;
}

std::vector<Played> play(const Script& script, HttpTransport& server) {
    Variables variables{{"ns", script.name},
                        {"core", concat("/api/v1/namespaces/", script.name)},
                        {"apps", concat("/apis/apps/v1/namespaces/", script.name)}};
    const auto made =
        server.send({.method = "POST",
                     .url = "/api/v1/namespaces",
                     .headers = {{"Content-Type", "application/json"}},
                     .body = concat(R"({"metadata": {"name": ")", script.name, "\"}}")});
    if (!made.ok() || made->status != 201)
        refuse(script.name, "its namespace: " + (made.ok() ? made->body : made.error().message));
    NormalForm form;
    std::vector<Played> played;
    for (const auto& row : script.rows) {
        const HttpRequest request = request_of(row, variables);
        const auto response = send(row, request, server);
        if (!response.ok()) {
            played.push_back({row.name, {{"failed", response.error().message}}});
            continue;
        }
        keep_from(row, *response, variables);
        played.push_back({row.name, form.of(row, *response)});
    }
    return played;
}

}  // namespace sluice::oracle
