// SPDX-License-Identifier: Apache-2.0
// What the query of a list or a watch says, and which combinations upstream refuses.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list
#pragma once

#include <optional>
#include <string>

#include "standalone/apiserver/api_result.hpp"
#include "standalone/apiserver/request_path.hpp"

namespace sluice::standalone::apiserver {

struct ListOptions {
    long limit = 0;  // 0: all
    std::optional<long> version;
    bool exact = false;  // of `version` alone
    std::string continue_token;
    bool initial_events = false;  // of a watch
};

// BadRequest and Invalid.
ApiResult<ListOptions> read_list_options(const Query& query, bool watch);

}  // namespace sluice::standalone::apiserver
