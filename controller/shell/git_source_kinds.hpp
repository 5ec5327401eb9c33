// SPDX-License-Identifier: Apache-2.0
// Which resource an apiVersion and kind are, asked of the API server's discovery and remembered.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "platform/kube/client.hpp"

namespace sluice::shell {

// Any thread.
class KindDirectory {
public:
    explicit KindDirectory(const kube::Client& client) : client_(client) {}

    // Nothing where the server does not know the kind now; it is asked again next time.
    Result<std::optional<ResourceType>> find(const std::string& group, const std::string& version,
                                             const std::string& kind);

private:
    using Key = std::tuple<std::string, std::string, std::string>;

    const kube::Client& client_;
    std::mutex mutex_;
    std::map<Key, ResourceType> known_;  // guarded by mutex_
};

}  // namespace sluice::shell
