// SPDX-License-Identifier: Apache-2.0
// One stored object, as its text and what selectors ask about it: nobody parses a document to find
// out that it does not match.
#pragma once

#include <compare>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace sluice::standalone::store {

struct Key {
    std::string type;  // "rollouts.argoproj.io", "pods"
    std::string ns;    // empty for a cluster-scoped kind
    std::string name;
    auto operator<=>(const Key&) const = default;
};

struct Record {
    Key key;
    long version = 0;  // the document's metadata.resourceVersion
    std::string text;  // compact JSON
    std::map<std::string, std::string> labels;
    // "status.phase" and the like, where the document has them as text: field_names in record.cpp.
    std::map<std::string, std::string> fields;
};
using RecordPtr = std::shared_ptr<const Record>;

// Sets metadata.resourceVersion to `version`.
RecordPtr make_record(Key key, long version, Json document);
// From a stored text, whose version is inside.
Result<RecordPtr> read_record(Key key, long version, std::string text);

}  // namespace sluice::standalone::store
