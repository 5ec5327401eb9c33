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
constexpr std::array<std::string_view, 15> open_entries{"address",
                                                        "org",
                                                        "region",
                                                        "account-id",
                                                        "base-url-rest",
                                                        "base-url-nerdgraph",
                                                        "project",
                                                        "apiUrl",
                                                        "role-arn",
                                                        "role-session-name",
                                                        "container-url",
                                                        "sts-url",
                                                        "cloudwatch-url",
                                                        "web-identity-token-file",
                                                        "container-token-file"};

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

// Tokens that somebody renews in a file: "x-file" is the file that holds "x".
Result<analysis::Credentials> with_files(analysis::Credentials given) {
    for (const char* entry : {"web-identity-token", "container-token"}) {
        const auto file = given.find(concat(entry, "-file"));
        if (file != given.end() && !file->second.empty())
            given[entry] = std::string(trim(TRY(read_file(file->second, 1U << 16))));
    }
    return given;
}

// As the AWS SDKs name them
// (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html).
analysis::Credentials aws_environment() {
    constexpr std::array<std::pair<const char*, const char*>, 12> names{
        {{"AWS_ACCESS_KEY_ID", "access-key-id"},
         {"AWS_SECRET_ACCESS_KEY", "secret-access-key"},
         {"AWS_SESSION_TOKEN", "session-token"},
         {"AWS_WEB_IDENTITY_TOKEN_FILE", "web-identity-token-file"},
         {"AWS_ROLE_ARN", "role-arn"},
         {"AWS_ROLE_SESSION_NAME", "role-session-name"},
         {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "container-url"},
         {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token"},
         {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "container-token-file"},
         {"AWS_ENDPOINT_URL_STS", "sts-url"},
         {"AWS_ENDPOINT_URL_CLOUDWATCH", "cloudwatch-url"},
         {"AWS_REGION", "region"}}};
    analysis::Credentials given;
    for (const auto& [name, entry] : names)
        if (auto text = variable(name); !text.empty()) given[entry] = std::move(text);
    if (!given.contains("region"))
        if (auto text = variable("AWS_DEFAULT_REGION"); !text.empty())
            given["region"] = std::move(text);
    if (const auto path = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); !path.empty())
        given.try_emplace("container-url", "http://169.254.170.2" + path);
    return given;
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
    settings.own_credentials["aws"] = aws_environment();
    return settings;
}

void add_credentials(const kube::Client& client, const analysis::ProviderSettings& settings,
                     const std::string& run_namespace, MeasurementOrder& order) {
    const auto wanted = analysis::credentials_of(order.metric);
    if (!wanted) return;
    const auto own = settings.own_credentials.find(wanted->own);
    if (own != settings.own_credentials.end())
        order.credentials = with_files(own->second);
    else if (!wanted->secret.empty())
        order.credentials =
            read_secret(client, wanted->in_run_namespace ? run_namespace : settings.own_namespace,
                        wanted->secret);
    if (!order.credentials.ok()) return;
    for (const auto& [entry, content] : *order.credentials)
        if (std::ranges::find(open_entries, entry) == open_entries.end() && !trim(content).empty())
            order.secrets["credentials " + entry] = std::string(trim(content));
}

}  // namespace sluice::shell
