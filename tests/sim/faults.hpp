// SPDX-License-Identifier: Apache-2.0
// Between the controller and the API server, and between it and Git: calls that are refused, lost,
// done but not answered, and the end of the process before or after any of them.
#pragma once

#include <functional>
#include <memory>

#include "platform/git/repository.hpp"
#include "tests/sim/stage.hpp"
#include "tests/support/memory_repository.hpp"
#include "tests/support/roles.hpp"

namespace sluice::sim {

// The process is gone. No std::exception: nothing in the shipped code may catch it.
struct Crash {};

struct FaultRates {  // per mille of calls
    long refuse = 0;
    long lose_answer = 0;
    long crash = 0;
    long outside = 0;  // something else in the world happens just before the call
};

class Faults {
public:
    Faults(Stage& stage, std::function<void()> outside)
        : stage_(stage), outside_(std::move(outside)) {}

    FaultRates rates;
    bool no_writes = false;  // the API server refuses every write of a controller
    long lose_push = 0;      // per mille of pushes, whatever the weather
    long crashes = 0;
    long refused = 0;
    long unanswered = 0;

    enum class Fate { Ordinary, Refused, AnswerLost };
    // Throws Crash where the process ends before the call. `times`: how much likelier a fault is.
    Fate before_call(std::string_view what, long times = 1);
    // The answer to a push that is done.
    bool push_is_lost() { return lose_push > 0 && stage_.chance.permille(lose_push); }
    // Throws Crash where it ends after it.
    void after_call(std::string_view what);

private:
    void crash(std::string_view when, std::string_view what);

    Stage& stage_;
    std::function<void()> outside_;
};

// What the roles of deploy/ forbid is refused here, too: a controller that needs more gets nowhere.
class FaultyTransport final : public HttpTransport {
public:
    FaultyTransport(Stage& stage, Faults& faults, int number)
        : stage_(stage), faults_(faults), number_(number) {}
    Result<HttpResponse> send(const HttpRequest& request) override;
    Result<HttpResponse> stream(const HttpRequest&, const OnChunk&, std::stop_token) override {
        return unavailable("nobody streams in the simulator");
    }

private:
    [[nodiscard]] Result<HttpResponse> refusal() const;

    Stage& stage_;
    Faults& faults_;
    int number_;
    test::Roles roles_{SLUICE_SOURCE_DIR "/deploy/base/roles.yaml"};
};

std::unique_ptr<git::Repository> faulty_repository(Faults& faults, test::MemoryRemote& remote);

}  // namespace sluice::sim
