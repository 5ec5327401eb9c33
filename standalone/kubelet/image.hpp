// SPDX-License-Identifier: Apache-2.0
// An image is a folder below --images: "shop:v2" is shop/v2, and what it runs is shop/v2/run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sluice::standalone::kubelet {

struct ImageName {
    std::string name;  // "shop", "registry.example:5000/team/shop"
    std::string tag = "latest";
    bool operator==(const ImageName&) const = default;
};

// Invalid for names that would leave the folder ("..") or are none. A digest ("@sha256:…") is
// dropped where a tag stands before it, and is the tag otherwise.
Result<ImageName> parse_image(std::string_view text);
// The folder; NotFound where it or its `run` is missing, with the path that was looked at.
Result<std::string> find_image(const std::string& images, std::string_view image);

// command, args and the image's run file, put together as Kubernetes does: a command replaces the
// run file, args follow either. A command without a slash is looked up in the image folder, then
// left to PATH; a relative one is taken from the image folder.
std::vector<std::string> command_line(const std::string& folder,
                                      const std::vector<std::string>& command,
                                      const std::vector<std::string>& args);

}  // namespace sluice::standalone::kubelet
