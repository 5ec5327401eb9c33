// SPDX-License-Identifier: Apache-2.0
// A real smart HTTP Git server for tests: lighttpd from $SLUICE_TOOLS (or PATH) with git's own
// http-backend, on a free loopback port.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

namespace sluice::test {

// A folder below /tmp that goes when it goes.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

// Runs a shell line; its standard output, trimmed. Ends the test program where it fails.
std::string shell(const std::string& line);

class GitServer {
public:
    struct Options {
        std::string username;  // basic auth where not empty
        std::string password;
        bool filter = true;  // whether blobless fetches are served
    };

    // Nothing, with the reason in `why`, where a program is missing.
    static std::unique_ptr<GitServer> start(std::string& why, Options options);
    static std::unique_ptr<GitServer> start(std::string& why) { return start(why, Options()); }
    ~GitServer();
    GitServer(const GitServer&) = delete;
    GitServer& operator=(const GitServer&) = delete;

    // An empty bare repository on the server; its URL.
    std::string create(const std::string& name);
    [[nodiscard]] std::string url(const std::string& name) const;
    // Where it lies on disk, to put hooks in and to look at it behind the server's back.
    [[nodiscard]] std::string directory(const std::string& name) const;
    // A commit with that file (empty content: without it) on the branch, made by plain git and
    // pushed over the wire; its id.
    std::string push_file(const std::string& name, const std::string& branch,
                          const std::string& path, const std::string& content,
                          const std::string& subject);

    // Stops answering and answers again, on the same port.
    void stop();
    void restart();

private:
    GitServer() = default;
    bool launch();

    Options options_;
    TemporaryFolder folder_;
    std::string program_;
    std::string modules_;
    int port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace sluice::test
