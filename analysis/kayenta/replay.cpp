// SPDX-License-Identifier: Apache-2.0
#include "analysis/kayenta/replay.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::kayenta {
namespace replay_detail {
namespace {

// JSON has no NaN.
nlohmann::ordered_json number(double value) {
    if (!std::isfinite(value)) return {};
    if (value == std::floor(value) && std::abs(value) < 1e15) return static_cast<long>(value);
    return value;
}

nlohmann::ordered_json number(const std::optional<double>& value) {
    return number(value.value_or(std::nan("")));
}

judge::Verdict verdict_of(Label label) {
    if (label == Label::Pass) return judge::Verdict::Pass;
    const bool unseen = label == Label::Nodata || label == Label::Error;
    return unseen ? judge::Verdict::Inconclusive : judge::Verdict::Fail;
}

double number_between(const Field& field, double low, double high, double otherwise) {
    const auto value = field.number();
    if (!value) return otherwise;
    if (*value >= low && *value <= high) return *value;
    field.complain(concat("expected a number between ", format_number(low), " and ",
                          format_number(high), ", found ", format_number(*value)));
    return otherwise;
}

}  // namespace
}  // namespace replay_detail

using namespace replay_detail;

Plan decode_plan(const Field& document) {
    (void)document.at("mode").text();
    Plan plan;
    plan.pass = number_between(document.at("pass"), 0, 100, plan.pass);
    plan.marginal = number_between(document.at("marginal"), 0, 100, plan.marginal);
    if (plan.marginal > plan.pass) document.at("marginal").complain("must not be above pass");
    plan.precision.tolerance =
        number_between(document.at("tolerance"), 0, 1, plan.precision.tolerance);
    plan.precision.confidence =
        number_between(document.at("confidence"), 0.5, 0.9999, plan.precision.confidence);
    if (const auto interval = document.at("interval").duration()) {
        plan.interval = static_cast<double>(interval->count()) / 1000;
        if (*plan.interval <= 0) document.at("interval").complain("must be above 0");
    }
    return plan;
}

std::string to_json_text(const Look& look) {
    nlohmann::ordered_json json{{"t", number(look.t)},
                                {"verdict", judge::to_text(look.verdict)},
                                {"score", number(look.score.score)},
                                {"classification", to_text(look.score.outcome)}};
    if (!look.score.reason.empty()) json["reason"] = look.score.reason;
    auto& groups = json["groups"] = nlohmann::ordered_json::array();
    for (const auto& group : look.score.groups)
        groups.push_back({{"name", group.name},
                          {"score", number(group.score)},
                          {"weight", number(group.weight)}});
    auto& list = json["metrics"] = nlohmann::ordered_json::array();
    for (const auto& metric : look.metrics)
        list.push_back({{"name", metric.name},
                        {"verdict", judge::to_text(verdict_of(metric.label))},
                        {"estimate", number(metric.effect)},
                        {"low", number(metric.low)},
                        {"high", number(metric.high)},
                        {"reason", metric.reason},
                        {"classification", to_text(metric.label)},
                        {"critical", metric.critical}});
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Replay::Replay(Plan plan) : plan_(std::move(plan)) {}

Result<std::optional<Look>> Replay::feed(std::string_view line) {
    const Json object = TRY(parse_json(line));
    const Json* time = find(object, {"t"});
    if (!time || !time->is_number()) return invalid("\"t\" is missing or not a number");
    const double t = time->get<double>();
    if (last_ && t < *last_)
        return invalid(concat("\"t\" is ", format_number(t), " after ", format_number(*last_),
                              ": lines must be in order of time"));
    const std::string arm = text_at(object, {"arm"}), name = text_at(object, {"metric"});
    const bool sample = !object.contains("weight");  // of which Kayenta knows nothing
    if (sample && arm != "baseline" && arm != "canary")
        return invalid("\"arm\" is neither \"baseline\" nor \"canary\"");
    if (sample && name.empty()) return invalid("\"metric\" is missing");
    const Json* value = find(object, {"value"});
    if (sample && value && !value->is_number() && !value->is_null())
        return invalid("\"value\" is neither a number nor null");
    std::optional<Look> seen;
    if (pending_ && plan_.interval && t > *last_) {
        if (t > *next_look_) {
            seen = look(*last_);
            while (*next_look_ < t) *next_look_ += *plan_.interval;
        }
    }
    // The first bucket began a minute before its end.
    if (sample && !next_look_ && plan_.interval) next_look_ = t - 60 + *plan_.interval;
    last_ = t;
    if (!sample) return seen;
    auto& arms = arms_[name];
    (arm == "canary" ? arms.experiment : arms.control)
        .push_back(value && value->is_number() ? value->get<double>() : std::nan(""));
    pending_ = true;
    return seen;
}

std::optional<Look> Replay::finish() {
    return look(last_.value_or(0));
}

Look Replay::look(double t) const {
    Look found{.t = t};
    for (const auto& metric : plan_.config.metrics) {
        const auto arms = arms_.find(metric.name);
        found.metrics.push_back(
            classify(metric, arms == arms_.end() ? Arms{} : arms->second, plan_.precision));
    }
    found.score = score(plan_.config, found.metrics, plan_.pass, plan_.marginal);
    if (found.score.outcome == Outcome::Pass) found.verdict = judge::Verdict::Pass;
    if (found.score.outcome == Outcome::Fail) found.verdict = judge::Verdict::Fail;
    return found;
}

}  // namespace sluice::kayenta
