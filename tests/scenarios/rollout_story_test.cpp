// SPDX-License-Identifier: Apache-2.0
// Plays every story in tests/scenarios/rollout/*.yaml. A story is a Rollout and a list of moments; at
// each the world changes, the controller decides until it rests, and what is then seen must be what
// the story says. Keys of a moment:
//   at        seconds since the start ("40s")
//   image, spec, status, runs, message, hold, release, routes: what happens (see play())
//   then      phase       | because   message of the status
//   step, weight, pods {v1: 3}, stable, services {shop-stable: v1}, look, again
//   do        all actions in order   | tell   all reasons of events in order   | says  their texts
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/yaml.hpp"
#include "tests/scenarios/rollout_world.hpp"

namespace sluice::policy::rollout::story {

std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<std::string> texts(const Json& list) {
    std::vector<std::string> items;
    for (const auto& item : list) items.push_back(item.get<std::string>());
    return items;
}

void change(World& world, const Json& moment) {
    if (moment.contains("image")) world.set_image(moment["image"]);
    if (moment.contains("spec")) world.patch_spec(moment["spec"]);
    if (moment.contains("status")) world.patch_status(moment["status"]);
    if (moment.contains("runs"))
        world.finish_runs(moment["runs"], moment.value("message", ""));
    if (moment.contains("hold")) world.hold_pods(moment["hold"]);
    if (moment.contains("release")) world.release_pods(moment["release"]);
    if (moment.contains("routes")) world.refuse_routes(moment["routes"]);
}

void expect_state(World& world, const Json& moment) {
    const crds::RolloutStatus status = world.status();
    if (moment.contains("then")) EXPECT_EQ(status.phase, moment["then"]) << status.message;
    if (moment.contains("because")) EXPECT_EQ(status.message, moment["because"]);
    if (moment.contains("step")) EXPECT_EQ(status.current_step_index, moment["step"].get<long>());
    if (moment.contains("weight")) EXPECT_EQ(world.weight(), moment["weight"].get<long>());
    if (moment.contains("recorded"))
        EXPECT_EQ(status.canary.weights->canary.weight, moment["recorded"].get<long>());
    if (moment.contains("stable")) EXPECT_EQ(world.version_of(status.stable_rs), moment["stable"]);
    if (moment.contains("pods")) EXPECT_EQ(Json(world.pods()), moment["pods"]);
    if (moment.contains("revisions")) EXPECT_EQ(world.revisions(), texts(moment["revisions"]));
    if (moment.contains("services"))
        for (const auto& [name, version] : moment["services"].items())
            EXPECT_EQ(world.service(name), version) << name;
    if (moment.contains("again"))
        EXPECT_EQ(world.look_again() ? format_duration(*world.look_again()) : "never",
                  moment["again"]);
}

void expect_story(World& world, const Json& moment) {
    const auto actions = world.take_actions();
    const auto reasons = world.take_reasons();
    const auto events = world.take_events();
    if (moment.contains("do")) EXPECT_EQ(actions, texts(moment["do"]));
    if (moment.contains("tell")) EXPECT_EQ(reasons, texts(moment["tell"]));
    if (moment.contains("says")) EXPECT_EQ(events, texts(moment["says"]));
}

class StoryTest : public testing::Test {
public:
    explicit StoryTest(std::filesystem::path path) : path_(std::move(path)) {}

    void TestBody() override {
        const auto documents = parse_yaml(read_text(path_), path_.filename().string());
        ASSERT_TRUE(documents.ok()) << documents.error().message;
        const YamlDocument& document = documents->at(0);
        const Json story = Json::parse(document.text);
        World world(story.at("rollout"));
        for (size_t i = 0; i < story.at("story").size(); ++i) {
            const Json& moment = story["story"][i];
            const auto place = document.places.find(concat("story[", i, "]"));
            const testing::ScopedTrace trace(
                path_.string().c_str(), place == document.places.end() ? 0 : place->second.line,
                moment.at("at").get<std::string>());
            change(world, moment);
            const TimePoint now{parse_rfc3339("2026-11-20T12:00:00Z").value() +
                                parse_duration(moment["at"].get<std::string>()).value()};
            EXPECT_TRUE(world.settle(now)) << "does not come to rest";
            expect_state(world, moment);
            expect_story(world, moment);
            EXPECT_EQ(world.broken(), std::vector<std::string>{});
        }
    }

private:
    std::filesystem::path path_;
};

// "failed-analysis.yaml" is RolloutStory.FailedAnalysis.
std::string test_name(const std::filesystem::path& path) {
    std::string name;
    bool upper = true;
    for (const char c : path.stem().string()) {
        if (c == '-') {
            upper = true;
            continue;
        }
        name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        upper = false;
    }
    return name;
}

const bool registered = [] {
    const std::filesystem::path folder =
        std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/scenarios/rollout";
    std::set<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.insert(entry);
    for (const auto& path : paths)
        testing::RegisterTest("RolloutStory", test_name(path).c_str(), nullptr, nullptr,
                              path.c_str(), 1,
                              [path]() -> testing::Test* { return new StoryTest(path); });
    return true;
}();

}  // namespace sluice::policy::rollout::story
