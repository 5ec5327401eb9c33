// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/addresses.hpp"

#include "base/text.hpp"

namespace sluice::standalone::kubelet {
namespace {

constexpr std::uint32_t address_count = 1U << 22;

std::string address_text(std::uint32_t offset) {
    return concat("127.", 64 + (offset >> 16), ".", (offset >> 8) & 255U, ".", offset & 255U);
}

std::uint32_t address_offset(const std::string& text) {
    std::uint32_t value = 0;
    for (const auto& part : split(text, '.'))
        value = (value << 8) | static_cast<std::uint32_t>(parse_integer(part).value_or(0) & 255);
    return value & (address_count - 1);
}

}  // namespace

std::string address_from(std::uint64_t random) {
    return address_text(static_cast<std::uint32_t>(random % address_count));
}

std::string next_address(const std::string& last, const std::set<std::string>& used) {
    const auto start = last.empty() ? 0 : address_offset(last);
    for (std::uint32_t step = 1; step <= address_count; ++step) {
        const auto offset = (start + step) % address_count;
        if ((offset & 255U) == 0 || (offset & 255U) == 255U) continue;
        auto text = address_text(offset);
        if (!used.contains(text)) return text;
    }
    return {};
}

}  // namespace sluice::standalone::kubelet
