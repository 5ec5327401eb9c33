// SPDX-License-Identifier: Apache-2.0
// Hands that reach in behind Sluice's back, so that a test can ask whether the story notices.
#pragma once

#include <string>
#include <thread>

#include "base/result.hpp"

namespace story {

// Keeps telling HAProxy another weight than the one that Sluice set.
class Saboteur {
public:
    // `data` is the folder of `sluice standalone`. NotFound where no weight is set in its HAProxy.
    sluice::Result<void> hold_proxy_at(const std::string& data, int percent);
    void let_go() { thread_ = {}; }

private:
    std::jthread thread_;
};

}  // namespace story
