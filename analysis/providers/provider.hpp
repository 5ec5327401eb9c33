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
    // What the controller was given by itself: "datadog", "aws".
    std::map<std::string, Credentials, std::less<>> own_credentials = {};
};

// Where a provider's credentials lie. They are read for each measurement and shown nowhere.
struct CredentialsRef {
    std::string secret;             // empty: only what the controller was given
    bool in_run_namespace = false;  // false: in the controller's
    std::string own;                // goes before the Secret: a name in own_credentials
    bool operator==(const CredentialsRef&) const = default;
};

// One measurement, of a metric whose arguments have been put in.
struct Inquiry {
    crds::Metric metric;
    ProviderSettings settings;
    TimePoint now{};
    Credentials credentials = {};
    crds::TextMap earlier = {};  // metadata of the reading that said "not yet"
};

// The first request; mostly the only one. Invalid: the metric cannot be measured, and why.
Result<Query> first_query(const Inquiry& inquiry);
// What the provider asks on after the answer to request number `step` (0 is the first): a token
// before the question, say. Nothing: the answer is what parse_reading reads. An error ends the
// measurement.
Result<std::optional<Query>> next_query(const Inquiry& inquiry, const HttpResponse& response,
                                        int step);
// first_query for whoever has no more.
Result<Query> build_query(const crds::Metric& metric, const ProviderSettings& settings,
                          TimePoint now, const Credentials& credentials = {});
// Invalid or Unavailable with upstream's words where upstream has some.
Result<Reading> parse_reading(const crds::Metric& metric, const HttpResponse& response);
// How long a server that takes no more now (429, 503) wants to be left alone (RFC 9110 10.2.3, in
// seconds).
std::optional<Duration> retry_after(const HttpResponse& response);
// The Secret that build_query needs; nothing where it needs none.
std::optional<CredentialsRef> credentials_of(const crds::Metric& metric);
// Kept with the metric's result: the query as it was asked.
crds::TextMap metadata_of(const crds::Metric& metric);

}  // namespace sluice::analysis
