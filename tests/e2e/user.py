# SPDX-License-Identifier: MIT
"""--user: usher and its program are exactly who was asked for, or nothing ran."""
import contextlib
import os
import pty
import random
import shutil
import stat
import subprocess

from harness import (CONFIG, TERM, add, both, equal, need, one_line, peer, proc_status, run, scratch, start,
                     test, wait_for, witness)
from probe_lab import call
from signals import USR1, expect

CLONE_NEWNS, CLONE_NEWUSER, MS_BIND = 0x20000, 0x10000000, 4096
PASSWD = """root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:An App:/home/app:/bin/sh
app:x:2000:2000::/second:
homeless:x:1002:1002:::
few:x:1003:1003
letters:x:1a:1b::/letters:
empty:x:::/empty:
+nis:x:1005:1005::/nis:
4242:x:1006:1006::/number:
"""
GROUPS = """root:x:0:
www:x:33:app,other
data:x:44:x,app
bad:x:5x:app
number:x:46:4242
"""


@contextlib.contextmanager
def accounts(passwd=PASSWD, groups=GROUPS):
    """This process with other files at /etc/passwd and /etc/group; None: none at all."""
    call("unshare", CLONE_NEWNS)
    call("mount", b"none", b"/", None, 16384 | 1 << 18, None)   # recursively private
    for name, text in (("passwd", passwd), ("group", groups)):
        # In a folder of its own: a file cannot be mounted to be absent.
        with open(scratch(name), "w", encoding="latin-1") as file:
            file.write(text or "")
        call("mount", scratch(name).encode(), f"/etc/{name}".encode(), None, MS_BIND, None)
    yield


REPORT = ("sh", "-c", "cat /proc/self/status; echo HOME $HOME")


def who(status):
    """(uids, gids, groups) of a text like /proc/PID/status; one number where all four are equal."""
    lines = dict(x.split(":", 1) for x in status.splitlines() if ":" in x)
    ids = [tuple(set(map(int, lines[x].split()))) for x in ("Uid", "Gid")]
    return (*(x[0] if len(x) == 1 else x for x in ids), tuple(map(int, lines["Groups"].split())))


def becomes(spec, *words, want, home, env=None, **options):
    status, out, err = run("-u", spec, *words, "--", *REPORT, env=env, **options)
    equal((status, err), (0, ""), spec)
    equal(who(out), want, spec)
    assert out.endswith(f"\nHOME {home}\n"), f"{spec}: {out[-60:]!r}"


def refuses(words, *parts, status=125, **options):
    code, out, err = run(*words, "--", "echo", "ran", **options)
    equal((code, out), (status, ""), err)
    line = one_line(err)
    for part in parts:
        assert part in line, f"{part!r} is not in {line!r}"


# --- who it is ------------------------------------------------------------------------------------

@both("a user alone has its group, all its other groups and its home")
def _(pid1):
    with accounts():
        becomes("app", want=(1000, 1001, (33, 44)), home="/home/app", pid1=pid1)
        becomes("1000", want=(1000, 1001, (33, 44)), home="/home/app", pid1=pid1)


@test("with a group it has that one alone")
def _():
    with accounts():
        for group, gid in (("www", 33), ("33", 33), ("7", 7), ("root", 0)):
            becomes(f"app:{group}", want=(1000, gid, ()), home="/home/app")


@test("a number needs no entry when it has a group, and no file")
def _():
    with accounts():
        becomes("1234:5", want=(1234, 5, ()), home="/")
    with accounts(None, None):
        becomes("1234:5", want=(1234, 5, ()), home="/")
        becomes("4294967294:4294967294", want=(4294967294, 4294967294, ()), home="/")


@test("digits alone are a number although a name is the same")
def _():
    with accounts():
        becomes("4242:9", want=(4242, 9, ()), home="/")
        becomes("1006", want=(1006, 1006, (46,)), home="/number")


