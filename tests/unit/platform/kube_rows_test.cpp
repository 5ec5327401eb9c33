// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "base/text.hpp"
#include "platform/kube/row_store.hpp"

namespace sluice::kube {
namespace {

std::string names_at(const RowTable& table, const std::string& ns, const RowHome& home) {
    std::string names;
    table.visit_home(ns, home, [&](Row&& row) { names += row.name + " "; });
    return names;
}

TEST(RowTable, RowsOfOneOwnerLieTogetherAndAreFoundByName) {
    RowTable table;
    const RowHome web{"web", "uid-1"};
    const RowHome web_b{"web-b", "uid-2"};
    table.put({"shop", "web-5d8", web, "first"});
    table.put({"shop", "web-b-5d8", web_b, "of another whose name begins alike"});
    table.put({"shop", "web-b-7f9", web, "web's, though it looks like web-b's"});
    table.put({"shop", "web", web, "named as its owner"});
    table.put({"shop", "stray", web, "of another name"});
    table.put({"other", "web-5d8", web, "of another namespace"});
    EXPECT_EQ(table.find("shop", "web-5d8")->bytes, "first");
    EXPECT_EQ(table.find("shop", "web-b-5d8")->home, web_b);
    EXPECT_EQ(table.find("shop", "web-b-7f9")->home, web);
    EXPECT_EQ(table.find("shop", "stray")->home, web);
    EXPECT_EQ(table.find("other", "web-5d8")->bytes, "of another namespace");
    EXPECT_FALSE(table.find("shop", "web-5d"));
    EXPECT_FALSE(table.find("shop", ""));
    EXPECT_EQ(names_at(table, "shop", web), "web-5d8 web-b-7f9 web stray ");
    table.put({"shop", "web-5d8", web_b, "adopted"});
    EXPECT_EQ(names_at(table, "shop", web), "web-b-7f9 web stray ");
    EXPECT_TRUE(table.erase("shop", "stray"));
    EXPECT_FALSE(table.erase("shop", "stray"));
    EXPECT_FALSE(table.find("shop", "stray"));
}

// Against a map, with names that begin alike and owners that change.
TEST(RowTable, HoldsWhatAMapHolds) {
    std::minstd_rand random(7);
    const auto pick = [&](int below) { return static_cast<int>(random() % below); };
    RowTable table;
    std::map<std::pair<std::string, std::string>, Row> map;
    for (int i = 0; i < 20'000; ++i) {
        const std::string stem = concat("a", std::string(pick(3), '-'), pick(3));
        Row row{.ns = concat("ns", pick(2)),
                .name = pick(4) == 0 ? concat("x", pick(9)) : concat(stem, "-", pick(9)),
                .home = {pick(4) == 0 ? "" : stem, concat(pick(2))},
                .bytes = std::string(pick(300), 'b')};
        if (pick(9) == 0) row.name = stem;
        const std::pair key{row.ns, row.name};
        if (pick(3) == 0) {
            EXPECT_EQ(table.erase(row.ns, row.name), map.erase(key) == 1);
        } else {
            table.put(row);
            map[key] = row;
        }
        ASSERT_EQ(table.find(row.ns, row.name).has_value(), map.contains(key));
    }
    size_t seen = 0;
    table.visit([&](Row&& row) {
        ++seen;
        EXPECT_EQ(map.at({row.ns, row.name}), row);
    });
    EXPECT_EQ(seen, map.size());
    size_t copied = 0;
    for (auto block = table.block_after(""); block; block = table.block_after(block->key))
        RowTable::visit(*block, [&](Row&& row) {
            ++copied;
            EXPECT_EQ(map.at({row.ns, row.name}), row);
        });
    EXPECT_EQ(copied, map.size());
    for (const std::string start : {"a1", "a1-", "a1-2", "a-1", "a--1-", "x", "x3", "a", "none"}) {
        std::multiset<std::string> expected, found;
        for (const auto& [key, row] : map)
            if (key.first == "ns1" && key.second.starts_with(start)) expected.insert(key.second);
        table.visit_beginning("ns1", start, [&](Row&& row) { found.insert(row.name); });
        EXPECT_EQ(found, expected) << start;
    }
}

Json thing(const std::string& name, const std::string& value) {
    return {{"metadata", {{"namespace", "shop"}, {"name", name}}}, {"value", value}};
}

struct Told {
    RowStore store{[](const Json& document) {
        auto value = text_at(document, {"value"});
        if (value == "bad") throw std::runtime_error("undecodable");
        return Row{.ns = {}, .name = {}, .home = {"a", ""}, .bytes = std::move(value)};
    }};
    std::string text;
    InformerSink sink = store.sink();

    Told() {
        store.listen([this](const std::string& key, const Row* old, const Row* fresh) {
            text += concat(key.substr(5), ":", old ? old->bytes : "", ">",
                           fresh ? fresh->bytes : "", " ");
        });
    }
    std::string take() { return std::exchange(text, ""); }
    std::string at(const std::string& name) {
        const auto row = store.find("shop/" + name);
        return row ? row->bytes : "-";
    }
};

TEST(RowStore, AListTellsOnlyWhatChanged) {
    Told told;
    told.sink.on_list({thing("a-1", "1"), thing("a-2", "2"), thing("b", "3")});
    EXPECT_EQ(told.take(), "a-1:>1 a-2:>2 b:>3 ");
    told.sink.on_list_begin();
    told.sink.on_item(thing("a-1", "other"));
    EXPECT_EQ(told.at("a-1"), "1") << "before the list has ended";
    told.sink.on_list_begin();  // the other broke off
    told.sink.on_item(thing("a-1", "1"));
    told.sink.on_item(thing("a-2", "new"));
    told.sink.on_item(thing("a-3", "3"));
    told.sink.on_list_end();
    EXPECT_EQ(told.take(), "a-2:2>new a-3:>3 b:3> ");
    EXPECT_EQ(told.at("a-1") + told.at("a-2") + told.at("a-3") + told.at("b"), "1new3-");
    told.sink.on_list({});
    EXPECT_EQ(told.take(), "a-1:1> a-2:new> a-3:3> ");
}

TEST(RowStore, OneThatCannotBePackedStaysAsItWas) {
    Told told;
    told.sink.on_list({thing("a-1", "1"), thing("a-2", "2")});
    told.take();
    EXPECT_THROW(told.sink.on_list({thing("a-1", "bad"), thing("a-2", "new")}), std::runtime_error);
    EXPECT_EQ(told.take(), "a-2:2>new ");
    EXPECT_EQ(told.at("a-1"), "1");
}

TEST(RowStore, EventsTellBothSides) {
    Told told;
    told.sink.on_event({WatchEventType::Added, thing("a-1", "1")});
    told.sink.on_event({WatchEventType::Modified, thing("a-1", "2")});
    told.sink.on_event({WatchEventType::Modified, thing("a-1", "2")});
    told.sink.on_event({WatchEventType::Deleted, thing("a-1", "2")});
    told.sink.on_event({WatchEventType::Deleted, thing("a-1", "2")});
    EXPECT_EQ(told.take(), "a-1:>1 a-1:1>2 a-1:2> ");
}

}  // namespace
}  // namespace sluice::kube
