// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/clerk.hpp"

#include <condition_variable>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace chaos {
namespace {

using sluice::concat;
using sluice::ErrorKind;
using sluice::Json;

constexpr int writes_of_one = 4;
constexpr std::chrono::milliseconds pace{15};
constexpr const char* ns = "clerk";

sluice::ObjectRef ref_of(const std::string& name) {
    return {sluice::resources::config_maps, ns, name};
}

}  // namespace

std::string contradiction(const std::string& name, const Entry& entry, long found) {
    if (entry.removed && found != 0)
        return concat(name, ": its removal was acknowledged, and it is there");
    if (entry.removal_tried && found == 0) return {};
    if (found < entry.acknowledged)
        return concat(name, ": write ", entry.acknowledged, " was acknowledged, and ",
                      found == 0 ? "it is absent" : concat("it holds write ", found));
    if (found > entry.tried)
        return concat(name, ": it holds write ", found, ", and only ", entry.tried,
                      " were ever sent");
    return {};
}

sluice::Result<long> Clerk::read(const std::string& name) const {
    const auto document = client_.get(ref_of(name));
    if (document.failed_with(ErrorKind::NotFound)) return 0;
    if (!document.ok()) return document.error();
    return sluice::parse_integer(sluice::text_at(*document, {"data", "write"})).value_or(-1);
}

// The store's version never goes back: what was acknowledged later is newer.
void Clerk::note_version(const std::string& name, const Json& document) {
    const auto text = sluice::text_at(document, {"metadata", "resourceVersion"});
    const long version = sluice::parse_integer(text).value_or(0);
    if (version <= newest_version_)
        complaints_.push_back(concat(name, ": acknowledged as version ", version, " after version ",
                                     newest_version_));
    newest_version_ = version;
    ++acknowledged_;
}

void Clerk::write(const std::string& name, Entry& entry) {
    // What an earlier attempt has left decides what comes next, as with any client.
    const auto found = read(name);
    if (!found.ok()) {
        ++refused_;
        return;
    }
    if (auto wrong = contradiction(name, entry, *found); !wrong.empty())
        complaints_.push_back(std::move(wrong));
    const long next = ++entry.tried;
    const Json data{{"write", std::to_string(next)}};
    const auto written =
        *found == 0 ? client_.create(sluice::resources::config_maps,
                                     {{"apiVersion", "v1"},
                                      {"kind", "ConfigMap"},
                                      {"metadata", {{"name", name}, {"namespace", ns}}},
                                      {"data", data}})
                    : client_.patch(ref_of(name), sluice::kube::PatchType::Merge, {{"data", data}});
    if (!written.ok()) {
        ++refused_;
        return;
    }
    entry.acknowledged = next;
    note_version(name, *written);
}

void Clerk::remove(const std::string& name, Entry& entry) {
    entry.removal_tried = true;
    if (client_.remove(ref_of(name)).ok()) entry.removed = true;
}

void Clerk::work(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    for (long turn = 0; !stop.stop_requested(); ++turn) {
        const std::string name = concat("entry-", turn / writes_of_one);
        Entry& entry = entries_[name];
        write(name, entry);
        // Every third goes again.
        if (turn % writes_of_one == writes_of_one - 1 && (turn / writes_of_one) % 3 == 0)
            remove(name, entry);
        std::unique_lock lock(mutex);
        never.wait_for(lock, stop, pace, [] { return false; });
    }
}

void Clerk::begin() {
    const auto made =
        client_.create(sluice::resources::namespaces,
                       {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}});
    if (!made.ok()) complaints_.push_back(made.error().message);
    thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

void Clerk::stop() {
    thread_ = {};
}

std::vector<std::string> Clerk::audit() {
    for (const auto& [name, entry] : entries_) {
        const auto found = read(name);
        auto wrong = found.ok() ? contradiction(name, entry, *found) : found.error().message;
        if (!wrong.empty()) complaints_.push_back(std::move(wrong));
    }
    return complaints_;
}

}  // namespace chaos
