// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/context.hpp"

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "crds/rollout.hpp"

namespace sluice::cli {

Result<Cluster> Cluster::open(const GlobalOptions& options) {
    const auto access = TRY(kube::load_access(options.kubeconfig, options.context));
    Cluster cluster;
    cluster.transport_ = kube::connect(access);
    cluster.client_ = std::make_unique<kube::Client>(*cluster.transport_, "sluice");
    cluster.ns_ = options.ns.empty() ? access.default_namespace : options.ns;
    return cluster;
}

int report(const Error& error) {
    std::cerr << "sluice: " << error.message << "\n";
    switch (error.kind) {
        case ErrorKind::NotFound: return NotFoundCode;
        case ErrorKind::Timeout: return TimedOut;
        default: return Failed;
    }
}

long revision_of(const Json& object) {
    return parse_integer(text_at(object, {"metadata", "annotations", crds::revision_annotation}))
        .value_or(0);
}

void print_object(const GlobalOptions& options, const Json& object, const std::string& line) {
    if (options.output == "json")
        std::cout << to_pretty_text(object) << "\n";
    else if (options.output == "yaml")
        std::cout << to_yaml(object);
    else if (options.output == "name")
        std::cout << to_lower(text_at(object, {"kind"})) << "/"
                  << text_at(object, {"metadata", "name"}) << "\n";
    else
        std::cout << line << "\n";
}

}  // namespace sluice::cli
