// SPDX-License-Identifier: Apache-2.0
// One object request, taken apart. Internal to the handler's files.
#pragma once

#include "standalone/apiserver/handler.hpp"
#include "standalone/apiserver/rendering.hpp"
#include "standalone/apiserver/selectors.hpp"
#include "standalone/apiserver/write_options.hpp"

namespace sluice::standalone::apiserver {

struct Handler::Call {
    const HttpRequest& request;
    const Query& query;
    ObjectPath path;
    ResourcePtr resource;

    [[nodiscard]] std::string header_text(std::string_view name) const {
        return header(request.headers, name).value_or("");
    }
    [[nodiscard]] Rendering rendering() const {
        return {resource, path.version, header_text("Accept"), query};
    }
    [[nodiscard]] ApiResult<Selector> selector() const {
        return parse_selector(*resource, query.get("labelSelector"), query.get("fieldSelector"));
    }
    [[nodiscard]] bool dry_run() const { return query.get("dryRun") == "All"; }
    // The text in which keys that stand twice are looked for: only where somebody asked for it, as
    // kubectl does, for it costs a second pass.
    [[nodiscard]] std::string_view duplicates_in(FieldValidation validation) const {
        const bool asked = !query.get("fieldValidation").empty();
        return asked && validation != FieldValidation::Ignore ? request.body : std::string_view();
    }
    [[nodiscard]] Part part() const {
        return path.subresource == "status" ? Part::Status : Part::Main;
    }
};

// A JSON or YAML body as a document. 415 on other media types, 400 on broken text.
ApiResult<Json> read_body(const HttpRequest& request);
// "selfsubjectaccessreviews" and its like: made, answered, not stored.
bool is_review(std::string_view plural);
Answer json_answer(int status, std::string body);
Answer text_answer(int status, std::string body);

}  // namespace sluice::standalone::apiserver
