// SPDX-License-Identifier: MIT
#include "spawn.hpp"

#include <alloca.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "file.hpp"
#include "memory.hpp"
#include "number.hpp"
#include "proc.hpp"
#include "text.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace usher::sys {

namespace {

constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr char listen_pid[] = "LISTEN_PID=";
constexpr char shell[] = "/bin/sh";

struct Child {
    const SpawnRequest* request;
    char** envp;  // request->envp, or a copy with one more
    int parent = 0;
    SpawnFailure failure;  // written by the child: the memory is shared until it execs
};

std::string_view find_path(char* const* envp) {
    for (; *envp != nullptr; ++envp) {
        std::string_view entry = *envp;
        if (take_prefix(entry, "PATH=")) return entry;
    }
    return {};
}

size_t count_words(char* const* words) {
    size_t count = 0;
    while (words[count] != nullptr) ++count;
    return count;
}

// A file without a NUL in its first bytes is taken for a script, as shells do.
bool is_text_file(const char* path) {
    const auto fd = open(path, OpenMode::read);
    if (!fd) return false;
    char head[128];
    const auto got = read(fd.value, head);
    close(fd.value);
    return got && !has({head, got.value}, '\0');
}

// A text file without #!, as execvp and the shells run it. It takes one word more, and there may be
// no room for a copy of all (ulimit -s): it stands where the caller's own word was.
void exec_as_script(const Child& child, const char* path) {
    char** const argv = const_cast<char**>(child.request->argv);  // NOLINT(*-const-cast)
    char* const kept[2] = {argv[-1], argv[0]};
    argv[-1] = const_cast<char*>(shell);  // NOLINT(*-const-cast)
    argv[0] = const_cast<char*>(path);    // NOLINT(*-const-cast)
    (void)execve(shell, argv - 1, child.envp);
    argv[-1] = kept[0];
    argv[0] = kept[1];
}

// Returns only if `path` cannot be executed; says why in child.failure.
void try_exec(Child& child, const char* path) {
    const Error error = execve(path, child.request->argv, child.envp).error;
    SpawnFailure failure{.number = error.number};
    if (error.number == ENOENT && access_exists(path)) {
        failure.interpreter_missing = true;
        failure.number = ENOEXEC;
    }
    if (error.number == ENOEXEC && is_text_file(path)) {
        // The memory is the parent's: left as it is, an earlier failure would count as this one's.
        child.failure = {};
        exec_as_script(child, path);
    }
    child.failure = failure;
}

// One directory of PATH. The room for the path is gone with the call, however long PATH is.
[[gnu::noinline]] void try_in_directory(Child& child, std::string_view directory,
                                        std::string_view name) {
    const size_t size = directory.size() + name.size() + 2;
    child.failure = {.number = ENOENT};
    if (size > path_max) return;
    char* const path = static_cast<char*>(alloca(size));  // NOLINT: bounded by path_max
    Writer line({path, size});
    line.add_raw(directory);
    if (!directory.empty()) line.add('/');  // an empty entry is the working directory
    line.add_raw(name).add('\0');
    child.failure = {};
    try_exec(child, path);
}

// execvp's search: a directory where it is not found does not count, one where it is forbidden
// counts only if nothing better comes.
void search_and_exec(Child& child, std::string_view name) {
    std::string_view path = find_path(child.request->envp);
    if (path.empty()) path = default_path;
    SpawnFailure best{.number = ENOENT};
    while (true) {
        const bool is_last = !has(path, ':');
        try_in_directory(child, take_until(path, ':'), name);
        const int number = child.failure.number;
        const bool is_absent = number == ENOENT || number == ENOTDIR;
        if (!is_absent) best = child.failure;
        const bool goes_on = is_absent || number == EACCES || number == ENAMETOOLONG ||
                             child.failure.interpreter_missing;
        if (is_last || !goes_on) break;
    }
    child.failure = best;
}

void rewrite_listen_pid(const Child& child, std::span<char> room) {
    for (char** entry = child.envp; *entry != nullptr; ++entry) {
        std::string_view value = *entry;
        if (!take_prefix(value, listen_pid)) continue;
        if (parse_number(value, infinite) != static_cast<std::uint64_t>(getppid())) {
            continue;
        }
        Writer line(room);
        line.add(listen_pid).add(getpid()).add('\0');
        *entry = room.data();
    }
}

// Returns only if the program cannot be executed. With usher's own mask, which blocks all, it would
// hear no signal.
void exec_program(Child& child) {
    const auto restored = rt_sigprocmask(MaskHow::set, child.request->mask);
    if (!restored) {
        child.failure = {.stage = "sigprocmask", .number = restored.error.number};
        return;
    }
    const char* const name = child.request->argv[0];
    if (has(name, '/') || *name == 0) {
        try_exec(child, name);
    } else {
        search_and_exec(child, name);
    }
    child.failure.stage = "exec";
}

// Whether the parent waits for the exec on the same memory, as CLONE_VFORK | CLONE_VM means it. It
// is suspended in the kernel then (D), if not yet, then soon: on a busy machine the child may get
// here before that. An emulator's fork lets it go on.
bool parent_is_suspended() {
    if (!proc_is_ours()) return true;
    for (int looks = 5000; looks > 0; --looks) {
        const auto stat = read_stat(getppid());
        if (!stat || (stat.value.state != 'R' && stat.value.state != 'S')) return true;
    }
    return false;
}

[[noreturn]] void end_child(const Child& child) {
    const SpawnRequest& request = *child.request;
    const bool must_tell = request.tell != nullptr && !parent_is_suspended();
    sys::exit(must_tell ? request.tell(request.context, child.failure) : 1);
}

// A ^Z before the exec would stop the child, and with it usher, which is suspended until the exec:
// nobody could ever bring them back. So usher gets it, has it blocked until then, and forwards it.
// The child begins again; it must not return, which takes a different trampoline everywhere.
Child* launched = nullptr;
[[noreturn]] void pass_stop_on(int signal) {
    (void)kill(getppid(), signal);
    exec_program(*launched);
    end_child(*launched);
}

// Runs in the child on the parent's memory, while the parent is suspended (CLONE_VFORK).
int run_child(void* argument) {
    Child& child = *static_cast<Child*>(argument);
    const SpawnRequest& request = *child.request;
    char listen_pid_room[32];
    rewrite_listen_pid(child, listen_pid_room);
    const bool has_session = request.home == Home::session;
    child.failure.stage = has_session ? Literal("setsid") : Literal("setpgid");
    if (request.home != Home::shared) {
        const auto settled = has_session ? setsid() : setpgid(0, 0);
        if (!settled) {
            child.failure.number = settled.error.number;
            end_child(child);
        }
    }
    if (request.cwd >= 0) (void)fchdir(request.cwd);
    if (request.parent_death != 0) {
        (void)set_parent_death_signal(request.parent_death);
        if (getppid() != child.parent) sys::exit(1);  // usher ended before that
    }
    if (has_session) (void)acquire_terminal(0);
    // Here, not in the parent: the program must have the terminal before its first instruction.
    if (request.terminal >= 0) (void)tcsetpgrp(request.terminal, getpid());
    if (request.sigchld == Disposition::ignored) (void)sigaction(sig::chld, Disposition::ignored);
    launched = &child;
    // Until the exec, which makes it the default again.
    const auto before = sigaction(sig::tstp, Disposition::other, pass_stop_on);
    if (before && before.value == Disposition::ignored) {
        (void)sigaction(sig::tstp, Disposition::ignored);
    }
    exec_program(child);
    end_child(child);
}

#ifdef __GLIBC__
Result<int> clone_child(int (*run)(void*), char* stack, int flags, void* context) {
    const int pid = clone(run, stack, flags, context);
    if (pid < 0) return Error{.number = errno};
    return pid;
}
#else
// The part of musl's clone() that does not prepare for a child which goes on without an exec; that
// part grew to 1 KiB in musl 1.2.5. Returns -errno.
extern "C" int musl_clone(int (*run)(void*), void* stack, int flags, void* argument,
                          ...) __asm__("__clone");

Result<int> clone_child(int (*run)(void*), char* stack, int flags, void* context) {
    const int pid = musl_clone(run, stack, flags, context);
    if (pid < 0) return Error{.number = -pid};
    return pid;
}
#endif

// The child's stack is our own, from a little below what clone uses of it: we are suspended until
// the child has exec'ed, and whatever we call later uses the same pages again.
[[gnu::noinline]] char* child_stack() {
#ifdef __SANITIZE_ADDRESS__
    // ASan keeps book of what lies where on a stack, and a child that execs never closes its pages.
    alignas(64) static char stack[256 * 1024];
    __asan_unpoison_memory_region(stack, sizeof stack);
    return stack + sizeof stack;
#else
    constexpr uintptr_t below_clone = 512;
    constexpr uintptr_t alignment = 64;
    // NOLINTBEGIN(*-reinterpret-cast,*-int-to-ptr): an address is computed with
    const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    return reinterpret_cast<char*>((here - below_clone) & ~(alignment - 1));
    // NOLINTEND(*-reinterpret-cast,*-int-to-ptr)
#endif
}

// A copy of envp with more in it, if there is more; else nothing. Not on the stack: there may be
// thousands of variables, and little of it (ulimit -s).
Result<std::span<char>> extend_environment(Child& child) {
    const auto& extra = child.request->extra_variables;
    if (extra[0] == nullptr && extra[1] == nullptr) return std::span<char>();
    const size_t count = count_words(child.envp);
    const auto pages = allocate_pages((count + extra.size() + 1) * sizeof(char*));
    if (!pages) return pages;
    auto** entry = reinterpret_cast<char**>(pages.value.data());  // NOLINT(*-reinterpret-cast)
    for (size_t i = 0; i < count; ++i) *entry++ = child.envp[i];
    for (const char* const variable : extra) {
        if (variable != nullptr) *entry++ = const_cast<char*>(variable);  // NOLINT(*-const-cast)
    }
    child.envp = reinterpret_cast<char**>(pages.value.data());  // NOLINT(*-reinterpret-cast)
    return pages;
}

}  // namespace

