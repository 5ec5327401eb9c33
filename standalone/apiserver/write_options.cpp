// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/write_options.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/schema/fit.hpp"

namespace sluice::standalone::apiserver {
namespace {

ResourceType options_type(const char* kind) {
    return {"meta.k8s.io", "v1", kind, kind, false};
}

// What is wrong with a body that the schema does not fit.
struct FitProblem {
    std::string types;
    std::vector<std::string> fields;
};

FitProblem fit(const Resource& resource, const Schema& schema, Json& object,
               std::string_view text) {
    FitProblem problem;
    if (!resource.custom) problem.types = type_problem(schema, object);
    if (!problem.types.empty()) return problem;
    problem.fields = prune(schema, object);
    for (auto& duplicate : duplicate_fields(text)) problem.fields.push_back(std::move(duplicate));
    return problem;
}

StatusError cannot_be_handled(const Resource& resource, std::string_view version,
                              const std::string& why) {
    return status::bad_request(concat(resource.type.kind, " in version \"", version,
                                      "\" cannot be handled as a ", resource.type.kind, ": ", why));
}

}  // namespace

ApiResult<WriteOptions> read_write_options(const Query& query, const char* kind, bool apply) {
    WriteOptions options;
    std::vector<StatusCause> causes;
    if (const std::string dry = query.get("dryRun"); !dry.empty()) {
        options.dry_run = dry == "All";
        if (!options.dry_run)
            causes.push_back(
                {"dryRun", "FieldValueNotSupported",
                 concat("Unsupported value: [\"", dry, "\"]: supported values: \"All\"")});
    }
    const std::string validation = query.get("fieldValidation");
    if (validation == "Ignore")
        options.validation = FieldValidation::Ignore;
    else if (validation == "Strict")
        options.validation = FieldValidation::Strict;
    else if (!validation.empty() && validation != "Warn")
        causes.push_back({"fieldValidation", "FieldValueNotSupported",
                          concat("Unsupported value: \"", validation,
                                 "\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"")});
    options.manager = query.get("fieldManager");
    options.force = query.flag("force");
    if (apply && options.manager.empty())
        causes.push_back(
            {"fieldManager", "FieldValueRequired", "Required value: is required for apply patch"});
    if (!apply && !query.get("force").empty())
        causes.push_back({"force", "FieldValueForbidden",
                          "Forbidden: may not be specified for non-apply patch"});
    if (!causes.empty()) return status::invalid(options_type(kind), "", std::move(causes));
    return options;
}

ApiResult<std::vector<std::string>> fit_body(const Resource& resource, std::string_view version,
                                             FieldValidation validation, Json& body,
                                             std::string_view text) {
    const SchemaPtr schema = resource.schema_at(version);
    if (!schema) return std::vector<std::string>();
    FitProblem problem = fit(resource, *schema, body, text);
    if (!problem.types.empty()) return cannot_be_handled(resource, version, problem.types);
    if (validation == FieldValidation::Ignore || problem.fields.empty())
        return std::vector<std::string>();
    if (validation == FieldValidation::Strict)
        return cannot_be_handled(resource, version,
                                 concat("strict decoding error: ", join(problem.fields, ", ")));
    return std::move(problem.fields);
}

ApiResult<std::vector<std::string>> fit_patched(const Resource& resource, std::string_view version,
                                                FieldValidation validation, Json& object,
                                                const Json& patch) {
    const SchemaPtr schema = resource.schema_at(version);
    if (!schema) return std::vector<std::string>();
    FitProblem problem = fit(resource, *schema, object, {});
    const auto refused = [&](const std::string& why) {
        return status::invalid({"", "", "", "", false}, "",
                               {{"patch", "FieldValueInvalid",
                                 concat("Invalid value: ", to_text(to_text(patch)), ": ", why)}});
    };
    if (!problem.types.empty()) return refused(problem.types);
    if (validation == FieldValidation::Ignore || problem.fields.empty())
        return std::vector<std::string>();
    if (validation == FieldValidation::Strict)
        return refused(concat("strict decoding error: ", join(problem.fields, ", ")));
    return std::move(problem.fields);
}

}  // namespace sluice::standalone::apiserver
