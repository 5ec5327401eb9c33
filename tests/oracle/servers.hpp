// SPDX-License-Identifier: Apache-2.0
// The two sides of the comparison.
#pragma once

#include <memory>
#include <string>

#include "base/http.hpp"

namespace sluice::oracle {

// Requests go to it as long as it lives.
class Server {
public:
    virtual ~Server() = default;
    virtual HttpTransport& transport() = 0;
};

// Ours, fresh, in process, without controllers: as kube-apiserver alone.
std::unique_ptr<Server> start_ours();

// $KUBE_APISERVER over $ETCD on free loopback ports; null with the reason where one is not named,
// std::runtime_error where it does not start. Admission that asks for the controller manager or
// fills in what a scheduler reads is off: ServiceAccount, Priority, DefaultTolerationSeconds.
std::unique_ptr<Server> start_theirs(std::string& why_not);

}  // namespace sluice::oracle
