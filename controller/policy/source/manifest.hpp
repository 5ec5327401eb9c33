// SPDX-License-Identifier: Apache-2.0
// What the files of a branch declare. Pure: bytes in, objects and problems with their places out.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/field.hpp"
#include "base/json.hpp"
#include "crds/git_source.hpp"

namespace sluice::policy::source {

// Says everything that is wrong with a document of its kind, unknown fields included (DESIGN D11).
struct ManifestDecoder {
    std::string group;
    std::string kind;
    std::function<std::vector<Problem>(const Json&)> problems_of;
};

// An object as one file declares it; without a namespace where the file names none.
struct Manifest {
    std::string group;
    std::string version;
    std::string kind;
    std::string ns;
    std::string name;
    std::string path;  // of the file
    int line = 0;
    int column = 0;
    std::shared_ptr<const Json> document;
};

struct FileReading {
    std::string path;
    std::vector<Manifest> manifests;  // all that can be told apart; to be used only where `good`
    std::vector<crds::ManifestProblem> problems;
    bool identities_known = true;  // false: it may declare objects that we cannot name
    [[nodiscard]] bool good() const { return problems.empty(); }
};

// ".yaml", ".yml", ".json".
bool is_manifest_path(std::string_view path);

FileReading read_manifests(const std::string& path, std::string_view text,
                           const std::vector<ManifestDecoder>& decoders);
// A file that could not even be read.
FileReading unreadable_file(const std::string& path, std::string_view why);

// The manifests of good files, one an object; a second declaration is a problem of its file, which
// then counts as broken as a whole.
std::vector<Manifest> without_duplicates(std::vector<FileReading>& files,
                                         std::string_view default_namespace);

}  // namespace sluice::policy::source
