// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/analysis_measurements.hpp"

#include <optional>

#include "analysis/arguments.hpp"
#include "analysis/conditions/condition.hpp"
#include "analysis/providers/judge.hpp"

namespace sluice::shell {

using policy::runs::Answer;
using policy::runs::Observation;

struct AnalysisMeasurements::Slot {
    MeasurementOrder order;
    TimePoint started;
    TimePoint finished;
    std::optional<Result<HttpResponse>> response;  // nothing: under way
    std::optional<Answer> answer;                  // read from the response
};

struct AnalysisMeasurements::RunMemory {
    std::map<std::string, Slot> slots;             // by metric
    std::map<std::string, TimePoint> finished_at;  // by metric
    std::optional<TimePoint> started;
    std::string argument_problem;
};

// Outlives the measurements, for answers that come late.
struct AnalysisMeasurements::Shared {
    const Clock* clock;
    mutable std::mutex mutex;
    std::map<std::string, RunMemory> runs;  // by uid; guarded by mutex
    Wake wake;                              // empty once over; guarded by mutex

    void take(const std::string& uid, const std::string& metric, TimePoint started,
              Result<HttpResponse> response) {
        const std::lock_guard lock(mutex);
        if (!wake) return;
        const auto run = runs.find(uid);
        if (run == runs.end()) return;
        const auto slot = run->second.slots.find(metric);
        // A run that was forgotten and came again has a slot of another start.
        if (slot == run->second.slots.end() || slot->second.started != started ||
            slot->second.response)
            return;
        slot->second.finished = clock->now();
        slot->second.response = std::move(response);
        wake(slot->second.order.key);
    }
};

// The requests of one measurement, one after the other. The last answer is the measurement's.
struct AnalysisMeasurements::Chain {
    std::shared_ptr<Shared> shared;
    http::AsyncHttp& http;  // calls back while it lives, so it is there
    std::string uid;
    analysis::Inquiry inquiry;

