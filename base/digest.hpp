// SPDX-License-Identifier: Apache-2.0
// Content hashes: sha256 for identities of ours, FNV-1a 32 bit because upstream's pod-template hash
// is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

std::string sha256_hex(std::string_view bytes);
// Raw 32 bytes of HMAC-SHA-256, as lower-case hex.
std::string hmac_sha256_hex(std::string_view key, std::string_view bytes);
std::uint32_t fnv1a_32(std::string_view bytes, std::uint32_t from = 2166136261U);

}  // namespace sluice
