// SPDX-License-Identifier: Apache-2.0
// Keeps a Timeline up to date from the API server, by watching as any client would.
#pragma once

#include <memory>
#include <vector>

#include "base/log.hpp"
#include "examples/story/timeline.hpp"
#include "platform/kube/informer.hpp"

namespace story {

class Watch {
public:
    // Everything referenced must outlive it.
    Watch(const sluice::kube::Client& client, Router router, Timeline& timeline, sluice::Log& log);

    [[nodiscard]] bool synced() const;

private:
    std::vector<std::unique_ptr<sluice::kube::Informer>> informers_;
};

}  // namespace story
