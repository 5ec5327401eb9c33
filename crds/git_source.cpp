// SPDX-License-Identifier: Apache-2.0
#include "crds/git_source.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::crds {
namespace git_source_detail {
namespace {

using namespace std::chrono_literals;

std::string text_or(const Field& field, std::string_view otherwise = {}) {
    return field.text().value_or(std::string(otherwise));
}

Duration duration_between(const Field& field, Duration least, Duration most, Duration otherwise) {
    const auto value = field.duration();
    if (!value) return otherwise;
    if (*value >= least && *value <= most) return *value;
    field.complain(concat("expected between ", format_duration(least), " and ",
                          format_duration(most), ", found ", format_duration(*value)));
    return std::clamp(*value, least, most);
}

template <class Enum>
Enum one_of(const Field& field, std::initializer_list<Enum> values, Enum otherwise) {
    std::vector<std::string> allowed;
    for (const auto value : values) allowed.emplace_back(to_text(value));
    const auto text = field.choice(allowed);
    for (const auto value : values)
        if (text == to_text(value)) return value;
    return otherwise;
}

std::vector<std::string> decode_paths(const Field& field) {
    std::vector<std::string> paths;
    for (const auto& item : field.items()) {
        const auto path = item.text();
        if (!path) continue;
        const auto parts = split(*path, '/');
        if (std::find(parts.begin(), parts.end(), "..") != parts.end())
            item.complain(concat("expected a path inside the repository, found \"", *path, "\""));
        else
            paths.push_back(*path);
    }
    return paths;
}

std::optional<WriteBack> decode_write_back(const Field& field) {
    if (!field.present()) return std::nullopt;
    WriteBack write;
    const auto records = field.at("records");
    write.record_branch = text_or(records.at("branch"), write.record_branch);
    write.record_steps = records.at("onStep").boolean().value_or(write.record_steps);
    write.record_outcomes = records.at("onTerminal").boolean().value_or(write.record_outcomes);
    write.rollback = one_of(field.at("rollback").at("mode"),
                            {RollbackMode::ScopedRevert, RollbackMode::RecordOnly}, write.rollback);
    const auto author = field.at("commit").at("author");
    write.author_name = text_or(author.at("name"), write.author_name);
    write.author_email = text_or(author.at("email"), write.author_email);
    return write;
}

GitSourceSpec decode_spec(const Field& spec) {
    GitSourceSpec result;
    result.url = spec.at("url").required_text();
    result.branch = text_or(spec.at("ref").at("branch"), result.branch);
    result.paths = decode_paths(spec.at("paths"));
    result.interval = duration_between(spec.at("interval"), 1s, 24h, result.interval);
    result.timeout = duration_between(spec.at("timeout"), 1s, 10min, result.timeout);
    result.mode =
        one_of(spec.at("mode"), {GitSourceMode::Apply, GitSourceMode::Observe}, result.mode);
    result.suspend = spec.at("suspend").boolean().value_or(false);
    result.write_back = decode_write_back(spec.at("writeBack"));
    result.secret = text_or(spec.at("secretRef").at("name"));
    result.webhook_secret = text_or(spec.at("webhook").at("secretRef").at("name"));
    // A record on the watched branch would wake us, and everybody else, with every step.
    if (result.write_back && result.write_back->record_branch == result.branch)
        spec.at("writeBack")
            .at("records")
            .at("branch")
            .complain(concat("expected another branch than the watched one, found \"",
                             result.branch, "\""));
    return result;
}

InventoryEntry decode_entry(const Field& entry) {
    return {.group = text_or(entry.at("group")),
            .version = text_or(entry.at("version")),
            .kind = text_or(entry.at("kind")),
            .ns = text_or(entry.at("namespace")),
            .name = text_or(entry.at("name")),
            .path = text_or(entry.at("path")),
            .digest = text_or(entry.at("digest")),
            .commit = text_or(entry.at("commit")),
            .author = text_or(entry.at("author")),
            .subject = text_or(entry.at("subject"))};
}

GitSourceStatus decode_status(const Field& status) {
    GitSourceStatus result;
    result.observed_generation = status.at("observedGeneration").integer().value_or(0);
    result.remote_commit = text_or(status.at("remote").at("commit"));
    result.attempted_commit = text_or(status.at("lastAttempted").at("commit"));
    result.applied_commit = text_or(status.at("lastApplied").at("commit"));
    result.applied_at = status.at("lastApplied").at("at").time();
    result.handled_reconcile_at = text_or(status.at("lastHandledReconcileAt"));
    result.failures = status.at("consecutiveFailures").integer().value_or(0);
    for (const auto& entry : status.at("inventory").items())
        result.inventory.push_back(decode_entry(entry));
    for (const auto& problem : status.at("problems").items())
        result.problems.push_back(
            {.file = text_or(problem.at("file")),
             .line = static_cast<int>(problem.at("line").integer().value_or(0)),
             .column = static_cast<int>(problem.at("column").integer().value_or(0)),
             .path = text_or(problem.at("path")),
             .message = text_or(problem.at("message"))});
    for (const auto& condition : status.at("conditions").items())
        result.conditions.push_back(
            {.type = text_or(condition.at("type")),
             .status = text_or(condition.at("status")),
             .reason = text_or(condition.at("reason")),
             .message = text_or(condition.at("message")),
             .since = condition.at("lastTransitionTime").time().value_or(TimePoint{})});
    return result;
}

Json encode(const InventoryEntry& entry) {
    Json json{{"group", entry.group},   {"version", entry.version}, {"kind", entry.kind},
              {"name", entry.name},     {"path", entry.path},       {"commit", entry.commit},
              {"author", entry.author}, {"subject", entry.subject}};
    if (!entry.ns.empty()) json["namespace"] = entry.ns;
    if (!entry.digest.empty()) json["digest"] = entry.digest;
    return json;
}

Json encode(const ManifestProblem& problem) {
    Json json{{"file", problem.file}, {"message", problem.message}};
    if (problem.line > 0) json["line"] = problem.line;
    if (problem.column > 0) json["column"] = problem.column;
    if (!problem.path.empty()) json["path"] = problem.path;
    return json;
}

}  // namespace
}  // namespace git_source_detail

