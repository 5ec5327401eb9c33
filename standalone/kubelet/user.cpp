// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/user.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/text.hpp"

namespace sluice::standalone::kubelet {
namespace {

std::optional<long> number_in_environment(const char* name) {
    const char* text = std::getenv(name);
    return text ? parse_integer(text) : std::nullopt;
}

// A group of root's is never given to somebody else.
long group_for(const SecurityContext& security, long uid, const Starter& starter) {
    if (security.run_as_group) return *security.run_as_group;
    if (starter.sudo && starter.sudo->uid == uid) return starter.sudo->gid;
    return uid == 0 ? 0 : uid == nobody ? nobody : uid;
}

}  // namespace

Starter current_starter(bool allow_root) {
    Starter starter{.self = {static_cast<long>(::geteuid()), static_cast<long>(::getegid())},
                    .allow_root = allow_root};
    const auto uid = number_in_environment("SUDO_UID");
    const auto gid = number_in_environment("SUDO_GID");
    if (uid && gid && *uid != 0) starter.sudo = UserId{*uid, *gid};
    return starter;
}

Result<UserId> choose_user(const SecurityContext& security, const Starter& starter) {
    const auto& self = starter.self;
    if (self.uid != 0) {
        if (security.run_as_user && *security.run_as_user != self.uid)
            return invalid(concat("runAsUser ", *security.run_as_user,
                                  " needs sluice to run as root; it runs as user ", self.uid));
        if (security.run_as_group && *security.run_as_group != self.gid)
            return invalid(concat("runAsGroup ", *security.run_as_group,
                                  " needs sluice to run as root; it runs as group ", self.gid));
        return self;
    }
    long uid = nobody;
    if (security.run_as_user)
        uid = *security.run_as_user;
    else if (starter.sudo)
        uid = starter.sudo->uid;
    else if (starter.allow_root && !security.run_as_non_root)
        uid = 0;
    const UserId user{uid, group_for(security, uid, starter)};
    if (user.uid == 0 && security.run_as_non_root)
        return invalid("runAsNonRoot is set and runAsUser is 0");
    if ((user.uid == 0 || user.gid == 0) && !starter.allow_root)
        return invalid(concat(user.uid == 0 ? "runAsUser" : "runAsGroup",
                              " 0 is refused: sluice standalone runs no pod as root unless it is "
                              "started with --allow-root"));
    return user;
}

}  // namespace sluice::standalone::kubelet
