// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/analysis_runs.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "platform/clock.hpp"

namespace sluice::shell {
namespace {

constexpr auto patience = std::chrono::seconds{20};

// One AnalysisRun and one Secret behind the Kubernetes API, as far as the controller asks for it.
class OneRunServer final : public HttpTransport {
public:
    explicit OneRunServer(Json run) : run_(std::move(run)) { stamp(); }

    Result<HttpResponse> send(const HttpRequest& request) override {
        const std::lock_guard lock(mutex_);
        if (request.method == "GET" && request.url.find("/secrets/") != std::string::npos) {
            if (secret_.is_null()) return HttpResponse{404, {}, R"({"reason":"NotFound"})"};
            return HttpResponse{200, {}, to_text(secret_)};
        }
        if (request.method == "GET")
            return HttpResponse{
                200,
                {},
                to_text(Json{{"metadata", {{"resourceVersion", "1"}}}, {"items", {run_}}})};
        if (request.method == "DELETE") {
            deleted_ = true;
            changed_.notify_all();
            return HttpResponse{200, {}, "{}"};
        }
        const Json patch = *parse_json(request.body);
        if (text_at(patch, {"metadata", "resourceVersion"}) !=
            text_at(run_, {"metadata", "resourceVersion"}))
            return HttpResponse{409, {}, R"({"reason":"Conflict"})"};
        apply(patch);
        return HttpResponse{200, {}, to_text(run_)};
    }

    Result<HttpResponse> stream(const HttpRequest&, const OnChunk& on_chunk,
                                std::stop_token stop) override {
        std::unique_lock lock(mutex_);
        const auto ready = [&] { return !held_ && !events_.empty(); };
        while (changed_.wait(lock, stop, ready), !stop.stop_requested()) {
            const std::string line = events_.front();
            events_.pop_front();
            lock.unlock();
            on_chunk(line);
            lock.lock();
        }
        return HttpResponse{200, {}, ""};
    }

    void change(const char* merge_patch) {
        const std::lock_guard lock(mutex_);
        apply(*parse_json(merge_patch));
    }
    // The watch tells nothing more.
    void hold_watch() {
        const std::lock_guard lock(mutex_);
        held_ = true;
    }
    void set_secret(Json secret) {
        const std::lock_guard lock(mutex_);
        secret_ = std::move(secret);
    }
    // The run once its status is in that phase; what it is by then where it does not come to it.
    Json in_phase(std::string_view phase) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, patience, [&] {
            return text_at(run_, {"status", "phase"}) == phase;
        });
        return run_;
    }
    bool deleted() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return deleted_; });
    }

private:
    void stamp() { run_["metadata"]["resourceVersion"] = std::to_string(++version_); }
    void apply(Json patch) {
        if (patch.contains("metadata")) patch["metadata"].erase("resourceVersion");
        apply_merge_patch(run_, patch);
        stamp();
        events_.push_back(to_text(Json{{"type", "MODIFIED"}, {"object", run_}}) + "\n");
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable_any changed_;
    Json run_, secret_;
    std::deque<std::string> events_;
    int version_ = 1;
    bool deleted_ = false;
    bool held_ = false;
};

// Answers each query as it is told to, or holds it.
class ScriptedPrometheus final : public http::AsyncHttp {
public:
    void submit(http::AsyncRequest request, OnAnswer on_answer) override {
        Result<HttpResponse> answer = unavailable("no answer is left");
        {
            const std::lock_guard lock(mutex_);
            asked_.push_back(request.request);
            changed_.notify_all();
            if (answers_.empty()) {
                held_.push_back(std::move(on_answer));
                return;
            }
            answer = answers_.front();
            if (answers_.size() > 1) answers_.pop_front();
        }
        on_answer(std::move(answer));
    }
    // The last one is given for ever.
    void answer_with(std::deque<Result<HttpResponse>> answers) { answers_ = std::move(answers); }
    std::vector<HttpRequest> asked(size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, patience, [&] { return asked_.size() >= count; });
        return asked_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Result<HttpResponse>> answers_;
    std::vector<OnAnswer> held_;
    std::vector<HttpRequest> asked_;
};