@test("without a home in its entry it is /, and HOME is set where there was none")
def _():
    with accounts():
        for name, uid in (("homeless", 1002), ("few", 1003)):
            becomes(name, want=(uid, uid, ()), home="/")
        becomes("app", want=(1000, 1001, (33, 44)), home="/home/app", env={"HOME": "/root", "HOMELY": "1"})
        _, out, _ = run("-u", "app", "env", env={"HOME": "/root", "A": "1", "USHER_GRACE": "1"})
        equal([x for x in out.splitlines() if x.startswith("HOME")], ["HOME=/home/app"])


@test("USHER_USER is the same, and an empty one is none")
def _():
    with accounts():
        status, out, err = run("--", *REPORT, env={"USHER_USER": "app"})
        equal((status, err, who(out)), (0, "", (1000, 1001, (33, 44))))
        status, out, err = run("--", *REPORT, env={"USHER_USER": ""})
        equal((status, err, who(out)[:2]), (0, "", (0, 0)))


@both("usher itself is that user, and the watcher, with no way back")
def _(pid1):
    with accounts(), start("-u", "app", "--heal", f"file:{scratch('x')}", "--", *witness("catch", "--exit", "15:3"),
                           pid1=pid1) as init:
        init.ready().wait_state("running")
        for pid in [init.pid, *init.descendants()]:
            facts = proc_status(pid)
            equal((facts["Uid"].split(), facts["Gid"].split()), (["1000"] * 4, ["1001"] * 4))
            equal((facts["Groups"].split(), int(facts["CapPrm"], 16), int(facts["CapEff"], 16)), (["33", "44"], 0, 0))
        equal(os.stat(f"/proc/{init.pid}/fd").st_uid, 1000)
        init.kill(USR1)
        expect(init, USR1)
        init.kill(TERM)
        equal(init.wait(), 3)


@test("it says nothing, and a line with the name of what it did not find")
def _():
    with accounts():
        for spec, *parts in (("nosuch", "/etc/passwd has no such user", "1000:1000"),
                             ("app:nosuch", "/etc/group has no such group"),
                             ("1234", "write its group, too: 1234:GROUP"),
                             ("letters", "no such user"), ("empty", "no such user"), ("+nis", "no such user"),
                             ("nis", "no such user"), ("App", "no such user"), ("app ", "no such user")):
            refuses(["-u", spec], f"--user {spec}: ", *parts)
            refuses([], f"USHER_USER {spec}: ", *parts, env={"USHER_USER": spec})


@test("what cannot be a user is told with what can")
def _():
    for spec in ("", ":", ":5", "app:", "a:b:c", "4294967295", "1:4294967295", "99999999999999999999"):
        refuses(["-u", spec], "-u: ", f"'{spec}'; accepted: ")


@test("files that cannot be read are told, and nothing runs", timeout=120)
def _():
    with accounts():
        os.mkdir(scratch("folder"))
        call("mount", b"none", scratch("folder").encode(), b"tmpfs", 0, None)
        call("umount2", b"/etc/passwd", 2)
        call("mount", b"/dev/zero", b"/etc/passwd", None, MS_BIND, None)
        # 64 MiB are looked at before.
        refuses(["-u", "app"], "cannot read /etc/passwd: File too large", deadline=50)
        refuses(["-u", "5:5"], "cannot read /etc/passwd: File too large", deadline=50)


@test("more groups than an account can have are told, and 1024 are had")
def _():
    lines = "".join(f"g{i}:x:{i}:app\n" for i in range(10, 1034))
    with accounts(PASSWD, lines):
        becomes("app", want=(1000, 1001, tuple(range(10, 1034))), home="/home/app")
    with accounts(PASSWD, lines + "more:x:5000:app\n"):
        refuses(["-u", "app"], "in more than 1024 groups")


