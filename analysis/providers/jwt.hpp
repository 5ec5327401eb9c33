// SPDX-License-Identifier: Apache-2.0
// Signed tokens (RFC 7519) by RS256 (RFC 7518 3.3).
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"

namespace sluice::analysis {

// header.claims.signature. Invalid: the key is no PEM of a private RSA key; it is not shown.
Result<std::string> signed_token(const Json& claims, const std::string& private_key);

}  // namespace sluice::analysis
