// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/config.hpp"

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"
#include "platform/file.hpp"
#include "platform/http/curl_transport.hpp"
#include "platform/kube/patience.hpp"

namespace sluice::kube {
namespace {

constexpr std::string_view service_account = "/var/run/secrets/kubernetes.io/serviceaccount/";

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string default_path() {
    const std::string listed = environment("KUBECONFIG");
    if (!listed.empty()) return split(listed, ':').front();
    const std::string home = environment("HOME");
    return home.empty() ? "" : home + "/.kube/config";
}

// The entry of a kubeconfig's list ("clusters") with that name, below `key` ("cluster").
Json named(const Json& config, std::string_view list, std::string_view name, std::string_view key) {
    const Json* entries = find(config, {list});
    if (!entries || !entries->is_array()) return nullptr;
    for (const auto& entry : *entries)
        if (text_at(entry, {"name"}) == name)
            if (const Json* found = find(entry, {key})) return *found;
    return nullptr;
}

// The bytes of `<key>-data` (base64), or of the file that `<key>` names relative to the kubeconfig.
Result<std::string> data_or_file(const Json& from, const std::string& key,
                                 const std::filesystem::path& folder) {
    const std::string data = text_at(from, {key + "-data"});
    if (!data.empty()) {
        auto bytes = base64_decode(data);
        if (!bytes) return invalid(key + "-data is not base64");
        return std::move(*bytes);
    }
    const std::string file = text_at(from, {key});
    if (file.empty()) return std::string{};
    return read_file((folder / file).string());
}

Result<Access> access_from(const Json& config, const std::string& wanted,
                           const std::filesystem::path& folder) {
    const std::string name = wanted.empty() ? text_at(config, {"current-context"}) : wanted;
    const Json context = named(config, "contexts", name, "context");
    if (!context.is_object()) return invalid(concat("no context \"", name, "\""));
    const Json cluster = named(config, "clusters", text_at(context, {"cluster"}), "cluster");
    if (!cluster.is_object())
        return invalid(concat("no cluster \"", text_at(context, {"cluster"}), "\""));
    const Json user = named(config, "users", text_at(context, {"user"}), "user");
    Access access;
    access.server = text_at(cluster, {"server"});
    if (!access.server.starts_with("https://") && !access.server.starts_with("http://"))
        return invalid(concat("cluster.server: expected a URL, found \"", access.server, "\""));
    access.ca_pem = TRY(data_or_file(cluster, "certificate-authority", folder));
    access.token = text_at(user, {"token"});
    if (const std::string file = text_at(user, {"tokenFile"});
        access.token.empty() && !file.empty()) {
        access.token_file = (folder / file).string();
        access.token = std::string(trim(TRY(read_file(access.token_file))));
    }
    access.client_certificate_pem = TRY(data_or_file(user, "client-certificate", folder));
    access.client_key_pem = TRY(data_or_file(user, "client-key", folder));
    access.default_namespace = text_at(context, {"namespace"}, "default");
    return access;
}

Result<Access> in_cluster() {
    const std::string host = environment("KUBERNETES_SERVICE_HOST");
    const std::string folder(service_account);
    Access access;
    access.server = concat("https://", host, ":", environment("KUBERNETES_SERVICE_PORT"));
    access.ca_pem = TRY(read_file(folder + "ca.crt"));
    access.token_file = folder + "token";
    access.token = std::string(trim(TRY(read_file(access.token_file))));
    access.default_namespace = std::string(trim(TRY(read_file(folder + "namespace"))));
    return access;
}

}  // namespace

Result<Access> load_access(const std::string& path, const std::string& context) {
    const std::string file = path.empty() ? default_path() : path;
    if (path.empty() && !std::filesystem::exists(file) &&
        !environment("KUBERNETES_SERVICE_HOST").empty())
        return in_cluster().while_doing("read the pod's service account");
    const auto attempt = concat("read kubeconfig \"", file, "\"");
    const std::string text = TRY(read_file(file).while_doing(attempt));
    const auto documents = TRY(parse_yaml(text, file));
    if (documents.empty()) return invalid(attempt + ": it is empty");
    const Json config = TRY(parse_json(documents.front().text));
    return access_from(config, context, std::filesystem::path(file).parent_path())
        .while_doing(attempt);
}

std::unique_ptr<HttpTransport> connect(const Access& access) {
    const bool replaced = !access.token_file.empty();
    auto transport =
        http::make_curl_transport({.base_url = access.server,
                                   .ca_pem = access.ca_pem,
                                   .client_certificate_pem = access.client_certificate_pem,
                                   .client_key_pem = access.client_key_pem,
                                   .bearer_token = replaced ? "" : access.token});
    return with_patience(std::move(transport),
                         {.token_file = access.token_file, .token = access.token, .wait = {}});
}

}  // namespace sluice::kube
