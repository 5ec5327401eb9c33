// SPDX-License-Identifier: Apache-2.0
// Metric providers without I/O: what to ask, and what the answer says. The shell performs the
// request; providers that need more than one request, or none, grow beside this.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "analysis/conditions/value.hpp"
#include "base/http.hpp"
#include "base/result.hpp"
#include "crds/analysis.hpp"

namespace sluice::analysis {

struct Query {
    HttpRequest request;
    bool insecure = false;  // TLS without verification, because the metric says so
};

// One reading: what conditions see, what measurement.value shows, what people may want to know.
struct Reading {
    Value result;
    std::string text;
    crds::TextMap metadata;
    // Of a provider that judges by itself, instead of the metric's conditions; Running: not yet.
    std::optional<crds::AnalysisPhase> phase;
    std::string message;  // why, where the provider says so
};

using Credentials = std::map<std::string, std::string>;  // a Secret's data, decoded

struct ProviderSettings {
    std::string prometheus_address;  // where a metric names none (ARGO_ROLLOUTS_PROMETHEUS_ADDRESS)
    std::string own_namespace = "argo-rollouts";  // of the controller: its Secrets lie there
    // What the controller was given by itself, by provider; a metric may name a Secret instead.
    std::map<std::string, Credentials, std::less<>> own_credentials = {};
};

// Where a provider's credentials lie. They are read for each measurement and shown nowhere.
struct CredentialsRef {
    std::string secret;
    bool in_run_namespace = false;  // false: in the controller's
    bool by_default = false;        // the metric names none
    bool operator==(const CredentialsRef&) const = default;
};

// The metric's arguments have been put in. Invalid: the metric cannot be measured, and why.
Result<Query> build_query(const crds::Metric& metric, const ProviderSettings& settings,
                          TimePoint now, const Credentials& credentials = {});
// Invalid or Unavailable with upstream's words where upstream has some.
Result<Reading> parse_reading(const crds::Metric& metric, const HttpResponse& response);
// The Secret that build_query needs; nothing where it needs none.
std::optional<CredentialsRef> credentials_of(const crds::Metric& metric);
// Kept with the metric's result: the query as it was asked.
crds::TextMap metadata_of(const crds::Metric& metric);

}  // namespace sluice::analysis
