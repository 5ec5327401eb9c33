// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/execute_analysis.hpp"

#include <nlohmann/json.hpp>
#include <numeric>

#include "analysis/arguments.hpp"
#include "analysis/providers/judge.hpp"
#include "analysis/template.hpp"
#include "base/text.hpp"
#include "controller/shell/projections.hpp"

namespace sluice::shell {
namespace {

namespace policy = policy::rollout;

// Templates are few and a start is rare: they are read from the server, not from a cache. An error
// of the server is kept apart from a template that is not there.
struct TemplateReader {
    const kube::Client& client;
    const std::string& ns;
    std::optional<Error> problem;

    analysis::TemplatePointer operator()(const crds::AnalysisTemplateRef& reference) {
        const ObjectRef ref =
            reference.cluster_scope
                ? ObjectRef{resources::cluster_analysis_templates, "", reference.template_name}
                : ObjectRef{resources::analysis_templates, ns, reference.template_name};
        const auto document = client.get(ref);
        if (!document.ok()) {
            if (!document.failed_with(ErrorKind::NotFound)) problem = document.error();
            return nullptr;
        }
        std::vector<Problem> ignored;
        return std::make_shared<const crds::AnalysisTemplate>(
            crds::decode_analysis_template(Field(*document, ignored)));
    }
};

// The analyses that one attempt may start.
std::vector<crds::RolloutAnalysis> analyses_of(const crds::Rollout& rollout) {
    std::vector<crds::RolloutAnalysis> found;
    if (const auto& canary = rollout.spec.canary) {
        if (canary->analysis) found.push_back(canary->analysis->analysis);
        for (const auto& step : canary->steps)
            if (const auto* analysis = std::get_if<crds::AnalysisStep>(&step))
                found.push_back(analysis->analysis);
    }
    if (const auto& blue_green = rollout.spec.blue_green)
        for (const auto& analysis :
             {blue_green->pre_promotion_analysis, blue_green->post_promotion_analysis})
            if (analysis) found.push_back(*analysis);
    return found;
}

// Judged metrics of the whole attempt that share its budget of false alarms. A template that is not
// there stops the Rollout anyway.
size_t sharing_false_alarm(const crds::Rollout& rollout, TemplateReader& reader) {
    size_t sharing = 0;
    for (const auto& one : analyses_of(rollout)) {
        const auto templates = analysis::gather_templates(one.templates, std::ref(reader));
        if (!templates.ok()) continue;
        for (const auto& entry : *templates)
            sharing += analysis::sharing_false_alarm(entry->metrics);
    }
    return sharing;
}

Result<Json> run_spec(const kube::Client& client, const crds::Rollout& rollout,
                      const Json& document, const policy::StartAnalysis& action) {
    const std::string& ns = rollout.metadata.ns;
    TemplateReader reader{client, ns, {}};
    auto templates = analysis::gather_templates(action.analysis.templates, std::ref(reader));
    if (reader.problem) return std::move(*reader.problem);
    if (!templates.ok()) return templates.error();
    auto args = TRY(
        analysis::resolve_args(action.analysis.args, document, action.stable_hash, action.hash));
    const size_t own = std::accumulate(
        templates->begin(), templates->end(), size_t{0}, [](size_t sum, const auto& entry) {
            return sum + analysis::sharing_false_alarm(entry->metrics);
        });
    // Only where it is needed are the templates of the other steps read.
    const size_t sharing = own > 0 ? sharing_false_alarm(rollout, reader) : 0;
    if (reader.problem) return std::move(*reader.problem);
    return analysis::build_run_spec({.templates = std::move(*templates),
                                     .args = std::move(args),
                                     .dry_run = action.analysis.dry_run,
                                     .measurement_retention = action.analysis.measurement_retention,
                                     .sharing_false_alarm = sharing});
}

// argo-rollouts.md 1.6: the selector's labels are set last.
Json labels_of(const crds::Rollout& rollout, const policy::StartAnalysis& action) {
    Json labels = Json::object();
    labels[crds::pod_template_hash_label] = action.hash;
    labels["rollout-type"] = to_text(action.type);
    if (action.step_index) labels["step-index"] = std::to_string(*action.step_index);
    for (const auto& [key, value] : action.analysis.run_labels) labels[key] = value;
    if (rollout.spec.selector)
        for (const auto& [key, value] : rollout.spec.selector->match_labels) labels[key] = value;
    return labels;
}

Json run_document(const crds::Rollout& rollout, const policy::StartAnalysis& action, Json spec) {
    Json annotations = Json::object();
    for (const auto& [key, value] : action.analysis.run_annotations) annotations[key] = value;
    annotations[crds::revision_annotation] = std::to_string(action.revision);
    return {{"apiVersion", resources::analysis_runs.api_version()},
            {"kind", resources::analysis_runs.kind},
            {"metadata",
             {{"name", action.name},
              {"namespace", rollout.metadata.ns},
              {"labels", labels_of(rollout, action)},
              {"annotations", std::move(annotations)},
              {"ownerReferences", Json::array({owner_reference(rollout)})}}},
            {"spec", std::move(spec)}};
}

}  // namespace

Result<Effect> start_analysis(const kube::Client& client, const crds::Rollout& rollout,
                              const policy::StartAnalysis& action) {
    const ObjectRef own{resources::rollouts, rollout.metadata.ns, rollout.metadata.name};
    const auto document = client.get(own);
    if (document.failed_with(ErrorKind::NotFound)) return Effect::Stale;
    if (!document.ok()) return document.error();
    if (integer_at(*document, {"metadata", "generation"}) != action.generation)
        return Effect::Stale;
    const auto attempt = concat("start analysis ", action.name);
    Json spec = TRY(run_spec(client, rollout, *document, action).while_doing(attempt));
    const auto created =
        client.create(resources::analysis_runs, run_document(rollout, action, std::move(spec)));
    if (created.ok()) return Effect::Changed;
    if (!created.failed_with(ErrorKind::AlreadyExists)) return created.error();
    const auto there = client.get({resources::analysis_runs, own.ns, action.name});
    if (!there.ok()) return there.error();
    return view_analysis_run(*there).controller.uid == rollout.metadata.uid ? Effect::Done
                                                                            : Effect::Stale;
}

}  // namespace sluice::shell