@test("whoever runs is exactly who random files and specs say, or nothing ran")
def _():
    rng = random.Random(18)
    names, numbers = ["a", "b", "0", "7", "root", "+a", ""], ["0", "1", "7", "65534", "x", "", "4294967295"]
    with accounts():
        ran = 0
        for _ in range(300):
            users = [[rng.choice(names), "x", rng.choice(numbers), rng.choice(numbers), "", f"/h{i}"]
                     for i in range(rng.randrange(5))]
            groups = [[rng.choice(names), "x", rng.choice(numbers), ",".join(rng.sample(names, 2))]
                      for i in range(rng.randrange(5))]
            for name, rows in (("passwd", users), ("group", groups)):
                with open(f"/etc/{name}", "w", encoding="ascii") as file:
                    file.write("\n".join(":".join(x) for x in rows) + rng.choice(["\n", ""]))
            spec = ":".join(rng.choice(["a", "b", "0", "7", "root", "1"]) for _ in range(rng.choice([1, 1, 2])))
            want = expected(spec, users, groups)
            status, out, err = run("-u", spec, "--", *REPORT)
            story = f"{spec} {users} {groups} {err}"
            if want is None:
                equal((status, out), (125, ""), story)
            elif want[:2] == (0, 0):
                equal((status, who(out)[:2]), (0, (0, 0)), story)   # what it is already
            else:
                ran += 1
                equal((status, who(out)), (0, want), story)
        assert ran > 30, f"only {ran} ran"


def number(text):
    return int(text) if text.isdigit() and int(text) < 4294967295 else None


def is_entry(row, numbers):
    return row[0] and row[0][0] not in "+-#" and all(number(row[2 + i]) is not None for i in range(numbers))


def expected(spec, users, groups):
    """Who that is, by the simplest means: (uid, gid, groups), or None."""
    user, _, group = spec.partition(":")
    uid = number(user)
    found = next((x for x in users if is_entry(x, 2) and (number(x[2]) == uid if uid is not None else x[0] == user)),
                 None)
    if not found and uid is None:
        return None
    uid, gid = (number(found[2]), number(found[3])) if found else (uid, 0 if uid == 0 else None)
    if group:
        gid = number(group)
        if gid is None:
            gid = next((number(x[2]) for x in groups if is_entry(x, 1) and x[0] == group), None)
        others = ()
    else:
        others = tuple(sorted({number(x[2]) for x in groups
                               if is_entry(x, 1) and found and found[0] in x[3].split(",")}))
    return None if gid is None else (uid, gid, others)


# --- rights ---------------------------------------------------------------------------------------

def as_user(*words):
    """Options of start() for an init that is not root to begin with."""
    return {"before": ("--uid", "1000", "--gid", "1001", *words)}


@both("who is that user already needs no right, and nothing is done or said")
def _(pid1):
    with accounts():
        os.mkdir(scratch("roots"))
        for spec in ("app", "1000", "1000:1001", "app:1001"):
            status, out, err = run("-u", spec, "--own", scratch("roots"), "--", *REPORT, pid1=pid1,
                                   env={"HOME": "/mine"}, **as_user())
            equal((status, err, who(out)[:2]), (0, "", (1000, 1001)), spec)
            assert out.endswith("HOME /mine\n"), out[-40:]
            # Podman writes one that others cannot read; the numbers need none.
            os.chmod(scratch("passwd"), 0o600 if spec == "1000" else 0o644)
        status, out, err = run("-u", "0:0", "--", *REPORT, pid1=pid1, env={"HOME": "/mine"})
        equal((status, err, who(out)[:2]), (0, "", (0, 0)))
    with accounts(None, None):
        status, out, err = run("--", *REPORT, pid1=pid1, env={"USHER_USER": "1000"}, **as_user())
        equal((status, err, who(out)[:2]), (0, "", (1000, 1001)))


@both("where usher is not root, a user of the environment is one warning, and one of an option is the end")
def _(pid1):
    with accounts():
        for spec in ("few", "1000:5", "nosuch", "5"):
            status, out, err = run("--", *REPORT, pid1=pid1, env={"USHER_USER": spec, "USHER_OWN": "/"}, **as_user())
            equal((status, who(out)[:2]), (0, (1000, 1001)))
            equal(one_line(err), f"usher: warning: USHER_USER {spec}: usher is not root and stays who it is")
        refuses(["-u", "few"], "--user few: usher is not root", pid1=pid1, **as_user())


