// SPDX-License-Identifier: Apache-2.0
// What the kubelet keeps of a pod: everything that starting, probing and stopping its processes
// reads.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/http.hpp"
#include "base/json.hpp"
#include "base/time.hpp"
#include "standalone/kubelet/simulation.hpp"

namespace sluice::standalone::kubelet {

// httpGet or tcpSocket. A port that cannot be resolved is 0 and never answers.
struct ProbeSpec {
    bool http = false;
    bool https = false;
    std::string host;  // empty: the pod's own address
    std::string path = "/";
    long port = 0;
    std::vector<std::pair<std::string, std::string>> headers;
    Duration initial_delay{0};
    Duration period = std::chrono::seconds{10};
    Duration timeout = std::chrono::seconds{1};
    long failure_threshold = 3;
    long success_threshold = 1;
    bool operator==(const ProbeSpec&) const = default;
};

enum class EnvSource { Value, Field, ConfigMapKey, SecretKey };

struct EnvVar {
    std::string name;
    EnvSource source = EnvSource::Value;
    std::string value;   // Value; Field: the path
    std::string object;  // ConfigMapKey, SecretKey: its name
    std::string key;
    bool optional = false;
    bool operator==(const EnvVar&) const = default;
};

struct EnvFrom {
    bool secret = false;
    std::string object;
    std::string prefix;
    bool optional = false;
    bool operator==(const EnvFrom&) const = default;
};

struct SecurityContext {
    std::optional<long> run_as_user;
    std::optional<long> run_as_group;
    bool run_as_non_root = false;
    bool no_new_privileges = false;  // allowPrivilegeEscalation: false
    bool operator==(const SecurityContext&) const = default;
};

struct ContainerSpec {
    std::string name;
    std::string image;
    std::vector<std::string> command;
    std::vector<std::string> args;
    std::string working_dir;
    std::vector<EnvVar> env;
    std::vector<EnvFrom> env_from;
    std::optional<ProbeSpec> readiness;
    std::optional<ProbeSpec> liveness;
    std::optional<ProbeSpec> startup;
    SecurityContext security;  // the pod's, overridden by the container's
    Duration pre_stop_sleep{0};
    // What this container asks for and a local process cannot have: it is not started then.
    std::vector<std::string> unsupported;
    bool operator==(const ContainerSpec&) const = default;
};

struct Condition {
    std::string type;
    std::string status;
    std::string reason;
    std::string message;
    std::string last_transition;  // RFC 3339
    bool operator==(const Condition&) const = default;
};

struct Pod {
    std::string ns;
    std::string name;
    std::string uid;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> annotations;
    std::string node;
    std::string service_account;
    std::string hostname;
    std::string restart_policy = "Always";
    Duration grace = std::chrono::seconds{30};
    std::vector<ContainerSpec> containers;
    std::vector<std::string> readiness_gates;
    std::optional<TimePoint> deletion;  // when the grace period ends, whole seconds
    std::optional<Duration> deletion_grace;
    std::optional<Simulation> simulation;
    // Of the status as it stands in the API.
    std::string phase;
    std::string start_time;
    std::string ip;
    std::vector<Condition> conditions;
    std::set<std::string> ready_ids;  // containerIDs that are ready
    bool operator==(const Pod&) const = default;

    [[nodiscard]] bool finished() const { return phase == "Succeeded" || phase == "Failed"; }
};

// Never fails: what is missing or of another type has its default.
Pod decode_pod(const Json& pod);

}  // namespace sluice::standalone::kubelet
