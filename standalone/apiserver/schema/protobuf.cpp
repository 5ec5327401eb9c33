// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/schema/protobuf.hpp"

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/time.hpp"
#include "standalone/apiserver/schema/schema.hpp"

namespace sluice::standalone::apiserver {
namespace {

constexpr std::string_view envelope_magic("k8s\0", 4);
constexpr int deepest_message = 64;

// One field of a message: a number, or bytes.
struct WireField {
    unsigned long number = 0;
    unsigned long value = 0;  // varint, fixed32 and fixed64
    std::string_view bytes;   // length-delimited
    bool delimited = false;
};

// https://protobuf.dev/programming-guides/encoding/
class WireReader {
public:
    explicit WireReader(std::string_view bytes) : rest_(bytes) {}

    [[nodiscard]] bool broken() const { return broken_; }
    std::optional<WireField> next() {
        if (rest_.empty() || broken_) return std::nullopt;
        const unsigned long key = varint();
        WireField field{key >> 3U, 0, {}, false};
        switch (key & 7U) {
            case 0: field.value = varint(); break;
            case 1: field.value = fixed(8); break;
            case 2:
                field.delimited = true;
                field.bytes = take(varint());
                break;
            case 5: field.value = fixed(4); break;
            default: broken_ = true;
        }
        if (broken_) return std::nullopt;
        return field;
    }
    unsigned long varint() {
        unsigned long value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (rest_.empty()) break;
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            value |= static_cast<unsigned long>(byte & 0x7FU) << shift;
            if ((byte & 0x80U) == 0) return value;
        }
        broken_ = true;
        return 0;
    }
    [[nodiscard]] bool done() const { return rest_.empty() || broken_; }

private:
    std::string_view take(unsigned long size) {
        if (size > rest_.size()) {
            broken_ = true;
            return {};
        }
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    unsigned long fixed(size_t size) {
        const std::string_view bytes = take(size);
        unsigned long value = 0;
        std::memcpy(&value, bytes.data(), bytes.size());
        return value;
    }

    std::string_view rest_;
    bool broken_ = false;
};

class Decoder {
public:
    Json message(const Schema& schema, std::string_view bytes) {
        Json object = Json::object();
        fields(schema, bytes, "", object);
        return object;
    }
    [[nodiscard]] bool broken() const { return broken_; }

private:
    void fields(const Schema& schema, std::string_view bytes, const std::string& prefix,
                Json& object);
    void field(const std::string& name, const Schema& schema, const WireField& wire, Json& object);
    Json value(const Schema& schema, const WireField& wire);
    Json wrapped(const Schema& schema, std::string_view bytes);
    void map_entry(const Schema& schema, std::string_view bytes, Json& map);