Spawned spawn(const SpawnRequest& request) {
    Child child{.request = &request, .envp = request.envp, .failure = {}};
    if (request.parent_death != 0) child.parent = getpid();
    const auto copy = extend_environment(child);
    if (!copy) return {.failure = {.stage = "mmap", .number = copy.error.number}};
    // A script without #! is exec'ed with other words in their place (exec_as_script), on our
    // memory.
    char** const argv = const_cast<char**>(request.argv);  // NOLINT(*-const-cast)
    char* const kept[2] = {argv[-1], argv[0]};
    char* const stack = child_stack();
    // Not vfork(): a C library may make that a plain fork, and then nothing comes back.
    const auto pid = clone_child(run_child, stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
    argv[-1] = kept[0];
    argv[0] = kept[1];
    if (!copy.value.empty()) free_pages(copy.value);
    if (!pid) return {.pid = 0, .failure = {.stage = "clone", .number = pid.error.number}};
    if (child.failure.number == 0) child.failure.stage = {};
    return {.pid = pid.value, .failure = child.failure};
}

// Below our own frame the copy of our stack is free.
Result<int> fork(int (*run)(void* context), void* context, int exit_signal) {
    return clone_child(run, child_stack(), exit_signal, context);
}

SpawnFailure exec_in_place(const SpawnRequest& request) {
    Child child{.request = &request, .envp = request.envp, .failure = {}};
    if (const auto copy = extend_environment(child); !copy) {
        return {.stage = "mmap", .number = copy.error.number};
    }
    exec_program(child);
    return child.failure;
}

}  // namespace usher::sys
