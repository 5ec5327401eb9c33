// SPDX-License-Identifier: Apache-2.0
#include "analysis/arguments.hpp"

#include <nlohmann/json.hpp>

#include "analysis/conditions/value.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

std::string scalar_text(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_float()) return format_float(value.get<double>());
    return sluice::to_text(value);
}

// k8s.io/kubernetes/pkg/fieldpath: metadata.name, …, metadata.labels['key'].
Result<std::string> downward_field(const Json& object, std::string_view path) {
    const auto unsupported = [&] { return invalid(concat("unsupported fieldPath: ", path)); };
    for (const std::string_view key : {"name", "namespace", "uid"})
        if (path == concat("metadata.", key)) return text_at(object, {"metadata", key});
    for (const std::string_view maps : {"labels", "annotations"}) {
        const std::string prefix = concat("metadata.", maps);
        if (!path.starts_with(prefix)) continue;
        const auto rest = path.substr(prefix.size());
        if (rest.empty()) {
            std::vector<std::string> lines;
            if (const Json* entries = find(object, {"metadata", maps});
                entries && entries->is_object())
                for (const auto& [key, value] : entries->items())
                    lines.push_back(concat(key, "=", sluice::to_text(value)));
            return join(lines, "\n");
        }
        if (rest.size() < 5 || !rest.starts_with("['") || !rest.ends_with("']"))
            return unsupported();
        return text_at(object, {"metadata", maps, rest.substr(2, rest.size() - 4)});
    }
    return unsupported();
}

Result<const Json*> step_into(const Json& at, const std::string& section, std::string_view path) {
    if (at.is_array()) {
        const auto index = parse_integer(section);
        if (!index || *index < 0) return invalid(concat("invalid index '", section, "'"));
        if (*index >= static_cast<long>(at.size()))
            return invalid(concat("index ", *index, " out of range"));
        return &at[static_cast<size_t>(*index)];
    }
    if (!at.is_object() || !at.contains(section))
        return invalid(concat("invalid path ", path, " in rollout"));
    return &at.at(section);
}

const crds::Argument* find_argument(const std::vector<crds::Argument>& args,
                                    std::string_view name) {
    for (const auto& arg : args)
        if (arg.name == name) return &arg;
    return nullptr;
}

// The value as it stands between quotes in JSON.
std::string quoted_inside(const std::string& value) {
    const std::string quoted = sluice::to_text(Json(value));
    return quoted.substr(1, quoted.size() - 2);
}

using Values = std::map<std::string, std::string, std::less<>>;

Result<Values> values_of(const std::vector<crds::Argument>& args,
                         const std::map<std::string, std::string>& secrets) {
    Values values;
    for (const auto& arg : args) {
        const auto secret = secrets.find(arg.name);
        if (!arg.value && secret == secrets.end())
            return invalid(concat("argument \"", arg.name, "\" was not supplied"));
        values["args." + arg.name] =
            quoted_inside(secret != secrets.end() ? secret->second : *arg.value);
    }
    return values;
}

Result<std::string> substitute(std::string_view text, const Values& values) {
    std::string resolved;
    while (true) {
        const auto open = text.find("{{");
        const auto close = open == std::string_view::npos ? open : text.find("}}", open);
        // fasttemplate leaves an opening without an end as it is.
        if (close == std::string_view::npos) return resolved + std::string(text);
        resolved += text.substr(0, open);
        const auto tag = text.substr(open + 2, close - open - 2);
        const auto value = values.find(trim(tag));
        if (value == values.end()) return invalid(concat("failed to resolve {{", tag, "}}"));
        resolved += value->second;
        text.remove_prefix(close + 2);
    }
}

}  // namespace

Result<std::string> field_of_rollout(const Json& rollout, std::string_view path) {
    if (path.starts_with("metadata")) return downward_field(rollout, path);
    const Json* at = &rollout;
    std::string section;
    for (size_t i = 0; i <= path.size(); ++i) {
        const bool separator =
            i == path.size() || path[i] == '.' || path[i] == '[' || path[i] == ']';
        if (!separator) {
            section += path[i];
            continue;
        }
        if (section.empty()) continue;
        at = TRY(step_into(*at, section, path));
        section.clear();
    }
    if (at->is_null()) return invalid(concat("invalid path ", path, " in rollout"));
    if (at->is_structured())
        return invalid(concat("path ", path, " in rollout must terminate in a primitive value"));
    return scalar_text(*at);
}

Result<std::vector<crds::Argument>> resolve_args(const std::vector<crds::AnalysisArgument>& args,
                                                 const Json& rollout, std::string_view stable_hash,
                                                 std::string_view latest_hash) {
    std::vector<crds::Argument> resolved;
    for (const auto& arg : args) {
        std::string value = arg.value.value_or("");
        if (arg.pod_template_hash_value == "Latest") value = latest_hash;
        if (arg.pod_template_hash_value == "Stable") value = stable_hash;
        if (arg.pod_template_hash_value.empty() && !arg.field_path.empty())
            value = TRY(field_of_rollout(rollout, arg.field_path));
        resolved.push_back({.name = arg.name, .value = std::move(value)});
    }
    return resolved;
}

Result<std::vector<crds::Argument>> merge_args(const std::vector<crds::Argument>& incoming,
                                               std::vector<crds::Argument> declared) {
    for (auto& arg : declared) {
        const auto* given = find_argument(incoming, arg.name);
        if (given && given->value) {
            arg.value = given->value;
            // A value beside a source is refused later; the one from outside wins.
            arg.secret.reset();
            arg.field_path.clear();
        } else if (given && given->has_source()) {
            arg.secret = given->secret;
            arg.field_path = given->field_path;
        }
        if (!arg.value && !arg.has_source())
            return invalid(concat("args.", arg.name, " was not resolved"));
    }
    return declared;
}

Result<crds::Metric> resolve_metric(const crds::MetricDocument& metric,
                                    const std::vector<crds::Argument>& args,
                                    const std::map<std::string, std::string>& secrets) {
    const Values values = TRY(values_of(args, secrets));
    const std::string text = TRY(substitute(metric.text, values));
    const Json document = TRY(parse_json(text));
    std::vector<Problem> problems;
    auto resolved = crds::decode_metric(Field(document, problems));
    if (!problems.empty())
        return invalid(concat("metric ", resolved.name, ": ", sluice::to_text(problems.front())));
    return resolved;
}

std::string redact(std::string text, const std::map<std::string, std::string>& secrets) {
    for (const auto& [name, secret] : secrets) {
        if (secret.empty()) continue;
        for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 5)
            text.replace(at, secret.size(), "*****");
    }
    return text;
}

}  // namespace sluice::analysis
