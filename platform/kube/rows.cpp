// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/rows.hpp"

#include <utility>

#include "base/packing.hpp"

namespace sluice::kube {
namespace rows {
namespace {

// A row: one byte of form and mark, the length of its name, the name, the length of its bytes, the
// bytes. The form says what the name lacks.
enum Form : unsigned char { Whole, AfterStem, IsStem };
constexpr unsigned char mark_bit = 4;

std::string start_of(std::string_view ns, std::string_view stem) {
    std::string key;
    key.reserve(ns.size() + stem.size() + 2);
    key += ns;
    key += '\0';
    key += stem;
    key += '\0';
    return key;
}

std::string block_key(std::string_view ns, const RowHome& home) {
    return start_of(ns, home.stem) + home.owner;
}

struct BlockName {
    std::string_view ns, stem, owner;
};
BlockName name_of_block(std::string_view key) {
    const auto ns = key.find('\0');
    const auto stem = key.find('\0', ns + 1);
    return {key.substr(0, ns), key.substr(ns + 1, stem - ns - 1), key.substr(stem + 1)};
}

Form form_of(std::string_view name, std::string_view stem) {
    if (stem.empty()) return Whole;
    if (name == stem) return IsStem;
    const bool after =
        name.size() > stem.size() && name.starts_with(stem) && name[stem.size()] == '-';
    return after ? AfterStem : Whole;
}

std::string packed(const Row& row) {
    const Form form = form_of(row.name, row.home.stem);
    std::string_view name = row.name;
    if (form == IsStem) name = {};
    if (form == AfterStem) name.remove_prefix(row.home.stem.size() + 1);
    Packer packer;
    packer.number(form | mark_bit);
    packer.number(name.size());
    packer.rest(name);
    packer.number(row.bytes.size());
    packer.rest(row.bytes);
    return packer.take();
}

// Grows to what is needed and no further: a text would double.
void append(std::string& block, std::string_view bytes) {
    std::string grown;
    grown.reserve(block.size() + bytes.size());
    grown += block;
    grown += bytes;
    block = std::move(grown);
}

struct RowSight {
    size_t begin, end;
    Form form;
    bool marked;
    std::string_view name, bytes;
};

// One row after the other.
class Reader {
public:
    explicit Reader(std::string_view block) : block_(block) {}
    bool next(RowSight& row) {
        if (at_ >= block_.size()) return false;
        Unpacker unpacker(block_.substr(at_));
        const auto head = unpacker.number();
        const auto name_size = unpacker.number();
        auto rest = unpacker.rest();
        const auto name = rest.substr(0, name_size);
        Unpacker after(rest.substr(name_size));
        const auto size = after.number();
        const auto bytes = after.rest().substr(0, size);
        const auto end = static_cast<size_t>(bytes.data() + bytes.size() - block_.data());
        row = {at_, end, static_cast<Form>(head & 3U), (head & mark_bit) != 0, name, bytes};
        at_ = end;
        return true;
    }

private:
    std::string_view block_;
    size_t at_ = 0;
};

bool is_named(const RowSight& row, std::string_view stem, std::string_view name) {
    switch (row.form) {
        case Whole: return row.name == name;
        case IsStem: return name == stem;
        case AfterStem: break;
    }
    return name.size() == stem.size() + 1 + row.name.size() && name.ends_with(row.name) &&
           name.starts_with(stem) && name[stem.size()] == '-';
}

Row row_of(const BlockName& block, const RowSight& sight) {
    Row row{.ns = std::string(block.ns),
            .name = {},
            .home = {std::string(block.stem), std::string(block.owner)},
            .bytes = std::string(sight.bytes)};
    if (sight.form != Whole) row.name = block.stem;
    if (sight.form == AfterStem) row.name += '-';
    row.name += sight.name;
    return row;
}

void visit_block(std::string_view key, std::string_view block, bool only_unmarked,
                 const RowTable::Visit& visit) {
    const auto name = name_of_block(key);
    Reader reader(block);
    for (RowSight sight{}; reader.next(sight);)
        if (!only_unmarked || !sight.marked) visit(row_of(name, sight));
}

std::string stray_key(std::string_view ns, std::string_view name) {
    std::string key(ns);
    key += '\0';
    key += name;
    return key;
}

}  // namespace
}  // namespace rows

std::optional<RowTable::Place> RowTable::locate_under(std::string_view ns, std::string_view stem,
                                                      std::string_view name) const {
    const auto start = rows::start_of(ns, stem);
    for (auto at = blocks_.lower_bound(start); at != blocks_.end() && at->first.starts_with(start);
         ++at) {
        rows::Reader reader(at->second);
        for (rows::RowSight sight{}; reader.next(sight);)
            if (rows::is_named(sight, stem, name)) return Place{at->first, sight.begin, sight.end};
    }
    return std::nullopt;
}

// A name says which stems it may lie under: each part of it that ends before a "-".
std::optional<RowTable::Place> RowTable::locate(std::string_view ns, std::string_view name) const {
    for (auto dash = name.size(); dash != std::string_view::npos && dash > 0;
         dash = name.rfind('-', dash - 1))
        if (auto found = locate_under(ns, name.substr(0, dash), name)) return found;
    if (auto found = locate_under(ns, "", name)) return found;
    const auto stray = strays_.find(rows::stray_key(ns, name));
    if (stray == strays_.end()) return std::nullopt;
    return locate_under(ns, rows::name_of_block(stray->second).stem, name);
}

void RowTable::cut(const Place& place) {
    const auto block = blocks_.find(place.block);
    const auto name = rows::name_of_block(block->first);
    if (!strays_.empty()) {
        rows::Reader reader(std::string_view(block->second).substr(place.begin));
        rows::RowSight sight{};
        reader.next(sight);
        if (sight.form == rows::Whole) strays_.erase(rows::stray_key(name.ns, sight.name));
    }
    if (place.begin == 0 && place.end == block->second.size()) {
        blocks_.erase(block);
        return;
    }
    block->second.erase(place.begin, place.end - place.begin);
    block->second.shrink_to_fit();
}

void RowTable::put_new(const Row& row) {
    const auto key = rows::block_key(row.ns, row.home);
    const auto bytes = rows::packed(row);
    auto& block = blocks_[key];
    rows::append(block, bytes);
    if (!row.home.stem.empty() && rows::form_of(row.name, row.home.stem) == rows::Whole)
        strays_[rows::stray_key(row.ns, row.name)] = key;
}

void RowTable::put(const Row& row) {
    if (const auto there = locate(row.ns, row.name)) cut(*there);
    put_new(row);
}

bool RowTable::erase(std::string_view ns, std::string_view name) {
    const auto there = locate(ns, name);
    if (there) cut(*there);
    return there.has_value();
}

std::optional<Row> RowTable::find(std::string_view ns, std::string_view name) const {
    const auto there = locate(ns, name);
    if (!there) return std::nullopt;
    const auto& block = blocks_.find(there->block)->second;
    rows::Reader reader(std::string_view(block).substr(there->begin));
    rows::RowSight sight{};
    reader.next(sight);
    return rows::row_of(rows::name_of_block(there->block), sight);
}

void RowTable::visit(const Visit& visit) const {
    for (const auto& [key, block] : blocks_) rows::visit_block(key, block, false, visit);
}

void RowTable::visit_namespace(std::string_view ns, const Visit& visit) const {
    const std::string start = std::string(ns) + '\0';
    for (auto at = blocks_.lower_bound(start); at != blocks_.end() && at->first.starts_with(start);
         ++at)
        rows::visit_block(at->first, at->second, false, visit);
}

void RowTable::visit_home(std::string_view ns, const RowHome& home, const Visit& visit) const {
    const auto found = blocks_.find(rows::block_key(ns, home));
    if (found != blocks_.end()) rows::visit_block(found->first, found->second, false, visit);
}

void RowTable::visit_beginning(std::string_view ns, std::string_view start,
                               const Visit& visit) const {
    const auto look = [&](const auto& block) {
        const auto name = rows::name_of_block(block.first);
        rows::Reader reader(block.second);
        for (rows::RowSight sight{}; reader.next(sight);) {
            if (sight.form == rows::Whole && !name.stem.empty()) continue;  // a stray: see below
            if (auto row = rows::row_of(name, sight); row.name.starts_with(start))
                visit(std::move(row));
        }
    };
    const auto look_under = [&](const std::string& keys) {
        for (auto at = blocks_.lower_bound(keys);
             at != blocks_.end() && at->first.starts_with(keys); ++at)
            look(*at);
    };
    look_under(rows::start_of(ns, ""));
    for (auto dash = start.find('-', 1); dash != std::string_view::npos;
         dash = start.find('-', dash + 1))
        look_under(rows::start_of(ns, start.substr(0, dash)));
    const auto names = rows::stray_key(ns, start);
    look_under(names);
    for (auto at = strays_.lower_bound(names); at != strays_.end() && at->first.starts_with(names);
         ++at)
        if (auto row = find(ns, at->first.substr(ns.size() + 1))) visit(*std::move(row));
}

std::optional<RowTable::Block> RowTable::block_after(const std::string& key) const {
    const auto next = blocks_.upper_bound(key);
    if (next == blocks_.end()) return std::nullopt;
    return Block{next->first, next->second};
}

void RowTable::visit(const Block& block, const Visit& visit) {
    rows::visit_block(block.key, block.rows, false, visit);
}

void RowTable::clear_marks() {
    for (auto& [key, block] : blocks_) {
        rows::Reader reader(block);
        for (rows::RowSight sight{}; reader.next(sight);)
            block[sight.begin] = static_cast<char>(sight.form);
    }
}

void RowTable::mark(std::string_view ns, std::string_view name) {
    if (const auto there = locate(ns, name))
        blocks_[there->block][there->begin] |= static_cast<char>(rows::mark_bit);
}

void RowTable::visit_unmarked(const Visit& visit) const {
    for (const auto& [key, block] : blocks_) rows::visit_block(key, block, true, visit);
}

}  // namespace sluice::kube
