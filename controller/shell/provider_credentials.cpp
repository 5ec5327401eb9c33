// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/provider_credentials.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "platform/file.hpp"

namespace sluice::shell {
namespace provider_credentials {
namespace {

// What may be seen of a Secret: where to ask, not who asks.
constexpr std::array<std::string_view, 8> open_entries{
    "address", "org",   "region", "account-id", "base-url-rest", "base-url-nerdgraph",
    "project", "apiUrl"};

std::string variable(const char* name) {
    const char* text = std::getenv(name);
    return text ? text : "";
}

Result<analysis::Credentials> read_secret(const kube::Client& client, const std::string& ns,
                                          const std::string& name) {
    const auto secret = client.get({resources::secrets, ns, name});
    if (secret.failed_with(ErrorKind::NotFound))
        return not_found(concat("secrets \"", name, "\" not found in namespace ", ns));
    if (!secret.ok()) return secret.error();
    analysis::Credentials content;
    const Json* data = find(*secret, {"data"});
    if (!data || !data->is_object()) return content;
    for (const auto& [entry, encoded] : data->items())
        if (encoded.is_string())
            if (auto decoded = base64_decode(encoded.get<std::string>()))
                content[entry] = std::move(*decoded);
    return content;
}

}  // namespace
}  // namespace provider_credentials

using namespace provider_credentials;

analysis::ProviderSettings provider_settings() {
    analysis::ProviderSettings settings;
    settings.prometheus_address = variable("ARGO_ROLLOUTS_PROMETHEUS_ADDRESS");
    constexpr const char* mounted = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    if (const auto ns = variable("POD_NAMESPACE"); !ns.empty())
        settings.own_namespace = ns;
    else if (const auto text = read_file(mounted, 300); text.ok())
        settings.own_namespace = std::string(trim(*text));
    const auto key = variable("DD_API_KEY");
    const auto app_key = variable("DD_APP_KEY");
    if (!key.empty() && !app_key.empty())
        settings.own_credentials["datadog"] = {
            {"api-key", key}, {"app-key", app_key}, {"address", variable("DD_ADDRESS")}};
    return settings;
}

void add_credentials(const kube::Client& client, const analysis::ProviderSettings& settings,
                     const std::string& run_namespace, MeasurementOrder& order) {
    const auto wanted = analysis::credentials_of(order.metric);
    if (!wanted) return;
    const auto own = settings.own_credentials.find(order.metric.providers.front().name);
    if (wanted->by_default && own != settings.own_credentials.end())
        order.credentials = own->second;
    else
        order.credentials =
            read_secret(client, wanted->in_run_namespace ? run_namespace : settings.own_namespace,
                        wanted->secret);
    if (!order.credentials.ok()) return;
    for (const auto& [entry, content] : *order.credentials)
        if (std::ranges::find(open_entries, entry) == open_entries.end() && !trim(content).empty())
            order.secrets["credentials " + entry] = std::string(trim(content));
}

}  // namespace sluice::shell
