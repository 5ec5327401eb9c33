// SPDX-License-Identifier: Apache-2.0
// The texts that the parts are started with.
#pragma once

#include <map>
#include <string>

#include "examples/story/options.hpp"

namespace story {

// Version to the flags of the shop. `harmless`: v3 answers as well as the others.
std::map<std::string, std::string> shop_versions(bool harmless);
// How Prometheus finds pods: by itself at the API server, or told by `sluice standalone`.
enum class Discovery { Kubernetes, Http };
std::string prometheus_config(const Places& places, Discovery discovery);
std::string lighttpd_config(const Places& places, const std::string& git_http_backend);
// Notes when each push arrived, before any ref moves.
std::string pre_receive_hook(const std::string& ref_log);
// Hints at a push, as a forge's webhook does.
std::string post_receive_hook(const std::string& hooks);

}  // namespace story