    bool broken_ = false;
    int depth_ = 0;
};

bool is_empty_value(const Json& value) {
    return value.is_null() || value == "" || value == 0 || value == false ||
           (value.is_structured() && value.empty());
}

void Decoder::fields(const Schema& schema, std::string_view bytes, const std::string& prefix,
                     Json& object) {
    if (++depth_ > deepest_message) broken_ = true;
    WireReader reader(bytes);
    while (!broken_) {
        const auto wire = reader.next();
        if (!wire) break;
        const std::string tag = prefix + std::to_string(wire->number);
        bool inlined = false;
        for (const auto& [name, inner] : schema.fields) {
            if (inner->tag == tag) {
                field(name, *inner, *wire, object);
                inlined = false;
                break;
            }
            inlined = inlined || inner->tag.starts_with(tag + ".");
        }
        if (inlined && wire->delimited) fields(schema, wire->bytes, tag + ".", object);
    }
    broken_ = broken_ || reader.broken();
    --depth_;
}

void Decoder::map_entry(const Schema& schema, std::string_view bytes, Json& map) {
    std::string key;
    Json item = schema.type == SchemaType::Text ? Json("") : Json();
    WireReader reader(bytes);
    while (const auto wire = reader.next()) {
        if (wire->number == 1) key = wire->bytes;
        if (wire->number == 2) item = value(schema, *wire);
    }
    broken_ = broken_ || reader.broken();
    map[key] = std::move(item);
}

void Decoder::field(const std::string& name, const Schema& schema, const WireField& wire,
                    Json& object) {
    if (schema.type == SchemaType::Map) {
        if (!object.contains(name)) object[name] = Json::object();
        map_entry(*schema.items, wire.bytes, object[name]);
        return;
    }
    if (schema.type == SchemaType::List) {
        Json& list = object[name];
        const bool packed = wire.delimited && schema.items->type == SchemaType::Integer;
        WireReader numbers(wire.bytes);
        while (packed && !numbers.done()) list.push_back(static_cast<long>(numbers.varint()));
        if (!packed) list.push_back(value(*schema.items, wire));
        return;
    }
    Json decoded = value(schema, wire);
    if (schema.presence ? !decoded.is_null() : !is_empty_value(decoded))
        object[name] = std::move(decoded);
}

Json Decoder::value(const Schema& schema, const WireField& wire) {
    switch (schema.type) {
        case SchemaType::Text: return std::string(wire.bytes);
        case SchemaType::Bytes: return base64_encode(wire.bytes);
        case SchemaType::Boolean: return wire.value != 0;
        case SchemaType::Integer: return static_cast<long>(wire.value);
        case SchemaType::Number: {
            double number = 0;
            std::memcpy(&number, &wire.value, sizeof number);
            return number;
        }
        case SchemaType::Object: return message(schema, wire.bytes);
        default: return wrapped(schema, wire.bytes);
    }
}

// What JSON writes as a plain value and protobuf as a message.
Json Decoder::wrapped(const Schema& schema, std::string_view bytes) {
    WireReader reader(bytes);
    std::map<unsigned long, WireField> parts;
    while (const auto wire = reader.next()) parts[wire->number] = *wire;
    broken_ = broken_ || reader.broken();
    if (schema.type == SchemaType::Time) {
        if (parts[1].value == 0) return nullptr;
        const auto seconds = std::chrono::seconds{static_cast<long>(parts[1].value)};
        return format_rfc3339(TimePoint(seconds));
    }
    if (schema.type == SchemaType::IntOrText) {
        if (parts[1].value == 0) return static_cast<long>(static_cast<int>(parts[2].value));
        return std::string(parts[3].bytes);
    }
    if (schema.type == SchemaType::Quantity) return std::string(parts[1].bytes);
    // Raw JSON.
    Json raw = Json::parse(parts[1].bytes, nullptr, false);
    return raw.is_discarded() ? Json() : raw;
}

}  // namespace

Result<Json> read_protobuf(std::string_view body) {
    if (!body.starts_with(envelope_magic))
        return invalid("the body does not begin with the protobuf prefix k8s");
    std::string api_version;
    std::string kind;
    std::string_view raw;
    WireReader envelope(body.substr(envelope_magic.size()));
    while (const auto wire = envelope.next()) {
        if (wire->number == 2) raw = wire->bytes;
        if (wire->number != 1) continue;
        WireReader type(wire->bytes);
        while (const auto part = type.next())
            (part->number == 1 ? api_version : kind) = part->bytes;
    }
    if (envelope.broken()) return invalid("the protobuf body ends too early");
    const auto slash = api_version.find('/');
    const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
    const std::string version =
        slash == std::string::npos ? api_version : api_version.substr(slash + 1);
    const SchemaPtr schema = kind == "DeleteOptions" ? builtin_type("meta.v1.DeleteOptions")
                                                     : builtin_schema(group, version, kind);
    if (!schema) return invalid(concat("no protobuf decoder for ", api_version, " ", kind));
    Decoder decoder;
    Json object = decoder.message(*schema, raw);
    if (decoder.broken()) return invalid("the protobuf body is broken");
    object["apiVersion"] = api_version;
    object["kind"] = kind;
    return object;
}

}  // namespace sluice::standalone::apiserver
