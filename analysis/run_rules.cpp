// SPDX-License-Identifier: Apache-2.0
#include "analysis/run_rules.hpp"

#include <set>

#include "analysis/run.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

Result<void> validate_counts(const crds::Metric& metric) {
    const long count = int_value(metric.count);
    const long failure = int_value(metric.failure_limit);
    const long success = int_value(metric.consecutive_success_limit);
    if (count <= 0) return {};
    if (failure >= 0 && count < failure + success)
        return invalid(concat("count (", count, ") must be >= failureLimit + ",
                              "consecutiveSuccessLimit (", failure, " + ", success,
                              ") if both >= 0"));
    if (failure < 0 && count < success) return invalid("count must be >= consecutiveSuccessLimit");
    if (count < int_value(metric.inconclusive_limit))
        return invalid("count must be >= inconclusiveLimit");
    if (count > 1 && !metric.interval) return invalid("interval must be specified when count > 1");
    return {};
}

Result<void> validate_metric(const crds::Metric& metric) {
    const long failure = int_value(metric.failure_limit);
    const long success = int_value(metric.consecutive_success_limit);
    if (success < 0) return invalid("consecutiveSuccessLimit must be >= 0");
    if (failure < -1) return invalid("failureLimit must be >= 0, or -1 to be disabled");
    if (success == 0 && failure == -1)
        return invalid("failureLimit and consecutiveSuccessLimit cannot both be disabled");
    if (int_value(metric.inconclusive_limit) < 0) return invalid("inconclusiveLimit must be >= 0");
    if (int_value(metric.consecutive_error_limit) < 0)
        return invalid("consecutiveErrorLimit must be >= 0");
    TRY(validate_counts(metric));
    if (metric.providers.empty()) return invalid("no provider specified");
    if (metric.providers.size() > 1) return invalid("multiple providers specified");
    return {};
}

}  // namespace

long int_value(const std::optional<IntOrString>& value, long otherwise) {
    if (!value) return otherwise;
    return value->number ? *value->number : parse_integer(value->text).value_or(0);
}

std::optional<long> effective_count(const crds::Metric& metric) {
    const long count = int_value(metric.count);
    if (count != 0) return count;
    if (!metric.interval) return 1;
    return std::nullopt;
}

Result<void> validate_metrics(const std::vector<crds::Metric>& metrics) {
    if (metrics.empty()) return invalid("no metrics specified");
    std::set<std::string> names;
    for (size_t i = 0; i < metrics.size(); ++i) {
        const std::string where = concat("metrics[", i, "]");
        if (!names.insert(metrics[i].name).second)
            return invalid(concat(where, ": duplicate name '", metrics[i].name, "'"));
        TRY(validate_metric(metrics[i]).while_doing(where));
    }
    return {};
}

}  // namespace sluice::analysis
