// SPDX-License-Identifier: Apache-2.0
#include "base/http.hpp"

#include "base/text.hpp"

namespace sluice {

std::optional<std::string> header(const std::vector<HttpHeader>& headers, std::string_view name) {
    for (const auto& h : headers)
        if (to_lower(h.name) == to_lower(name)) return h.value;
    return std::nullopt;
}

}  // namespace sluice
