// SPDX-License-Identifier: Apache-2.0
// A real Prometheus, scraping itself, asked through the real curl_multi loop.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "analysis/conditions/condition.hpp"
#include "analysis/providers/provider.hpp"
#include "base/text.hpp"
#include "platform/clock.hpp"
#include "platform/http/multi_loop.hpp"

namespace sluice {
namespace {

int free_port() {
    const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    (void)bind(handle, reinterpret_cast<sockaddr*>(&address), size);
    (void)getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size);
    close(handle);
    return ntohs(address.sin_port);
}

// The program where SLUICE_TOOLS has it, else where a package puts it; empty where there is none.
std::string prometheus_path() {
    const char* tools = std::getenv("SLUICE_TOOLS");
    for (const std::string& path : {tools ? concat(tools, "/usr/bin/prometheus") : std::string{},
                                    std::string("/usr/bin/prometheus")})
        if (!path.empty() && std::filesystem::exists(path)) return path;
    return {};
}

class RealPrometheus {
public:
    explicit RealPrometheus(const std::string& program) : port_(free_port()) {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "sluice-prom-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        const std::string listen = concat("127.0.0.1:", port_);
        std::ofstream(folder_ / "prometheus.yml")
            << "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
            << "scrape_configs: [{job_name: self, static_configs: [{targets: ['" << listen
            << "']}]}]\n";
        const std::string config = "--config.file=" + (folder_ / "prometheus.yml").string();
        const std::string data = "--storage.tsdb.path=" + (folder_ / "data").string();
        const std::string web = "--web.listen-address=" + listen;
        child_ = fork();
        if (child_ == 0) {
            (void)freopen((folder_ / "log").c_str(), "w", stderr);
            execl(program.c_str(), program.c_str(), config.c_str(), data.c_str(), web.c_str(),
                  static_cast<char*>(nullptr));
            _exit(127);
        }
    }
    ~RealPrometheus() {
        if (child_ > 0) {
            kill(child_, SIGKILL);
            waitpid(child_, nullptr, 0);
        }
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    RealPrometheus(const RealPrometheus&) = delete;
    RealPrometheus& operator=(const RealPrometheus&) = delete;

    [[nodiscard]] std::string url() const { return concat("http://127.0.0.1:", port_); }

private:
    int port_;
    pid_t child_ = -1;
    std::filesystem::path folder_;
};

class PrometheusTest : public testing::Test {
protected:
    void SetUp() override {
        const auto program = prometheus_path();
        if (program.empty()) GTEST_SKIP() << "no prometheus in $SLUICE_TOOLS/usr/bin or /usr/bin";
        prometheus_ = std::make_unique<RealPrometheus>(program);
    }

    Result<analysis::Reading> measure(const std::string& query, Json more = Json::object()) {
        Json config = {{"address", prometheus_->url()}, {"query", query}, {"timeout", 5}};
        config.update(more);
        const crds::Metric metric{.name = "m", .providers = {{"prometheus", to_text(config)}}};
        const auto asked = TRY(analysis::build_query(metric, {}, clock_.now()));
        std::promise<Result<HttpResponse>> promise;
        loop_.submit({asked.request, asked.insecure},
                     [&](Result<HttpResponse> answer) { promise.set_value(std::move(answer)); });
        const auto response = TRY(promise.get_future().get());
        return analysis::parse_reading(metric, response);
    }

    // Asks until Prometheus serves and has scraped; a deadline, not a sleep, ends the wait.
    Result<analysis::Reading> measure_until(const std::string& query,
                                            const std::string& condition) {
        const auto deadline = clock_.now() + std::chrono::seconds{30};
        while (true) {
            auto reading = measure(query);
            const bool good = reading.ok() && analysis::evaluate(condition, reading->result).ok() &&
                              *analysis::evaluate(condition, reading->result);
            if (good || clock_.now() > deadline) return reading;
        }
    }

    SystemClock clock_;
    http::MultiLoop loop_;
    std::unique_ptr<RealPrometheus> prometheus_;
};

TEST_F(PrometheusTest, AnswersWhatConditionsCanJudge) {
    const auto up = measure_until("up{job='self'}", "len(result) == 1 && result[0] == 1");
    ASSERT_TRUE(up.ok()) << up.error().message;
    EXPECT_EQ(up->text, "[1]");
    EXPECT_EQ(*analysis::assess(up->result, "result[0] >= 1", ""), crds::AnalysisPhase::Successful);
    EXPECT_EQ(*analysis::assess(up->result, "", "result[0] >= 1"), crds::AnalysisPhase::Failed);

    EXPECT_EQ(measure("scalar(vector(0.25))")->text, "0.25");
    EXPECT_EQ(measure("vector(0) / 0")->text, "[NaN]");
    EXPECT_EQ(measure("nothing_has_this_name")->text, "[]");
    EXPECT_EQ(measure("sum(").error().message.substr(0, 9), "bad_data:");

    const auto range = measure(
        "up{job='self'}",
        {{"rangeQuery", {{"start", "now() - duration('10s')"}, {"end", "now()"}, {"step", "1s"}}}});
    ASSERT_TRUE(range.ok()) << range.error().message;
    EXPECT_EQ(*analysis::evaluate("len(result) >= 1 && any(result, # == 1)", range->result), true);
}

}  // namespace
}  // namespace sluice
