// SPDX-License-Identifier: Apache-2.0
#include "tests/support/git_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sluice::test {
namespace git_server_detail {
namespace {

namespace fs = std::filesystem;

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
}

int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t size = sizeof(address);
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
}

bool answers(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(port);
    const bool connected =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    return connected;
}

constexpr const char* backend = "/usr/lib/git-core/git-http-backend";

std::string configuration(const std::string& folder, int port, const GitServer::Options& options) {
    std::string text = "server.modules = (\"mod_alias\", \"mod_setenv\", \"mod_cgi\"";
    if (!options.username.empty()) text += ", \"mod_auth\", \"mod_authn_file\"";
    text +=
        ")\nserver.document-root = \"" + folder + "\"\nserver.bind = \"127.0.0.1\"\n" +
        "server.port = " + std::to_string(port) + "\nserver.errorlog = \"" + folder +
        "/lighttpd.log\"\nserver.upload-dirs = (\"" + folder + "\")\n" +
        "server.max-keep-alive-requests = 0\n" + "alias.url = (\"/git\" => \"" + backend + "\")\n" +
        "$HTTP[\"url\"] =~ \"^/git/\" {\n  cgi.assign = (\"\" => \"\")\n" +
        "  setenv.add-environment = (\"GIT_PROJECT_ROOT\" => \"" + folder +
        "/repositories\", \"GIT_HTTP_EXPORT_ALL\" => \"1\", \"REMOTE_USER\" => \"tester\")\n}\n";
    if (!options.username.empty())
        text += "auth.backend = \"plain\"\nauth.backend.plain.userfile = \"" + folder +
                "/users\"\nauth.require = (\"/git\" => (\"method\" => \"basic\", \"realm\" => "
                "\"git\", \"require\" => \"valid-user\"))\n";
    return text;
}

}  // namespace
}  // namespace git_server_detail

using namespace git_server_detail;

TemporaryFolder::TemporaryFolder() {
    std::string pattern = "/tmp/sluice-test-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string shell(const std::string& line) {
    std::FILE* pipe = ::popen(("set -e; " + line).c_str(), "re");
    std::string out;
    std::array<char, 4096> buffer{};
    while (const size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe))
        out.append(buffer.data(), count);
    if (::pclose(pipe) != 0) {
        std::fprintf(stderr, "failed: %s\n", line.c_str());
        std::abort();
    }
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
}

std::unique_ptr<GitServer> GitServer::start(std::string& why, Options options) {
    std::unique_ptr<GitServer> server(new GitServer());
    const char* tools = std::getenv("SLUICE_TOOLS");
    server->options_ = std::move(options);
    server->program_ = tools ? std::string(tools) + "/usr/sbin/lighttpd" : "/usr/sbin/lighttpd";
    server->modules_ = tools ? std::string(tools) + "/usr/lib/lighttpd" : "/usr/lib/lighttpd";
    if (!fs::exists(server->program_)) {
        why = "no lighttpd at " + server->program_ + " (SLUICE_TOOLS)";
        return nullptr;
    }
    if (!fs::exists(backend)) {
        why = std::string("no ") + backend;
        return nullptr;
    }
    fs::create_directories(server->folder_.path() + "/repositories");
    std::ofstream(server->folder_.path() + "/users")
        << server->options_.username << ":" << server->options_.password << "\n";
    // Another process may take the port between the look and lighttpd's bind.
    for (int attempt = 0; attempt < 5; ++attempt) {
        server->port_ = free_port();
        if (server->launch()) return server;
    }
    why = "lighttpd does not start: see its log";
    return nullptr;
}

bool GitServer::launch() {
    const std::string config = folder_.path() + "/lighttpd.conf";
    std::ofstream(config) << configuration(folder_.path(), port_, options_);
    const char* arguments[] = {program_.c_str(), "-D",   "-m", modules_.c_str(), "-f",
                               config.c_str(),   nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    const int failed = ::posix_spawn(&pid_, program_.c_str(), &actions, nullptr,
                                     const_cast<char**>(arguments), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return false;
    for (int wait = 0; wait < 500; ++wait) {
        if (answers(port_)) return true;
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            return false;
        }
        ::poll(nullptr, 0, 10);
    }
    stop();
    return false;
}

void GitServer::stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void GitServer::restart() {
    stop();
    if (!launch()) std::abort();
}

GitServer::~GitServer() {
    stop();
}

std::string GitServer::url(const std::string& name) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/git/" + name + ".git";
}

std::string GitServer::directory(const std::string& name) const {
    return folder_.path() + "/repositories/" + name + ".git";
}

std::string GitServer::create(const std::string& name) {
    const std::string dir = directory(name);
    shell("git init -q --bare -b main " + dir + " && git -C " + dir +
          " config http.receivepack true && git -C " + dir + " config uploadpack.allowFilter " +
          (options_.filter ? "true" : "false"));
    return url(name);
}

std::string GitServer::push_file(const std::string& name, const std::string& branch,
                                 const std::string& path, const std::string& content,
                                 const std::string& subject) {
    const std::string work = folder_.path() + "/work-" + name;
    std::string remote = url(name);
    if (!options_.username.empty())
        remote.insert(7, options_.username + ":" + options_.password + "@");
    const std::string git = "git -C " + work + " -c user.name=Dev -c user.email=dev@example.com ";
    if (!fs::exists(work)) shell("git init -q " + work);
    shell("if git -C " + work + " fetch -q " + remote + " " + branch +
          " 2>/dev/null; then git -C " + work + " checkout -q --detach FETCH_HEAD; else git -C " +
          work + " checkout -q --orphan o" + std::to_string(::rand()) + "; git -C " + work +
          " rm -rfq --ignore-unmatch .; fi");
    const std::string file = work + "/" + path;
    if (content.empty()) {
        fs::remove(file);
    } else {
        fs::create_directories(fs::path(file).parent_path());
        std::ofstream(file) << content;
    }
    shell(git + "add -A && " + git + "commit -q -m '" + subject + "' && " + git + "push -q " +
          remote + " HEAD:refs/heads/" + branch + " 2>&1");
    return shell("git -C " + work + " rev-parse HEAD");
}

}  // namespace sluice::test
