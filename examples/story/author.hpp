// SPDX-License-Identifier: Apache-2.0
// The person of the story: edits manifests in a clone, commits, pushes. And the reader of what lies
// in the repository afterwards.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "examples/story/checks.hpp"
#include "examples/story/stage.hpp"

namespace story {

struct Push {
    sluice::TimePoint at;  // when the server had it
    std::string from, to;  // commits
    std::string branch;
};

class Author {
public:
    explicit Author(const Stage& stage) : stage_(stage) {}

    // Clone, first content, push. The new commit's id, here and below.
    Result<std::string> begin();
    // Changes the image's tag in shop/rollout.yaml, and takes the analysis steps out if asked to.
    Result<std::string> set_version(const std::string& from, const std::string& to,
                                    bool gate_removed = false);
    // A commit that says what the newest commit of main says, changing one comment.
    Result<std::string> repeat_newest();

    // Read from the bare repository.
    Result<std::vector<Commit>> commits_since(const std::string& commit,
                                              const std::string& branch) const;
    Result<std::vector<Commit>> all_commits(const std::string& branch) const;
    Result<std::vector<sluice::Json>> records() const;
    Result<std::string> file_at(const std::string& commit, const std::string& path) const;
    // `git log` of a branch, as a person would look at it.
    Result<std::string> log(const std::string& branch, int lines) const;
    Result<std::vector<Push>> pushes() const;

private:
    Result<std::string> git(std::vector<std::string> words, std::string_view input = {}) const;
    Result<std::vector<Commit>> commits(const std::string& range) const;
    Result<std::string> bare(std::vector<std::string> words, std::string_view input = {}) const;
    Result<std::string> commit_and_push(const std::string& message);

    const Stage& stage_;
    std::string work_;
};

}  // namespace story
