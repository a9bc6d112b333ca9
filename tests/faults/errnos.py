# SPDX-License-Identifier: MIT
"""With which errors each system call is made to fail: all that its manual page names.

The pages are those of the Linux man-pages project, section 2 where none is given (read in release
6.03); but not EINPROGRESS of connect, which says that the call goes on. To each call come ENOSYS and
EPERM, as seccomp profiles answer for a call they do not know.
"""
import errno

# Calls that cannot fail, by their pages; they are not made to.
NEVER_FAIL = {"exit", "exit_group", "getpid", "getppid", "set_tid_address"}

SIGNAL_SETS = "EFAULT EINVAL"
PATHS = "EACCES EBADF EFAULT EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR"
TERMINAL = "EBADF EFAULT EINVAL ENOTTY EPERM EIO ENXIO ESRCH"  # ioctl, ioctl_tty, tcgetpgrp(3)
PRCTL = "EACCES EBADF EBUSY EFAULT EINVAL ENODEV ENXIO EOPNOTSUPP EPERM ERANGE"

PAGES = {
    "arch_prctl": "EFAULT EINVAL ENODEV EPERM",
    "bind": "EACCES EADDRINUSE EADDRNOTAVAIL EBADF EFAULT EINVAL ELOOP ENAMETOOLONG ENOENT ENOMEM"
            " ENOTDIR ENOTSOCK EROFS",
    "chdir": "EACCES EBADF EFAULT EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR",
    "clock_gettime": "EACCES EFAULT EINVAL ENODEV EOPNOTSUPP EPERM",
    "clone": "EACCES EAGAIN EBUSY EEXIST EINVAL ENOMEM ENOSPC EOPNOTSUPP EPERM EUSERS",
    "close": "EBADF EINTR EIO ENOSPC EDQUOT",
    "close_range": "EINVAL EMFILE ENOMEM",
    "connect": "EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED"
               " EFAULT EINTR EISCONN ENETUNREACH ENOTSOCK EPERM EPROTOTYPE ETIMEDOUT",
    "execve": "E2BIG EACCES EAGAIN EFAULT EINVAL EIO EISDIR ELIBBAD ELOOP EMFILE ENAMETOOLONG"
              " ENFILE ENOENT ENOEXEC ENOMEM ENOTDIR EPERM ETXTBSY",
    "faccessat": PATHS + " EPERM EROFS ETXTBSY",                                    # access
    "fcntl": "EACCES EAGAIN EBADF EBUSY EDEADLK EFAULT EINTR EINVAL EMFILE ENOLCK ENOTDIR EPERM",
    "fchmod": "EBADF EIO ENOMEM EPERM EROFS",                                       # chmod
    "fchownat": PATHS + " EPERM EROFS",                                             # chown
    "fsync": "EBADF EINTR EIO ENOSPC EROFS EINVAL EDQUOT",
    "getdents64": "EBADF EFAULT EINVAL ENOENT ENOTDIR",
    "getgroups": "EFAULT EINVAL",
    "getpgid": "ESRCH",
    "getrandom": "EAGAIN EFAULT EINTR EINVAL ENOSYS",
    "getpeername": "EBADF EFAULT EINVAL ENOBUFS ENOTCONN ENOTSOCK",
    "getresgid": "EFAULT",                                                          # getresuid
    "getresuid": "EFAULT",
    "getsockname": "EBADF EFAULT EINVAL ENOBUFS ENOTSOCK",
    "getsockopt": "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK",
    "ioctl.TIOCGPGRP": TERMINAL,
    "ioctl.TIOCGWINSZ": TERMINAL,
    "ioctl.TIOCNOTTY": TERMINAL,
    "ioctl.TIOCSCTTY": TERMINAL,
    "ioctl.TIOCSPGRP": TERMINAL + " EINTR",
    "kill": "EINVAL EPERM ESRCH",
    "lseek": "EBADF EINVAL ENXIO EOVERFLOW ESPIPE",
    "madvise": "EACCES EAGAIN EBADF EINVAL EIO ENOMEM EPERM",
    "mmap": "EACCES EAGAIN EBADF EEXIST EINVAL ENFILE ENODEV ENOMEM EOVERFLOW EPERM ETXTBSY",
    "mprotect": "EACCES EFAULT EINVAL ENOMEM",
    "munmap": "EINVAL ENOMEM",                                                      # mmap
    "nanosleep": "EFAULT EINTR EINVAL",
    "newfstatat": PATHS + " EOVERFLOW",                                             # stat
    "openat": "EACCES EBADF EBUSY EDQUOT EEXIST EFAULT EFBIG EINTR EINVAL EISDIR ELOOP EMFILE"
              " ENAMETOOLONG ENFILE ENODEV ENOENT ENOMEM ENOSPC ENOTDIR ENXIO EOPNOTSUPP"
              " EOVERFLOW EPERM EROFS ETXTBSY EWOULDBLOCK",
    "pidfd_open": "EINVAL EMFILE ENFILE ENODEV ENOMEM ESRCH",
    "pidfd_send_signal": "EBADF EINVAL EPERM ESRCH",
    "ppoll": "EFAULT EINTR EINVAL ENOMEM",                                          # poll
    "prctl.SET_CHILD_SUBREAPER": PRCTL,
    "prctl.SET_DUMPABLE": PRCTL,
    "prctl.SET_NAME": PRCTL,
    "prctl.SET_PDEATHSIG": PRCTL,
    "pwritev2": "EAGAIN EBADF EDESTADDRREQ EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPERM"
                " EPIPE EOPNOTSUPP ESPIPE",                           # readv, write and lseek
    "read": "EAGAIN EBADF EFAULT EINTR EINVAL EIO EISDIR",
    "readlinkat": PATHS,
    "recvfrom": "EAGAIN EBADF ECONNREFUSED ECONNRESET EFAULT EINTR EINVAL ENOMEM ENOTCONN"
                " ENOTSOCK ETIMEDOUT",                                              # recv, tcp(7)
    "renameat2": PATHS + " EBUSY EDQUOT EEXIST EISDIR EMLINK ENOSPC ENOTEMPTY EPERM EROFS EXDEV",  # rename
    "rt_sigaction": SIGNAL_SETS,
    "rt_sigpending": SIGNAL_SETS,
    "rt_sigprocmask": SIGNAL_SETS,
    "rt_sigtimedwait": "EAGAIN EINTR EINVAL EFAULT",                                # sigwaitinfo
    "sendto": "EACCES EAGAIN EALREADY EBADF ECONNRESET EDESTADDRREQ EFAULT EINTR EINVAL EISCONN"
              " EMSGSIZE ENOBUFS ENOMEM ENOTCONN ENOTSOCK EOPNOTSUPP EPIPE ECONNREFUSED",
    "setgroups": "EFAULT EINVAL ENOMEM EPERM",                                      # getgroups
    "setpgid": "EACCES EINVAL EPERM ESRCH",
    "setresgid": "EAGAIN EINVAL EPERM",                                             # setresuid
    "setresuid": "EAGAIN EINVAL EPERM",
    "setsid": "EPERM",
    "setsockopt": "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK",
    "signalfd4": "EBADF EINVAL EMFILE ENFILE ENODEV ENOMEM",                        # signalfd
    "socket": "EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS ENOMEM EPROTONOSUPPORT",
    "stat": PATHS + " EOVERFLOW",
    "statx": "EACCES EBADF EFAULT EINVAL ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR",
    "unlinkat": PATHS + " EBUSY EISDIR EPERM EROFS ENOTEMPTY",
    "vmsplice": "EAGAIN EBADF EINVAL ENOMEM",
    "wait4": "EAGAIN ECHILD EINTR EINVAL ESRCH",                                    # wait
    "write": "EAGAIN EBADF EDESTADDRREQ EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPERM EPIPE",
}
MISSING = ("ENOSYS", "EPERM")
SUCCESS = "no error"   # the call says that it worked, and it has not


def names_for(call):
    """The names of the errors for one call, each once."""
    return list(dict.fromkeys([*PAGES[call].split(), *MISSING]))


def number(name):
    return 0 if name == SUCCESS else getattr(errno, name)
