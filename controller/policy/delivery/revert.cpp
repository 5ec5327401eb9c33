// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/delivery/revert.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/resource.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"
#include "controller/policy/delivery/message.hpp"
#include "crds/pod_template.hpp"

namespace sluice::policy::delivery {

RevertPlan plan_revert(const RevertSight& sight) {
    for (const auto& [commit, op] : sight.ours_since)
        if (op == sight.op_id) return RevertLanded{commit};
    if (carries_our_trailer(sight.bad_message))
        return SkipRevert{"robot-commit: the commit to revert is our own"};
    if (!sight.good_blob) return SkipRevert{"nothing-to-restore: the promoted file is not known"};
    if (sight.tip_blob == sight.good_blob)
        return SkipRevert{"already-restored: the branch holds the promoted file"};
    if (!sight.tip_blob) return SkipRevert{"superseded: the file is gone from the branch"};
    if (sight.bad_blob && sight.tip_blob == sight.bad_blob) return RestoreGood{};
    if (!sight.tip_digest.empty() && sight.tip_digest != sight.bad_digest)
        return SkipRevert{"superseded: a newer commit declares another version"};
    return SkipRevert{"conflict: the file changed beside the rejected version"};
}

std::string declared_digest(std::string_view file, std::string_view ns, std::string_view name) {
    const auto documents = parse_yaml(file, "manifest");
    if (!documents.ok()) return {};
    for (const auto& document : *documents) {
        const auto parsed = parse_json(document.text);
        if (!parsed.ok() || text_at(*parsed, {"kind"}) != resources::rollouts.kind) continue;
        const std::string its_ns = text_at(*parsed, {"metadata", "namespace"});
        if (text_at(*parsed, {"metadata", "name"}) != name || (!its_ns.empty() && its_ns != ns))
            continue;
        const Json* pod_template = find(*parsed, {"spec", "template"});
        return pod_template ? crds::template_digest(*pod_template) : "";
    }
    return {};
}

Result<crds::Delivery> plan_undo(const std::vector<crds::Delivery>& deliveries,
                                 std::string_view current_digest, std::optional<long> revision) {
    const crds::Delivery* best = nullptr;
    for (const auto& delivery : deliveries) {
        if (!delivery.promoted() || delivery.spec.digest == current_digest) continue;
        if (revision && delivery.spec.revision != std::to_string(*revision)) continue;
        if (!best || best->spec.number < delivery.spec.number) best = &delivery;
    }
    if (!best)
        return revision ? invalid(concat("no promoted delivery of revision ", *revision,
                                         " other than what is declared now"))
                        : invalid("no promoted delivery of another version is known");
    if (!best->spec.source || best->spec.source->commit.empty())
        return invalid(concat("delivery ", best->name, " was not declared in git"));
    return *best;
}

}  // namespace sluice::policy::delivery
