// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/provider_credentials.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::shell {
namespace provider_credentials_test {
namespace {

// Secrets by "namespace/name".
class SecretsServer final : public HttpTransport {
public:
    Result<HttpResponse> send(const HttpRequest& request) override {
        for (const auto& [key, data] : secrets) {
            const auto [ns, name] = split_key(key);
            if (request.url.find(concat("/namespaces/", ns, "/secrets/", name)) ==
                std::string::npos)
                continue;
            Json encoded = Json::object();
            for (const auto& [entry, content] : data) encoded[entry] = base64_encode(content);
            return HttpResponse{200, {}, to_text(Json{{"data", encoded}})};
        }
        return HttpResponse{status, {}, R"({"reason":"NotFound"})"};
    }
    Result<HttpResponse> stream(const HttpRequest&, const OnChunk&, std::stop_token) override {
        return unavailable("no watch");
    }
    std::map<std::string, analysis::Credentials> secrets;
    int status = 404;
};

struct Setting {
    SecretsServer server;
    kube::Client client{server, "test"};
    analysis::ProviderSettings settings{.own_namespace = "ctl"};

    MeasurementOrder order(const char* provider, const char* config) {
        MeasurementOrder order{"shop/r", "u", {.name = "m", .providers = {{provider, config}}}, {}};
        add_credentials(client, settings, "shop", order);
        return order;
    }
};

TEST(ProviderCredentials, AreReadFromTheControllersNamespaceAndMasked) {
    Setting setting;
    setting.server.secrets["ctl/newrelic"] = {
        {"personal-api-key", "hunter2\n"}, {"account-id", "42"}, {"region", "eu"}};
    const auto order = setting.order("newRelic", R"({"query": "q"})");
    ASSERT_TRUE(order.credentials.ok());
    EXPECT_EQ(order.credentials->at("personal-api-key"), "hunter2\n");
    EXPECT_EQ(order.secrets,
              (std::map<std::string, std::string>{{"credentials personal-api-key", "hunter2"}}));
}

TEST(ProviderCredentials, AreReadFromTheRunsNamespaceWhereTheMetricSaysSo) {
    Setting setting;
    setting.server.secrets["shop/own"] = {{"api-key", "a"}, {"app-key", "b"}};
    const char* config = R"({"query": "q", "secretRef": {"name": "own", "namespaced": true}})";
    EXPECT_EQ(setting.order("datadog", config).credentials->at("api-key"), "a");
    const auto missing = setting.order("datadog", R"({"query": "q"})");
    EXPECT_EQ(missing.credentials.error().message,
              "secrets \"datadog\" not found in namespace ctl");
}

TEST(ProviderCredentials, OfTheControllerServeMetricsThatNameNoSecret) {
    Setting setting;
    setting.settings.own_credentials["datadog"] = {{"api-key", "own"}, {"app-key", "b"}};
    setting.server.secrets["ctl/named"] = {{"api-key", "named"}, {"app-key", "b"}};
    EXPECT_EQ(setting.order("datadog", R"({"query": "q"})").credentials->at("api-key"), "own");
    EXPECT_EQ(setting.order("datadog", R"({"query": "q", "secretRef": {"name": "named"}})")
                  .credentials->at("api-key"),
              "named");
}

constexpr const char* cloudwatch = R"({"metricDataQueries": [{"id": "a"}]})";

// A service account's token is renewed in its file.
TEST(ProviderCredentials, OfAServiceAccountAreReadAnew) {
    Setting setting;
    const std::string file = concat(testing::TempDir(), "sluice-token-", ::getpid());
    setting.settings.own_credentials["aws"] = {{"web-identity-token-file", file},
                                               {"role-arn", "arn:r"}};
    for (const char* token : {"first", "second"}) {
        std::ofstream(file) << token << "\n";
        const auto order = setting.order("cloudWatch", cloudwatch);
        ASSERT_TRUE(order.credentials.ok()) << order.credentials.error().message;
        EXPECT_EQ(order.credentials->at("web-identity-token"), token);
        EXPECT_EQ(order.secrets,
                  (std::map<std::string, std::string>{{"credentials web-identity-token", token}}));
    }
    std::filesystem::remove(file);
    EXPECT_FALSE(setting.order("cloudWatch", cloudwatch).credentials.ok());
}

TEST(ProviderCredentials, OfTheEnvironmentHaveTheNamesOfTheSdks) {
    const std::map<const char*, const char*> variables{{"AWS_ACCESS_KEY_ID", "AK"},
                                                       {"AWS_SECRET_ACCESS_KEY", "sk"},
                                                       {"AWS_DEFAULT_REGION", "eu-west-1"},
                                                       {"DD_API_KEY", "a"},
                                                       {"DD_APP_KEY", "b"},
                                                       {"POD_NAMESPACE", "here"}};
    for (const auto& [name, text] : variables) ::setenv(name, text, 1);
    const auto settings = provider_settings();
    for (const auto& [name, text] : variables) ::unsetenv(name);
    EXPECT_EQ(settings.own_namespace, "here");
    EXPECT_EQ(settings.own_credentials.at("aws"),
              (analysis::Credentials{
                  {"access-key-id", "AK"}, {"secret-access-key", "sk"}, {"region", "eu-west-1"}}));
    EXPECT_EQ(settings.own_credentials.at("datadog").at("app-key"), "b");
}

TEST(ProviderCredentials, AreAskedForByNobodyWhoNeedsNone) {
    Setting setting;
    setting.server.status = 500;  // any question would fail
    const auto order = setting.order("web", R"({"url": "http://x"})");
    EXPECT_TRUE(order.credentials.ok());
    EXPECT_TRUE(order.secrets.empty());
    EXPECT_FALSE(setting.order("wavefront", "{}").credentials.ok());
}

}  // namespace
}  // namespace provider_credentials_test
}  // namespace sluice::shell
