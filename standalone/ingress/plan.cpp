// SPDX-License-Identifier: Apache-2.0
#include "standalone/ingress/plan.hpp"

#include <set>

#include "base/text.hpp"

namespace sluice::standalone::ingress {
namespace {

class Planner {
public:
    Planner(const Desired& desired, const ProxyState& current, const std::string& folder, int slots)
        : desired_(desired), current_(current), folder_(folder), slots_(slots) {}

    Plan run() {
        assign_slots();
        for (const auto& [identity, endpoints] : desired_.backends)
            if (const auto slot = slot_of_.find(identity); slot != slot_of_.end())
                bring_in(slot->second, endpoints);
        route(exact_map, texts(desired_.exact), current_.exact);
        route(prefix_map, texts(desired_.prefix), current_.prefix);
        if (!current_.exact.contains(ready_key)) add_entry(exact_map, ready_key, "1");
        unroute(exact_map, texts(desired_.exact), current_.exact);
        unroute(prefix_map, texts(desired_.prefix), current_.prefix);
        for (const auto& [slot, servers] : current_.servers) take_out(slot, servers);
        release_slots();
        for (const auto& [identity, slot] : slot_of_) plan_.backends[slot] = identity;
        return std::move(plan_);
    }

private:
    void command(std::string text, std::string reply = {}, bool may_fail = false) {
        plan_.commands.push_back({std::move(text), std::move(reply), may_fail});
    }
    [[nodiscard]] std::string map_path(std::string_view map) const {
        return concat(folder_, "/", map, ".map");
    }
    void add_entry(std::string_view map, const std::string& key, const std::string& value) {
        command(concat("add map ", map_path(map), " ", key, " ", value));
    }
    void drop_entry(std::string_view map, const std::string& key) {
        command(concat("del map ", map_path(map), " ", key));
    }

    // A backend keeps its slot for life; a new one takes a slot that nothing refers to any more.
    void assign_slots() {
        std::set<std::string> taken;
        for (const auto& [slot, identity] : current_.backends) {
            taken.insert(slot);
            slot_of_[identity] = slot;
        }
        for (const auto& [slot, servers] : current_.servers)
            if (!servers.empty()) taken.insert(slot);
        for (const auto* table : {&current_.exact, &current_.prefix})
            for (const auto& [key, text] : *table)
                for (const auto& part : split(text, ':')) taken.insert(part);
        int next = 0;
        for (const auto& [identity, endpoints] : desired_.backends) {
            if (slot_of_.contains(identity)) continue;
            while (next < slots_ && taken.contains(slot_name(next))) ++next;
            if (next == slots_) {
                plan_.problems.push_back(concat("no spare backend left for ", identity, ": all ",
                                                slots_, " are in use"));
                continue;
            }
            slot_of_[identity] = slot_name(next++);
            add_entry(backends_map, slot_of_[identity], identity);
        }
    }

    void bring_in(const std::string& slot, const std::set<Endpoint>& endpoints) {
        const auto known = current_.servers.find(slot);
        for (const auto& endpoint : endpoints) {
            const std::string name = server_name(endpoint);
            wanted_[slot].insert(name);
            const ServerState* state = nullptr;
            if (known != current_.servers.end())
                if (const auto at = known->second.find(name); at != known->second.end())
                    state = &at->second;
            if (!state)
                command(concat("add server ", slot, "/", name, " ", endpoint.address, ":",
                               endpoint.port),
                        "New server registered.");
            if (!state || state->admin != ServerState::Admin::Ready)
                command(concat("set server ", slot, "/", name, " state ready"));
        }
    }

    using Texts = std::map<std::string, std::string>;

    // A route with a backend that got no slot keeps what it has: wrong shares are worse than old
    // ones.
    [[nodiscard]] Texts texts(const std::map<std::string, std::vector<Share>>& routes) const {
        Texts texts;
        for (const auto& [key, shares] : routes) texts[key] = shares_text(shares, slot_of_);
        return texts;
    }

    void route(std::string_view map, const Texts& wanted, const Texts& current) {
        for (const auto& [key, text] : wanted) {
            if (text.empty()) continue;
            const auto now = current.find(key);
            if (now == current.end())
                add_entry(map, key, text);
            else if (now->second != text)
                command(concat("set map ", map_path(map), " ", key, " ", text));
        }
    }

    void unroute(std::string_view map, const Texts& wanted, const Texts& current) {
        for (const auto& [key, text] : current)
            if (!wanted.contains(key) && key != ready_key) drop_entry(map, key);
    }

    // First no new requests, then, when the last one has its answer, away with it.
    void take_out(const std::string& slot, const std::map<std::string, ServerState>& servers) {
        for (const auto& [name, state] : servers) {
            if (wanted_[slot].contains(name)) continue;
            const std::string server = concat(slot, "/", name);
            plan_.draining = true;
            if (state.admin == ServerState::Admin::Ready) {
                command(concat("set server ", server, " state drain"));
                continue;
            }
            if (state.connections > 0) continue;
            if (state.admin == ServerState::Admin::Drain)
                command(concat("set server ", server, " state maint"));
            command(concat("del server ", server), "Server deleted.", true);
        }
    }

    // Only once no route and no server of a former pass is left in it.
    void release_slots() {
        for (const auto& [slot, identity] : current_.backends) {
            if (desired_.backends.contains(identity)) continue;
            const auto servers = current_.servers.find(slot);
            const bool empty = servers == current_.servers.end() || servers->second.empty();
            if (empty && !referenced(slot))
                drop_entry(backends_map, slot);
            else
                plan_.draining = true;
        }
    }

    [[nodiscard]] bool referenced(const std::string& slot) const {
        for (const auto* table : {&current_.exact, &current_.prefix})
            for (const auto& [key, text] : *table)
                for (const auto& part : split(text, ':'))
                    if (part == slot) return true;
        return false;
    }

    const Desired& desired_;
    const ProxyState& current_;
    const std::string& folder_;
    int slots_;
    Plan plan_;
    std::map<std::string, std::string> slot_of_;
    std::map<std::string, std::set<std::string>> wanted_;
};

}  // namespace

Plan diff(const Desired& desired, const ProxyState& current, const std::string& folder, int slots) {
    return Planner(desired, current, folder, slots).run();
}

std::string slot_name(int index) {
    const std::string number = std::to_string(index);
    return concat("b", std::string(number.size() < 3 ? 3 - number.size() : 0, '0'), number);
}

std::string server_name(const Endpoint& endpoint) {
    return concat(endpoint.hash, "_", endpoint.address, "_", endpoint.port);
}

std::string hash_of_server(std::string_view name) {
    const auto end = name.find('_');
    return end == std::string_view::npos ? std::string() : std::string(name.substr(0, end));
}

std::string shares_text(const std::vector<Share>& shares,
                        const std::map<std::string, std::string>& slot_of) {
    std::string text;
    int upto = 0;
    for (const auto& share : shares) {
        const auto slot = slot_of.find(share.backend);
        if (slot == slot_of.end()) return {};
        upto += share.weight;
        text += concat(text.empty() ? "" : ":", upto, ":", slot->second);
    }
    return text;
}

}  // namespace sluice::standalone::ingress
