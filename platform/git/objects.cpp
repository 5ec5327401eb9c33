// SPDX-License-Identifier: Apache-2.0
#include "platform/git/objects.hpp"

#include <git2.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include "base/text.hpp"
#include "platform/git/remote_text.hpp"

namespace sluice::git {
namespace objects_detail {
namespace {

// What libgit2 hands out, freed by the function that belongs to it.
template <class T, void (*Free)(T*)>
struct Freed {
    void operator()(T* thing) const { Free(thing); }
};
using Tree = std::unique_ptr<git_tree, Freed<git_tree, git_tree_free>>;
using TreeEntry = std::unique_ptr<git_tree_entry, Freed<git_tree_entry, git_tree_entry_free>>;
using Commit = std::unique_ptr<git_commit, Freed<git_commit, git_commit_free>>;
using Blob = std::unique_ptr<git_blob, Freed<git_blob, git_blob_free>>;
using Author = std::unique_ptr<git_signature, Freed<git_signature, git_signature_free>>;

Error git_error_now(std::string_view attempt, int code) {
    const git_error* last = git_error_last();  // may be null although a call failed
    std::string words =
        last && last->message ? std::string(last->message) : concat("libgit2 error ", code);
    const auto kind = tells_no_space(words)      ? ErrorKind::NoSpace
                      : code == GIT_ENOTFOUND    ? ErrorKind::NotFound
                      : code == GIT_EINVALIDSPEC ? ErrorKind::Invalid
                                                 : ErrorKind::Internal;
    return {kind, concat(attempt, ": ", words)};
}

git_oid raw(const Oid& id) {
    git_oid result;
    git_oid_fromstr(&result, id.text().c_str());  // cannot fail on 40 hex digits
    return result;
}

Result<Oid> to_oid(const git_oid& id) {
    std::string text(GIT_OID_HEXSZ, '0');
    git_oid_fmt(text.data(), &id);
    return Oid::parse(text);
}

Result<Commit> look_up(git_repository* repository, const Oid& id) {
    git_commit* commit = nullptr;
    const git_oid key = raw(id);
    const int code = git_commit_lookup(&commit, repository, &key);
    if (code != 0) return git_error_now(concat("read commit ", id.text()), code);
    return Commit(commit);
}

Result<Tree> tree_of(const git_commit* commit) {
    git_tree* tree = nullptr;
    const int code = git_commit_tree(&tree, commit);
    if (code != 0) return git_error_now("read the tree of a commit", code);
    return Tree(tree);
}

Result<Tree> tree_of(git_repository* repository, const Oid& id) {
    const auto commit = TRY(look_up(repository, id));
    return tree_of(commit.get());
}

std::string without_slashes(std::string_view path) {
    while (path.starts_with("./")) path.remove_prefix(2);
    while (path.starts_with('/')) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    return path == "." ? std::string{} : std::string(path);
}

Result<void> check_path(std::string_view path) {
    for (const auto& part : split(path, '/'))
        if (part.empty() || part == "." || part == ".." || to_lower(part) == ".git" ||
            part.find('\0') != std::string::npos)
            return invalid(concat("path \"", path, "\": expected parts separated by single \"/\""));
    return {};
}

// Null where the path does not exist.
Result<TreeEntry> entry_at(const git_tree* tree, const std::string& path) {
    git_tree_entry* entry = nullptr;
    const int code = git_tree_entry_bypath(&entry, tree, path.c_str());
    if (code == GIT_ENOTFOUND) return TreeEntry{};
    if (code != 0) return git_error_now(concat("look for \"", path, "\" in a tree"), code);
    return TreeEntry(entry);
}

bool is_file(const git_tree_entry* entry) {
    const auto mode = git_tree_entry_filemode(entry);
    return mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

using Files = std::map<std::string, Oid>;

Result<void> walk(git_repository* repository, const git_tree* tree, const std::string& prefix,
                  Files& files, int depth) {
    if (depth > 64) return invalid(concat("folder \"", prefix, "\": nested deeper than 64"));
    for (size_t i = 0; i < git_tree_entrycount(tree); ++i) {
        const git_tree_entry* entry = git_tree_entry_byindex(tree, i);
        const std::string path =
            concat(prefix, prefix.empty() ? "" : "/", git_tree_entry_name(entry));
        if (is_file(entry)) {
            files.emplace(path, TRY(to_oid(*git_tree_entry_id(entry))));
        } else if (git_tree_entry_type(entry) == GIT_OBJECT_TREE) {
            git_tree* found = nullptr;
            const int code = git_tree_lookup(&found, repository, git_tree_entry_id(entry));
            if (code != 0) return git_error_now(concat("read folder \"", path, "\""), code);
            const Tree inner(found);
            TRY(walk(repository, inner.get(), path, files, depth + 1));
        }
    }
    return {};
}

// The id of what stands at a path, zero where nothing does: what "changed" means.
Result<git_oid> id_at(const git_commit* commit, const std::string& path) {
    const auto tree = TRY(tree_of(commit));
    if (path.empty()) return *git_tree_id(tree.get());
    const auto entry = TRY(entry_at(tree.get(), path));
    git_oid id{};
    if (entry) id = *git_tree_entry_id(entry.get());
    return id;
}

Result<CommitInfo> describe(const git_commit* commit) {
    const git_signature* author = git_commit_author(commit);
    const char* message = git_commit_message(commit);
    const char* summary = git_commit_summary(const_cast<git_commit*>(commit));
    std::optional<Oid> parent;
    if (git_commit_parentcount(commit) > 0) parent = TRY(to_oid(*git_commit_parent_id(commit, 0)));
    return CommitInfo{.id = TRY(to_oid(*git_commit_id(commit))),
                      .first_parent = parent,
                      .author = author ? concat(author->name, " <", author->email, ">") : "",
                      .subject = summary ? summary : "",
                      .message = message ? message : "",
                      .time = TimePoint{std::chrono::seconds{git_commit_time(commit)}}};
}

Result<git_oid> write_blob(git_repository* repository, const std::string& content) {
    git_oid id;
    const int code = git_blob_create_from_buffer(&id, repository, content.data(), content.size());
    if (code != 0) return git_error_now("write a blob", code);
    return id;
}

Result<git_oid> empty_tree(git_repository* repository) {
    git_treebuilder* builder = nullptr;
    int code = git_treebuilder_new(&builder, repository, nullptr);
    if (code != 0) return git_error_now("make an empty tree", code);
    git_oid id;
    code = git_treebuilder_write(&id, builder);
    git_treebuilder_free(builder);
    if (code != 0) return git_error_now("write an empty tree", code);
    return id;
}

// The tree with those changes; only the folders on their paths are rewritten (gitops.md 4.5).
Result<git_oid> changed_tree(git_repository* repository, git_tree* base,
                             const std::vector<TreeChange>& changes) {
    std::map<std::string, const TreeChange*> by_path;  // the last change of a path counts
    for (const auto& change : changes) by_path[change.path] = &change;
    std::vector<git_tree_update> updates;
    for (const auto& [path, change] : by_path) {
        TRY(check_path(path));
        const auto before = TRY(entry_at(base, path));
        git_tree_update update{};
        update.path = path.c_str();
        update.filemode = before && is_file(before.get()) ? git_tree_entry_filemode(before.get())
                                                          : GIT_FILEMODE_BLOB;
        update.action = GIT_TREE_UPDATE_UPSERT;
        if (change->content) {
            update.id = TRY(write_blob(repository, *change->content));
        } else if (change->blob) {
            update.id = raw(*change->blob);
        } else {
            if (!before) continue;
            update.action = GIT_TREE_UPDATE_REMOVE;
        }
        updates.push_back(update);
    }
    if (updates.empty()) return *git_tree_id(base);
    git_oid id;
    const int code = git_tree_create_updated(&id, repository, base, updates.size(), updates.data());
    if (code != 0) return git_error_now("write the changed tree", code);
    return id;
}

}  // namespace
}  // namespace objects_detail

using namespace objects_detail;

void Objects::Close::operator()(git_repository* repository) const {
    git_repository_free(repository);
}

Result<Objects> Objects::open(const std::string& directory) {
    static std::once_flag initialised;
    std::call_once(initialised, [] {
        git_libgit2_init();
        // Trees and commits only: a small cache is enough, however many repositories there are.
        git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, static_cast<ssize_t>(8 << 20));
        // The data folder is ours by configuration; a volume may belong to another user id.
        git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    });
    git_repository* repository = nullptr;
    // open_bare, since open refuses a partial clone's extensions.partialClone (libgit2 1.5).
    int code = git_repository_open_bare(&repository, directory.c_str());
    if (code == GIT_ENOTFOUND) {
        git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
        options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
        options.mode = 0700;
        code = git_repository_init_ext(&repository, directory.c_str(), &options);
    }
    if (code != 0) return git_error_now(concat("open git repository ", directory), code);
    return Objects(repository);
}

Result<std::vector<TreeFile>> Objects::files(const Oid& commit,
                                             const std::vector<std::string>& paths) const {
    const auto tree = TRY(tree_of(repository_.get(), commit));
    Files found;
    for (const auto& wanted : paths) {
        const std::string path = without_slashes(wanted);
        if (path.empty()) {
            TRY(walk(repository_.get(), tree.get(), "", found, 0));
            continue;
        }
        TRY(check_path(path));
        const auto entry = TRY(entry_at(tree.get(), path));
        if (!entry) continue;
        if (is_file(entry.get())) {
            found.emplace(path, TRY(to_oid(*git_tree_entry_id(entry.get()))));
        } else if (git_tree_entry_type(entry.get()) == GIT_OBJECT_TREE) {
            git_tree* inner = nullptr;
            const int code =
                git_tree_lookup(&inner, repository_.get(), git_tree_entry_id(entry.get()));
            if (code != 0) return git_error_now(concat("read folder \"", path, "\""), code);
            const Tree folder(inner);
            TRY(walk(repository_.get(), folder.get(), path, found, 0));
        }
    }
    std::vector<TreeFile> files;
    for (auto& [path, blob] : found) files.push_back({path, blob});
    return files;
}

Result<std::optional<Oid>> Objects::blob_at(const Oid& commit, std::string_view path) const {
    const std::string clean = without_slashes(path);
    TRY(check_path(clean));
    const auto tree = TRY(tree_of(repository_.get(), commit));
    const auto entry = TRY(entry_at(tree.get(), clean));
    if (!entry || !is_file(entry.get())) return std::optional<Oid>{};
    return std::optional(TRY(to_oid(*git_tree_entry_id(entry.get()))));
}

bool Objects::has(const Oid& object) const {
    git_odb* odb = nullptr;
    if (git_repository_odb(&odb, repository_.get()) != 0) return false;
    const git_oid id = raw(object);
    const bool found = git_odb_exists(odb, &id) == 1;
    git_odb_free(odb);
    return found;
}

Result<std::string> Objects::read(const Oid& blob, size_t limit) const {
    git_blob* found = nullptr;
    const git_oid id = raw(blob);
    const int code = git_blob_lookup(&found, repository_.get(), &id);
    if (code != 0) return git_error_now(concat("read blob ", blob.text()), code);
    const Blob owned(found);
    const auto size = static_cast<size_t>(git_blob_rawsize(found));
    if (size > limit)
        return invalid(
            concat("read blob ", blob.text(), ": it has ", size, " bytes, the limit is ", limit));
    return std::string(static_cast<const char*>(git_blob_rawcontent(found)), size);
}

Result<CommitInfo> Objects::commit_info(const Oid& commit) const {
    const auto found = TRY(look_up(repository_.get(), commit));
    return describe(found.get());
}

Result<CommitInfo> Objects::last_change(const Oid& commit, std::string_view path, int depth) const {
    const std::string clean = without_slashes(path);
    auto current = TRY(look_up(repository_.get(), commit));
    git_oid id = TRY(id_at(current.get(), clean));
    for (int looked_at = 0; looked_at < depth; ++looked_at) {
        if (git_commit_parentcount(current.get()) == 0) {
            if (!git_oid_is_zero(&id)) return describe(current.get());
            break;
        }
        git_commit* parent = nullptr;
        const int code = git_commit_parent(&parent, current.get(), 0);
        if (code != 0) return git_error_now(concat("read the parent of a commit"), code);
        Commit older(parent);
        const git_oid older_id = TRY(id_at(older.get(), clean));
        if (!git_oid_equal(&id, &older_id)) return describe(current.get());
        current = std::move(older);
        id = older_id;
    }
    return not_found(concat("find the last change of \"", clean, "\": none in ", depth,
                            " commits from ", commit.text()));
}

Result<Oid> Objects::commit(const std::optional<Oid>& parent,
                            const std::vector<TreeChange>& changes, const Signature& author,
                            std::string_view message) const {
    Commit parent_commit;
    Tree base;
    if (parent) {
        parent_commit = TRY(look_up(repository_.get(), *parent));
        base = TRY(tree_of(parent_commit.get()));
    } else {
        git_tree* empty = nullptr;
        const git_oid id = TRY(empty_tree(repository_.get()));
        const int code = git_tree_lookup(&empty, repository_.get(), &id);
        if (code != 0) return git_error_now("read the empty tree", code);
        base.reset(empty);
    }
    const git_oid tree_id = TRY(changed_tree(repository_.get(), base.get(), changes));
    git_tree* looked_up = nullptr;
    int code = git_tree_lookup(&looked_up, repository_.get(), &tree_id);
    if (code != 0) return git_error_now("read the changed tree", code);
    const Tree tree(looked_up);

    git_signature* made = nullptr;
    const auto seconds =
        std::chrono::floor<std::chrono::seconds>(author.when.time_since_epoch()).count();
    code = git_signature_new(&made, author.name.c_str(), author.email.c_str(), seconds, 0);
    if (code != 0) return git_error_now(concat("author \"", author.name, "\""), code);
    const Author signature(made);
    const git_commit* parents[] = {parent_commit.get()};
    git_oid id;
    code = git_commit_create(&id, repository_.get(), nullptr, signature.get(), signature.get(),
                             nullptr, std::string(message).c_str(), tree.get(), parent ? 1 : 0,
                             parents);
    if (code != 0) return git_error_now("write a commit", code);
    return to_oid(id);
}

Result<bool> Objects::descends(const Oid& commit, const Oid& ancestor) const {
    if (commit == ancestor) return true;
    const git_oid child = raw(commit);
    const git_oid parent = raw(ancestor);
    const int code = git_graph_descendant_of(repository_.get(), &child, &parent);
    if (code < 0) return git_error_now(concat("compare commit ", commit.text()), code);
    return code == 1;
}

std::optional<Oid> Objects::ref(const std::string& name) const {
    git_oid id;
    if (git_reference_name_to_id(&id, repository_.get(), name.c_str()) != 0) return std::nullopt;
    auto oid = to_oid(id);
    return oid.ok() ? std::optional(std::move(oid).value()) : std::nullopt;
}

void Objects::set_ref(const std::string& name, const Oid& target) const {
    const git_oid id = raw(target);
    git_reference* made = nullptr;
    git_reference_create(&made, repository_.get(), name.c_str(), &id, 1, "sluice: pushed");
    git_reference_free(made);
}

}  // namespace sluice::git
