// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "crds/analysis.hpp"

namespace sluice::crds {
namespace {

constexpr size_t most_problems_shown = 20;

bool templated(std::string_view text) {
    return text.find("{{") != std::string_view::npos;
}

Argument decode_template_argument(const Field& arg) {
    Argument decoded{.name = arg.at("name").required_text(), .value = arg.at("value").text()};
    const Field from = arg.at("valueFrom");
    if (const Field ref = from.at("secretKeyRef"); ref.present())
        decoded.secret =
            SecretKeyRef{ref.at("name").required_text(), ref.at("key").required_text()};
    if (const Field ref = from.at("fieldRef"); ref.present())
        decoded.field_path = ref.at("fieldPath").required_text();
    return decoded;
}

std::vector<Argument> decode_template_arguments(const Field& args) {
    std::vector<Argument> decoded;
    for (const auto& arg : args.items()) decoded.push_back(decode_template_argument(arg));
    return decoded;
}

std::vector<std::string> decode_dry_run_rules(const Field& rules) {
    std::vector<std::string> decoded;
    for (const auto& rule : rules.items()) decoded.push_back(rule.at("metricName").required_text());
    return decoded;
}

std::vector<MeasurementRetention> decode_retention_rules(const Field& rules) {
    std::vector<MeasurementRetention> decoded;
    for (const auto& rule : rules.items())
        decoded.push_back(
            {rule.at("metricName").required_text(), rule.at("limit").integer().value_or(0)});
    return decoded;
}

std::vector<AnalysisTemplateRef> decode_template_refs(const Field& refs) {
    std::vector<AnalysisTemplateRef> decoded;
    for (const auto& ref : refs.items())
        decoded.push_back({ref.at("templateName").required_text(),
                           ref.at("clusterScope").boolean().value_or(false)});
    return decoded;
}

std::optional<Duration> duration_or_placeholder(const Field& field) {
    if (const auto text = field.text(); !text || text->empty() || templated(*text))
        return std::nullopt;
    return field.duration();
}

// Checks all that can be checked before arguments are known, and keeps the document.
std::vector<MetricDocument> decode_metric_documents(const Field& metrics) {
    std::vector<MetricDocument> decoded;
    for (const auto& metric : metrics.items()) {
        const Metric known = decode_metric(metric);
        decoded.push_back({known.name, sluice::to_text(metric.peek())});
    }
    return decoded;
}

std::vector<MetricProvider> decode_providers(const Field& provider) {
    std::vector<MetricProvider> providers;
    for (const auto& [name, config] : provider.entries()) {
        if (!config.present()) continue;
        if (name != "plugin") {
            if (name == "prometheus") decode_prometheus(config);
            providers.push_back(
                {name, sluice::to_text(name == "prometheus" ? config.peek() : config.document())});
            continue;
        }
        for (const auto& [plugin, plugin_config] : config.entries())
            providers.push_back({"plugin " + plugin, sluice::to_text(plugin_config.document())});
    }
    return providers;
}

std::optional<TtlStrategy> decode_ttl(const Field& ttl) {
    if (!ttl.present()) return std::nullopt;
    return TtlStrategy{ttl.at("secondsAfterCompletion").integer(),
                       ttl.at("secondsAfterFailure").integer(),
                       ttl.at("secondsAfterSuccess").integer()};
}

AnalysisRunSpec decode_run_spec(const Field& spec) {
    return {.metrics = decode_metric_documents(spec.at("metrics")),
            .args = decode_template_arguments(spec.at("args")),
            .terminate = spec.at("terminate").boolean().value_or(false),
            .dry_run = decode_dry_run_rules(spec.at("dryRun")),
            .measurement_retention = decode_retention_rules(spec.at("measurementRetention")),
            .ttl = decode_ttl(spec.at("ttlStrategy"))};
}

AnalysisPhase decode_phase(const Field& field) {
    const std::string text = field.text().value_or("");
    const AnalysisPhase phase = analysis_phase(text);
    if (phase == AnalysisPhase::None && !text.empty())
        field.complain(concat("expected a phase of an analysis, found \"", text, "\""));
    return phase;
}

Measurement decode_measurement(const Field& field) {
    return {.phase = decode_phase(field.at("phase")),
            .message = field.at("message").text().value_or(""),
            .started = field.at("startedAt").time(),
            .finished = field.at("finishedAt").time(),
            .resume = field.at("resumeAt").time(),
            .value = field.at("value").text().value_or(""),
            .metadata = field.at("metadata").text_map()};
}

long count_at(const Field& field, std::string_view key) {
    return field.at(key).integer().value_or(0);
}

MetricResult decode_metric_result(const Field& field) {
    MetricResult result{.name = field.at("name").required_text(),
                        .phase = decode_phase(field.at("phase")),
                        .message = field.at("message").text().value_or(""),
                        .count = count_at(field, "count"),
                        .successful = count_at(field, "successful"),
                        .failed = count_at(field, "failed"),
                        .inconclusive = count_at(field, "inconclusive"),
                        .error = count_at(field, "error"),
                        .consecutive_error = count_at(field, "consecutiveError"),
                        .consecutive_success = count_at(field, "consecutiveSuccess"),
                        .dry_run = field.at("dryRun").boolean().value_or(false),
                        .metadata = field.at("metadata").text_map()};
    for (const auto& measurement : field.at("measurements").items())
        result.measurements.push_back(decode_measurement(measurement));
    return result;
}

RunSummary decode_summary(const Field& field) {
    return {count_at(field, "count"), count_at(field, "successful"), count_at(field, "failed"),
            count_at(field, "inconclusive"), count_at(field, "error")};
}

AnalysisRunStatus decode_run_status(const Field& field) {
    AnalysisRunStatus status{.phase = decode_phase(field.at("phase")),
                             .message = field.at("message").text().value_or(""),
                             .started = field.at("startedAt").time(),
                             .completed = field.at("completedAt").time(),
                             .summary = decode_summary(field.at("runSummary"))};
    if (const Field summary = field.at("dryRunSummary"); summary.present())
        status.dry_run_summary = decode_summary(summary);
    for (const auto& result : field.at("metricResults").items())
        status.metric_results.push_back(decode_metric_result(result));
    return status;
}

void know_type(const Field& root) {
    (void)root.at("apiVersion").text();
    (void)root.at("kind").text();
}

}  // namespace

Metric decode_metric(const Field& metric) {
    return {.name = metric.at("name").required_text(),
            .interval = duration_or_placeholder(metric.at("interval")),
            .initial_delay = duration_or_placeholder(metric.at("initialDelay")),
            .count = metric.at("count").int_or_string(),
            .failure_limit = metric.at("failureLimit").int_or_string(),
            .inconclusive_limit = metric.at("inconclusiveLimit").int_or_string(),
            .consecutive_error_limit = metric.at("consecutiveErrorLimit").int_or_string(),
            .consecutive_success_limit = metric.at("consecutiveSuccessLimit").int_or_string(),
            .success_condition = metric.at("successCondition").text().value_or(""),
            .failure_condition = metric.at("failureCondition").text().value_or(""),
            .providers = decode_providers(metric.at("provider"))};
}

PrometheusMetric decode_prometheus(const Field& provider) {
    PrometheusMetric metric{.address = provider.at("address").text().value_or(""),
                            .query = provider.at("query").text().value_or(""),
                            .timeout = provider.at("timeout").integer(),
                            .insecure = provider.at("insecure").boolean().value_or(false)};
    for (const auto& header : provider.at("headers").items())
        metric.headers.push_back(
            {header.at("key").required_text(), header.at("value").text().value_or("")});
    if (const Field range = provider.at("rangeQuery"); range.present())
        metric.range = PrometheusRange{range.at("start").text().value_or(""),
                                       range.at("end").text().value_or(""),
                                       range.at("step").text().value_or("")};
    const Field authentication = provider.at("authentication");
    const Field basic = authentication.at("basicAuth");
    metric.basic_username = basic.at("username").text().value_or("");
    metric.basic_password = basic.at("password").text().value_or("");
    const Field oauth2 = authentication.at("oauth2");
    metric.oauth2 = !oauth2.at("tokenUrl").text().value_or("").empty();
    (void)oauth2.document();
    const Json& sigv4 = authentication.at("sigv4").document();
    metric.sigv4 = sigv4.is_object() && !sigv4.empty();
    return metric;
}

AnalysisTemplate decode_analysis_template(const Field& root) {
    know_type(root);
    const Field spec = root.at("spec");
    AnalysisTemplate decoded{
        .metadata = decode_metadata(root.at("metadata")),
        .cluster_scope = root.at("kind").text().value_or("") == "ClusterAnalysisTemplate",
        .metrics = decode_metric_documents(spec.at("metrics")),
        .args = decode_template_arguments(spec.at("args")),
        .dry_run = decode_dry_run_rules(spec.at("dryRun")),
        .measurement_retention = decode_retention_rules(spec.at("measurementRetention")),
        .templates = decode_template_refs(spec.at("templates"))};
    return decoded;
}

AnalysisRun decode_analysis_run(const Field& root) {
    know_type(root);
    return {.metadata = decode_metadata(root.at("metadata")),
            .spec = decode_run_spec(root.at("spec")),
            .status = decode_run_status(root.at("status"))};
}

AnalysisRun analysis_run_of(const Json& document) {
    std::vector<Problem> problems;
    AnalysisRun run = decode_analysis_run(Field(document, problems));
    if (problems.size() > most_problems_shown) problems.resize(most_problems_shown);
    run.problems = std::move(problems);
    if (!completed(run.status.phase)) return run;
    run.spec = {.terminate = run.spec.terminate, .ttl = run.spec.ttl};
    run.status.metric_results.clear();
    return run;
}

AnalysisTemplate analysis_template_of(const Json& document) {
    std::vector<Problem> problems;
    return decode_analysis_template(Field(document, problems));
}

}  // namespace sluice::crds
