// SPDX-License-Identifier: Apache-2.0
// Providers that need more than one request: a token before the question, an execution that is
// asked after.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tests/unit/analysis/provider_asked.hpp"

namespace sluice::analysis::provider_test {
namespace {

// The requests of a measurement against scripted answers, and what it comes to.
struct Played {
    std::vector<HttpRequest> requests;
    std::string outcome;  // measurement.value, or the error's text after "!"
    Reading reading;
};

Played play(const Inquiry& inquiry, const std::vector<HttpResponse>& answers) {
    Played played;
    auto query = first_query(inquiry);
    for (int step = 0;; ++step) {
        if (!query.ok()) {
            played.outcome = "!" + query.error().message;
            return played;
        }
        played.requests.push_back(query->request);
        const auto& answer = answers.at(static_cast<size_t>(step));
        const auto next = next_query(inquiry, answer, step);
        if (next.ok() && !*next) {
            const auto reading = parse_reading(inquiry.metric, answer);
            played.outcome = reading.ok() ? reading->text : "!" + reading.error().message;
            if (reading.ok()) played.reading = *reading;
            return played;
        }
        query = next.ok() ? Result<Query>(**next) : Result<Query>(next.error());
    }
}

Inquiry inquiry_of(const char* provider, const char* config, Credentials credentials = {}) {
    return {metric_of(provider, config), {}, noon, std::move(credentials)};
}

std::string header_in(const HttpRequest& request, const char* name) {
    return header(request.headers, name).value_or("none");
}

const HttpResponse vector_answer{
    200,
    {},
    R"({"status": "success", "data": {"resultType": "vector", "result": [{"value": [1, "0.5"]}]}})"};

// ---- oauth2 ----

const char* const prometheus_oauth2 = R"({"address": "http://p", "query": "up", "authentication":
    {"oauth2": {"tokenUrl": "https://id/token", "clientId": "me", "clientSecret": "s:1",
    "scopes": ["read", "metrics"]}}})";

// RFC 6749 4.4 and 5.1.
TEST(Oauth2, ATokenGoesBeforeTheQuestion) {
    const auto played =
        play(inquiry_of("prometheus", prometheus_oauth2),
             {{200, {}, R"({"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "example",
                 "expires_in": 3600})"},
              vector_answer});
    ASSERT_EQ(played.requests.size(), 2U);
    EXPECT_EQ(played.requests[0].url, "https://id/token");
    EXPECT_EQ(played.requests[0].body, "grant_type=client_credentials&scope=read%20metrics");
    EXPECT_EQ(header_in(played.requests[0], "Authorization"), "Basic " + base64_encode("me:s%3A1"));
    EXPECT_EQ(played.requests[1].url, "http://p/api/v1/query");
    EXPECT_EQ(header_in(played.requests[1], "Authorization"), "Bearer 2YotnFZFEjr1zCsicMWpAA");
    EXPECT_EQ(played.outcome, "[0.5]");
}

TEST(Oauth2, ServesWebMetricsToo) {
    const auto played = play(inquiry_of("web", R"({"url": "http://w/x", "authentication": {"oauth2":
            {"tokenUrl": "http://id", "clientId": "me", "clientSecret": "s"}}})"),
                             {{200, {}, R"({"access_token": "t"})"}, {200, {}, "12"}});
    ASSERT_EQ(played.requests.size(), 2U);
    EXPECT_EQ(played.requests[0].body, "grant_type=client_credentials");
    EXPECT_EQ(header_in(played.requests[1], "Authorization"), "Bearer t");
    EXPECT_EQ(played.outcome, "12");
}

TEST(Oauth2, SaysWhyThereIsNoToken) {
    const auto why = [](HttpResponse answer) {
        return play(inquiry_of("prometheus", prometheus_oauth2), {std::move(answer)}).outcome;
    };
    EXPECT_EQ(why({401, {}, R"({"error": "invalid_client", "error_description": "who?"})"}),
              "!oauth2: cannot fetch token: 401 invalid_client: who?");
    EXPECT_EQ(why({429, {{"Retry-After", "9"}}, ""}),
              "!oauth2: cannot fetch token: 429, which asks to be asked again after 9");
    EXPECT_EQ(why({500, {}, "oops"}), "!oauth2: cannot fetch token: 500");
    EXPECT_EQ(why({200, {}, R"({"access_token": "2Yot)"}),
              "!oauth2: cannot parse json: the answer is no JSON");
    EXPECT_EQ(why({200, {}, "{}"}), "!oauth2: server response missing access_token");
}

// ---- sigv4 ----

const char* const prometheus_sigv4 =
    R"({"address": "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1",
    "query": "up", "authentication": {"sigv4": {"region": "eu-west-1", "roleArn": "arn:r"}}})";