class Lines final : public Log {
public:
    void write(LogLevel, std::string_view message, const std::vector<LogField>& fields) override {
        const std::lock_guard lock(mutex_);
        text_ += message;
        for (const auto& field : fields) text_ += concat(" ", field.key, "=", field.value);
        text_ += "\n";
    }
    std::string text() {
        const std::lock_guard lock(mutex_);
        return text_;
    }

private:
    std::mutex mutex_;
    std::string text_;
};

HttpResponse vector_of(const char* value) {
    return {200,
            {},
            concat(
                R"({"status":"success","data":{"resultType":"vector",
                "result":[{"metric":{},"value":[1,")",
                value, "\"]}]}}")};
}

Json run_with(const char* metric_fields, const char* args = "[]") {
    return *parse_json(concat(
        R"({"metadata": {"name": "r", "namespace": "shop", "uid": "u1"},
        "spec": {"args": )",
        args,
        R"(, "metrics": [{"name": "rate", "successCondition": "result[0] >= 0.95",
        "provider": {"prometheus": {"address": "http://prom", "query": "up{a='{{args.token}}'}"}})",
        metric_fields, "}]}}"));
}

constexpr const char* plain_args = R"([{"name": "token", "value": "x"}])";
constexpr const char* secret_args =
    R"([{"name": "token", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}])";

struct World {
    OneRunServer server;
    ScriptedPrometheus prometheus;
    SystemClock clock;
    Lines log;
    kube::Client client{server, "sluice-test"};
    std::mutex mutex;
    std::vector<std::string> events;
    Caches caches{""};
    AnalysisRuns runs{{caches, client, prometheus, clock, log,
                       [this](const Event& event) {
                           const std::lock_guard lock(mutex);
                           events.push_back(event.reason + ": " + event.message);
                       }},
                      {.workers = 2}};

    World(Json run, std::deque<Result<HttpResponse>> answers) : server(std::move(run)) {
        prometheus.answer_with(std::move(answers));
        caches.start(client, log, {resources::analysis_runs});
        runs.start();
    }
    ~World() { caches.stop(); }
};

TEST(AnalysisRuns, MeasureUntilTheVerdictStands) {
    World world(run_with(R"(, "interval": "20ms", "count": 3)", plain_args), {vector_of("0.99")});
    const Json run = world.server.in_phase("Successful");
    ASSERT_EQ(text_at(run, {"status", "phase"}), "Successful");
    const Json& result = run["status"]["metricResults"][0];
    EXPECT_EQ(result["count"], 3);
    EXPECT_EQ(result["successful"], 3);
    EXPECT_EQ(result["measurements"].size(), 3U);
    EXPECT_EQ(result["measurements"][0]["value"], "[0.99]");
    EXPECT_EQ(result["metadata"]["ResolvedPrometheusQuery"], "up{a='x'}");
    EXPECT_TRUE(run["status"].contains("completedAt"));
    world.runs.stop();
    EXPECT_EQ(world.events, (std::vector<std::string>{
                                "MetricSuccessful: Metric 'rate' Completed. Result: Successful",
                                "AnalysisRunSuccessful: Analysis Completed. Result: Successful"}));
    EXPECT_EQ(world.prometheus.asked(3).size(), 3U);
}

TEST(AnalysisRuns, AFailedMeasurementIsAFailedRun) {
    World world(run_with("", plain_args), {vector_of("0.5")});
    const Json run = world.server.in_phase("Failed");
    EXPECT_EQ(text_at(run, {"status", "message"}),
              "Metric \"rate\" assessed Failed due to failed (1) > failureLimit (0)");
    world.runs.stop();
    EXPECT_NE(world.log.text().find(
                  "analysis run changed phase analysisrun=shop/r from=Running to=Failed"),
              std::string::npos)
        << world.log.text();
}

TEST(AnalysisRuns, AWatchThatLagsBehindOurOwnWritesCountsNothingTwiceAndStopsNothing) {
    Json run = run_with(R"(, "interval": "20ms", "count": 4)", plain_args);
    run["spec"]["metrics"][0]["initialDelay"] = "300ms";
    World world(std::move(run), {vector_of("0.99")});
    world.server.in_phase("Running");
    world.server.hold_watch();
    const Json ended = world.server.in_phase("Successful");
    ASSERT_EQ(text_at(ended, {"status", "phase"}), "Successful");
    EXPECT_EQ(ended["status"]["metricResults"][0]["measurements"].size(), 4U);
    EXPECT_EQ(world.prometheus.asked(4).size(), 4U);
}

TEST(AnalysisRuns, ARunGoesOnWhereAnEarlierProcessLeftIt) {
    Json run = run_with(R"(, "interval": "1s", "count": 2)", plain_args);
    run["status"] = *parse_json(R"({"phase": "Running", "startedAt": "2020-01-01T00:00:00Z",
        "metricResults": [{"name": "rate", "phase": "Running", "count": 1, "successful": 1,
        "measurements": [{"phase": "Successful", "finishedAt": "2020-01-01T00:00:01Z"}]}]})");
    World world(std::move(run), {vector_of("0.99")});
    const Json ended = world.server.in_phase("Successful");
    EXPECT_EQ(ended["status"]["metricResults"][0]["successful"], 2);
    EXPECT_EQ(world.prometheus.asked(1).size(), 1U);
}

TEST(AnalysisRuns, AnEmptyAnswerIsAnErrorThatSaysSo) {
    World world(
        run_with(R"(, "consecutiveErrorLimit": 0)", plain_args),
        {HttpResponse{
            200, {}, R"({"status":"success","data":{"resultType":"vector","result":[]}})"}});
    EXPECT_EQ(text_at(world.server.in_phase("Error"), {"status", "message"}),
              "Metric \"rate\" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit "
              "(0): \"Error "
              "Message: could not evaluate successCondition \"result[0] >= 0.95\": metric result "
              "is nil or empty: "
              "no data returned from the metric provider\"");
}

TEST(AnalysisRuns, TerminateStopsAHangingMeasurement) {
    World world(run_with("", plain_args), {});
    world.prometheus.asked(1);
    world.server.in_phase("Running");
    world.server.change(R"({"spec": {"terminate": true}})");
    EXPECT_EQ(text_at(world.server.in_phase("Successful"), {"status", "message"}),
              "Run Terminated");
}

TEST(AnalysisRuns, AMissingSecretEndsTheRun) {
    World world(run_with(R"(, "consecutiveErrorLimit": 0)", secret_args), {});
    const Json run = world.server.in_phase("Error");
    EXPECT_EQ(text_at(run, {"status", "message"}),
              "Unable to resolve metric arguments: secrets \"s\" not found");
}

TEST(AnalysisRuns, ASecretInAnErrorIsMasked) {
    Json run = run_with(R"(, "consecutiveErrorLimit": 0, "initialDelay": "1s")", secret_args);
    World world(
        std::move(run),
        {HttpResponse{
            400, {}, R"({"status":"error","errorType":"bad_data","error":"near hunter2"})"}});
    world.server.set_secret({{"metadata", {{"name", "s"}, {"namespace", "shop"}}},
                             {"data", {{"k", base64_encode("hunter2")}}}});
    const Json ended = world.server.in_phase("Error");
    EXPECT_EQ(text_at(ended["status"]["metricResults"][0]["measurements"][0], {"message"}),
              "bad_data: near *****");
    EXPECT_EQ(ended["status"]["metricResults"][0]["metadata"]["ResolvedPrometheusQuery"],
              "up{a='*****'}");
    EXPECT_NE(world.prometheus.asked(1)[0].body.find("hunter2"), std::string::npos);
    world.runs.stop();
    EXPECT_EQ(world.log.text().find("hunter2"), std::string::npos);
}

TEST(AnalysisRuns, AProviderThatIsNotServedIsAnErrorOfItsMeasurement) {
    Json run = run_with(R"(, "consecutiveErrorLimit": 0)", plain_args);
    run["spec"]["metrics"][0]["provider"] = {{"plugin", {{"someone/else", Json::object()}}}};
    World world(std::move(run), {});
    EXPECT_NE(text_at(world.server.in_phase("Error"), {"status", "message"})
                  .find("provider plugin someone/else is not served yet"),
              std::string::npos);
}

TEST(AnalysisRuns, AFinishedRunIsDeletedWhenItsTimeIsOver) {
    Json run = run_with("", plain_args);
    run["spec"]["ttlStrategy"] = {{"secondsAfterCompletion", 1}};
    run["status"] = {{"phase", "Successful"}, {"completedAt", "2020-01-01T00:00:00Z"}};
    World world(std::move(run), {});
    EXPECT_TRUE(world.server.deleted());
}

}  // namespace
}  // namespace sluice::shell
