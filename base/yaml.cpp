// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice {
namespace {

constexpr int max_nodes = 100'000;
constexpr int max_depth = 256;

struct Reader {
    std::string file;
    Places places;
    int nodes = 0;

    Error problem(const YAML::Mark& mark, std::string_view what) const {
        return invalid(concat(file, ":", mark.line + 1, ":", mark.column + 1, ": ", what));
    }
};

bool looks_like_number(std::string_view text) {
    if (text.empty()) return false;
    const size_t start = text[0] == '-' || text[0] == '+' ? 1 : 0;
    if (start == text.size()) return false;
    const char first = text[start];
    return (first >= '0' && first <= '9') || first == '.';
}

// YAML 1.2 core schema for a plain scalar.
Json plain_scalar(const std::string& text) {
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
        return nullptr;
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    if (looks_like_number(text)) {
        std::string_view digits = text;
        if (digits[0] == '+') digits.remove_prefix(1);
        if (const auto whole = parse_integer(digits)) return *whole;
        if (const auto number = parse_number(digits)) return *number;
    }
    return text;
}

Result<Json> read(Reader& reader, const YAML::Node& node, const std::string& path, int depth);

Result<Json> read_map(Reader& reader, const YAML::Node& node, const std::string& path, int depth) {
    Json object = Json::object();
    for (const auto& entry : node) {
        if (!entry.first.IsScalar())
            return reader.problem(entry.first.Mark(), "a mapping key must be a plain text");
        const std::string& key = entry.first.Scalar();
        if (object.contains(key))
            return reader.problem(entry.first.Mark(), concat("duplicate key \"", key, "\""));
        const std::string inner = path.empty() ? key : concat(path, ".", key);
        Json value = TRY(read(reader, entry.second, inner, depth + 1));
        reader.places[inner] = {entry.first.Mark().line + 1, entry.first.Mark().column + 1};
        object[key] = std::move(value);
    }
    return object;
}

Result<Json> read(Reader& reader, const YAML::Node& node, const std::string& path, int depth) {
    if (++reader.nodes > max_nodes || depth > max_depth)
        return reader.problem(node.Mark(), "the document is too large or nested too deep");
    reader.places[path] = {node.Mark().line + 1, node.Mark().column + 1};
    switch (node.Type()) {
        case YAML::NodeType::Undefined:
        case YAML::NodeType::Null: return Json(nullptr);
        case YAML::NodeType::Scalar:
            if (node.Tag() == "?" || node.Tag().empty()) return plain_scalar(node.Scalar());
            return Json(node.Scalar());
        case YAML::NodeType::Map: return read_map(reader, node, path, depth);
        case YAML::NodeType::Sequence: break;
    }
    Json list = Json::array();
    int index = 0;
    for (const auto& item : node)
        list.push_back(TRY(read(reader, item, concat(path, "[", index++, "]"), depth + 1)));
    return list;
}

void emit(YAML::Emitter& out, const Json& value) {
    switch (value.type()) {
        case Json::value_t::object:
            out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginMap;
            for (const auto& [key, inner] : value.items()) {
                out << YAML::Key << key << YAML::Value;
                emit(out, inner);
            }
            out << YAML::EndMap;
            return;
        case Json::value_t::array:
            out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
            for (const auto& inner : value) emit(out, inner);
            out << YAML::EndSeq;
            return;
        case Json::value_t::string: {
            const auto& text = value.get_ref<const std::string&>();
            if (text.find('\n') != std::string::npos) out << YAML::Literal;
            // A text that would read back as something else keeps its quotes.
            if (plain_scalar(text) != Json(text)) out << YAML::DoubleQuoted;
            out << text;
            return;
        }
        case Json::value_t::null: out << YAML::Null; return;
        default: out << to_text(value);
    }
}

}  // namespace

Result<std::vector<YamlDocument>> parse_yaml(std::string_view text, std::string_view file) {
    std::vector<YamlDocument> documents;
    try {
        for (const auto& node : YAML::LoadAll(std::string(text))) {
            if (!node.IsDefined() || node.IsNull()) continue;
            Reader reader{.file = std::string(file), .places = {}, .nodes = 0};
            const Json value = TRY(read(reader, node, "", 0));
            documents.push_back({to_text(value), std::move(reader.places)});
        }
    } catch (const YAML::Exception& problem) {
        return invalid(concat(file, ":", problem.mark.line + 1, ":", problem.mark.column + 1, ": ",
                              problem.msg));
    }
    return documents;
}

std::string to_yaml(const Json& value) {
    YAML::Emitter out;
    out.SetIndent(2);
    emit(out, value);
    return std::string(out.c_str()) + "\n";
}

}  // namespace sluice
