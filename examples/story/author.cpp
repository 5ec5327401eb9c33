// SPDX-License-Identifier: Apache-2.0
#include "examples/story/author.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "examples/story/manifests.hpp"
#include "platform/file.hpp"

namespace story {
namespace {

using sluice::concat;
using sluice::Json;
namespace fs = std::filesystem;

constexpr const char* record_branch = "sluice-records";
constexpr const char* rollout_file = "shop/rollout.yaml";

const std::map<std::string, std::string> identity{
    {"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_SYSTEM", "/dev/null"},
    {"GIT_AUTHOR_NAME", "Kim"},         {"GIT_AUTHOR_EMAIL", "kim@example.test"},
    {"GIT_COMMITTER_NAME", "Kim"},      {"GIT_COMMITTER_EMAIL", "kim@example.test"},
    {"GIT_TERMINAL_PROMPT", "0"}};

std::string trimmed(const std::string& text) {
    return std::string(sluice::trim(text));
}

}  // namespace

Result<std::string> Author::begin() {
    work_ = stage_.places().run + "/work";
    TRY(run({{"git", "clone", "--quiet", stage_.places().git_url(), work_}, identity, {}}));
    std::error_code ignored;
    fs::create_directories(work_ + "/shop", ignored);
    for (const auto& [path, text] : TRY(render_manifests(stage_.options(), stage_.places())))
        TRY(sluice::write_file(concat(work_, "/", path), text, 0644));
    TRY(git({"checkout", "--quiet", "-B", "main"}));
    return commit_and_push("shop: v1, behind a canary gate");
}

Result<std::string> Author::set_version(const std::string& from, const std::string& to,
                                        bool gate_removed) {
    TRY(git({"pull", "--quiet", "--ff-only", "origin", "main"}));
    const std::string path = concat(work_, "/", rollout_file);
    std::string text = TRY(sluice::read_file(path));
    if (replace_all(text, concat("image: shop:", from), concat("image: shop:", to)) != 1)
        return sluice::invalid(concat(rollout_file, " does not declare shop:", from, " once"));
    if (gate_removed) text = without_gate(text);
    TRY(sluice::write_file(path, text, 0644));
    return commit_and_push(concat("shop: ", from, " -> ", to));
}

Result<std::string> Author::repeat_newest() {
    TRY(git({"pull", "--quiet", "--ff-only", "origin", "main"}));
    const auto message = TRY(git({"log", "-1", "--format=%B"}));
    const std::string path = concat(work_, "/", rollout_file);
    const auto text = TRY(sluice::read_file(path));
    TRY(sluice::write_file(path, text + "# once more\n", 0644));
    return commit_and_push(message);
}

Result<std::string> Author::commit_and_push(const std::string& message) {
    TRY(git({"add", "--all"}));
    TRY(git({"commit", "--quiet", "--file=-"}, message));
    // A robot may have written in between: a person would pull and push again.
    for (int attempt = 0;; ++attempt) {
        auto pushed = git({"push", "--quiet", "origin", "main"});
        if (pushed.ok()) break;
        if (attempt == 5) return pushed;
        TRY(git({"pull", "--quiet", "--rebase", "origin", "main"}));
    }
    return trimmed(TRY(git({"rev-parse", "HEAD"})));
}

Result<std::vector<Commit>> Author::commits_since(const std::string& commit,
                                                  const std::string& branch) const {
    return commits(concat(commit, "..", branch));
}

Result<std::vector<Commit>> Author::all_commits(const std::string& branch) const {
    return commits(branch);
}

Result<std::vector<Commit>> Author::commits(const std::string& range) const {
    std::vector<Commit> commits;
    const auto ids = TRY(bare({"rev-list", range}));
    for (const auto& id : sluice::split(sluice::trim(ids), '\n')) {
        if (id.empty()) continue;
        Commit found;
        found.id = id;
        found.author = trimmed(TRY(bare({"log", "-1", "--format=%an <%ae>", id})));
        found.message = TRY(bare({"log", "-1", "--format=%B", id}));
        const auto names = TRY(bare({"diff-tree", "--no-commit-id", "--name-only", "-r", id}));
        for (const auto& name : sluice::split(sluice::trim(names), '\n'))
            if (!name.empty()) found.files.push_back(name);
        commits.push_back(std::move(found));
    }
    return commits;
}

Result<std::vector<Json>> Author::records() const {
    std::vector<Json> records;
    if (TRY(bare({"branch", "--list", record_branch})).empty()) return records;
    const auto listing = TRY(bare({"ls-tree", "-r", "--name-only", record_branch}));
    for (const auto& path : sluice::split(sluice::trim(listing), '\n')) {
        if (!path.ends_with(".json") || path.ends_with("/latest.json")) continue;
        if (path.find("/good/") != std::string::npos) continue;
        const auto text = TRY(bare({"show", concat(record_branch, ":", path)}));
        records.push_back(TRY(sluice::parse_json(text)));
    }
    return records;
}

Result<std::string> Author::file_at(const std::string& commit, const std::string& path) const {
    return bare({"show", concat(commit, ":", path)});
}

Result<std::string> Author::log(const std::string& branch, int lines) const {
    return bare({"log", "--graph", concat("-", lines), "--format=%h %<(8,trunc)%an %s", branch});
}

Result<std::vector<Push>> Author::pushes() const {
    std::vector<Push> pushes;
    const auto text = TRY(sluice::read_file(stage_.places().ref_log));
    for (const auto& line : sluice::split(text, '\n')) {
        const auto parts = sluice::split(line, ' ');
        if (parts.size() != 4) continue;
        const auto at = sluice::parse_integer(parts[0]);
        if (!at || !parts[3].starts_with("refs/heads/")) continue;
        pushes.push_back({sluice::TimePoint{sluice::Duration{*at}}, parts[1], parts[2],
                          parts[3].substr(std::string_view("refs/heads/").size())});
    }
    return pushes;
}

Result<std::string> Author::git(std::vector<std::string> words, std::string_view input) const {
    words.insert(words.begin(), {"git", "-C", work_});
    return run({std::move(words), identity, {}}, input);
}

Result<std::string> Author::bare(std::vector<std::string> words, std::string_view input) const {
    words.insert(words.begin(), {"git", "--git-dir", stage_.places().repository});
    return run({std::move(words), identity, {}}, input);
}

}  // namespace story
