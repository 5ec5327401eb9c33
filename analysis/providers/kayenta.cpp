// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/kayenta.hpp"

#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace kayenta_provider {
namespace {

constexpr Duration deadline = std::chrono::seconds{15};  // upstream's
constexpr const char* execution_key = "canaryExecutionId";

std::string address_of(const Json& config) {
    std::string address = text_at(config, {"address"});
    while (address.ends_with('/')) address.pop_back();
    return address;
}

std::string parameter(const char* name, const std::string& value) {
    return concat("&", name, "=", percent_encode(value));
}

Result<Json> answer_in(const HttpResponse& response) {
    if (response.status != 200)
        return unavailable(concat("Invalid Response: kayenta answered ", response.status, ": ",
                                  body_start(response), retry_after_text(response)));
    return parse_json(response.body).while_doing("kayenta's answer");
}

Result<std::string> config_id(const Json& config, const HttpResponse& response) {
    const std::string name = text_at(config, {"canaryConfigName"});
    const Json known = TRY(answer_in(response));
    if (known.is_array())
        for (const auto& one : known)
            if (text_at(one, {"name"}) == name && !text_at(one, {"id"}).empty())
                return text_at(one, {"id"});
    return invalid(concat("canary config \"", name, "\" is not known for application \"",
                          text_at(config, {"application"}), "\""));
}

Json scope_of(const Json& scope) {
    Json sent = {{"scope", text_at(scope, {"scope"})},
                 {"region", text_at(scope, {"region"})},
                 {"step", integer_at(scope, {"step"})},
                 {"start", text_at(scope, {"start"})},
                 {"end", text_at(scope, {"end"})}};
    return sent;
}

std::string job_body(const Json& config) {
    Json scopes = Json::object();
    if (const Json* listed = find(config, {"scopes"}); listed && listed->is_array())
        for (const auto& one : *listed) {
            const Json* control = find(one, {"controlScope"});
            const Json* experiment = find(one, {"experimentScope"});
            scopes[text_at(one, {"name"})] = {
                {"controlScope", scope_of(control ? *control : Json::object())},
                {"experimentScope", scope_of(experiment ? *experiment : Json::object())}};
        }
    return sluice::to_text(Json{{"scopes", std::move(scopes)},
                                {"thresholds",
                                 {{"pass", integer_at(config, {"threshold", "pass"})},
                                  {"marginal", integer_at(config, {"threshold", "marginal"})}}}});
}

crds::AnalysisPhase phase_of(long score, const Json& config) {
    if (score >= integer_at(config, {"threshold", "pass"})) return crds::AnalysisPhase::Successful;
    if (score >= integer_at(config, {"threshold", "marginal"}))
        return crds::AnalysisPhase::Inconclusive;
    return crds::AnalysisPhase::Failed;
}

}  // namespace
}  // namespace kayenta_provider

using namespace kayenta_provider;

Result<Query> build_kayenta_query(const Json& config, const crds::TextMap& earlier) {
    const std::string address = address_of(config);
    if (address.empty()) return invalid("kayenta address is not configured");
    const auto execution = earlier.find(execution_key);
    if (execution != earlier.end() && !execution->second.empty())
        return Query{.request = {.url = concat(address, "/canary/", execution->second),
                                 .deadline = deadline}};
    // Upstream looks for configurations in the storage account.
    return Query{.request = {.url = concat(address, "/canaryConfig?application=",
                                           percent_encode(text_at(config, {"application"})),
                                           parameter("configurationAccountName",
                                                     text_at(config, {"storageAccountName"}))),
                             .deadline = deadline}};
}

Result<std::optional<Query>> next_kayenta_query(const Json& config, const crds::TextMap& earlier,
                                                const HttpResponse& response, int step) {
    if (step > 0 || earlier.contains(execution_key)) return std::optional<Query>{};
    const auto id = TRY(config_id(config, response));
    Query query{.request = {.method = "POST",
                            .url = concat(
                                address_of(config), "/canary/", percent_encode(id),
                                "?application=", percent_encode(text_at(config, {"application"}))),
                            .headers = {{"Content-Type", "application/json"}},
                            .body = job_body(config),
                            .deadline = deadline}};
    for (const char* account :
         {"metricsAccountName", "configurationAccountName", "storageAccountName"})
        query.request.url += parameter(account, text_at(config, {account}));
    return std::optional(std::move(query));
}

Result<Reading> parse_kayenta_response(const Json& config, const HttpResponse& response) {
    const Json answer = TRY(answer_in(response));
    const Json* complete = find(answer, {"complete"});
    const std::string execution = text_at(answer, {execution_key});
    if (!complete && !execution.empty())
        return Reading{.metadata = {{execution_key, execution}},
                       .phase = crds::AnalysisPhase::Running};
    if (!complete || !complete->is_boolean()) return unavailable("Missing Complete Status");
    if (!complete->get<bool>()) return Reading{.phase = crds::AnalysisPhase::Running};
    const Json* score = find(answer, {"result", "judgeResult", "score", "score"});
    if (!score || !score->is_number()) return unavailable("Missing Score");
    const double exact = score->get<double>();
    if (!(exact > -1e6 && exact < 1e6))
        return unavailable(concat("the score is ", format_float(exact)));
    const long whole = static_cast<long>(exact);
    return Reading{
        .result = Value{exact},
        .text = std::to_string(whole),
        .phase = phase_of(whole, config),
        .message = text_at(answer, {"result", "judgeResult", "score", "classificationReason"})};
}

}  // namespace sluice::analysis
