// SPDX-License-Identifier: Apache-2.0
// The few bytes of HTTP that the TLS server writes by itself.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {

constexpr std::string_view plain_http_answer =
    "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    "this port speaks HTTPS: use https:// in the address\n";

// In one buffer, so that it becomes one TLS record.
inline std::string http_chunk(std::string_view bytes) {
    char size[20] = {};
    std::snprintf(size, sizeof size, "%zx", bytes.size());
    return concat(size, "\r\n", bytes, "\r\n");
}
constexpr std::string_view last_http_chunk = "0\r\n\r\n";

}  // namespace sluice::standalone::apiserver
