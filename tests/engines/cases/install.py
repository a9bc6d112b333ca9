# SPDX-License-Identifier: MIT
"""usher in containers whose image has none: copied to a volume, or from an image that is mounted."""
import filecmp
import os

from suite import NONROOT, case, equal, image, scratch, wait_for


def shared_folder():
    folder = scratch("shared")
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    return folder


@case("an init container puts usher on a volume, and the next one runs under it")
def _(engine):
    folder = shared_folder()
    restricted = {"user": NONROOT, "read_only": True, "drop_capabilities": True, "no_new_privileges": True}
    with engine.run(image(), "/usher", "install", "/shared/usher", mounts={folder: "/shared"}, **restricted) as init:
        equal((init.wait(), init.logs()), (0, ""), "the init container")
    copy = os.path.join(folder, "usher")
    equal(os.listdir(folder), ["usher"], "what is on the volume")
    same = filecmp.cmp(copy, os.path.join(image().root, "usher"), shallow=False)
    equal((os.stat(copy).st_mode & 0o7777, same), (0o755, True), "the copy")
    with engine.run(image(), "/shared/usher", "--", "/witness", "catch", "--exit", "15:7",
                    mounts={folder: "/shared"}, **restricted) as container:
        container.wait_log("ready")
        wait_for(lambda: container.exec("/shared/usher", "probe", "ready:")[0] == 0, "ready:", 30)
        container.kill(15)
        equal(container.wait(), 7, "the exit code")


@case("an image mounted as a volume has usher in it", only={"podman"})
def _(engine):
    programs = image()
    engine.load(programs)
    mount = f"--mount=type=image,source={programs.name},destination=/from-image"
    with engine.run(programs, "/from-image/usher", "--", "/witness", "catch", "--exit", "15:7",
                    words=[mount]) as container:
        container.wait_log("ready")
        equal(container.exec("/from-image/usher", "status"), (0, "running\n"), "the status")
        container.kill(15)
        equal(container.wait(), 7, "the exit code")
