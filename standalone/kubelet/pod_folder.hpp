// SPDX-License-Identifier: Apache-2.0
// <data>/pods/<uid>/: state.json, <container>.log, and <container>/, the work folder that belongs
// to the container's user.
#pragma once

#include <string>
#include <vector>

#include "standalone/kubelet/runtime.hpp"
#include "standalone/kubelet/user.hpp"

namespace sluice::standalone::kubelet {

class PodFolders final {
public:
    // Makes <data>/pods where it is missing.
    static Result<PodFolders> open(const std::string& data_dir);

    [[nodiscard]] const std::string& root() const { return root_; }
    // Pods of an earlier life; folders that cannot be read are named in `problems`.
    [[nodiscard]] std::vector<PodRuntime> load(std::vector<std::string>& problems) const;
    Result<void> save(const PodRuntime& runtime) const;
    void remove(const std::string& uid) const;
    // Makes it where missing; the path.
    Result<std::string> work_folder(const std::string& uid, const std::string& container,
                                    const UserId& user) const;
    // Where the addresses of pods have got to.
    [[nodiscard]] std::string last_address() const;
    void save_last_address(const std::string& address) const;

private:
    explicit PodFolders(std::string root) : root_(std::move(root)) {}
    std::string root_;
};

}  // namespace sluice::standalone::kubelet
