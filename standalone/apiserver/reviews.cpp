// SPDX-License-Identifier: Apache-2.0
// kubectl auth can-i and whoami: whoever got past authentication may do everything, for the server
// has one user.
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/call.hpp"

namespace sluice::standalone::apiserver {
namespace {

struct ReviewKind {
    std::string_view plural;
    std::string_view kind;
};
constexpr ReviewKind review_kinds[] = {
    {"selfsubjectaccessreviews", "SelfSubjectAccessReview"},
    {"selfsubjectrulesreviews", "SelfSubjectRulesReview"},
    {"selfsubjectreviews", "SelfSubjectReview"},
};

Json everything_allowed() {
    const Json everything = Json::array({"*"});
    return {{"incomplete", false},
            {"resourceRules",
             {{{"verbs", everything}, {"apiGroups", everything}, {"resources", everything}}}},
            {"nonResourceRules", {{{"verbs", everything}, {"nonResourceURLs", everything}}}}};
}

ApiResult<Json> answer_access(const Json& review) {
    const bool one = (find(review, {"spec", "resourceAttributes"}) != nullptr) !=
                     (find(review, {"spec", "nonResourceAttributes"}) != nullptr);
    if (one) return Json{{"allowed", true}};
    return status::invalid(
        {"authorization.k8s.io", "v1", "", "", false}, "",
        {{"spec.resourceAttributes", "FieldValueInvalid",
          "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be "
          "specified"}});
}

}  // namespace

bool is_review(std::string_view plural) {
    for (const auto& known : review_kinds)
        if (known.plural == plural) return true;
    return false;
}

ApiResult<Answer> Handler::review(const HttpRequest& request, const Target& target) {
    if (request.method != "POST") return status::method_not_allowed();
    Json body = TRY(read_body(request));
    const std::string& plural = target.parts.back();
    std::string wanted;
    for (const auto& known : review_kinds)
        if (known.plural == plural) wanted = known.kind;
    const std::string kind = text_at(body, {"kind"}, wanted);
    if (kind != wanted)
        return status::bad_request(
            concat(kind, " in version \"", target.parts[2], "\" cannot be handled as a ", wanted));
    body["kind"] = wanted;
    body["apiVersion"] = concat(target.parts[1], "/", target.parts[2]);
    if (!body.contains("metadata")) body["metadata"] = Json::object();
    if (plural == "selfsubjectaccessreviews") {
        body["status"] = TRY(answer_access(body));
    } else if (plural == "selfsubjectrulesreviews") {
        body["status"] = everything_allowed();
    } else {
        body["metadata"]["creationTimestamp"] = format_rfc3339(clock_.now());
        body["status"] = {{"userInfo",
                           {{"username", "sluice-admin"},
                            {"groups", {"system:masters", "system:authenticated"}}}}};
    }
    return json_answer(201, to_text(body));
}

}  // namespace sluice::standalone::apiserver