@test("without a capability it tells which one it needs, and nothing runs")
def _():
    setpriv = peer("setpriv")
    with accounts():
        for drop, stage in (("setgid", "setgroups: Operation not permitted; that needs CAP_SETGID"),
                            ("setuid", "setuid: Operation not permitted; that needs CAP_SETUID"),
                            ("all", "setgroups: Operation not permitted; that needs CAP_SETGID")):
            dropped = f"-{drop}"
            refuses(["--bounding-set", dropped, "--inh-caps", dropped, "--no-new-privs", CONFIG.usher, "-u", "app"],
                    stage, binary=setpriv)


@both("no_new_privs keeps nobody from becoming another user")
def _(pid1):
    with accounts():
        status, out, err = run("--no-new-privs", CONFIG.usher, "-u", "app", "--", *REPORT, binary=peer("setpriv"),
                               pid1=pid1)
        equal((status, err, who(out)), (0, "", (1000, 1001, (33, 44))))


def in_user_namespace(spec, setgroups="allow"):
    """usher as root of a user namespace with ten numbers: (status, stdout, stderr)."""
    wait = ["sh", "-c", 'read go; exec "$@"', "sh"]
    child = subprocess.Popen([peer("unshare"), "--user", *wait, CONFIG.usher, "-u", spec, "--", *REPORT],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    own = os.readlink("/proc/self/ns/user")
    wait_for(lambda: os.readlink(f"/proc/{child.pid}/ns/user") != own, "the namespace")
    for name, text in (("setgroups", setgroups), ("uid_map", "0 0 10"), ("gid_map", "0 0 10")):
        with open(f"/proc/{child.pid}/{name}", "w", encoding="ascii") as file:
            file.write(text)
    out, err = child.communicate("\n", timeout=10)
    return child.returncode, out, err


@test("in a user namespace it becomes whom that has, and tells of a number that it does not have")
def _():
    status, out, err = in_user_namespace("5:5")
    equal((status, err, who(out)), (0, "", (5, 5, ())))
    for spec, stage in (("50:5", "setuid"), ("5:50", "setgid")):
        status, out, err = in_user_namespace(spec)
        equal((status, out), (125, ""))
        equal(one_line(err), f"usher: --user {spec}: {stage}: Invalid argument; "
              "this user namespace does not have that number")
    status, out, err = in_user_namespace("5:5", "deny")
    equal((status, out), (125, ""))
    assert "setgroups: Operation not permitted" in one_line(err), err


@test("a set-uid usher changes no user, by no name")
def _():
    binary = shutil.copy(CONFIG.usher, scratch("usher"))
    os.chmod(binary, 0o4755)
    with accounts():
        # Not by a shell, which would give the right back.
        need(who(run("cat", "/proc/self/status", binary=binary, **as_user())[1])[0] != 1000, "set-uid programs do not work in this place")
        refuses(["-u", "few"], "--user few: not as a set-uid program", binary=binary, **as_user())
        for name in ("gosu", "su-exec"):
            status, out, err = run("with", *as_user()["before"], "--argv0", name, "--", binary, "root", "id",
                                   binary=witness()[0])
            equal((status, out), (1, ""), err)


# --- what it is given -----------------------------------------------------------------------------

@both("pipes on 0, 1 and 2 are given to the user: the program and PID 1's own /proc can open them")
def _(pid1):
    with accounts():
        script = "echo a > /proc/self/fd/1; echo b > /dev/stdout; echo c > /dev/stderr; stat -Lc %u /dev/stdout"
        status, out, err = run("-u", "app", "--", "sh", "-c", script, pid1=pid1)
        equal((status, out, err), (0, "a\nb\n1000\n", "c\n"))
        if pid1:
            equal(run("-u", "app", "--", "sh", "-c", "echo d > /proc/1/fd/1", pid1=True), (0, "d\n", ""))


@test("a terminal is given, with its group as it was")
def _():
    with accounts():
        master, slave = pty.openpty()
        before = os.fstat(slave)
        popen = subprocess.Popen([CONFIG.usher, "-u", "app", "sh", "-c", "echo x > /dev/stdout"], stdin=slave,
                                 stdout=slave, stderr=slave, start_new_session=True)
        equal(popen.wait(10), 0)
        equal((os.fstat(slave).st_uid, os.fstat(slave).st_gid), (1000, before.st_gid))
        equal(os.read(master, 100), b"x\r\n")


@test("files, /dev/null and sockets are left as they are")
def _():
    with accounts():
        null = os.stat("/dev/null")
        with open(scratch("log"), "w", encoding="ascii") as log, open("/dev/null", "rb") as stdin:
            done = subprocess.run([CONFIG.usher, "-u", "app", "true"], stdin=stdin, stdout=log, stderr=log,
                                  check=False, timeout=10)
            equal(done.returncode, 0)
            equal(os.fstat(log.fileno()).st_uid, 0)
        equal((os.stat("/dev/null").st_uid, os.stat("/dev/null").st_gid), (null.st_uid, null.st_gid))


@test("a parent's death is heard of after the change, which the kernel forgets with it")
def _():
    from parent_death import child_of_a_parent, end_of
    with accounts(), child_of_a_parent("-u", "app", "-p", "TERM", program=("catch", "--exit", "15:6")) as (parent, pid):
        parent.ready()
        wait_for(lambda: open(f"/proc/{pid}/comm", encoding="ascii").read() == "usher:running\n", "usher is running")
        parent.kill(9)
        equal(end_of(pid), 6)


@both("checks are made as the user, and the program starts after them")
def _(pid1):
    with accounts():
        os.mkdir(scratch("closed"))
        for path, mode in ((scratch("closed"), 0o700), (scratch("closed", "there"), 0o644)):
            if not os.path.isdir(path):
                open(path, "w", encoding="ascii").close()
            os.chmod(path, mode)
        words = ["--wait-for", f"file:{scratch('closed', 'there')}", "--wait-timeout", "0.3"]
        equal(run(*words, "true", pid1=pid1)[0], 0)
        equal(run("-u", "app", *words, "true", pid1=pid1)[0], 124)


@test("status and probe find an usher that is another user")
def _():
    with accounts(), start("-u", "app", "--", *witness("catch"), pid1=True) as init:
        init.ready().wait_state("running")
        enter = ["nsenter", "-t", str(init.pid), "-p", "-m"]
        for words in (["status"], ["probe", "ready:"]):
            done = subprocess.run([*enter, CONFIG.usher, *words], capture_output=True, text=True, check=False, timeout=10)
            equal(done.returncode, 0, done.stderr)
            done = subprocess.run([*enter, "setpriv", "--reuid", "1000", "--regid", "1001", "--clear-groups",
                                   CONFIG.usher, *words], capture_output=True, text=True, check=False, timeout=10)
            equal(done.returncode, 0, done.stderr)


@both("an usher inside another one leaves USHER_USER to that")
def _(pid1):
    with accounts():
        status, out, err = run("--", CONFIG.usher, "--", *REPORT, pid1=pid1, env={"USHER_USER": "app"})
        equal((status, err, who(out)), (0, "", (1000, 1001, (33, 44))))
        # It is another user already, and need not be told that it cannot be that one.
        status, out, err = run("-u", "few", "--", CONFIG.usher, "--", *REPORT, pid1=pid1, env={"USHER_USER": "app"})
        equal((status, err, who(out)), (0, "", (1003, 1003, ())))


# --- gosu and su-exec -----------------------------------------------------------------------------

def as_name(name, binary=None):
    """A link of that name to usher, or the real program."""
    folder = scratch("usher-as")
    os.makedirs(folder, exist_ok=True)
    link = os.path.join(folder, name)
    if not os.path.exists(link):
        os.symlink(binary or CONFIG.usher, link)
    return link


@test("gosu and su-exec are one exec: the same process, and nothing supervises")
def _():
    with accounts():
        for name in ("gosu", "su-exec"):
            for pid1 in (True, False):
                with start("app", *witness("catch", "--exit", "15:7"), binary=as_name(name), pid1=pid1) as init:
                    init.ready()
                    equal(init.comm(), "witness")
                    equal(init.descendants(), [])
                    init.kill(TERM)
                    equal(init.wait(), 7)


@test("su-exec has the group among the others, too, and finds a command as execvp does")
def _():
    with accounts():
        equal(who(run("app", *REPORT, binary=as_name("su-exec"))[1]), (1000, 1001, (33, 44, 1001)))
        equal(who(run("app:5", *REPORT, binary=as_name("su-exec"))[1]), (1000, 5, (5,)))
        equal(who(run("4321", *REPORT, binary=as_name("su-exec"))[1]), (4321, 0, (0,)))
        equal(run("nosuch", "id", binary=as_name("su-exec")), (1, "", "su-exec: getpwnam(nosuch): no such user\n"))
        equal(run("app", "/nonexist", binary=as_name("su-exec")),
              (1, "", "su-exec: /nonexist: No such file or directory\n"))


GOSU_SPECS = ["app", "1000", "app:www", "app:5", "1234", "1234:5", "4242", "homeless:", ":www", ":", "", "root",
              "nosuch", "app:nosuch", "app:a:b", "App", "+1000x", "-x", "few:root", "app:"]


def gosu_spec(spec):
    gosu = peer("gosu")
    with accounts():
        for words in (REPORT, ("sh", "-c", "ls /proc/self/fd; grep Sig /proc/self/status; env | sort; tty; pwd")):
            theirs = run(spec, *words, binary=gosu, env={"A": "1", "HOME": "/root"})
            ours = run(spec, *words, binary=as_name("gosu"), env={"A": "1", "HOME": "/root"})
            if words is REPORT and theirs[0] == 0:
                equal(who(ours[1]), groups_without_bad(who(theirs[1])), spec)
                theirs, ours = theirs[1].splitlines()[-1].rstrip(), ours[1].splitlines()[-1].rstrip()
                # An empty home is /.
                equal(ours, theirs if theirs != "HOME" else "HOME /", spec)
            elif theirs[0] == 0:
                equal(without_go(ours), without_go(theirs), spec)
            else:
                equal(ours, theirs, spec)


def groups_without_bad(facts):
    # gosu takes a group whose number is none for group 0.
    uid, gid, groups = facts
    return uid, gid, tuple(x for x in groups if x != 0)


def without_go(result):
    """What differs as the one is Go: its run-time catches signals and has descriptors of its own."""
    status, out, err = result
    return status, [x for x in out.splitlines() if not x.startswith(("SigCgt", "SigQ", "HOME="))], err


for _spec in GOSU_SPECS:
    add(f"as gosu it does what gosu does with {_spec!r}", lambda spec=_spec: gosu_spec(spec), __name__, "peers")


@test("as gosu it fails as gosu does where the program cannot be executed", group="peers")
def _():
    gosu = peer("gosu")
    with open(scratch("no-loader"), "w", encoding="ascii") as file:
        file.write("#!/nonexist\n")
    os.chmod(scratch("no-loader"), 0o755)
    with accounts():
        for words in ([], ["app"], ["app", "/nonexist"], ["app", "nonexist"], ["app", "/etc/passwd"], ["app", "/etc"],
                      ["app", ""], ["app", "--", "id"], ["app", scratch("no-loader")], ["app", "sh", "-c", "exit 9"],
                      ["app", "sh", "-c", "kill -9 $$"]):
            theirs = run(*words, binary=gosu)
            ours = run(*words, binary=as_name("gosu"))
            if len(words) < 2:      # the usage, which tells the version
                theirs, ours = (theirs[0], theirs[1][:60], theirs[2][:60]), (ours[0], ours[1][:60], ours[2][:60])
            equal(ours, theirs, words)
        for word in ("--help", "-h", "-?", "--version", "-v"):
            theirs, ours = run(word, binary=gosu), run(word, binary=as_name("gosu"))
            equal((ours[0], ours[1][:4], ours[2]), (theirs[0], theirs[1][:4], theirs[2]), word)
        theirs, ours = (run("app", "id", binary=x, **as_user()) for x in (gosu, as_name("gosu")))
        equal(ours, theirs)
