// SPDX-License-Identifier: Apache-2.0
// What the query of a write says beside the object: CreateOptions, UpdateOptions, PatchOptions of
// meta.k8s.io/v1; and how strictly a body is held against its kind's schema.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "standalone/apiserver/api_result.hpp"
#include "standalone/apiserver/registry.hpp"
#include "standalone/apiserver/request_path.hpp"

namespace sluice::standalone::apiserver {

// https://kubernetes.io/docs/reference/using-api/api-concepts/#setting-the-field-validation-level
enum class FieldValidation { Ignore, Warn, Strict };

struct WriteOptions {
    bool dry_run = false;
    FieldValidation validation = FieldValidation::Warn;
    std::string manager;  // fieldManager
    bool force = false;
};

// `kind` is "CreateOptions", …; apply: a server-side apply. Invalid.
ApiResult<WriteOptions> read_write_options(const Query& query, const char* kind,
                                           bool apply = false);

// Takes out of a body what its kind does not know; `text` is the body as it came, empty where it is
// the server's own. Returns the warnings for the client. BadRequest where types do not fit, or
// where validation is strict.
ApiResult<std::vector<std::string>> fit_body(const Resource& resource, std::string_view version,
                                             FieldValidation validation, Json& body,
                                             std::string_view text);

// The same for an object that a patch made.
ApiResult<std::vector<std::string>> fit_patched(const Resource& resource, std::string_view version,
                                                FieldValidation validation, Json& object,
                                                const Json& patch);

}  // namespace sluice::standalone::apiserver
