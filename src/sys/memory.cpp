// SPDX-License-Identifier: MIT
#include "memory.hpp"

#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "returned.hpp"

// Made by the linker: the file's own header, which lies at the begin of the first segment.
// NOLINTNEXTLINE(*-reserved-identifier,*-identifier-naming,cert-dcl37-c,cert-dcl51-cpp)
extern "C" [[gnu::visibility("hidden")]] const char __ehdr_start[];

namespace usher::sys {

namespace {

using Segment = ElfW(Phdr);

// NOLINTBEGIN(*-reinterpret-cast): addresses are computed with
[[gnu::hot]] std::uintptr_t base() { return reinterpret_cast<std::uintptr_t>(__ehdr_start); }

[[gnu::hot]] std::span<const Segment> segments() {
    const auto* const header = reinterpret_cast<const ElfW(Ehdr)*>(__ehdr_start);
    return {reinterpret_cast<const Segment*>(__ehdr_start + header->e_phoff), header->e_phnum};
}

[[gnu::hot]] bool holds_the_loop(const Segment& segment) {
    const auto here = reinterpret_cast<std::uintptr_t>(&release_start_up) - base();
    return here - segment.p_vaddr < segment.p_memsz;
}
// NOLINTEND(*-reinterpret-cast)

// The whole pages of a segment, and of the page that it begins in what lies before it: each segment
// has its own.
[[gnu::hot]] void advise(long call, const Segment& segment, long advice) {
    const std::uintptr_t page = ~(::getauxval(AT_PAGESZ) - 1);
    const std::uintptr_t from = (base() + segment.p_vaddr) & page;
    const std::uintptr_t to = base() + segment.p_vaddr + segment.p_memsz;
    ::syscall(call, from, to - from, advice);
}

}  // namespace

[[gnu::noinline]] void release_stack() {
    constexpr std::uintptr_t depth = 64U << 10;
    // NOLINTNEXTLINE(*-reinterpret-cast)
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const std::uintptr_t page = ::getauxval(AT_PAGESZ);
    ::syscall(SYS_madvise, (here & ~(page - 1)) - page - depth, depth, MADV_DONTNEED);
}

Result<std::span<char>> allocate_pages(std::size_t size) {
#ifdef SYS_mmap2
    constexpr long call = SYS_mmap2;
#else
    constexpr long call = SYS_mmap;
#endif
    const long mapped =
        ::syscall(call, 0UL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    if (mapped == -1) return last_error();
    // NOLINTNEXTLINE(*-reinterpret-cast,*-int-to-ptr)
    return std::span(reinterpret_cast<char*>(mapped), size);
}

void free_pages(std::span<char> pages) { ::syscall(SYS_munmap, pages.data(), pages.size()); }

void protect_relocated_data() {
    for (const Segment& segment : segments()) {
        if (segment.p_type == PT_GNU_RELRO) advise(SYS_mprotect, segment, PROT_READ);
    }
}

void release_start_up() {
    for (const Segment& segment : segments()) {
        const bool is_code = segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0;
        if (is_code && !holds_the_loop(segment)) advise(SYS_madvise, segment, MADV_DONTNEED);
    }
}

}  // namespace usher::sys
