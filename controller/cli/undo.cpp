// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/undo.hpp"

#include <stdlib.h>

#include <cstring>
#include <filesystem>

#include "base/text.hpp"
#include "controller/policy/delivery/revert.hpp"
#include "controller/policy/delivery/views.hpp"
#include "controller/shell/delivery_undo.hpp"
#include "controller/shell/git_source_open.hpp"
#include "crds/pod_template.hpp"
#include "platform/clock.hpp"
#include "platform/log/json_log.hpp"

namespace sluice::cli {
namespace {

// A folder of our own, gone with us.
class ScratchFolder {
public:
    static Result<std::unique_ptr<ScratchFolder>> make() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "sluice-undo.XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            return unavailable(concat("make a folder ", pattern, ": ", std::strerror(errno)));
        return std::unique_ptr<ScratchFolder>(new ScratchFolder(pattern));
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

Result<std::vector<crds::Delivery>> deliveries_of(const Cluster& cluster, const Json& rollout) {
    const auto list = TRY(cluster.client().list(resources::deliveries, {.ns = cluster.ns()}));
    std::vector<crds::Delivery> own;
    for (const auto& item : list.items) {
        std::vector<Problem> ignored;  // written by the controller: read as far as it goes
        auto delivery = crds::decode_delivery(item, ignored);
        if (delivery.spec.rollout_uid == text_at(rollout, {"metadata", "uid"}))
            own.push_back(std::move(delivery));
    }
    return own;
}

std::string first_image(const Json& rollout) {
    const Json* containers = find(rollout, {"spec", "template", "spec", "containers"});
    return containers && containers->is_array() && !containers->empty()
               ? text_at(containers->front(), {"image"})
               : "";
}

}  // namespace

Result<GitUndone> undo_in_git(const Cluster& cluster, const Json& rollout,
                              const std::string& source, std::optional<long> revision) {
    auto [ns, name] = split_key(source);
    if (ns.empty()) ns = cluster.ns();
    const Json document = TRY(cluster.client().get({resources::git_sources, ns, name}));
    std::vector<Problem> problems;
    const auto git_source = crds::decode_git_source(document, problems);
    if (!problems.empty())
        return invalid(concat("git source ", key_of(ns, name), ": ", to_text(problems.front())));
    const Json* pod_template = find(rollout, {"spec", "template"});
    const auto digest = pod_template ? crds::template_digest(*pod_template) : std::string{};
    const auto deliveries = TRY(deliveries_of(cluster, rollout));
    const auto to = TRY(policy::delivery::plan_undo(deliveries, digest, revision));

    const SystemClock clock;
    const auto log = make_json_log(clock, LogLevel::Error);
    const auto folder = TRY(ScratchFolder::make());
    const auto repository = TRY(shell::open_repository_of(git_source, cluster.client(),
                                                          {.data_dir = folder->path()}, *log));
    const char* user = std::getenv("USER");
    const auto target = policy::delivery::view_source(document);
    auto commit = TRY(shell::undo_in_git(
        *repository, target,
        {.to = to, .from_image = first_image(rollout), .asked_by = user ? user : ""}, clock.now()));
    return GitUndone{std::move(commit), to.name, target.branch};
}

}  // namespace sluice::cli