const Credentials aws_keys{
    {"access-key-id", "AK"}, {"secret-access-key", "s"}, {"region", "us-east-1"}};

TEST(PrometheusSigv4, SignsAsTheRole) {
    const auto played = play(inquiry_of("prometheus", prometheus_sigv4, aws_keys),
                             {{200,
                               {},
                               "<AccessKeyId>A2</AccessKeyId><SecretAccessKey>s2</SecretAccessKey>"
                               "<SessionToken>t2</SessionToken>"},
                              vector_answer});
    ASSERT_EQ(played.requests.size(), 2U);
    EXPECT_EQ(played.requests[0].url, "https://sts.eu-west-1.amazonaws.com/");
    EXPECT_TRUE(header_in(played.requests[1], "Authorization")
                    .starts_with("AWS4-HMAC-SHA256 Credential=A2/20261120/eu-west-1/aps/"
                                 "aws4_request, SignedHeaders=accept;content-type;host;x-amz-date;"
                                 "x-amz-security-token, Signature="));
    EXPECT_EQ(played.outcome, "[0.5]");
    EXPECT_EQ(credentials_of(metric_of("prometheus", prometheus_sigv4))->own, "aws");
}

TEST(PrometheusSigv4, TakesTheControllersRegionWhereTheMetricNamesNone) {
    const char* config =
        R"({"address": "http://p", "query": "up", "authentication": {"sigv4": {"profile": "x"}}})";
    const auto played = play(inquiry_of("prometheus", config, aws_keys), {vector_answer});
    EXPECT_NE(header_in(played.requests.at(0), "Authorization").find("/us-east-1/aps/"),
              std::string::npos);
    EXPECT_EQ(refused("prometheus", config, {{"access-key-id", "AK"}}),
              "sigv4 needs a region: the metric names none and AWS_REGION is not set");
}

// ---- cloudWatch ----

const char* const cloudwatch = R"({"interval": "30m", "metricDataQueries": [
    {"id": "rate", "expression": "errors / requests"},
    {"id": "errors", "returnData": false, "metricStat": {"stat": "Sum", "period": 300, "unit":
        "Count", "metric": {"namespace": "app", "metricName": "errors", "dimensions": [
        {"name": "service", "value": "shop"}]}}}]})";

TEST(CloudwatchProvider, AsksForMetricData) {
    const auto query = asked("cloudWatch", cloudwatch, aws_keys);
    EXPECT_EQ(query.request.url, "https://monitoring.us-east-1.amazonaws.com/");
    EXPECT_EQ(header_of(query, "X-Amz-Target"), "GraniteServiceVersion20100801.GetMetricData");
    EXPECT_NE(header_of(query, "Authorization").find("/us-east-1/monitoring/aws4_request"),
              std::string::npos);
    EXPECT_EQ(Json::parse(query.request.body), Json::parse(R"({
        "StartTime": 1795174200, "EndTime": 1795176000, "MetricDataQueries": [
        {"Id": "rate", "Expression": "errors / requests"},
        {"Id": "errors", "ReturnData": false, "MetricStat": {"Stat": "Sum", "Period": 300,
         "Unit": "Count", "Metric": {"Namespace": "app", "MetricName": "errors",
         "Dimensions": [{"Name": "service", "Value": "shop"}]}}}]})"));
    EXPECT_EQ(refused("cloudWatch", cloudwatch, {{"access-key-id", "AK"}}),
              "cloudWatch needs a region: AWS_REGION is not set");
    EXPECT_EQ(refused("cloudWatch", "{}", aws_keys), "cloudWatch metric has no metricDataQueries");
}

