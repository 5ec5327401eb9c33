// SPDX-License-Identifier: Apache-2.0
#include "standalone/store/record.hpp"

#include <nlohmann/json.hpp>

namespace sluice::standalone::store {
namespace {

// Every field that some kind lets a fieldSelector name, as upstream's field label conversions do.
struct FieldName {
    std::string_view label;
    std::string_view first;
    std::string_view second;  // empty: a field of the document itself
};
constexpr FieldName field_names[] = {
    {"spec.nodeName", "spec", "nodeName"},
    {"spec.restartPolicy", "spec", "restartPolicy"},
    {"spec.schedulerName", "spec", "schedulerName"},
    {"spec.serviceAccountName", "spec", "serviceAccountName"},
    {"spec.type", "spec", "type"},
    {"spec.clusterIP", "spec", "clusterIP"},
    {"status.phase", "status", "phase"},
    {"status.podIP", "status", "podIP"},
    {"involvedObject.apiVersion", "involvedObject", "apiVersion"},
    {"involvedObject.fieldPath", "involvedObject", "fieldPath"},
    {"involvedObject.kind", "involvedObject", "kind"},
    {"involvedObject.name", "involvedObject", "name"},
    {"involvedObject.namespace", "involvedObject", "namespace"},
    {"involvedObject.resourceVersion", "involvedObject", "resourceVersion"},
    {"involvedObject.uid", "involvedObject", "uid"},
    {"reportingComponent", "reportingComponent", ""},
    {"source", "source", "component"},
    {"reason", "reason", ""},
    {"type", "type", ""},
};

void fill_attributes(Record& record, const Json& document) {
    if (const Json* labels = find(document, {"metadata", "labels"}); labels && labels->is_object())
        for (const auto& [name, value] : labels->items())
            if (value.is_string()) record.labels[name] = value.get<std::string>();
    for (const auto& [label, first, second] : field_names) {
        std::string value =
            second.empty() ? text_at(document, {first}) : text_at(document, {first, second});
        if (!value.empty()) record.fields[std::string(label)] = std::move(value);
    }
    record.fields["metadata.name"] = record.key.name;
    record.fields["metadata.namespace"] = record.key.ns;
}

}  // namespace

RecordPtr make_record(Key key, long version, Json document) {
    document["metadata"]["resourceVersion"] = std::to_string(version);
    auto record = std::make_shared<Record>();
    record->key = std::move(key);
    record->version = version;
    record->text = to_text(document);
    record->text.shrink_to_fit();  // it was written piece by piece, into up to twice the room
    fill_attributes(*record, document);
    return record;
}

Result<RecordPtr> read_record(Key key, long version, std::string text) {
    const Json document = TRY(parse_json(text));
    auto record = std::make_shared<Record>();
    record->key = std::move(key);
    record->version = version;
    record->text = std::move(text);
    fill_attributes(*record, document);
    return RecordPtr(std::move(record));
}

}  // namespace sluice::standalone::store
