// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/normal_form.hpp"

#include <algorithm>
#include <regex>

#include "base/text.hpp"

namespace sluice::oracle {
namespace {

// Words for what no two servers share.
std::string tidy_text(const std::string& text) {
    static const std::regex uid("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
    static const std::regex time(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))");
    static const std::regex current_version("current: [0-9]+");
    static const std::regex stored_version("ResourceVersion in record \\([0-9]+\\)");
    static const std::regex cluster_ip(R"(\b10\.96\.[0-9]+\.[0-9]+\b)");
    std::string tidied = std::regex_replace(text, uid, "<uid>");
    tidied = std::regex_replace(tidied, cluster_ip, "<cluster ip>");
    tidied = std::regex_replace(tidied, time, "<time>");
    tidied = std::regex_replace(tidied, current_version, "current: <version>");
    return std::regex_replace(tidied, stored_version, "ResourceVersion in record (<version>)");
}

bool is_age(const Json& cell) {
    static const std::regex age("<unknown>|<invalid>|[0-9]+[smhd]([0-9]+[smh])?");
    return cell.is_string() && std::regex_match(cell.get_ref<const std::string&>(), age);
}

Json picked(const Pick& pick, Json body) {
    const Json::json_pointer at(pick.at);
    if (!body.contains(at) || !body[at].is_array()) return body;
    Json left = Json::array();
    for (const auto& name : pick.of)
        for (const auto& item : body[at]) {
            const Json::json_pointer by(pick.by);
            if (item.contains(by) && item.at(by) == name) left.push_back(item);
        }
    body[at] = std::move(left);
    return body;
}

Json read_events(const std::string& text) {
    Json events = Json::array();
    for (const auto& line : split(text, '\n')) {
        if (trim(line).empty()) continue;
        auto event = parse_json(line);
        events.push_back(event.ok() ? std::move(event).value() : Json(line));
    }
    return events;
}

Json read_answer_body(const Row& row, const HttpResponse& response) {
    if (row.status_only) return nullptr;
    const bool watch =
        response.status == 200 && (row.path.find("watch=true") != std::string::npos ||
                                   row.path.find("watch=1") != std::string::npos);
    if (watch) return read_events(response.body);
    auto document = parse_json(response.body);
    if (!document.ok()) return response.body;
    Json body = std::move(document).value();
    for (const auto& pick : row.picks) body = picked(pick, std::move(body));
    return body;
}

void compare(const Json& ours, const Json& theirs, const std::string& path,
             std::vector<Difference>& found) {
    if (ours == theirs) return;
    if (ours.is_object() && theirs.is_object()) {
        for (const auto& [key, value] : theirs.items()) {
            const std::string at = concat(path, "/", key);
            if (ours.contains(key))
                compare(ours.at(key), value, at, found);
            else
                found.push_back({at, concat("ours lacks ", to_text(value))});
        }
        for (const auto& [key, value] : ours.items())
            if (!theirs.contains(key))
                found.push_back({concat(path, "/", key), concat("only ours ", to_text(value))});
        return;
    }
    if (ours.is_array() && theirs.is_array() && ours.size() == theirs.size()) {
        for (size_t i = 0; i < ours.size(); ++i)
            compare(ours[i], theirs[i], concat(path, "/", i), found);
        return;
    }
    found.push_back({path, concat("ours ", to_text(ours), "\n      theirs ", to_text(theirs))});
}

}  // namespace

std::string NormalForm::version_word(const std::string& uid, const std::string& version) {
    auto& known = versions_[uid];
    auto at = std::ranges::find(known, version);
    if (at == known.end()) at = known.insert(known.end(), version);
    return concat("<version ", at - known.begin() + 1, ">");
}

Json NormalForm::tidy_object(const Json& object) {
    Json tidied = Json::object();
    const std::string uid = text_at(object, {"uid"});
    const std::string prefix = text_at(object, {"generateName"});
    for (const auto& [key, value] : object.items()) {
        if (key == "managedFields" && !managed_) continue;
        // Sentences of the real server's documentation; a definition's own are short.
        if (key == "description" && object.contains("priority") && value.is_string() &&
            (value == "" || value.get_ref<const std::string&>().size() > 20))
            continue;
        if (key == "resourceVersion" && value.is_string() && value != "" && value != "0")
            tidied[key] =
                uid.empty() ? "<version>" : version_word(uid, value.get_ref<const std::string&>());
        else if (key == "continue" && value.is_string() && value != "")
            tidied[key] = "<continue>";
        else if (key == "name" && !prefix.empty() && value.is_string())
            tidied[key] = prefix + "<suffix>";
        else
            tidied[key] = tidy(value, key);
    }
    return tidied;
}

Json NormalForm::tidy(const Json& value, const std::string& key) {
    if (value.is_string()) return tidy_text(value.get_ref<const std::string&>());
    if (value.is_object()) return tidy_object(value);
    if (!value.is_array()) return value;
    Json tidied = Json::array();
    for (const auto& item : value)
        tidied.push_back(key == "cells" && is_age(item) ? Json("<age>") : tidy(item, ""));
    return tidied;
}

// The real server finds problems in the order of a hash map.
void NormalForm::sort_causes(Json& body) {
    const Json* causes = find(body, {"details", "causes"});
    if (!causes || causes->size() < 2) return;
    std::vector<Json> sorted(causes->begin(), causes->end());
    std::ranges::sort(sorted, {}, [](const Json& cause) { return to_text(cause); });
    body["details"]["causes"] = sorted;
    const std::string message = text_at(body, {"message"});
    if (const auto list = message.find(" is invalid: ["); list != std::string::npos)
        body["message"] = message.substr(0, list) + " is invalid: [<causes>]";
}

Json NormalForm::of(const Row& row, const HttpResponse& response) {
    Json answer = {{"status", response.status},
                   {"type", header(response.headers, "Content-Type").value_or("")}};
    for (const auto& one : response.headers)
        if (to_lower(one.name) == "warning") answer["warnings"].push_back(one.value);
    managed_ = row.managed;
    answer["body"] = tidy(read_answer_body(row, response), "");
    if (answer["body"].is_object()) sort_causes(answer["body"]);
    return answer;
}

std::vector<Difference> differences(const Json& ours, const Json& theirs) {
    std::vector<Difference> found;
    if (ours.value("status", 0) != theirs.value("status", 0)) {
        const auto told = [](const Json& answer) {
            const std::string message = text_at(answer, {"body", "message"});
            return concat(to_text(answer.value("status", Json("none"))), " ",
                          message.empty() ? to_text(answer).substr(0, 300) : message);
        };
        return {{"/status", concat("ours ", told(ours), "\n      theirs ", told(theirs))}};
    }
    compare(ours, theirs, "", found);
    return found;
}

}  // namespace sluice::oracle