TEST(CloudwatchProvider, GivesResultsAsTheApiHasThem) {
    const auto metric = metric_of("cloudWatch", cloudwatch);
    const char* good = R"({"Messages": [{"Code": "x", "Value": "y"}], "MetricDataResults": [
        {"Id": "rate", "Values": [0.01, 0.02], "Timestamps": [1.5e9, 1.6e9],
         "StatusCode": "Complete"}, {"Id": "other", "Values": []}]})";
    EXPECT_EQ(read(metric, good), "[[0.01 0.02] []]");
    EXPECT_TRUE(holds(metric, good, "all(result[0].Values, {# <= 0.02})"));
    EXPECT_TRUE(holds(metric, good, "len(result[1].Values) == 0"));
    EXPECT_EQ(parse_reading(metric, {200, {}, good})->metadata.at("messages"),
              R"([{"Code":"x","Value":"y"}])");
}

TEST(CloudwatchProvider, AsksForKeysFirstWhereItHasNone) {
    const auto played =
        play(inquiry_of("cloudWatch", cloudwatch,
                        {{"web-identity-token", "jwt"}, {"role-arn", "arn:r"}, {"region", "r1"}}),
             {{200, {}, "<AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"},
              {200, {}, R"({"MetricDataResults": [{"Values": [1]}]})"}});
    ASSERT_EQ(played.requests.size(), 2U);
    EXPECT_EQ(played.requests[0].url, "https://sts.r1.amazonaws.com/");
    EXPECT_EQ(played.requests[1].url, "https://monitoring.r1.amazonaws.com/");
    EXPECT_EQ(played.outcome, "[[1]]");
}

// ---- kayenta ----

const char* const kayenta = R"({"address": "http://k/", "application": "guestbook",
    "canaryConfigName": "my-test", "metricsAccountName": "prom", "configurationAccountName":
    "conf", "storageAccountName": "min io", "threshold": {"pass": 90, "marginal": 75},
    "scopes": [{"name": "default",
        "controlScope": {"scope": "app=guestbook and rollouts-pod-template-hash=1", "step": 60,
            "start": "2026-11-20T11:00:00Z", "end": "2026-11-20T12:00:00Z"},
        "experimentScope": {"scope": "app=guestbook and rollouts-pod-template-hash=2",
            "region": "r", "step": 60, "start": "2026-11-20T11:00:00Z",
            "end": "2026-11-20T12:00:00Z"}}]})";

TEST(KayentaProvider, StartsAnExecution) {
    const auto played =
        play(inquiry_of("kayenta", kayenta),
             {{200, {}, R"([{"id": "c0", "name": "other"}, {"id": "c/1", "name": "my-test"}])"},
              {200, {}, R"({"canaryExecutionId": "01HS29ACPQDY5KCJD65F7ZSP0X"})"}});
    ASSERT_EQ(played.requests.size(), 2U);
    EXPECT_EQ(played.requests[0].url,
              "http://k/canaryConfig?application=guestbook&configurationAccountName=min%20io");
    EXPECT_EQ(played.requests[1].method, "POST");
    EXPECT_EQ(played.requests[1].url,
              "http://k/canary/c%2F1?application=guestbook&metricsAccountName=prom"
              "&configurationAccountName=conf&storageAccountName=min%20io");
    const Json body = Json::parse(played.requests[1].body);
    EXPECT_EQ(body["thresholds"], Json::parse(R"({"pass": 90, "marginal": 75})"));
    EXPECT_EQ(body["scopes"]["default"]["experimentScope"], Json::parse(R"({"region": "r",
        "scope": "app=guestbook and rollouts-pod-template-hash=2", "step": 60,
        "start": "2026-11-20T11:00:00Z", "end": "2026-11-20T12:00:00Z"})"));
    EXPECT_EQ(played.reading.phase, crds::AnalysisPhase::Running);
    EXPECT_EQ(played.reading.metadata,
              (crds::TextMap{{"canaryExecutionId", "01HS29ACPQDY5KCJD65F7ZSP0X"}}));
}

