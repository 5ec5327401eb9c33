// SPDX-License-Identifier: Apache-2.0
// One object request, taken apart. Internal to the handler's files.
#pragma once

#include "standalone/apiserver/handler.hpp"
#include "standalone/apiserver/rendering.hpp"
#include "standalone/apiserver/selectors.hpp"

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
    [[nodiscard]] Part part() const {
        return path.subresource == "status" ? Part::Status : Part::Main;
    }
};

// A JSON or YAML body as a document. 415 on other media types, 400 on broken text.
ApiResult<Json> read_body(const HttpRequest& request);
Answer json_answer(int status, std::string body);
Answer text_answer(int status, std::string body);

}  // namespace sluice::standalone::apiserver
