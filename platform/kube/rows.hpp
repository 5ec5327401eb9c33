// SPDX-License-Identifier: Apache-2.0
// A hundred thousand objects of one kind in few bytes (DESIGN D9). The objects of one owner lie in
// one block of bytes, so that an object costs neither a node, nor a pointer, nor its owner's name:
// only the rest of its own name, and what its kind packs.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::kube {

// The block that an object lies in.
struct RowHome {
    // What the names of these objects are, or begin with before a "-": their owner's name, say.
    // Others may lie here too, they only cost more. Empty: any names.
    std::string stem;
    // What all of them share, packed by their kind.
    std::string owner;
    bool operator==(const RowHome&) const = default;
};

struct Row {
    std::string ns;  // empty for cluster-scoped kinds
    std::string name;
    RowHome home;
    std::string bytes;  // of the object alone, packed by its kind
    bool operator==(const Row&) const = default;
};

// Not for several threads at once. Rows may be marked, to tell what a new list has named.
class RowTable {
public:
    // Adds it, marked, or puts it in the place of the one of that name.
    void put(const Row& row);
    // The same for one that is known to be new.
    void put_new(const Row& row);
    bool erase(std::string_view ns, std::string_view name);
    [[nodiscard]] std::optional<Row> find(std::string_view ns, std::string_view name) const;

    using Visit = std::function<void(Row&& row)>;
    void visit(const Visit& visit) const;
    void visit_namespace(std::string_view ns, const Visit& visit) const;
    void visit_home(std::string_view ns, const RowHome& home, const Visit& visit) const;
    // Those whose names begin with `start`, which is not empty.
    void visit_beginning(std::string_view ns, std::string_view start, const Visit& visit) const;

    // A copy of one block's rows, to be read while others change the table.
    struct Block {
        std::string key, rows;
    };
    // The one after that of this key; the first after the empty key.
    [[nodiscard]] std::optional<Block> block_after(const std::string& key) const;
    static void visit(const Block& block, const Visit& visit);

    void clear_marks();
    void mark(std::string_view ns, std::string_view name);
    void visit_unmarked(const Visit& visit) const;

    [[nodiscard]] bool empty() const { return blocks_.empty(); }

private:
    using Blocks = std::map<std::string, std::string>;
    struct Place {
        std::string block;  // key in blocks_
        size_t begin = 0;
        size_t end = 0;
    };
    [[nodiscard]] std::optional<Place> locate(std::string_view ns, std::string_view name) const;
    [[nodiscard]] std::optional<Place> locate_under(std::string_view ns, std::string_view stem,
                                                    std::string_view name) const;
    void cut(const Place& place);

    Blocks blocks_;  // by namespace, stem and owner, each but the last ended by a zero byte
    // Where those lie that do not begin with their block's stem, by namespace and name.
    std::map<std::string, std::string> strays_;
};

}  // namespace sluice::kube