TEST(KayentaProvider, AsksAfterTheExecutionUntilItIsComplete) {
    auto inquiry = inquiry_of("kayenta", kayenta);
    inquiry.earlier = {{"canaryExecutionId", "01HS"}};
    auto played = play(inquiry, {{200, {}, R"({"complete": false, "status": "running"})"}});
    EXPECT_EQ(played.requests.at(0).url, "http://k/canary/01HS");
    EXPECT_EQ(played.reading.phase, crds::AnalysisPhase::Running);
    const auto scored = [&](const char* score) {
        return play(inquiry,
                    {{200,
                      {},
                      concat(R"({"complete": true, "result": {"judgeResult": {"score": {"score": )",
                             score, "}}}}")}});
    };
    EXPECT_EQ(scored("90.0").reading.phase, crds::AnalysisPhase::Successful);
    EXPECT_EQ(scored("89.9").outcome, "89");
    EXPECT_EQ(scored("89.9").reading.phase, crds::AnalysisPhase::Inconclusive);
    EXPECT_EQ(scored("75").reading.phase, crds::AnalysisPhase::Inconclusive);
    EXPECT_EQ(scored("74").reading.phase, crds::AnalysisPhase::Failed);
}

TEST(KayentaProvider, SaysWhichConfigurationItLacks) {
    EXPECT_EQ(play(inquiry_of("kayenta", kayenta), {{200, {}, "[]"}}).outcome,
              "!canary config \"my-test\" is not known for application \"guestbook\"");
    EXPECT_EQ(play(inquiry_of("kayenta", kayenta), {{404, {}, "no"}}).outcome,
              "!Invalid Response: kayenta answered 404: no");
    EXPECT_EQ(refused("kayenta", "{}"), "kayenta address is not configured");
}

// ---- google cloud monitoring ----

// A private RSA key, made for this test.
std::pair<std::string, EVP_PKEY*> new_key() {
    EVP_PKEY* key = EVP_RSA_gen(2048);
    BIO* memory = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory, &text);
    std::string pem(text, static_cast<size_t>(size));
    BIO_free(memory);
    return {pem, key};
}

std::string from_base64_url(std::string text) {
    for (char& c : text) {
        if (c == '-') c = '+';
        if (c == '_') c = '/';
    }
    while (text.size() % 4 != 0) text += '=';
    return base64_decode(text).value_or("");
}

const char* const google_key = R"({"project": "p", "promQL": "up", "secretRef": {"name": "g"}})";

TEST(GoogleMonitoring, AsksForATokenWithItsKey) {
    const auto [pem, key] = new_key();
    const Json account = {
        {"client_email", "me@p.iam"}, {"private_key", pem}, {"token_uri", "https://token"}};
    const auto played = play(inquiry_of("plugin sluice/google-cloud-monitoring", google_key,
                                        {{"serviceAccountKey", sluice::to_text(account)}}),
                             {{200, {}, R"({"access_token": "ya29"})"}, vector_answer});
    ASSERT_EQ(played.requests.size(), 2U);
    EXPECT_EQ(played.requests[0].url, "https://token");
    const std::string& body = played.requests[0].body;
    const auto parts = split(body.substr(body.find("assertion=") + 10), '.');
    ASSERT_EQ(parts.size(), 3U);
    EXPECT_EQ(Json::parse(from_base64_url(parts[1])),
              Json::parse(R"({"iss": "me@p.iam", "aud": "https://token", "iat": 1795176000,
                  "exp": 1795179600, "scope": "https://www.googleapis.com/auth/monitoring.read"})"));
    const std::string text = parts[0] + "." + parts[1];
    const std::string signature = from_base64_url(parts[2]);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key);
    EXPECT_EQ(EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()),
                               signature.size(),
                               reinterpret_cast<const unsigned char*>(text.data()), text.size()),
              1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    EXPECT_EQ(played.requests[1].url,
              "https://monitoring.googleapis.com/v1/projects/p/location/global/prometheus/api/v1/"
              "query");
    EXPECT_EQ(header_in(played.requests[1], "Authorization"), "Bearer ya29");
    EXPECT_EQ(played.outcome, "[0.5]");
}

