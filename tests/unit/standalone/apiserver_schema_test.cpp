// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "standalone/apiserver/apply/field_tree.hpp"
#include "standalone/apiserver/apply/typed_value.hpp"
#include "standalone/apiserver/json_path.hpp"
#include "standalone/apiserver/schema/fit.hpp"
#include "standalone/apiserver/schema/protobuf.hpp"
#include "tests/unit/standalone/support.hpp"

namespace sluice::standalone::apiserver::testing {
namespace {

using Names = std::vector<std::string>;

TEST(ApiSchema, BuiltinKindsKnowTheirListsAndKeys) {
    const SchemaPtr pod_schema = builtin_schema("", "v1", "Pod");
    ASSERT_TRUE(pod_schema);
    const Schema* containers = pod_schema->field("spec")->field("containers");
    ASSERT_TRUE(containers);
    EXPECT_EQ(containers->form, ListForm::Map);
    EXPECT_EQ(containers->keys, Names{"name"});
    EXPECT_EQ(containers->items->field("ports")->keys, (Names{"containerPort", "protocol"}));
    EXPECT_FALSE(builtin_schema("argoproj.io", "v1alpha1", "Rollout"));
}

TEST(ApiSchema, UnknownAndDoubledFieldsAreNamed) {
    Json object = {{"metadata", {{"name", "x"}, {"nam", 1}}},
                   {"spec", {{"containers", {{{"nme", 1}}}}}}};
    EXPECT_EQ(
        prune(*builtin_schema("", "v1", "Pod"), object),
        (Names{"unknown field \"metadata.nam\"", "unknown field \"spec.containers[0].nme\""}));
    EXPECT_EQ(object["metadata"], (Json{{"name", "x"}}));
    EXPECT_EQ(duplicate_fields(R"({"a": [{"b": 1, "b": 2}], "a": 3})"),
              (Names{"duplicate field \"a[0].b\"", "duplicate field \"a\""}));
    EXPECT_EQ(duplicate_fields("{"), Names{});
}

TEST(ApiSchema, PrinterColumnsFindWhatTheyName) {
    const Json object = {
        {"a", {{"b.c", 1}, {"list", {{{"type", "X"}, {"n", 1}}, {{"type", "Y"}, {"n", 2}}}}}}};
    const auto at = [&](std::string_view path) {
        const Json* found = first_at(object, path);
        return found ? *found : Json();
    };
    EXPECT_EQ(at(".a.list[?(@.type==\"Y\")].n"), 2);
    EXPECT_EQ(at(".a.list[1].type"), "Y");
    EXPECT_EQ(at(".a.list[-1].n"), 2);
    EXPECT_EQ(at(".a.b\\.c"), 1);
    EXPECT_EQ(at(".a['b.c']"), 1);
    EXPECT_EQ(at("{.a.list[*].n}"), 1);
    for (const char* broken : {".a.list[", ".a.list[?(", "[", ".", "..", ".a.list[?(@)]", ".x.y"})
        EXPECT_TRUE(at(broken).is_null() || at(broken).is_object()) << broken;
}

TEST(ApiApply, ListsKeepTheAppliedOrderAndWhatOthersAdded) {
    const Schema* containers = builtin_schema("", "v1", "Pod")->field("spec")->field("containers");
    const auto named = [](const Names& names) {
        Json list = Json::array();
        for (const auto& name : names) list.push_back({{"name", name}});
        return list;
    };
    const auto merged = [&](const Names& live, const Names& applied) {
        Names names;
        for (const auto& item : merge_typed(containers, named(live), named(applied)))
            names.push_back(text_at(item, {"name"}));
        return names;
    };
    EXPECT_EQ(merged({"a", "b", "c"}, {"b", "a"}), (Names{"b", "c", "a"}));
    EXPECT_EQ(merged({"x", "a"}, {"a", "b"}), (Names{"x", "a", "b"}));
    EXPECT_EQ(merged({}, {"a"}), Names{"a"});
    EXPECT_EQ(merged({"a"}, {}), Names{"a"});
}

TEST(ApiApply, FieldTreesReadWhatTheyWrite) {
    const Json fields = {{"f:data", {{".", Json::object()}, {"f:k", Json::object()}}},
                         {"f:spec", {{"k:{\"name\":\"c\"}", {{"f:image", Json::object()}}}}}};
    const FieldTree tree = read_field_tree(fields);
    EXPECT_EQ(write_field_tree(tree), fields);
    EXPECT_EQ(member_paths(tree), (Names{".data", ".data.k", ".spec[name=\"c\"].image"}));
    EXPECT_TRUE(fields_without(tree, tree).empty());
    EXPECT_EQ(fields_in_both(tree, tree), tree);
    EXPECT_TRUE(read_field_tree(Json("nonsense")).empty());
}

TEST(ApiProtobuf, BrokenBytesAreRefusedAndNeverRead) {
    const std::string_view magic("k8s\0", 4);
    EXPECT_FALSE(read_protobuf("").ok());
    EXPECT_FALSE(read_protobuf(magic).ok());
    // A length that goes beyond the end, an endless varint, an unknown wire type.
    for (const std::string_view tail :
         {"\x0a\x7f", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x0b", "\x0d\x01"})
        EXPECT_FALSE(read_protobuf(std::string(magic) + std::string(tail)).ok());
}

}  // namespace
}  // namespace sluice::standalone::apiserver::testing
