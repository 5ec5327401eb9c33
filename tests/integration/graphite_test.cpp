// SPDX-License-Identifier: Apache-2.0
// A real Graphite, asked through the real curl_multi loop. tests/support/graphite.sh unpacks one.
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>

#include "analysis/conditions/condition.hpp"
#include "analysis/providers/provider.hpp"
#include "platform/clock.hpp"
#include "platform/http/multi_loop.hpp"
#include "tests/support/prometheus.hpp"

namespace sluice {
namespace graphite_test {
namespace {

std::string tools() {
    const char* folder = std::getenv("SLUICE_TOOLS");
    return folder ? folder : "";
}

class RealGraphite {
public:
    RealGraphite() : port_(test::free_loopback_port()) {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "sluice-graphite-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        const std::string script = std::string(SLUICE_SOURCE_DIR) + "/tests/support/graphite.sh";
        const std::string port = std::to_string(port_);
        const std::string root = tools();
        const std::string log = (folder_ / "out").string();
        child_ = fork();
        if (child_ != 0) return;
        if (!freopen(log.c_str(), "a", stdout) || !freopen(log.c_str(), "a", stderr)) _exit(126);
        execl("/bin/bash", "bash", script.c_str(), "serve", root.c_str(), folder_.c_str(),
              port.c_str(), static_cast<char*>(nullptr));
        _exit(127);
    }
    ~RealGraphite() {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    RealGraphite(const RealGraphite&) = delete;
    RealGraphite& operator=(const RealGraphite&) = delete;

    [[nodiscard]] std::string url() const { return concat("http://127.0.0.1:", port_); }

private:
    int port_;
    pid_t child_ = -1;
    std::filesystem::path folder_;
};

class GraphiteTest : public testing::Test {
protected:
    void SetUp() override {
        if (!std::filesystem::exists(tools() + "/usr/lib/python3/dist-packages/graphite"))
            GTEST_SKIP() << "no Graphite in $SLUICE_TOOLS (tests/support/graphite.sh unpack)";
        graphite_ = std::make_unique<RealGraphite>();
    }

    Result<analysis::Reading> measure(const std::string& query) {
        const Json config = {{"address", graphite_->url()}, {"query", query}};
        const crds::Metric metric{.name = "m", .providers = {{"graphite", to_text(config)}}};
        auto asked = TRY(analysis::build_query(metric, {}, clock_.now()));
        asked.request.deadline = std::chrono::seconds{30};
        std::promise<Result<HttpResponse>> promise;
        loop_.submit({asked.request, asked.insecure},
                     [&](Result<HttpResponse> answer) { promise.set_value(std::move(answer)); });
        const auto response = TRY(promise.get_future().get());
        return analysis::parse_reading(metric, response);
    }

    SystemClock clock_;
    http::MultiLoop loop_;
    std::unique_ptr<RealGraphite> graphite_;
};

TEST_F(GraphiteTest, AnswersWhatConditionsCanJudge) {
    const auto deadline = clock_.now() + std::chrono::seconds{60};
    auto errors = measure("target=shop.errors&from=-30min");
    while (!errors.ok() && clock_.now() < deadline)
        errors = measure("target=shop.errors&from=-30min");
    ASSERT_TRUE(errors.ok()) << errors.error().message;
    EXPECT_EQ(errors->text, "[0.5,2]") << "slots without a value are left out";
    EXPECT_EQ(*analysis::evaluate("len(result) == 2 && all(result, # <= 2)", errors->result), true);

    EXPECT_EQ(measure("target=scale(shop.errors, 10)&from=-30min")->text, "[5,20]");
    EXPECT_EQ(measure("target=nothing.has.this.name&from=-30min").error().message,
              "no values found");
    const auto nonsense = measure("target=no_such_function(shop.errors)&from=-30min");
    EXPECT_EQ(nonsense.error().message.substr(0, 16), "error response: ");
}

}  // namespace
}  // namespace graphite_test
}  // namespace sluice
