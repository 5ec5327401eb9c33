// SPDX-License-Identifier: Apache-2.0
#include "examples/story/manifests.hpp"

#include <unistd.h>

#include <filesystem>

#include "base/text.hpp"
#include "platform/file.hpp"

namespace story {
namespace {

using sluice::concat;
namespace fs = std::filesystem;

// Every replacement must find its text in some file: a manifest that has changed under a
// replacement would silently play another story.
Result<void> replace_in(std::map<std::string, std::string>& files, const std::string& from,
                        const std::string& to) {
    int count = 0;
    for (auto& [path, text] : files) count += replace_all(text, from, to);
    if (count > 0) return {};
    return sluice::invalid(concat("no manifest contains \"", from, "\""));
}

}  // namespace

int replace_all(std::string& text, std::string_view from, std::string_view to) {
    int count = 0;
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size(), ++count)
        text.replace(at, from.size(), to);
    return count;
}

Result<std::map<std::string, std::string>> render_manifests(const Options& options,
                                                            const Places& places) {
    const std::string folder = options.source + "/examples/quickstart/manifests/";
    std::map<std::string, std::string> files;
    for (const std::string part : {"shop", options.router == Router::Nginx ? "nginx" : "istio"})
        for (const auto& entry : fs::directory_iterator(folder + part))
            files["shop/" + entry.path().filename().string()] =
                TRY(sluice::read_file(entry.path().string()));
    TRY(replace_in(files, "http://127.0.0.1:9090", "http://" + places.prometheus));
    for (const auto& [from, to] : options.pace.replacements) TRY(replace_in(files, from, to));
    // Pods never run as root: as nobody, where we are.
    if (::geteuid() == 0)
        TRY(replace_in(files, "securityContext: {}", "securityContext: {runAsUser: 65534}"));
    return files;
}

Result<std::string> render_git_source(const Options& options, const Places& places) {
    std::map<std::string, std::string> files;
    files["gitsource"] =
        TRY(sluice::read_file(options.source + "/examples/quickstart/manifests/gitsource.yaml"));
    TRY(replace_in(files, "http://127.0.0.1:3000/git/shop.git", places.git_url()));
    return files["gitsource"];
}

std::string without_gate(const std::string& rollout) {
    // From each "- analysis" up to the next step.
    std::string kept;
    bool inside = false;
    for (const auto& line : sluice::split(sluice::trim(rollout), '\n')) {
        if (line.starts_with("        - ")) inside = line.starts_with("        - analysis");
        if (!inside) kept += line + "\n";
    }
    return kept;
}

}  // namespace story
