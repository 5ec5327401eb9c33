// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/git_source_decoders.hpp"

#include <nlohmann/json.hpp>

#include "base/resource.hpp"
#include "crds/analysis.hpp"
#include "crds/rollout.hpp"

namespace sluice::shell {
namespace {

std::vector<Problem> rollout_problems(const Json& document) {
    return crds::decode_rollout(document).problems;
}

std::vector<Problem> analysis_template_problems(const Json& document) {
    std::vector<Problem> problems;
    const Field root(document, problems);
    // What every object has, and no decoder of a spec asks for.
    (void)root.at("apiVersion");
    (void)root.at("kind");
    (void)root.at("metadata").document();
    crds::decode_analysis_template(root);
    report_unknown(root);
    return problems;
}

}  // namespace

std::vector<policy::source::ManifestDecoder> manifest_decoders() {
    const auto row = [](const ResourceType& type, auto problems_of) {
        return policy::source::ManifestDecoder{type.group, type.kind, problems_of};
    };
    return {row(resources::rollouts, rollout_problems),
            row(resources::analysis_templates, analysis_template_problems),
            row(resources::cluster_analysis_templates, analysis_template_problems)};
}

}  // namespace sluice::shell