TEST(GoogleMonitoring, AsksAsTheMachinesAccountWithoutAKey) {
    const auto played =
        play(inquiry_of("plugin sluice/google-cloud-monitoring",
                        R"({"project": "p", "query": "fetch x"})"),
             {{200, {}, R"({"access_token": "t"})"},
              {200, {}, R"({"timeSeriesData": [{"pointData": [{"values": [{"int64Value": "3"}]}]},
                  {"pointData": [{"values": [{"doubleValue": 4.5}]}]}]})"}});
    ASSERT_EQ(played.requests.size(), 2U);
    EXPECT_EQ(header_in(played.requests[0], "Metadata-Flavor"), "Google");
    EXPECT_EQ(played.requests[1].url,
              "https://monitoring.googleapis.com/v3/projects/p/timeSeries:query");
    EXPECT_EQ(played.requests[1].body, R"({"query":"fetch x"})");
    EXPECT_EQ(played.outcome, "[3,4.5]");
}

TEST(GoogleMonitoring, SaysWhatItLacks) {
    const auto why = [](const char* config, const Credentials& credentials = {}) {
        return refused("plugin sluice/google-cloud-monitoring", config, credentials);
    };
    EXPECT_EQ(why(R"({"project": "p"})"), "google-cloud-monitoring needs either promQL or query");
    EXPECT_EQ(why(R"({"promQL": "up"})"), "google-cloud-monitoring needs a project");
    EXPECT_EQ(why(google_key), "serviceAccountKey not found");
    EXPECT_EQ(why(google_key, {{"serviceAccountKey", "hunter2"}}), "serviceAccountKey is no JSON");
    EXPECT_EQ(why(google_key, {{"serviceAccountKey", R"({"private_key": "hunter2"})"}}),
              "serviceAccountKey: the key is not the PEM of a private RSA key");
}

// ---- dynatrace, splunk ----

TEST(DynatraceProvider, AsksForTheLastMinutes) {
    const auto query = asked("plugin sluice/dynatrace", R"({"address": "https://d/", "interval":
        "10m", "query": "builtin:host.cpu:avg"})",
                             {{"dynatrace_token", "t\n"}});
    EXPECT_EQ(query.request.url,
              "https://d/api/v2/metrics/query?metricSelector=builtin%3Ahost.cpu%3Aavg"
              "&from=1795175400000&to=1795176000000");
    EXPECT_EQ(header_of(query, "Authorization"), "Api-Token t");
    const auto metric = metric_of("plugin sluice/dynatrace", "{}");
    EXPECT_EQ(read(metric, R"({"result": [{"data": [{"values": [1, 2]}, {"values": [null]},
        {"values": [3, null]}]}]})"),
              "[2,3]");
    EXPECT_EQ(read(metric, {400, {}, R"({"error": {"code": 400, "message": "bad selector"}})"}),
              "!dynatrace answered 400: bad selector");
    EXPECT_EQ(credentials_of(metric)->secret, "dynatrace");
}

TEST(SplunkProvider, RunsAProgram) {
    const auto query = asked("plugin sluice/splunk", R"j({"address": "https://api.us1.signalfx.com",
        "query": "data('x').publish()"})j",
                             {{"sf_token_key", "t"}});
    EXPECT_EQ(query.request.url,
              "https://stream.us1.signalfx.com/v2/signalflow/execute?start=1795175700000"
              "&stop=1795176000000&immediate=true");
    EXPECT_EQ(query.request.body, "data('x').publish()");
    EXPECT_EQ(header_of(query, "X-SF-Token"), "t");
    const auto metric = metric_of("plugin sluice/splunk", "{}");
    const auto event = [](const char* name, const char* data) {
        return concat("event: ", name, "\r\ndata: ", data, "\r\n\r\n");
    };
    const std::string end = event("control-message", R"({"event": "END_OF_CHANNEL"})");
    EXPECT_EQ(read(metric, event("data", R"({"data": [{"tsId": "A", "value": 1},
data: {"tsId": "B", "value": 2}]})") +
                               event("data", R"({"data": [{"tsId": "B", "value": 3}]})") + end),
              "[1,3]");
    EXPECT_EQ(read(metric, event("error", R"({"error": 400, "message": "no such function"})")),
              "!splunk: no such function");
    EXPECT_EQ(read(metric, event("control-message", R"({"event": "CHANNEL_ABORT"})") + end),
              "!splunk: the computation was aborted: {\"event\":\"CHANNEL_ABORT\"}");
    EXPECT_EQ(read(metric, {400, {}, R"({"code": 400, "message": "bad program"})"}),
              "!splunk answered 400: bad program");
}

}  // namespace
}  // namespace sluice::analysis::provider_test
