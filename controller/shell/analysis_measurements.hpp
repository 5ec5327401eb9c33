// SPDX-License-Identifier: Apache-2.0
// The measurements of AnalysisRuns that are under way or not yet in a status. Memory only: after a
// restart they are simply taken again.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "analysis/providers/provider.hpp"
#include "base/clock.hpp"
#include "controller/policy/runs/decide.hpp"
#include "platform/http/async_http.hpp"

namespace sluice::shell {

// What a measurement starts from: the metric with its secrets put in.
struct MeasurementOrder {
    std::string key;  // of the run, to be woken
    std::string uid;
    crds::Metric metric;
    std::map<std::string, std::string> secrets;  // never shown: replaced by ***** in what is kept
    // Of the provider; an error makes the measurement one.
    Result<analysis::Credentials> credentials = analysis::Credentials{};
    crds::TextMap earlier = {};  // metadata of the measurement that goes on
};

// Any thread; of one run, only one at a time. `http` may still answer after this is gone.
class AnalysisMeasurements {
public:
    using Wake = std::function<void(const std::string& key)>;

    AnalysisMeasurements(http::AsyncHttp& http, const Clock& clock,
                         analysis::ProviderSettings settings, Wake wake);
    ~AnalysisMeasurements();
    AnalysisMeasurements(const AnalysisMeasurements&) = delete;
    AnalysisMeasurements& operator=(const AnalysisMeasurements&) = delete;

    // Sends the query, once while one is under way. A metric that cannot be asked answers at once.
    void start(const MeasurementOrder& order);

    // What is known of this run beyond its status. Reads the answers that came.
    policy::runs::Observation observe(const std::string& uid);

    // A status that holds `seen.answers` has been written.
    void settled(const std::string& uid, const policy::runs::Observation& seen);
    void remember_start(const std::string& uid, TimePoint started);
    void remember_argument_problem(const std::string& uid, std::string problem);
    void forget(const std::string& uid);
    // Nobody is woken any more once it returns.
    void stop();
    // Runs that something is remembered of.
    [[nodiscard]] size_t size() const;

private:
    struct Slot;
    struct RunMemory;
    struct Shared;
    struct Chain;

    http::AsyncHttp& http_;
    const Clock& clock_;
    analysis::ProviderSettings settings_;
    std::shared_ptr<Shared> shared_;
};

}  // namespace sluice::shell
