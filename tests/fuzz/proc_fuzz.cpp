// SPDX-License-Identifier: MIT
// The readers of /proc on whatever stands there. The input is a row of files, each a line with its
// path and one with its content; in a content, a byte 0x01 stands for a line end.
#include <errno.h>

#include <algorithm>
#include <cstring>

#include "file.hpp"
#include "find_usher.hpp"
#include "proc.hpp"
#include "words.hpp"

using namespace usher;

namespace {

struct File {
    std::string path;
    std::string content;
};
std::vector<File> files;
const File* find_file(std::string_view path) {
    const auto found =
        std::ranges::find_if(files, [path](const File& file) { return file.path == path; });
    return found == files.end() ? nullptr : &*found;
}

struct OpenFile {
    std::string_view rest;
    bool is_open = false;
};
OpenFile open_files[4];
std::string entries;  // of the directory /proc, as getdents64 gives them

void add_entry(std::string_view name) {
    const std::size_t length = (19 + name.size() + 1 + 7) / 8 * 8;
    const auto field = static_cast<std::uint16_t>(length);
    const std::size_t at = entries.size();
    entries.append(length, '\0');
    std::memcpy(entries.data() + at + 16, &field, sizeof field);
    std::memcpy(entries.data() + at + 19, name.data(), name.size());
}

void list_proc() {
    entries.clear();
    add_entry(".");
    for (const auto& [path, content] : files) {
        if (!path.starts_with("/proc/")) continue;
        const std::string_view inside = std::string_view(path).substr(6);
        add_entry(inside.substr(0, std::min<std::size_t>(inside.find('/'), 255)));
    }
}

}  // namespace

// The kernel of these readers.
namespace usher::sys {

int getpid() { return 7; }

Result<int> open(const char* path, OpenMode mode) {
    std::string_view content = entries;
    if (mode != OpenMode::directory) {
        const File* file = find_file(path);
        if (file == nullptr) return Error{.number = ENOENT};
        content = file->content;
    }
    for (int fd = 0; fd < 4; ++fd) {
        if (open_files[fd].is_open) continue;
        open_files[fd] = {.rest = content, .is_open = true};
        return fd;
    }
    std::abort();  // descriptors leak
}

void close(int fd) {
    require(open_files[fd].is_open);
    open_files[fd].is_open = false;
}

Result<std::size_t> read(int fd, std::span<char> room) {
    std::string_view& rest = open_files[fd].rest;
    const std::size_t count = std::min({rest.size(), room.size(), std::size_t{50}});
    std::copy_n(rest.data(), count, room.data());
    rest.remove_prefix(count);
    return count;
}

Result<std::size_t> readlink(const char* path, std::span<char> room) {
    const File* file = find_file(path);
    if (file == nullptr) return Error{.number = ENOENT};
    const std::size_t count = std::min(file->content.size(), room.size());
    std::copy_n(file->content.data(), count, room.data());
    return count;
}

// Whole entries, as many as fit.
Result<std::size_t> getdents64(int fd, std::span<std::byte> room) {
    std::string_view& rest = open_files[fd].rest;
    std::size_t count = 0;
    while (count < rest.size()) {
        std::uint16_t length = 0;
        std::memcpy(&length, rest.data() + count + 16, sizeof length);
        if (count + length > room.size()) break;
        count += length;
    }
    std::memcpy(room.data(), rest.data(), count);
    rest.remove_prefix(count);
    return count;
}

}  // namespace usher::sys

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    files.clear();
    while (!rest.empty()) {
        const std::string_view path = next_line(rest);
        std::string content(next_line(rest));
        std::replace(content.begin(), content.end(), '\1', '\n');
        files.push_back({std::string(path), std::move(content)});
    }
    list_proc();
    const auto found = sys::find_usher();
    require(!found || (found.value.pid >= 0 && found.value.state != State::ended));
    if (!found) require(!sys::why_not_found(found.error).empty());
    require(found || found.error.number == ENOENT || found.error.number == ESRCH);
    sys::Descendants descendants;
    for (const int pid : {1, 2, 7, 12}) {
        const auto stat = sys::read_stat(pid);
        if (stat) require(std::memchr(stat.value.name, 0, sizeof stat.value.name) != nullptr);
        (void)descendants.include(pid);
    }
    for (const OpenFile& file : open_files) require(!file.is_open);
    return 0;
}
