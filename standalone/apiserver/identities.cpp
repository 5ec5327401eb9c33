// SPDX-License-Identifier: Apache-2.0
// Random uids and name suffixes. Declared in objects.hpp; a simulation counts instead.
#include <openssl/rand.h>

#include <array>

#include "base/check.hpp"
#include "standalone/apiserver/objects.hpp"

namespace sluice::standalone::apiserver {
namespace {

template <size_t Size>
std::array<unsigned char, Size> random_bytes() {
    std::array<unsigned char, Size> bytes{};
    check(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1, "no random bytes");
    return bytes;
}

// RFC 9562, version 4.
std::string random_uuid() {
    auto bytes = random_bytes<16>();
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
    std::string text;
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += "0123456789abcdef"[bytes[i] >> 4];
        text += "0123456789abcdef"[bytes[i] & 15];
    }
    return text;
}

// Upstream's alphabet: no vowels and nothing that is mistaken for them.
std::string random_suffix() {
    constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
    std::string text;
    for (const unsigned char byte : random_bytes<5>()) text += alphabet[byte % alphabet.size()];
    return text;
}

}  // namespace

Identities random_identities() {
    return {random_uuid, random_suffix};
}

}  // namespace sluice::standalone::apiserver
