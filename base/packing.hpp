// SPDX-License-Identifier: Apache-2.0
// Values as few bytes, for what is kept by the hundred thousand and looked at rarely: whole numbers
// in 7-bit groups; texts with their length, and in half the bytes where they are hex (digests,
// hashes) or a uuid. Not a format: written and read by the same process, never stored.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace sluice {

class Packer {
public:
    void number(std::uint64_t value);
    void integer(long value);  // negative ones too
    void flag(bool value) { bytes_ += static_cast<char>(value); }
    void text(std::string_view text);
    void time(TimePoint when);  // whole seconds take five bytes, milliseconds seven
    void optional(const std::optional<long>& value);
    void optional(const std::optional<TimePoint>& value);
    void map(const std::map<std::string, std::string>& map);
    // Bytes as they are; they end what was packed.
    void rest(std::string_view bytes) { bytes_ += bytes; }

    [[nodiscard]] std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
};

// Reads what a Packer wrote, in the same order. Borrows the bytes.
class Unpacker {
public:
    explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

    std::uint64_t number();
    long integer();
    bool flag();
    std::string text();
    TimePoint time();
    std::optional<long> optional_integer();
    std::optional<TimePoint> optional_time();
    std::map<std::string, std::string> map();
    [[nodiscard]] std::string_view rest() const { return bytes_; }

private:
    std::string_view take(size_t count);

    std::string_view bytes_;
};

}  // namespace sluice
