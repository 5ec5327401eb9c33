// SPDX-License-Identifier: Apache-2.0
// Plays every story in tests/scenarios/rollout/*.yaml. A story is a Rollout (a base and what
// differs from it) and a list of moments; at each the world changes, the controller decides until
// it rests, and what is then seen must be what the story says. Keys of a moment:
//   at        seconds since the start ("40s")
//   image, spec, status, runs, run, message, hold, release, ready, routes, stuck, taken: what
//   happens (see change())
//   then      phase       | because   message of the status
//   step, weight, recorded, pods {v1: 3}, stable, services {shop-stable: v1}, revisions, again,
//   restarted, carried {v1-1: [role=stable]}
//   "is Progressing": "True ReplicaSetUpdated"
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
    if (moment.contains("image")) world.set_image(text_at(moment, {"image"}));
    if (moment.contains("spec")) world.patch_spec(moment["spec"]);
    if (moment.contains("status")) world.patch_status(moment["status"]);
    if (moment.contains("runs"))
        world.finish_runs(text_at(moment, {"runs"}), moment.value("message", ""));
    if (moment.contains("hold")) world.hold_pods(text_at(moment, {"hold"}));
    if (moment.contains("release")) world.release_pods(text_at(moment, {"release"}));
    if (moment.contains("routes")) world.refuse_routes(text_at(moment, {"routes"}));
    if (moment.contains("ready"))
        for (const auto& [version, most] : moment["ready"].items())
            world.limit_ready(version, most.get<long>());
    if (moment.contains("run")) world.finish_steps(text_at(moment, {"run", "step"}));
    if (moment.contains("stuck")) world.stick_routes(bool_at(moment, {"stuck"}));
    if (moment.contains("taken")) world.take_name(bool_at(moment, {"taken"}));
}

// Compares where the moment says anything about `key`.
template <class Value>
void expect(const Json& moment, const char* key, const Value& seen) {
    if (!moment.contains(key)) return;
    EXPECT_EQ(Json(seen), moment[key]) << key;
}

void expect_state(World& world, const Json& moment) {
    const crds::RolloutStatus status = world.status();
    expect(moment, "then", status.phase);
    expect(moment, "because", world.named(status.message));
    expect(moment, "step", status.current_step_index ? Json(*status.current_step_index) : Json());
    expect(moment, "weight", world.weight());
    expect(moment, "stable", world.version_of(status.stable_rs));
    expect(moment, "pods", world.pods());
    expect(moment, "revisions", world.revisions());
    expect(moment, "again",
           world.look_again() ? format_duration(*world.look_again()) : std::string("never"));
    expect(moment, "carried", world.carried());
    expect(moment, "restarted",
           status.restarted_at ? format_rfc3339(*status.restarted_at) : std::string("never"));
    if (status.canary.weights) expect(moment, "recorded", status.canary.weights->canary.weight);
    for (const auto& condition : status.conditions)
        expect(moment, concat("is ", condition.type).c_str(),
               concat(to_text(condition.status), " ", condition.reason));
    if (!moment.contains("services")) return;
    for (const auto& [name, version] : moment["services"].items())
        EXPECT_EQ(world.service(name), version) << name;
}

void expect_deeds(World& world, const Json& moment) {
    expect(moment, "do", world.take_actions());
    expect(moment, "tell", world.take_reasons());
    expect(moment, "says", world.take_events());
}

// The named base, changed as the story says.
Json rollout_of(const Json& story) {
    const std::filesystem::path base = std::filesystem::path(SLUICE_SOURCE_DIR) /
                                       "tests/scenarios/rollout/bases" /
                                       (story.at("base").get<std::string>() + ".yaml");
    const auto documents = parse_yaml(read_text(base), base.string());
    Json rollout = Json::parse(documents.value().at(0).text);
    if (story.contains("rollout")) rollout.merge_patch(story["rollout"]);
    return rollout;
}

class StoryTest : public testing::Test {
public:
    explicit StoryTest(std::filesystem::path path) : path_(std::move(path)) {}

    void TestBody() override {
        const auto documents = parse_yaml(read_text(path_), path_.filename().string());
        ASSERT_TRUE(documents.ok()) << documents.error().message;
        const YamlDocument& document = documents->at(0);
        const Json story = Json::parse(document.text);
        World world(rollout_of(story));
        for (size_t i = 0; i < story.at("story").size(); ++i) {
            const Json& moment = story["story"][i];
            const auto place = document.places.find(concat("story[", i, "]"));
            const int line = place == document.places.end() ? 0 : place->second.line;
            const testing::ScopedTrace trace(path_.c_str(), line,
                                             moment.at("at").get<std::string>());
            change(world, moment);
            const TimePoint now{parse_rfc3339("2026-11-20T12:00:00Z").value() +
                                parse_duration(moment["at"].get<std::string>()).value()};
            EXPECT_TRUE(world.settle(now)) << "does not come to rest";
            expect_state(world, moment);
            expect_deeds(world, moment);
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
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.is_regular_file()) paths.insert(entry);
    for (const auto& path : paths)
        testing::RegisterTest("RolloutStory", test_name(path).c_str(), nullptr, nullptr,
                              path.c_str(), 1,
                              [path]() -> testing::Test* { return new StoryTest(path); });
    return true;
}();

}  // namespace sluice::policy::rollout::story
