// SPDX-License-Identifier: Apache-2.0
#include "base/packing.hpp"

#include <algorithm>

namespace sluice {
namespace packing {
namespace {

// The low two bits of a text's first number; the rest is the length of what follows.
enum Form : std::uint64_t { Plain, Hex, Uuid, Decimal };

constexpr size_t uuid_length = 36;
constexpr std::string_view digits = "0123456789abcdef";

int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return nibble(c) >= 0; });
}

bool is_dash_place(size_t at) {
    return at == 8 || at == 13 || at == 18 || at == 23;
}

bool is_uuid(std::string_view text) {
    if (text.size() != uuid_length) return false;
    for (size_t i = 0; i < text.size(); ++i)
        if (is_dash_place(i) ? text[i] != '-' : nibble(text[i]) < 0) return false;
    return true;
}

// A resourceVersion, say: without leading zeros, so that it comes back the same.
bool is_decimal(std::string_view text) {
    return !text.empty() && text.size() < 19 && text.front() != '0' &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string halves(std::string_view hex) {
    std::string bytes;
    bytes.reserve(hex.size() / 2);
    for (size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(nibble(hex[i]) * 16 + nibble(hex[i + 1]));
    return bytes;
}

std::string hex_of(std::string_view bytes) {
    std::string hex;
    hex.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        hex += digits[value >> 4U];
        hex += digits[value & 15U];
    }
    return hex;
}

}  // namespace
}  // namespace packing

void Packer::number(std::uint64_t value) {
    for (; value >= 128; value >>= 7U) bytes_ += static_cast<char>((value & 127U) | 128U);
    bytes_ += static_cast<char>(value);
}

// Zigzag: small ones of either sign stay small.
void Packer::integer(long value) {
    number((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63));
}

void Packer::text(std::string_view text) {
    using namespace packing;
    if (is_uuid(text)) {
        std::string hex;
        std::copy_if(text.begin(), text.end(), std::back_inserter(hex),
                     [](char c) { return c != '-'; });
        number(Uuid);
        bytes_ += halves(hex);
    } else if (is_decimal(text)) {
        std::uint64_t value = 0;
        for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
        number(Decimal);
        number(value);
    } else if (text.size() >= 4 && text.size() % 2 == 0 && is_hex(text)) {
        number((text.size() / 2) << 2U | Hex);
        bytes_ += halves(text);
    } else {
        number(text.size() << 2U | Plain);
        bytes_ += text;
    }
}

// The lowest bit tells whether milliseconds follow.
void Packer::time(TimePoint when) {
    const long all = when.time_since_epoch().count();
    integer(all % 1000 == 0 ? all / 1000 * 2 : all * 2 + 1);
}

void Packer::optional(const std::optional<long>& value) {
    flag(value.has_value());
    if (value) integer(*value);
}

void Packer::optional(const std::optional<TimePoint>& value) {
    flag(value.has_value());
    if (value) time(*value);
}

void Packer::map(const std::map<std::string, std::string>& map) {
    number(map.size());
    for (const auto& [key, value] : map) {
        text(key);
        text(value);
    }
}

std::string_view Unpacker::take(size_t count) {
    const auto taken = bytes_.substr(0, count);
    bytes_.remove_prefix(taken.size());
    return taken;
}

std::uint64_t Unpacker::number() {
    std::uint64_t value = 0;
    unsigned shift = 0;
    while (!bytes_.empty()) {
        const auto byte = static_cast<unsigned char>(bytes_.front());
        bytes_.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 127U) << shift;
        if (byte < 128) break;
        shift += 7;
    }
    return value;
}

long Unpacker::integer() {
    const auto value = number();
    return static_cast<long>(value >> 1U) ^ -static_cast<long>(value & 1U);
}

bool Unpacker::flag() {
    const auto taken = take(1);
    return !taken.empty() && taken.front() != 0;
}

std::string Unpacker::text() {
    using namespace packing;
    const auto head = number();
    switch (static_cast<Form>(head & 3U)) {
        case Plain: return std::string(take(head >> 2U));
        case Hex: return hex_of(take(head >> 2U));
        case Decimal: return std::to_string(number());
        case Uuid: break;
    }
    std::string text = hex_of(take(16));
    for (size_t i = 0; i < text.size(); ++i)
        if (is_dash_place(i)) text.insert(i, 1, '-');
    return text;
}

TimePoint Unpacker::time() {
    const long value = integer();
    const bool exact = value % 2 != 0;
    return TimePoint{Duration{exact ? (value - 1) / 2 : value / 2 * 1000}};
}

std::optional<long> Unpacker::optional_integer() {
    return flag() ? std::optional(integer()) : std::nullopt;
}

std::optional<TimePoint> Unpacker::optional_time() {
    return flag() ? std::optional(time()) : std::nullopt;
}

std::map<std::string, std::string> Unpacker::map() {
    std::map<std::string, std::string> map;
    for (auto left = number(); left > 0; --left) {
        auto key = text();
        map[std::move(key)] = text();
    }
    return map;
}

}  // namespace sluice
