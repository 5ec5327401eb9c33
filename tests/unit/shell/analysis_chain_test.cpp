// SPDX-License-Identifier: Apache-2.0
// Measurements that take more than one request.
#include <gtest/gtest.h>

#include <deque>

#include "base/text.hpp"
#include "controller/shell/analysis_measurements.hpp"

namespace sluice::shell {
namespace analysis_chain_test {
namespace {

class FixedClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override { return *parse_rfc3339("2026-11-20T12:00:00Z"); }
};

// Answers at once, in the order it was told.
class ScriptedHttp final : public http::AsyncHttp {
public:
    void submit(http::AsyncRequest request, OnAnswer on_answer) override {
        asked.push_back(std::move(request.request));
        Result<HttpResponse> answer = unavailable("no answer is left");
        if (!answers.empty()) {
            answer = answers.front();
            answers.pop_front();
        }
        on_answer(std::move(answer));
    }
    std::deque<Result<HttpResponse>> answers;
    std::vector<HttpRequest> asked;
};

struct Setting {
    ScriptedHttp http;
    FixedClock clock;
    int woken = 0;
    AnalysisMeasurements measurements{http, clock, {}, [this](const std::string&) { ++woken; }};

    crds::Measurement measure(const MeasurementOrder& order) {
        measurements.start(order);
        const auto seen = measurements.observe(order.uid);
        measurements.settled(order.uid, seen);
        return seen.answers.empty() ? crds::Measurement{} : seen.answers.front().measurement;
    }
};

MeasurementOrder order_of(const char* provider, const char* config) {
    return {"ns/run", "u", {.name = "m", .providers = {{provider, config}}}, {}};
}

HttpResponse ok(const char* body) {
    return {200, {}, body};
}

TEST(AnalysisChain, AnExecutionThatWasStartedIsAskedAfter) {
    Setting setting;
    auto order = order_of("kayenta", R"({"address": "http://k", "canaryConfigName": "c",
        "threshold": {"pass": 90, "marginal": 75}})");
    setting.http.answers = {ok(R"([{"id": "7", "name": "c"}])"),
                            ok(R"({"canaryExecutionId": "e1"})")};
    auto measurement = setting.measure(order);
    EXPECT_EQ(measurement.phase, crds::AnalysisPhase::Running);
    EXPECT_EQ(measurement.metadata, (crds::TextMap{{"canaryExecutionId", "e1"}}));
    EXPECT_EQ(measurement.resume, setting.clock.now() + std::chrono::seconds{15});
    EXPECT_FALSE(measurement.finished);
    EXPECT_EQ(setting.woken, 1);

    order.earlier = measurement.metadata;
    setting.http.answers = {ok(R"({"complete": false})")};
    measurement = setting.measure(order);
    EXPECT_EQ(measurement.phase, crds::AnalysisPhase::Running);
    EXPECT_EQ(measurement.metadata, order.earlier) << "or nobody could ask after it again";

    setting.http.answers = {
        ok(R"({"complete": true, "result": {"judgeResult": {"score": {"score": 80}}}})")};
    measurement = setting.measure(order);
    EXPECT_EQ(measurement.phase, crds::AnalysisPhase::Inconclusive);
    EXPECT_EQ(measurement.value, "80");
    EXPECT_EQ(measurement.metadata, order.earlier);
    EXPECT_EQ(setting.http.asked.back().url, "http://k/canary/e1");
}

TEST(AnalysisChain, EndsWithTheFirstAnswerThatIsNone) {
    Setting setting;
    const auto order = order_of("web", R"({"url": "http://w", "authentication": {"oauth2":
        {"tokenUrl": "http://id", "clientId": "me", "clientSecret": "s"}}})");
    setting.http.answers = {unavailable("POST http://id: connection refused")};
    auto measurement = setting.measure(order);
    EXPECT_EQ(measurement.phase, crds::AnalysisPhase::Error);
    EXPECT_EQ(measurement.message, "POST http://id: connection refused");
    setting.http.answers = {ok("{}")};
    EXPECT_EQ(setting.measure(order).message, "oauth2: server response missing access_token");
    EXPECT_EQ(setting.http.asked.size(), 2U) << "the question itself was asked without a token";
}

TEST(AnalysisChain, AServerThatTakesNoMoreIsLeftAloneAsLongAsItSays) {
    Setting setting;
    const auto order = order_of("web", R"({"url": "http://w"})");
    setting.http.answers = {HttpResponse{429, {{"Retry-After", "90"}}, ""}};
    auto measurement = setting.measure(order);
    EXPECT_EQ(measurement.phase, crds::AnalysisPhase::Error);
    EXPECT_EQ(measurement.finished, setting.clock.now());
    EXPECT_EQ(measurement.resume, setting.clock.now() + std::chrono::seconds{90});
    for (const HttpResponse& other :
         {HttpResponse{500, {{"Retry-After", "90"}}, ""}, HttpResponse{429, {}, ""},
          HttpResponse{429, {{"Retry-After", "soon"}}, ""}}) {
        setting.http.answers = {other};
        EXPECT_FALSE(setting.measure(order).resume) << other.status;
    }
}

TEST(AnalysisChain, WithoutCredentialsNothingIsAsked) {
    Setting setting;
    auto order = order_of("newRelic", R"({"query": "q"})");
    order.credentials = not_found("secrets \"newrelic\" not found in namespace ctl");
    EXPECT_EQ(setting.measure(order).message, "secrets \"newrelic\" not found in namespace ctl");
    EXPECT_TRUE(setting.http.asked.empty());
}

}  // namespace
}  // namespace analysis_chain_test
}  // namespace sluice::shell