std::string_view to_text(GitSourceMode mode) {
    switch (mode) {
        case GitSourceMode::Apply: return "Apply";
        case GitSourceMode::Observe: return "Observe";
    }
    unreachable();
}

std::string_view to_text(RollbackMode mode) {
    switch (mode) {
        case RollbackMode::ScopedRevert: return "ScopedRevert";
        case RollbackMode::RecordOnly: return "RecordOnly";
    }
    unreachable();
}

GitSource decode_git_source(const Json& document, std::vector<Problem>& problems) {
    using namespace git_source_detail;
    GitSource source;
    source.ns = text_at(document, {"metadata", "namespace"});
    source.name = text_at(document, {"metadata", "name"});
    source.uid = text_at(document, {"metadata", "uid"});
    source.resource_version = text_at(document, {"metadata", "resourceVersion"});
    source.generation = integer_at(document, {"metadata", "generation"});
    source.reconcile_at = text_at(document, {"metadata", "annotations", "sluice.dev/reconcile-at"});
    const Json* spec = find(document, {"spec"});
    const Json none = Json::object();
    const Field spec_field(spec && !spec->is_null() ? *spec : none, problems, "spec");
    source.spec = decode_spec(spec_field);
    report_unknown(spec_field);
    // What we wrote ourselves: an older or newer version of us may have written it otherwise.
    std::vector<Problem> ignored;
    if (const Json* status = find(document, {"status"}))
        source.status = decode_status(Field(*status, ignored, "status"));
    return source;
}

void describe_git_source(const Field& root) {
    git_source_detail::decode_spec(root.at("spec"));
    git_source_detail::decode_status(root.at("status"));
}

Json encode_git_source_status(const GitSourceStatus& status) {
    using namespace git_source_detail;
    Json json{{"observedGeneration", status.observed_generation},
              {"inventory", Json::array()},
              {"problems", Json::array()},
              {"conditions", Json::array()}};
    if (!status.remote_commit.empty()) json["remote"] = {{"commit", status.remote_commit}};
    if (!status.attempted_commit.empty())
        json["lastAttempted"] = {{"commit", status.attempted_commit}};
    if (!status.applied_commit.empty()) json["lastApplied"] = {{"commit", status.applied_commit}};
    if (status.applied_at) json["lastApplied"]["at"] = format_rfc3339(*status.applied_at);
    if (!status.handled_reconcile_at.empty())
        json["lastHandledReconcileAt"] = status.handled_reconcile_at;
    if (status.failures > 0) json["consecutiveFailures"] = status.failures;
    for (const auto& entry : status.inventory) json["inventory"].push_back(encode(entry));
    for (const auto& problem : status.problems) json["problems"].push_back(encode(problem));
    for (const auto& condition : status.conditions)
        json["conditions"].push_back({{"type", condition.type},
                                      {"status", condition.status},
                                      {"reason", condition.reason},
                                      {"message", condition.message},
                                      {"lastTransitionTime", format_rfc3339(condition.since)}});
    return json;
}

void set_condition(std::vector<GitSourceCondition>& conditions, GitSourceCondition fresh) {
    for (auto& condition : conditions) {
        if (condition.type != fresh.type) continue;
        if (condition.status == fresh.status) fresh.since = condition.since;
        condition = std::move(fresh);
        return;
    }
    conditions.push_back(std::move(fresh));
}

void remove_condition(std::vector<GitSourceCondition>& conditions, std::string_view type) {
    std::erase_if(conditions, [&](const auto& condition) { return condition.type == type; });
}

const GitSourceCondition* find_condition(const std::vector<GitSourceCondition>& conditions,
                                         std::string_view type) {
    const auto found = std::find_if(conditions.begin(), conditions.end(),
                                    [&](const auto& condition) { return condition.type == type; });
    return found == conditions.end() ? nullptr : &*found;
}

}  // namespace sluice::crds