    static void ask(const std::shared_ptr<Chain>& chain, Result<analysis::Query> query, int step) {
        if (!query.ok()) return chain->take(query.error());
        chain->http.submit({std::move(query->request), query->insecure},
                           [chain, step](Result<HttpResponse> response) {
                               if (!response.ok()) return chain->take(response.error());
                               auto next = analysis::next_query(chain->inquiry, *response, step);
                               if (!next.ok()) return chain->take(next.error());
                               if (!*next) return chain->take(std::move(response));
                               ask(chain, std::move(**next), step + 1);
                           });
    }
    void take(Result<HttpResponse> response) const {
        shared->take(uid, inquiry.metric.name, inquiry.now, std::move(response));
    }
};

namespace {

// How long an execution elsewhere (Kayenta's) is left alone; upstream's.
constexpr Duration resume_delay = std::chrono::seconds{15};

TimePoint whole_second(TimePoint when) {
    return std::chrono::floor<std::chrono::seconds>(when);
}

// Provider's answer, conditions and all, as the measurement that the status keeps.
Answer read_answer(const MeasurementOrder& order, TimePoint started, TimePoint finished,
                   const Result<HttpResponse>& response) {
    Answer answer{.metric = order.metric.name, .metadata = analysis::metadata_of(order.metric)};
    answer.measurement.started = whole_second(started);
    answer.measurement.finished = whole_second(finished);
    const auto reading = [&]() -> Result<analysis::Reading> {
        if (!response.ok()) return response.error();
        return analysis::parse_reading(order.metric, *response);
    }();
    const auto phase = [&]() -> Result<crds::AnalysisPhase> {
        if (!reading.ok()) return reading.error();
        if (reading->phase) return *reading->phase;
        return analysis::assess(reading->result, order.metric.success_condition,
                                order.metric.failure_condition, finished);
    }();
    if (phase.ok()) {
        answer.measurement.phase = *phase;
        answer.measurement.value = reading->text;
        answer.measurement.message = reading->message;
        answer.measurement.metadata = reading->metadata;
    } else {
        answer.measurement.phase = crds::AnalysisPhase::Error;
        answer.measurement.message = analysis::redact(phase.error().message, order.secrets);
    }
    const bool failed = answer.measurement.phase == crds::AnalysisPhase::Error;
    if (const auto wait = failed && response.ok() ? analysis::retry_after(*response) : std::nullopt)
        answer.measurement.resume = whole_second(finished) + *wait;
    const bool judged = analysis::is_judged(order.metric);
    if (judged && answer.measurement.phase == crds::AnalysisPhase::Error) {
        // What the judge cannot see it holds: neither harm nor safety is shown.
        answer.measurement.phase = crds::AnalysisPhase::Running;
        answer.measurement.message = "not judged: " + answer.measurement.message;
    }
    if (!crds::completed(answer.measurement.phase)) {
        answer.measurement.finished.reset();
        answer.measurement.resume =
            whole_second(finished) +
            (judged ? analysis::judge_interval(order.metric) : resume_delay);
    }
    // What the measurement was started with stays with it.
    answer.measurement.metadata.insert(order.earlier.begin(), order.earlier.end());
    for (auto& [key, text] : answer.metadata) text = analysis::redact(text, order.secrets);
    for (auto& [key, text] : answer.measurement.metadata)
        text = analysis::redact(text, order.secrets);
    return answer;
}

}  // namespace

AnalysisMeasurements::AnalysisMeasurements(http::AsyncHttp& http, const Clock& clock,
                                           analysis::ProviderSettings settings, Wake wake)
    : http_(http),
      clock_(clock),
      settings_(std::move(settings)),
      shared_(std::make_shared<Shared>()) {
    shared_->clock = &clock;
    shared_->wake = std::move(wake);
}

AnalysisMeasurements::~AnalysisMeasurements() {
    stop();
}

void AnalysisMeasurements::stop() {
    const std::lock_guard lock(shared_->mutex);
    shared_->wake = nullptr;
}

void AnalysisMeasurements::start(const MeasurementOrder& order) {
    const auto now = clock_.now();
    {
        const std::lock_guard lock(shared_->mutex);
        auto& slots = shared_->runs[order.uid].slots;
        if (!slots.try_emplace(order.metric.name, Slot{.order = order, .started = now}).second)
            return;
    }
    if (!order.credentials.ok()) {
        shared_->take(order.uid, order.metric.name, now, order.credentials.error());
        return;
    }
    auto chain = std::make_shared<Chain>(
        Chain{shared_,
              http_,
              order.uid,
              {order.metric, settings_, now, *order.credentials, order.earlier}});
    Chain::ask(chain, analysis::first_query(chain->inquiry), 0);
}

Observation AnalysisMeasurements::observe(const std::string& uid) {
    Observation seen;
    std::vector<Slot> unread;
    {
        const std::lock_guard lock(shared_->mutex);
        const auto run = shared_->runs.find(uid);
        if (run == shared_->runs.end()) return seen;
        seen.started_exactly = run->second.started;
        seen.finished_exactly = run->second.finished_at;
        seen.argument_problem = run->second.argument_problem;
        for (auto& [metric, slot] : run->second.slots) {
            seen.in_flight.insert(metric);
            if (slot.answer)
                seen.answers.push_back(*slot.answer);
            else if (slot.response)
                unread.push_back(slot);
        }
    }
    // Reading may take a while (a large matrix): not under the lock that the HTTP loop needs.
    for (const auto& slot : unread) {
        const auto answer = read_answer(slot.order, slot.started, slot.finished, *slot.response);
        seen.answers.push_back(answer);
        const std::lock_guard lock(shared_->mutex);
        auto& memory = shared_->runs[uid];
        memory.finished_at[answer.metric] = slot.finished;
        const auto kept = memory.slots.find(answer.metric);
        if (kept == memory.slots.end()) continue;
        kept->second.answer = answer;
        kept->second.response = Result<HttpResponse>(HttpResponse{});  // its body is read
    }
    for (const auto& answer : seen.answers) {
        seen.in_flight.erase(answer.metric);
        if (answer.measurement.finished && !seen.finished_exactly.contains(answer.metric))
            seen.finished_exactly[answer.metric] = *answer.measurement.finished;
    }
    for (const auto& slot : unread) seen.finished_exactly[slot.order.metric.name] = slot.finished;
    return seen;
}

void AnalysisMeasurements::settled(const std::string& uid, const Observation& seen) {
    const std::lock_guard lock(shared_->mutex);
    const auto run = shared_->runs.find(uid);
    if (run == shared_->runs.end()) return;
    for (const auto& answer : seen.answers) run->second.slots.erase(answer.metric);
}

void AnalysisMeasurements::remember_start(const std::string& uid, TimePoint started) {
    const std::lock_guard lock(shared_->mutex);
    shared_->runs[uid].started = started;
}

void AnalysisMeasurements::remember_argument_problem(const std::string& uid, std::string problem) {
    const std::lock_guard lock(shared_->mutex);
    shared_->runs[uid].argument_problem = std::move(problem);
}

void AnalysisMeasurements::forget(const std::string& uid) {
    const std::lock_guard lock(shared_->mutex);
    shared_->runs.erase(uid);
}

size_t AnalysisMeasurements::size() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->runs.size();
}

}  // namespace sluice::shell
