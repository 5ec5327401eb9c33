// SPDX-License-Identifier: Apache-2.0
// Every real part of the story, started on free loopback ports: a Git server, sluice standalone,
// Prometheus, and the load. Nothing of it outlives the Stage.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "base/http.hpp"
#include "base/result.hpp"
#include "examples/story/counts.hpp"
#include "examples/story/options.hpp"
#include "examples/story/process.hpp"
#include "examples/story/settings.hpp"
#include "platform/kube/client.hpp"

namespace story {

class Stage {
public:
    explicit Stage(Options options);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    // In this order.
    Result<void> prepare();  // ports, folders, images
    Result<void> start_git();
    Result<void> start_sluice();
    // The same in two steps, for who starts and kills it himself: the program, and to wait until
    // all of it serves. Without the controller inside, the other command is that one's.
    [[nodiscard]] Command sluice_command(bool with_controller) const;
    [[nodiscard]] Command controller_command(bool second = false) const;
    Result<void> wait_until_serving(Process& sluice);
    Result<void> start_prometheus();
    [[nodiscard]] Discovery discovery() const { return discovery_; }
    // kill -9; the story knows that it is away until start_prometheus().
    void kill_prometheus();
    Result<void> start_load();

    // Lets the last requests finish, and says when one was lost on the way.
    Result<void> stop_load();
    void tell_load(std::string_view command);
    // An error that names the part which ended although nobody asked it to.
    Result<void> all_alive();
    // Stops everything, in the reverse order. What would not go by itself is named.
    std::vector<std::string> stop();

    [[nodiscard]] Counts counts() const;
    [[nodiscard]] const Places& places() const { return places_; }
    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] const sluice::kube::Client& cluster() const { return *client_; }
    Result<std::string> kubectl(std::vector<std::string> words, std::string_view input = {}) const;
    [[nodiscard]] std::string log_of(std::string_view part) const;

private:
    Result<void> configure_prometheus();
    Result<void> make_images() const;
    Result<void> connect();
    void read_load(int output);
    // Polls a URL until it answers 200, at most that long.
    Result<void> wait_for(const std::string& url, Process& part, std::string_view name,
                          sluice::Duration patience) const;

    Options options_;
    Places places_;
    std::unique_ptr<sluice::HttpTransport> web_;      // plain requests to anywhere
    std::unique_ptr<sluice::HttpTransport> cluster_;  // to the API server
    std::unique_ptr<sluice::kube::Client> client_;
    Discovery discovery_ = Discovery::Kubernetes;
    Process git_, sluice_, prometheus_, load_;
    bool prometheus_is_away_ = false;
    std::thread load_reader_;
    mutable std::mutex mutex_;
    Counts counts_;  // guarded by mutex_
};

}  // namespace story
