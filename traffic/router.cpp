// SPDX-License-Identifier: Apache-2.0
#include "traffic/router.hpp"

#include <nlohmann/json.hpp>

#include "base/overloaded.hpp"

namespace sluice::traffic {

std::unique_ptr<Router> make_router(const crds::RouterConfig& config) {
    return match(
        config, [](const crds::NginxConfig& nginx) { return make_nginx_router(nginx); },
        [](const crds::IstioConfig& istio) { return make_istio_router(istio); });
}

}  // namespace sluice::traffic
