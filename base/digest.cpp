// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/check.hpp"

namespace sluice {
namespace {

std::string hex(const unsigned char* bytes, size_t size) {
    constexpr std::string_view alphabet = "0123456789abcdef";
    std::string text;
    for (size_t i = 0; i < size; ++i) {
        text += alphabet[bytes[i] >> 4];
        text += alphabet[bytes[i] & 15];
    }
    return text;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    const int done =
        EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
    check(done == 1, "sha256 failed");
    return hex(digest.data(), size);
}

std::string hmac_sha256_hex(std::string_view key, std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                            reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                            digest.data(), &size);
    check(done != nullptr, "hmac failed");
    return hex(digest.data(), size);
}

std::uint32_t fnv1a_32(std::string_view bytes, std::uint32_t from) {
    std::uint32_t hash = from;
    for (const char c : bytes) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 16777619U;
    }
    return hash;
}

}  // namespace sluice
