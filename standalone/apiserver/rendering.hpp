// SPDX-License-Identifier: Apache-2.0
// How a client wants objects: plain, as a Table for kubectl get, or metadata only; in which
// version.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "standalone/apiserver/registry.hpp"
#include "standalone/apiserver/request_path.hpp"
#include "standalone/store/record.hpp"

namespace sluice::standalone::apiserver {

enum class Form { Object, Table, Metadata };

struct ListFacts {
    long version = 0;
    std::string continue_token;
    std::optional<long> remaining;
};

class Rendering {
public:
    // From Accept and the query's includeObject.
    Rendering(ResourcePtr resource, std::string version, std::string_view accept,
              const Query& query);

    // BadRequest where the query asks for rows in a form that there is not.
    [[nodiscard]] ApiResult<void> check() const;
    [[nodiscard]] std::string object(const store::Record& record, TimePoint now) const;
    [[nodiscard]] std::string list(const std::vector<store::RecordPtr>& records,
                                   const ListFacts& facts, TimePoint now) const;
    // The object of a BOOKMARK event.
    [[nodiscard]] std::string bookmark(long version, bool initial_events_end) const;
    [[nodiscard]] std::string content_type() const { return "application/json"; }
    [[nodiscard]] Form form() const { return form_; }

private:
    [[nodiscard]] std::string plain(const store::Record& record) const;
    [[nodiscard]] Json row(const store::Record& record, TimePoint now) const;

    ResourcePtr resource_;
    std::string version_;
    Form form_ = Form::Object;
    std::string form_version_ = "v1";  // of meta.k8s.io
    std::string include_object_;       // "", Metadata, Object, None
};

// The value of an Accept header's media range parameters, first acceptable range wins.
struct Accepted {
    Form form = Form::Object;
    std::string form_version = "v1";
};
Accepted parse_accept(std::string_view accept);

}  // namespace sluice::standalone::apiserver
