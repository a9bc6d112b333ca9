# SPDX-License-Identifier: MIT
"""--user and --own: the right user, or a clear end."""
import os

import harness
import images
from suite import NONROOT, case, equal, image, need_user_namespaces, program, scratch, wait_for

USER = "1000:1001"
CATCHER = ("/usher", "--", "/witness", "catch", "--exit", "15:7")


def with_accounts():
    """The programs, gosu among them, and the files of a distribution."""
    files = {f"/{x}": images.File(program(x), 0o755) for x in ("usher", "witness", "onlooker")}
    return images.make("accounts", {
        **files, "/gosu": images.File(program("usher"), 0o755),
        "/etc/passwd": b"root:x:0:0:root:/root:/sh\napp:x:1000:1001::/home/app:/sh\n",
        "/etc/group": b"root:x:0:\nwww:x:33:app\n"}, {})


def who(pid):
    facts = harness.proc_status(pid)
    return facts["Uid"].split(), facts["Gid"].split(), facts["Groups"].split()


def volume():
    """A folder of root's, with something in it."""
    folder = scratch("data")
    os.makedirs(os.path.join(folder, "below"))
    with open(os.path.join(folder, "below", "file"), "w", encoding="ascii"):
        pass
    return folder


def owners(folder):
    return {os.lstat(x)[4:6] for x in (folder, f"{folder}/below", f"{folder}/below/file")}


@case("a volume of root's is given to the user, and PID 1 and the program are that user")
def _(engine):
    folder = volume()
    with engine.run(image(), *CATCHER, env={"USHER_USER": USER, "USHER_OWN": "/data"},
                    mounts={folder: "/data"}) as container:
        container.wait_log("ready")
        equal(owners(folder), {(1000, 1001)}, "the owners")
        if engine.name != "gvisor":      # its processes are not the machine's
            for pid in (container.pid, *harness.descendants(container.pid)):
                equal(who(pid), (["1000"] * 4, ["1001"] * 4, []), "who it is")
                equal(int(harness.proc_status(pid)["CapEff"], 16), 0, "its capabilities")
        equal(container.exec("/usher", "status"), (0, "running\n"), "the status for root")
        equal(container.exec("/usher", "probe", "ready:", user=NONROOT)[0], 0, "a probe by another user")
        container.kill(15)
        equal(container.wait(), 7, "the exit code")


@case("a name has the groups of the image's files")
def _(engine):
    with engine.run(with_accounts(), "/usher", "--user", "app", "--", "/witness", "catch", "--exit", "15:7") as container:
        container.wait_log("ready")
        if engine.name != "gvisor":
            equal(who(container.pid), (["1000"] * 4, ["1001"] * 4, ["33"]), "who it is")
        container.kill(15)
        equal(container.wait(), 7, "the exit code")


@case("as gosu it becomes the user and the program")
def _(engine):
    with engine.run(with_accounts(), "/gosu", "app", "/witness", "catch", "--exit", "15:7") as container:
        container.wait_log("ready")
        if engine.name != "gvisor":
            equal((who(container.pid), harness.comm(container.pid)),
                  ((["1000"] * 4, ["1001"] * 4, ["33"]), "witness"), "who it is")
        container.kill(15)
        equal(container.wait(), 7, "the exit code")


@case("without capabilities nothing runs, and the line names what is needed")
def _(engine):
    with engine.run(image(), *CATCHER, env={"USHER_USER": USER}, drop_capabilities=True) as container:
        equal(container.wait(), 125, "the exit code")
        assert "setgroups: Operation not permitted; that needs CAP_SETGID" in container.logs(), container.logs()
        assert "ready" not in container.logs(), container.logs()


@case("no-new-privileges and a root that is read-only are no hindrance")
def _(engine):
    with engine.run(image(), *CATCHER, env={"USHER_USER": USER}, no_new_privileges=True, read_only=True) as container:
        container.wait_log("ready")
        container.kill(15)
        equal(container.wait(), 7, "the exit code")


@case("a container that starts as another user stays that, with one warning")
def _(engine):
    with engine.run(image(User=NONROOT), *CATCHER, env={"USHER_USER": USER, "USHER_OWN": "/"}, drop_capabilities=True,
                    no_new_privileges=True) as container:
        container.wait_log("ready")
        equal(container.logs().count("usher is not root and stays who it is"), 1, "warnings")
        container.kill(15)
        equal(container.wait(), 7, "the exit code")


@case("a container that starts as that user says nothing")
def _(engine):
    with engine.run(image(User=NONROOT), *CATCHER, env={"USHER_USER": NONROOT}, drop_capabilities=True) as container:
        container.wait_log("ready")
        equal(container.logs().strip(), "ready", "the log")
        container.kill(15)
        equal(container.wait(), 7, "the exit code")


# The others pass the test's own log on, which is a file.
@case("the program can open /dev/stdout, a pipe", only={"docker", "podman", "runc", "containerd"})
def _(engine):
    with engine.run(image(), "/usher", "--", "/onlooker", "/dev/stdout", "say:hello", "exit:7",
                    env={"USHER_USER": USER}) as container:
        equal(container.wait(), 7, "the exit code")
        container.wait_log("said hello")


@case("the program can open /dev/stdout, a terminal, and has its foreground", needs={"controlling-tty"})
def _(engine):
    with engine.run(image(), "/usher", "--", "/onlooker", "/dev/stdout", "foreground", "until:10", "exit:7",
                    env={"USHER_USER": USER}, tty=True) as container:
        wait_for(lambda: "foreground yes" in container.session.text, "it has the foreground", 30)
        container.kill(10)
        equal(container.session.popen.wait(30), 7, "the exit code")


@case("in a user namespace a number that it does not have is told", needs={"user-namespace"})
def _(engine):
    need_user_namespaces()
    with engine.run(image(), *CATCHER, env={"USHER_USER": USER}, user_namespace=True) as container:
        container.wait_log("ready")
        equal(harness.proc_status(container.pid)["Uid"].split(), ["101000"] * 4, "the number outside")
        container.kill(15)
        equal(container.wait(), 7, "the exit code")
    with engine.run(image(), *CATCHER, env={"USHER_USER": "70000:70000"}, user_namespace=True) as container:
        equal(container.wait(), 125, "the exit code")
        assert "this user namespace does not have that number" in container.logs(), container.logs()
