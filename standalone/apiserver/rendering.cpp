// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/rendering.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/table.hpp"

namespace sluice::standalone::apiserver {
namespace {

std::map<std::string, std::string> media_parameters(std::string_view range) {
    std::map<std::string, std::string> parameters;
    for (const auto& part : split(range, ';')) {
        const auto equals = part.find('=');
        if (equals == std::string::npos) continue;
        parameters[std::string(trim(std::string_view(part).substr(0, equals)))] =
            trim(std::string_view(part).substr(equals + 1));
    }
    return parameters;
}

Json metadata_only(const Json& document, std::string_view form_version) {
    return {{"kind", "PartialObjectMetadata"},
            {"apiVersion", concat("meta.k8s.io/", form_version)},
            {"metadata", document.at("metadata")}};
}

Json list_metadata(const ListFacts& facts) {
    Json metadata = {{"resourceVersion", std::to_string(facts.version)}};
    if (!facts.continue_token.empty()) metadata["continue"] = facts.continue_token;
    if (facts.remaining) metadata["remainingItemCount"] = *facts.remaining;
    return metadata;
}

// What the store holds was JSON when it was written.
Json parse_stored(const store::Record& record) {
    auto document = parse_json(record.text);
    check(document.ok(), "a stored document is not JSON");
    return std::move(document).value();
}

}  // namespace

Accepted parse_accept(std::string_view accept) {
    for (const auto& range : split(accept, ',')) {
        const std::string type(trim(std::string_view(range).substr(0, range.find(';'))));
        if (type != "application/json" && type != "*/*" && type != "application/*") continue;
        const auto parameters = media_parameters(range);
        const auto as = parameters.find("as");
        if (as == parameters.end()) return {};
        const auto version = parameters.find("v");
        const std::string form_version = version == parameters.end() ? "v1" : version->second;
        if (form_version != "v1" && form_version != "v1beta1") continue;
        if (as->second == "Table") return {Form::Table, form_version};
        if (as->second == "PartialObjectMetadata" || as->second == "PartialObjectMetadataList")
            return {Form::Metadata, form_version};
    }
    return {};
}

Rendering::Rendering(ResourcePtr resource, std::string version, std::string_view accept,
                     const Query& query)
    : resource_(std::move(resource)), version_(std::move(version)) {
    const Accepted accepted = parse_accept(accept);
    form_ = accepted.form;
    form_version_ = accepted.form_version;
    include_object_ = query.get("includeObject");
}

ApiResult<void> Rendering::check() const {
    if (form_ != Form::Table || include_object_.empty() || include_object_ == "None" ||
        include_object_ == "Object" || include_object_ == "Metadata")
        return {};
    return status::bad_request(
        concat("Unable to convert to Table as requested: includeObject: Invalid value: \"",
               include_object_, "\": must be 'Metadata', 'Object', 'None', or empty"));
}

std::string Rendering::plain(const store::Record& record) const {
    if (version_ == resource_->type.version) return record.text;
    Json document = parse_stored(record);
    document["apiVersion"] = resource_->type_at(version_).api_version();
    return to_text(document);
}

Json Rendering::row(const store::Record& record, TimePoint now) const {
    const Json document = parse_stored(record);
    Json row = {{"cells", table_cells(*resource_, document, now)}};
    if (include_object_ == "Object") {
        row["object"] = document;
        row["object"]["apiVersion"] = resource_->type_at(version_).api_version();
    } else if (include_object_ != "None") {
        row["object"] = metadata_only(document, form_version_);
    }
    return row;
}

std::string Rendering::object(const store::Record& record, TimePoint now) const {
    if (form_ == Form::Object) return plain(record);
    if (form_ == Form::Metadata) return to_text(metadata_only(parse_stored(record), form_version_));
    const Json table = {{"kind", "Table"},
                        {"apiVersion", concat("meta.k8s.io/", form_version_)},
                        {"metadata", {{"resourceVersion", std::to_string(record.version)}}},
                        {"columnDefinitions", table_columns(*resource_)},
                        {"rows", Json::array({row(record, now)})}};
    return to_text(table);
}

std::string Rendering::list(const std::vector<store::RecordPtr>& records, const ListFacts& facts,
                            TimePoint now) const {
    if (form_ == Form::Table) {
        Json table = {{"kind", "Table"},
                      {"apiVersion", concat("meta.k8s.io/", form_version_)},
                      {"metadata", list_metadata(facts)},
                      {"columnDefinitions", table_columns(*resource_)},
                      {"rows", Json::array()}};
        for (const auto& record : records) table["rows"].push_back(row(*record, now));
        return to_text(table);
    }
    // Put together as text: a large list is not parsed to be written again.
    const bool partial = form_ == Form::Metadata;
    Json metadata = list_metadata(facts);
    // Upstream's lists of custom objects always say where they go on.
    if (resource_->custom && !partial && facts.continue_token.empty()) metadata["continue"] = "";
    std::string text =
        concat("{\"kind\":\"", partial ? "PartialObjectMetadata" : resource_->type.kind,
               "List\",\"apiVersion\":\"",
               partial ? concat("meta.k8s.io/", form_version_)
                       : resource_->type_at(version_).api_version(),
               "\",\"metadata\":", to_text(metadata), ",\"items\":");
    if (partial && records.empty()) return text + "null}";
    text += '[';
    for (size_t i = 0; i < records.size(); ++i) {
        if (i > 0) text += ',';
        text += object(*records[i], now);
    }
    return text + "]}";
}

std::string Rendering::bookmark(long version, bool initial_events_end) const {
    Json metadata = {{"resourceVersion", std::to_string(version)}, {"creationTimestamp", nullptr}};
    if (initial_events_end) metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
    if (form_ == Form::Table)
        return to_text(
            Json{{"kind", "Table"},
                 {"apiVersion", concat("meta.k8s.io/", form_version_)},
                 {"metadata", {{"resourceVersion", std::to_string(version)}}},
                 {"columnDefinitions", table_columns(*resource_)},
                 {"rows", Json::array({{{"cells", Json::array()},
                                        {"object",
                                         {{"kind", "PartialObjectMetadata"},
                                          {"apiVersion", concat("meta.k8s.io/", form_version_)},
                                          {"metadata", metadata}}}}})}});
    if (form_ == Form::Metadata)
        return to_text(Json{{"kind", "PartialObjectMetadata"},
                            {"apiVersion", concat("meta.k8s.io/", form_version_)},
                            {"metadata", metadata}});
    return to_text(Json{{"kind", resource_->type.kind},
                        {"apiVersion", resource_->type_at(version_).api_version()},
                        {"metadata", metadata}});
}

}  // namespace sluice::standalone::apiserver
