// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/git_source_read.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"

namespace sluice::shell {
namespace git_source_read_detail {
namespace {

using policy::source::FileReading;
using policy::source::Manifest;
using policy::source::ManifestDecoder;

std::vector<std::string> watched_paths(const crds::GitSource& source) {
    return source.spec.paths.empty() ? std::vector<std::string>{""} : source.spec.paths;
}

Result<FileReading> read_file(git::Repository& repository, const git::TreeFile& file,
                              const std::vector<ManifestDecoder>& decoders) {
    auto text = repository.read(file.blob, max_manifest_bytes);
    if (text.failed_with(ErrorKind::Invalid))
        return policy::source::unreadable_file(file.path, text.error().message);
    if (!text.ok()) return std::move(text).error().while_doing(concat("read ", file.path));
    return policy::source::read_manifests(file.path, *text, decoders);
}

// A path that is not there reads as a broken file: nothing is pruned over a slip of the pen.
Result<std::vector<FileReading>> missing_paths(git::Repository& repository,
                                               const crds::GitSource& source,
                                               const git::Oid& commit) {
    std::vector<FileReading> missing;
    for (const auto& path : source.spec.paths)
        if (TRY(repository.files(commit, {path})).empty())
            missing.push_back(policy::source::unreadable_file(
                path, concat("nothing is there in commit ", commit.text().substr(0, 10))));
    return missing;
}

bool is_entry(const Manifest& manifest, const crds::InventoryEntry& entry) {
    return manifest.group == entry.group && manifest.kind == entry.kind &&
           manifest.name == entry.name && (manifest.ns.empty() || manifest.ns == entry.ns);
}

// The objects of a broken file as they were in the commit that the inventory names for each.
// What cannot be read any more is left out: such objects stay as they are.
void add_last_good(git::Repository& repository, const crds::GitSource& source,
                   const std::string& path, std::vector<Manifest>& into) {
    for (const auto& entry : source.status.inventory) {
        if (entry.path != path) continue;
        const auto commit = git::Oid::parse(entry.commit);
        if (!commit.ok()) continue;
        const auto blob = repository.blob_at(*commit, path);
        if (!blob.ok() || !*blob) continue;
        const auto text = repository.read(**blob, max_manifest_bytes);
        if (!text.ok()) continue;
        for (auto& manifest : policy::source::read_manifests(path, *text, {}).manifests)
            if (is_entry(manifest, entry)) {
                manifest.ns = entry.ns;
                into.push_back(std::move(manifest));
                break;
            }
    }
}

bool declared_in(const std::vector<Manifest>& manifests, const Manifest& other,
                 const std::string& default_namespace) {
    const auto ns = [&](const Manifest& m) { return m.ns.empty() ? default_namespace : m.ns; };
    return std::any_of(manifests.begin(), manifests.end(), [&](const Manifest& manifest) {
        return manifest.group == other.group && manifest.kind == other.kind &&
               manifest.name == other.name && ns(manifest) == ns(other);
    });
}

}  // namespace
}  // namespace git_source_read_detail

Result<BranchReading> read_branch(git::Repository& repository, const crds::GitSource& source,
                                  const git::Oid& commit,
                                  const std::vector<policy::source::ManifestDecoder>& decoders) {
    using namespace git_source_read_detail;
    BranchReading reading{.commit = commit.text()};
    reading.files = TRY(missing_paths(repository, source, commit));
    auto files = TRY(repository.files(commit, watched_paths(source)));
    std::erase_if(files, [](const git::TreeFile& file) {
        return !policy::source::is_manifest_path(file.path);
    });
    if (files.size() > max_manifest_files)
        return invalid(concat("read commit ", commit.text(), ": it has ", files.size(),
                              " manifest files, at most ", max_manifest_files,
                              " are read; narrow spec.paths"));
    for (const auto& file : files)
        reading.files.push_back(TRY(read_file(repository, file, decoders)));
    reading.manifests = policy::source::without_duplicates(reading.files, source.ns);
    for (const auto& file : reading.files) {
        if (file.good()) {
            if (file.manifests.empty()) continue;
            auto change = repository.last_change(commit, file.path);
            // Older than the search goes: the commit at hand declares it as well as any.
            if (change.failed_with(ErrorKind::NotFound)) change = repository.commit_info(commit);
            reading.changes.emplace(file.path, TRY(std::move(change)));
            continue;
        }
        std::vector<Manifest> found;
        add_last_good(repository, source, file.path, found);
        for (auto& manifest : found)
            if (!declared_in(reading.manifests, manifest, source.ns))
                reading.last_good.push_back(std::move(manifest));
    }
    return reading;
}

std::vector<crds::ManifestProblem> problems_of(const BranchReading& reading) {
    std::vector<crds::ManifestProblem> problems;
    for (const auto& file : reading.files)
        problems.insert(problems.end(), file.problems.begin(), file.problems.end());
    return problems;
}

}  // namespace sluice::shell
