// SPDX-License-Identifier: Apache-2.0
// As whom a container runs: pure, and never root by accident.
#pragma once

#include <optional>

#include "standalone/kubelet/pod.hpp"

namespace sluice::standalone::kubelet {

struct UserId {
    long uid = 0;
    long gid = 0;
    bool operator==(const UserId&) const = default;
};

// Whom sluice itself runs as, and who asked for it through sudo.
struct Starter {
    UserId self;
    std::optional<UserId> sudo;  // SUDO_UID and SUDO_GID
    bool allow_root = false;
};
Starter current_starter(bool allow_root);

inline constexpr long nobody = 65534;

// Not root: itself, and Invalid where another user is asked for. Root: runAsUser, else the user
// behind sudo, else nobody; uid 0 only with allow_root (then also where nothing is said and no sudo
// is behind it). Invalid says what to change.
Result<UserId> choose_user(const SecurityContext& security, const Starter& starter);

}  // namespace sluice::standalone::kubelet
