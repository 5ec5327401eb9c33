// SPDX-License-Identifier: Apache-2.0
#include "analysis/template.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "analysis/arguments.hpp"
#include "analysis/providers/judge.hpp"
#include "analysis/run.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

using Seen = std::set<std::pair<bool, std::string>>;

// References may form a circle: each template is entered once.
Result<void> gather(const std::vector<crds::AnalysisTemplateRef>& refs, const FindTemplate& find,
                    Seen& seen, std::vector<TemplatePointer>& found) {
    for (const auto& ref : refs) {
        if (!seen.insert({ref.cluster_scope, ref.template_name}).second) continue;
        const auto entry = find(ref);
        if (!entry)
            return not_found(concat(ref.cluster_scope ? "Cluster" : "", "AnalysisTemplate '",
                                    ref.template_name, "' not found"));
        found.push_back(entry);
        TRY(gather(entry->templates, find, seen, found));
    }
    return {};
}

Result<std::vector<crds::Argument>> declared_args(const std::vector<TemplatePointer>& templates) {
    std::vector<crds::Argument> combined;
    for (const auto& entry : templates) {
        for (const auto& arg : entry->args) {
            const auto earlier = std::find_if(combined.begin(), combined.end(),
                                              [&](const auto& a) { return a.name == arg.name; });
            if (earlier == combined.end()) {
                combined.push_back(arg);
                continue;
            }
            if (earlier->value && arg.value && *earlier->value != *arg.value)
                return invalid(concat("Argument `", arg.name,
                                      "` specified multiple times with different values: '",
                                      *earlier->value, "', '", *arg.value, "'"));
            if (!earlier->value) *earlier = arg;
        }
    }
    return combined;
}

Result<std::vector<const crds::MetricDocument*>> combined_metrics(
    const std::vector<TemplatePointer>& templates) {
    std::vector<const crds::MetricDocument*> metrics;
    std::set<std::string> names;
    for (const auto& entry : templates) {
        for (const auto& metric : entry->metrics) {
            if (!names.insert(metric.name).second)
                return invalid(concat("two metrics have the same name '", metric.name, "'"));
            metrics.push_back(&metric);
        }
    }
    return metrics;
}

Json encode_argument(const crds::Argument& arg) {
    Json object = {{"name", arg.name}};
    if (arg.value) object["value"] = *arg.value;
    if (arg.secret)
        object["valueFrom"]["secretKeyRef"] = {{"name", arg.secret->name},
                                               {"key", arg.secret->key}};
    if (!arg.field_path.empty()) object["valueFrom"]["fieldRef"]["fieldPath"] = arg.field_path;
    return object;
}

// Every rule's pattern once, those of the Rollout first.
template <class Rule, class NameOf>
Result<void> refuse_twice(const std::vector<Rule>& rules, NameOf name_of, std::string_view what) {
    std::set<std::string> names;
    for (const auto& rule : rules)
        if (!names.insert(name_of(rule)).second)
            return invalid(
                concat("two ", what, " metric rules have the same name '", name_of(rule), "'"));
    return {};
}

Result<void> add_rules(const RunRequest& request, Json& spec) {
    auto dry_run = request.dry_run;
    auto retention = request.measurement_retention;
    for (const auto& entry : request.templates) {
        dry_run.insert(dry_run.end(), entry->dry_run.begin(), entry->dry_run.end());
        retention.insert(retention.end(), entry->measurement_retention.begin(),
                         entry->measurement_retention.end());
    }
    TRY(refuse_twice(
        dry_run, [](const std::string& rule) { return rule; }, "Dry-Run"));
    TRY(refuse_twice(
        retention, [](const auto& rule) { return rule.metric_name; }, "Measurement Retention"));
    for (const auto& rule : dry_run) spec["dryRun"].push_back({{"metricName", rule}});
    for (const auto& rule : retention)
        spec["measurementRetention"].push_back(
            {{"metricName", rule.metric_name}, {"limit", rule.limit}});
    return {};
}

// What stands for a value that only a run will know.
std::vector<crds::Argument> with_placeholders(std::vector<crds::Argument> args) {
    for (auto& arg : args)
        if (!arg.value) arg.value = "dummy-value";
    return args;
}

std::string count_text(const std::optional<IntOrString>& count) {
    if (!count) return "<nil>";
    return count->number ? std::to_string(*count->number) : count->text;
}

// Upstream puts in the template's own arguments only; what the Rollout gives is joined here, since
// an argument such as `count` may make the metric finite.
void find_endless_metrics(const crds::AnalysisTemplate& entry,
                          const std::vector<crds::Argument>& given,
                          std::vector<std::string>& problems) {
    auto args = entry.args;
    for (auto& arg : args)
        for (const auto& from : given)
            if (from.name == arg.name && from.value && !from.value->empty()) arg.value = from.value;
    const std::string owner = "AnalysisTemplate " + entry.metadata.name;
    for (const auto& arg : entry.args) {
        if (!arg.value || !arg.has_source()) continue;
        problems.push_back(
            concat(owner, ": arg '", arg.name, "' has both Value and ValueFrom fields"));
        return;
    }
    for (const auto& document : entry.metrics) {
        const auto metric = resolve_metric(document, with_placeholders(args), {});
        // A placeholder is no duration and no number: what it stands for may be.
        if (!metric.ok() && metric.error().message.starts_with("metric ") &&
            document.text.find("{{") != std::string::npos)
            continue;
        if (!metric.ok()) {
            problems.push_back(concat(owner, ": ", metric.error().message));
            return;
        }
        if (!effective_count(*metric))
            problems.push_back(concat(
                owner, " has metric ", metric->name,
                " which runs indefinitely. Invalid value for count: ", count_text(metric->count)));
    }
}

}  // namespace

Result<std::vector<TemplatePointer>> gather_templates(
    const std::vector<crds::AnalysisTemplateRef>& refs, const FindTemplate& find) {
    Seen seen;
    std::vector<TemplatePointer> found;
    TRY(gather(refs, find, seen, found));
    std::stable_partition(found.begin(), found.end(),
                          [](const auto& entry) { return !entry->cluster_scope; });
    return found;
}

Result<Json> build_run_spec(const RunRequest& request) {
    const auto metrics = TRY(combined_metrics(request.templates));
    const auto declared = TRY(declared_args(request.templates));
    const auto args = TRY(merge_args(request.args, declared));
    Json spec = {{"metrics", Json::array()}};
    size_t sharing = 0;
    for (const auto* metric : metrics) sharing += shares_false_alarm(*metric) ? 1 : 0;
    sharing = std::max(sharing, request.sharing_false_alarm);
    for (const auto* metric : metrics)
        spec["metrics"].push_back(TRY(parse_json(with_false_alarm_share(*metric, sharing).text)));
    for (const auto& arg : args) spec["args"].push_back(encode_argument(arg));
    TRY(add_rules(request, spec));
    return spec;
}

std::vector<std::string> problems_of(const RunRequest& request, AnalysisUse use) {
    if (const auto spec = build_run_spec(request); !spec.ok()) return {spec.error().message};
    std::vector<std::string> problems;
    if (use == AnalysisUse::Background) return problems;
    for (const auto& entry : request.templates)
        find_endless_metrics(*entry, request.args, problems);
    return problems;
}

}  // namespace sluice::analysis
