// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/image.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.hpp"

namespace sluice::standalone::kubelet {
namespace {

bool safe_part(std::string_view part) {
    if (part.empty() || part == "." || part == "..") return false;
    for (const char c : part)
        if (!std::isalnum(static_cast<unsigned char>(c)) && !std::strchr("._-:@", c)) return false;
    return true;
}

bool is_file(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

Result<ImageName> parse_image(std::string_view text) {
    ImageName image;
    const auto at = text.find('@');
    const auto digest = at == std::string_view::npos ? "" : text.substr(at + 1);
    const auto rest = text.substr(0, at);
    const auto colon = rest.rfind(':');
    const auto slash = rest.rfind('/');
    const bool tagged =
        colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
    image.name = tagged ? rest.substr(0, colon) : rest;
    if (tagged)
        image.tag = rest.substr(colon + 1);
    else if (!digest.empty())
        image.tag = digest;
    for (const auto& part : split(image.name, '/'))
        if (!safe_part(part)) return invalid(concat("\"", text, "\" is no image name"));
    if (!safe_part(image.tag)) return invalid(concat("\"", text, "\" is no image name"));
    return image;
}

Result<std::string> find_image(const std::string& images, std::string_view image) {
    const auto parsed = TRY(parse_image(image));
    const auto folder = concat(images, "/", parsed.name, "/", parsed.tag);
    const auto run = folder + "/run";
    if (is_file(run)) return folder;
    if (errno == EACCES)
        return Error{ErrorKind::Denied, concat("image \"", image, "\": may not read ", run)};
    return not_found(concat("image \"", image, "\": no executable ", run));
}

std::vector<std::string> command_line(const std::string& folder,
                                      const std::vector<std::string>& command,
                                      const std::vector<std::string>& args) {
    std::vector<std::string> line = command;
    if (line.empty()) {
        line.push_back(folder + "/run");
    } else if (!line.front().starts_with('/')) {
        const auto own = concat(folder, "/", line.front());
        if (line.front().find('/') != std::string::npos || is_file(own)) line.front() = own;
    }
    line.insert(line.end(), args.begin(), args.end());
    return line;
}

}  // namespace sluice::standalone::kubelet
