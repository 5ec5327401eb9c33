// SPDX-License-Identifier: Apache-2.0
// Addresses for pods from 127.64.0.0/10, which Linux routes to loopback without any set-up.
#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace sluice::standalone::kubelet {

// The first address after `last` (around, if need be) that is not in `used`, without those that end
// in 0 or 255. Going round four million of them is what keeps one from being used again soon.
// Empty: `last` means from the beginning. Empty result: none is left.
std::string next_address(const std::string& last, const std::set<std::string>& used);
// A place to start from, so that two clusters on one machine rarely meet.
std::string address_from(std::uint64_t random);

}  // namespace sluice::standalone::kubelet
