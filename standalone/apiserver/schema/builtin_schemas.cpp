// SPDX-License-Identifier: Apache-2.0
// The schemas of built-in kinds, read once from the table in builtin_schemas.inc.
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "base/text.hpp"
#include "standalone/apiserver/schema/schema.hpp"

namespace sluice::standalone::apiserver {
namespace {

// C++ bounds a literal at 64 KiB by the letter; GCC does not mind.
constexpr std::string_view schema_table =
#include "standalone/apiserver/schema/builtin_schemas.inc"
    ;

struct BuiltinSchemas {
    std::map<std::string, std::shared_ptr<Schema>, std::less<>> types;
    std::map<std::string, SchemaPtr, std::less<>> kinds;  // "apps/v1/Deployment"
};

SchemaType plain_type(std::string_view word) {
    static const std::map<std::string_view, SchemaType> words{
        {"string", SchemaType::Text},       {"bool", SchemaType::Boolean},
        {"int32", SchemaType::Integer},     {"int64", SchemaType::Integer},
        {"double", SchemaType::Number},     {"bytes", SchemaType::Bytes},
        {"time", SchemaType::Time},         {"microtime", SchemaType::Time},
        {"quantity", SchemaType::Quantity}, {"intstr", SchemaType::IntOrText},
        {"any", SchemaType::Any},           {"json", SchemaType::Any},
    };
    const auto found = words.find(word);
    check(found != words.end(), "builtin_schemas.inc: unknown type");
    return found->second;
}

// A type of the table that comes later is there already, empty.
SchemaPtr type_of(BuiltinSchemas& schemas, std::string_view word) {
    if (word.starts_with('=')) {
        auto& slot = schemas.types[std::string(word.substr(1))];
        if (!slot) slot = std::make_shared<Schema>();
        return slot;
    }
    auto schema = std::make_shared<Schema>();
    if (word.starts_with('[') || word.starts_with('{')) {
        schema->type = word[0] == '[' ? SchemaType::List : SchemaType::Map;
        schema->items = type_of(schemas, word.substr(1));
    } else {
        schema->type = plain_type(word);
        schema->wide = word == "int64";
        schema->keeps_unknown = schema->type == SchemaType::Any;
    }
    return schema;
}

void apply_flag(Schema& field, std::string_view flag) {
    const auto equals = flag.find('=');
    const std::string_view word = flag.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? "" : flag.substr(equals + 1));
    if (word == "keys") {
        field.form = ListForm::Map;
        field.keys = split(value, ',');
    } else if (word == "set") {
        field.form = ListForm::Set;
    } else if (word == "atomic") {
        field.atomic = true;
    } else if (word == "merge") {
        field.merge_key = value;
    } else if (word == "retain") {
        field.retains_keys = true;
    } else if (word == "present") {
        field.presence = true;
    } else if (word == "default") {
        field.default_text = value;
    } else {
        check(false, "builtin_schemas.inc: unknown flag");
    }
}

// The row of a field whose type may still be empty: what the row adds is kept beside it.
struct PendingField {
    std::shared_ptr<Schema> owner;
    std::string name;
    std::vector<std::string> words;
};

void add_field(BuiltinSchemas& schemas, const PendingField& row) {
    SchemaPtr type = type_of(schemas, row.words[2]);
    auto field = std::make_shared<Schema>(*type);
    field->tag = row.words[1];
    for (size_t i = 3; i < row.words.size(); ++i) {
        if (row.words[i] == "required")
            row.owner->required.insert(row.name);
        else
            apply_flag(*field, row.words[i]);
    }
    row.owner->fields[row.name] = field;
}

// Fields of a type before those that hold it, so that the copies in `fields` are whole.
class TypeOrder {
public:
    TypeOrder(BuiltinSchemas& schemas, std::map<std::string, std::vector<PendingField>> rows)
        : schemas_(schemas), rows_(std::move(rows)) {}
    void build_all() {
        for (const auto& [name, fields] : rows_) build(name);
    }

private:
    void build(const std::string& name) {
        if (!done_.insert(name).second) return;
        for (const auto& row : rows_[name]) {
            const auto mark = row.words[2].find('=');
            if (mark != std::string::npos) build(row.words[2].substr(mark + 1));
            add_field(schemas_, row);
        }
    }

    BuiltinSchemas& schemas_;
    std::map<std::string, std::vector<PendingField>> rows_;
    std::set<std::string> done_;
};

BuiltinSchemas read_table() {
    BuiltinSchemas schemas;
    std::map<std::string, std::vector<PendingField>> rows;
    std::shared_ptr<Schema> type;
    for (const auto& line : split(schema_table, '\n')) {
        const auto words = split(trim(line), ' ');
        if (words.size() < 2) continue;
        if (line[0] == ' ') {
            rows[type->name].push_back({type, words[0], words});
            continue;
        }
        auto& slot = schemas.types[words[1]];
        if (!slot) slot = std::make_shared<Schema>();
        type = slot;
        type->type = SchemaType::Object;
        type->name = words[1];
        for (size_t i = 2; i < words.size(); ++i) {
            if (words[i].starts_with("kind="))
                schemas.kinds[words[i].substr(5)] = type;
            else
                apply_flag(*type, words[i]);
        }
    }
    TypeOrder(schemas, std::move(rows)).build_all();
    return schemas;
}

const BuiltinSchemas& builtin_schemas() {
    static const BuiltinSchemas schemas = read_table();
    return schemas;
}

}  // namespace

const Schema* Schema::field(std::string_view field_name) const {
    const auto found = fields.find(field_name);
    return found == fields.end() ? nullptr : found->second.get();
}

SchemaPtr builtin_schema(std::string_view group, std::string_view version, std::string_view kind) {
    const auto& kinds = builtin_schemas().kinds;
    const auto found = kinds.find(concat(group.empty() ? "-" : group, "/", version, "/", kind));
    return found == kinds.end() ? nullptr : found->second;
}

SchemaPtr builtin_type(std::string_view name) {
    const auto& types = builtin_schemas().types;
    const auto found = types.find(name);
    return found == types.end() ? nullptr : found->second;
}

}  // namespace sluice::standalone::apiserver
