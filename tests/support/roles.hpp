// SPDX-License-Identifier: Apache-2.0
// What deploy/base/roles.yaml lets the controller do, held against what it does: a transport that
// forbids everything else, as a cluster would, and notes what was asked for.
#pragma once

#include <compare>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/http.hpp"

namespace sluice::test {

// One thing that authorization decides on:
// https://kubernetes.io/docs/reference/access-authn-authz/authorization/
struct Permission {
    std::string group;
    std::string resource;  // with its subresource: "rollouts/status"
    std::string verb;
    auto operator<=>(const Permission&) const = default;
};

struct Ask {
    Permission permission;
    std::string name;  // of the object, where one is named
};

std::string to_text(const Permission& permission);
// Of a request to the API server.
Ask ask_of(const HttpRequest& request);

// Any thread.
class Roles {
public:
    // The rules of the roles of these names, of all in the file where empty.
    explicit Roles(const std::string& path, const std::set<std::string>& names = {});

    [[nodiscard]] bool allow(const Ask& ask) const;
    void note(const Permission& permission);
    // What was asked for; what is in the rules and never was; what is not and was.
    [[nodiscard]] std::set<Permission> used() const;
    [[nodiscard]] std::set<Permission> unused() const;

private:
    struct Rule {
        std::set<Permission> permissions;
        std::set<std::string> names;  // of objects; empty: all
    };
    std::vector<Rule> rules_;
    mutable std::mutex mutex_;
    std::set<Permission> used_;  // guarded by mutex_
};

class RoledTransport final : public HttpTransport {
public:
    RoledTransport(HttpTransport& inner, Roles& roles) : inner_(inner), roles_(roles) {}

    Result<HttpResponse> send(const HttpRequest& request) override;
    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& on_chunk,
                                std::stop_token stop) override;

private:
    HttpTransport& inner_;
    Roles& roles_;
};

}  // namespace sluice::test
