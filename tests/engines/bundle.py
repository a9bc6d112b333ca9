# SPDX-License-Identifier: MIT
"""OCI bundles for runc, crun and runsc: the config.json that an engine would write."""
import json
import os
import platform

# Docker's and Podman's default.
CAPABILITIES = ["CAP_" + name for name in (
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP "
    "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE").split()]
PROFILE = "/usr/share/containers/seccomp.json"
SECCOMP_NAMES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64")}
MOUNTS = [
    ("/proc", "proc", "proc", []),
    ("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    ("/dev/pts", "devpts", "devpts",
     ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
    ("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
]


def seccomp(capabilities):
    """Docker's default profile as the runtimes want it: the rules that hold for this machine and
    these capabilities, without their conditions. None where there is no profile."""
    if not os.path.exists(PROFILE) or platform.machine() not in SECCOMP_NAMES:
        return None
    with open(PROFILE, encoding="utf-8") as file:
        profile = json.load(file)
    short, architecture = SECCOMP_NAMES[platform.machine()]
    held = set(capabilities)
    rules = []
    for rule in profile["syscalls"]:
        wanted, unwanted = rule.get("includes") or {}, rule.get("excludes") or {}
        if set(wanted.get("caps", [])) <= held and short in wanted.get("arches", [short]) and \
                not set(unwanted.get("caps", [])) & held and \
                short not in unwanted.get("arches", []):
            kept = {key: rule[key] for key in ("names", "action", "args") if rule.get(key)}
            if "errnoRet" in rule:
                kept["errnoRet"] = rule["errnoRet"]
            rules.append(kept)
    subordinate = next(x["subArchitectures"] for x in profile["archMap"]
                       if x["architecture"] == architecture)
    return {"defaultAction": profile["defaultAction"],
            "defaultErrnoRet": profile.get("defaultErrnoRet", 1),
            "architectures": [architecture, *subordinate], "syscalls": rules}


def write(path, image, words, options, cgroup, share):
    """`share`: the pid of a process whose PID namespace is used, or 0."""
    user, _, group = (options.user or image.config.get("User") or "0:0").partition(":")
    held = [] if options.drop_capabilities or user != "0" else CAPABILITIES
    kept = CAPABILITIES if not options.drop_capabilities else []
    variables = dict(x.split("=", 1) for x in image.config.get("Env", []))
    variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **variables, **options.env}
    pid = {"type": "pid", "path": f"/proc/{share}/ns/pid"} if share else {"type": "pid"}
    namespaces = [{"type": kind} for kind in ("mount", "ipc", "uts")]
    namespaces += [] if options.pid == "host" else [pid]
    namespaces += [] if options.network == "host" else [{"type": "network"}]
    namespaces += [{"type": "user"}] if options.user_namespace else []
    mounts = [{"destination": a, "type": b, "source": c, "options": d} for a, b, c, d in MOUNTS]
    mounts += [{"destination": target, "type": "bind", "source": source, "options": ["rbind", "rw"]}
               for source, target in options.mounts.items()]
    resources = {"devices": [{"allow": False, "access": "rwm"}]}
    if options.pids_limit:
        resources["pids"] = {"limit": options.pids_limit}
    if options.memory:
        resources["memory"] = {"limit": options.memory}
    linux = {"namespaces": namespaces, "cgroupsPath": cgroup, "resources": resources}
    if options.user_namespace:
        mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        linux["uidMappings"] = linux["gidMappings"] = mapping
    profile = seccomp(kept)
    if profile:
        linux["seccomp"] = profile
    config = {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": options.tty, "user": {"uid": int(user), "gid": int(group or user)},
            "args": words, "env": [f"{key}={value}" for key, value in variables.items()],
            "cwd": image.config.get("WorkingDir") or "/",
            "capabilities": {"bounding": kept, "effective": held, "permitted": held},
            "noNewPrivileges": options.no_new_privileges,
        },
        "root": {"path": image.root, "readonly": options.read_only},
        "mounts": mounts, "linux": linux,
    }
    with open(os.path.join(path, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
