// SPDX-License-Identifier: Apache-2.0
// The manifests of examples/quickstart/manifests, made ready for one run.
#pragma once

#include <map>
#include <string>

#include "base/result.hpp"
#include "examples/story/options.hpp"

namespace story {

using sluice::Result;

// The texts that go into the repository, by path: the manifests of that router, at that pace, with
// the addresses of this run. Invalid where a replacement finds nothing to replace.
Result<std::map<std::string, std::string>> render_manifests(const Options& options,
                                                            const Places& places);
// The GitSource that points at the repository.
Result<std::string> render_git_source(const Options& options, const Places& places);

// A Rollout's text without its analysis steps.
std::string without_gate(const std::string& rollout);
// How often `from` was there, and is not any more.
int replace_all(std::string& text, std::string_view from, std::string_view to);

}  // namespace story
