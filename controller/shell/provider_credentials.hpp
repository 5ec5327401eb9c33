// SPDX-License-Identifier: Apache-2.0
// What metric providers need beyond the metric: settings of this process, and Secrets.
#pragma once

#include <string>

#include "analysis/providers/provider.hpp"
#include "controller/shell/analysis_measurements.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

// From the environment, by upstream's names: ARGO_ROLLOUTS_PROMETHEUS_ADDRESS, POD_NAMESPACE (else
// what the service account says), DD_API_KEY, DD_APP_KEY, DD_ADDRESS, and the AWS SDKs' AWS_*.
analysis::ProviderSettings provider_settings();

// Reads the Secret that the order's provider needs, if any. A failure makes the measurement an
// error. What is secret of it joins order.secrets, and so is masked in all that is kept.
void add_credentials(const kube::Client& client, const analysis::ProviderSettings& settings,
                     const std::string& run_namespace, MeasurementOrder& order);

}  // namespace sluice::shell
