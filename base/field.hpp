// SPDX-License-Identifier: Apache-2.0
// Reading documents by asking. A Field is a cursor that knows its path; what is wrong is collected
// as Problems instead of ending the read, and keys nobody asked for are unknown fields. A decoder
// mirrors its schema:
//
//     RolloutSpec decode(const Field& spec) {
//         return {.replicas = spec.at("replicas").integer().value_or(1), …};
//     }
//
// and so tells its schema, too: run on a Field that describes, it leaves an OpenAPI schema behind
// (DESIGN D11: custom resource definitions are generated from the decoders).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "base/yaml.hpp"

namespace sluice {

struct Problem {
    std::string path;  // "spec.steps[1].pause.duration"
    std::string what;  // "expected a duration such as 90s or 1h30m, found \"5 minutes\""
    bool unknown_field = false;
    bool operator==(const Problem&) const = default;
};

// "path: what", or "file:line:column: path: what" where the place is known.
std::string to_text(const Problem& problem);
std::string to_text(const Problem& problem, std::string_view file, const Places& places);

// A scalar that Kubernetes lets be a number or a text ("25%", 3).
struct IntOrString {
    std::optional<long> number;
    std::string text;
    bool operator==(const IntOrString&) const = default;
};

// Copyable; borrows the document for its life. Not for several threads at once.
class Field {
public:
    // The root of a document. `problems` must outlive every Field made from it.
    Field(const Json& document, std::vector<Problem>& problems, std::string path = {});

    // The root of no document at all: everything seems present, nothing has a value, and what is
    // asked of it is noted in `schema` (structural, as apiextensions.k8s.io/v1 wants it). A decoder
    // that chooses by what is present asks describes() and then asks for everything.
    static Field describing(Json& schema);
    [[nodiscard]] bool describes() const { return schema_ != nullptr; }

    // True where a value other than null stands here.
    [[nodiscard]] bool present() const { return value_ != nullptr || schema_ != nullptr; }
    [[nodiscard]] const std::string& path() const { return path_; }
    // The value itself, for documents that are passed on; null Json where absent. Everything below
    // it counts as asked for.
    [[nodiscard]] const Json& document() const;
    // The same without counting anything below it as asked for: for a decoder that also keeps the
    // document, so that its unknown fields are still reported.
    [[nodiscard]] const Json& peek() const;

    // The field of that name; it may be absent. Asking makes it known.
    [[nodiscard]] Field at(std::string_view key) const;
    // The items of a list; empty where absent.
    [[nodiscard]] std::vector<Field> items() const;
    // The keys of a map with free keys (labels, plugins), with their fields.
    [[nodiscard]] std::vector<std::pair<std::string, Field>> entries() const;

    // Nothing where absent; a problem and nothing where of another type.
    [[nodiscard]] std::optional<std::string> text() const;
    [[nodiscard]] std::optional<bool> boolean() const;
    [[nodiscard]] std::optional<long> integer() const;
    [[nodiscard]] std::optional<double> number() const;
    [[nodiscard]] std::optional<TimePoint> time() const;     // RFC 3339
    [[nodiscard]] std::optional<Duration> duration() const;  // Go duration text
    [[nodiscard]] std::optional<IntOrString> int_or_string() const;
    [[nodiscard]] std::map<std::string, std::string> text_map() const;
    // One of the texts that are allowed here; a problem and nothing where it is another.
    [[nodiscard]] std::optional<std::string> choice(const std::vector<std::string>& allowed) const;

    // As above, with a problem where absent.
    [[nodiscard]] std::string required_text() const;

    void complain(std::string what) const;

private:
    struct Seen;  // which keys of which objects were asked for

    Field(const Json* value, std::vector<Problem>* problems, std::string path,
          std::shared_ptr<Seen> seen);
    [[nodiscard]] std::string found() const;
    void expected(std::string_view what) const;
    Field describing_inner(Json& schema, std::string_view path) const;
    void note(std::string_view type, std::string_view format = {}) const;

    const Json* value_;
    std::vector<Problem>* problems_;
    std::string path_;
    std::shared_ptr<Seen> seen_;
    Json* schema_ = nullptr;  // where this describes; borrowed

    friend void report_unknown(const Field& root);
};

// Adds a problem for every key below `root` that no decoder asked for.
void report_unknown(const Field& root);

}  // namespace sluice
