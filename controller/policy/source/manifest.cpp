// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/source/manifest.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"

namespace sluice::policy::source {
namespace manifest_detail {
namespace {

Place place_of(const Places& places, std::string_view path) {
    auto found = places.find(path);
    while (found == places.end() && !path.empty()) {
        const auto cut = path.find_last_of(".[");
        path = cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
        found = places.find(path);
    }
    return found == places.end() ? Place{} : found->second;
}

crds::ManifestProblem located(const Problem& problem, const std::string& file,
                              const Places& places) {
    const Place place = place_of(places, problem.path);
    return {.file = file,
            .line = place.line,
            .column = place.column,
            .path = problem.path,
            .message = to_text(problem, file, places)};
}

// "file:line:column: what", as parse_yaml reports a file that is no YAML.
crds::ManifestProblem from_message(const std::string& file, const std::string& message) {
    crds::ManifestProblem problem{.file = file, .message = message};
    if (!message.starts_with(file + ":")) {
        problem.message = concat(file, ": ", message);
        return problem;
    }
    const auto parts = split(std::string_view(message).substr(file.size() + 1), ':');
    if (parts.size() < 3) return problem;
    problem.line = static_cast<int>(parse_integer(parts[0]).value_or(0));
    problem.column = static_cast<int>(parse_integer(parts[1]).value_or(0));
    return problem;
}

bool is_object_name(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == ':' || (c >= 'A' && c <= 'Z');
    });
}

struct Identity {
    std::string api_version;
    std::string kind;
    std::string name;
    std::string ns;
};

Identity read_identity(const Json& document, std::vector<Problem>& problems) {
    const Field root(document, problems);
    Identity identity{.api_version = root.at("apiVersion").required_text(),
                      .kind = root.at("kind").required_text(),
                      .name = {},
                      .ns = {}};
    const auto metadata = root.at("metadata");
    if (metadata.at("generateName").present())
        metadata.at("generateName").complain("is not possible in Git: give the object a name");
    identity.name = metadata.at("name").required_text();
    if (!identity.name.empty() && !is_object_name(identity.name))
        metadata.at("name").complain(
            concat("expected an object's name, found \"", identity.name, "\""));
    identity.ns = metadata.at("namespace").text().value_or("");
    if (!identity.ns.empty() && !is_object_name(identity.ns))
        metadata.at("namespace")
            .complain(concat("expected a namespace's name, found \"", identity.ns, "\""));
    if (identity.kind == "List" && identity.api_version == "v1")
        root.at("kind").complain("lists are not read: write each object as a document of its own");
    return identity;
}

void read_document(FileReading& file, const YamlDocument& document,
                   const std::vector<ManifestDecoder>& decoders) {
    auto parsed = parse_json(document.text);
    if (!parsed.ok()) {
        file.problems.push_back(from_message(file.path, parsed.error().message));
        file.identities_known = false;
        return;
    }
    auto json = std::make_shared<const Json>(std::move(parsed).value());
    std::vector<Problem> problems;
    const Identity identity = read_identity(*json, problems);
    const bool known = problems.empty();
    if (!known) file.identities_known = false;
    const auto slash = identity.api_version.find('/');
    const bool core = slash == std::string::npos;
    const std::string group = core ? "" : identity.api_version.substr(0, slash);
    for (const auto& decoder : decoders)
        if (decoder.group == group && decoder.kind == identity.kind)
            for (auto& problem : decoder.problems_of(*json)) problems.push_back(std::move(problem));
    for (const auto& problem : problems)
        file.problems.push_back(located(problem, file.path, document.places));
    if (!known) return;
    const Place place = place_of(document.places, "");
    file.manifests.push_back(
        {.group = group,
         .version = core ? identity.api_version : identity.api_version.substr(slash + 1),
         .kind = identity.kind,
         .ns = identity.ns,
         .name = identity.name,
         .path = file.path,
         .line = place.line,
         .column = place.column,
         .document = std::move(json)});
}

}  // namespace
}  // namespace manifest_detail

bool is_manifest_path(std::string_view path) {
    return path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
}

FileReading read_manifests(const std::string& path, std::string_view text,
                           const std::vector<ManifestDecoder>& decoders) {
    const auto documents = parse_yaml(text, path);
    if (!documents.ok()) {
        FileReading file{.path = path};
        file.problems.push_back(manifest_detail::from_message(path, documents.error().message));
        file.identities_known = false;
        return file;
    }
    FileReading file{.path = path};
    for (const auto& document : *documents)
        manifest_detail::read_document(file, document, decoders);
    return file;
}

FileReading unreadable_file(const std::string& path, std::string_view why) {
    FileReading file{.path = path};
    file.problems.push_back({.file = path, .message = concat(path, ": ", why)});
    file.identities_known = false;
    return file;
}

std::vector<Manifest> without_duplicates(std::vector<FileReading>& files,
                                         std::string_view default_namespace) {
    // Whether a kind has namespaces is not known here: the default stands in for none, so that a
    // declaration with and one without it are seen to be the same.
    std::map<std::string, const Manifest*> seen;
    for (auto& file : files) {
        if (!file.good()) continue;
        for (const auto& manifest : file.manifests) {
            const auto key = join(
                {manifest.group, manifest.kind,
                 manifest.ns.empty() ? std::string(default_namespace) : manifest.ns, manifest.name},
                "|");
            const auto [first, fresh] = seen.emplace(key, &manifest);
            if (fresh) continue;
            const Manifest& other = *first->second;
            file.problems.push_back(
                {.file = file.path,
                 .line = manifest.line,
                 .column = manifest.column,
                 .path = {},
                 .message = concat(file.path, ":", manifest.line, ":", manifest.column, ": ",
                                   to_lower(manifest.kind), " ", manifest.name, " is declared in ",
                                   other.path, ":", other.line, " already")});
        }
    }
    std::vector<Manifest> manifests;
    for (const auto& file : files)
        if (file.good())
            manifests.insert(manifests.end(), file.manifests.begin(), file.manifests.end());
    return manifests;
}

}  // namespace sluice::policy::source
