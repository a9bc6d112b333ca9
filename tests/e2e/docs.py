# SPDX-License-Identifier: MIT
"""The man page, README and the other documents say what the binary says, and nothing else."""
import concurrent.futures
import functools
import glob
import itertools
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import urllib.request

import harness
from harness import CONFIG, TERM, add, equal, need, scratch, skip, start, test, wait_for
from limits import EM_X86_64, Elf

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Where each command's options are described: a heading of these two pages, a .Ss of the man page.
REFERENCE = ("docs/reference.md", "docs/checks.md")
REFERENCE_SECTION = {"run": "Options", "probe": "Options of probe and wait",
                     "wait": "Options of probe and wait", "sleep": "usher sleep",
                     "status": "States and status", "install": "usher install"}
MAN_SECTION = {"run": "Options of the run form", "probe": "Options of probe and wait",
               "wait": "Options of probe and wait", "sleep": "Options of sleep",
               "status": "Options of status", "install": "Options of install"}
COMMANDS = list(REFERENCE_SECTION)
PRINT_ONLY = {"help", "version", "license"}   # no variables
TOP_PAGES = ("README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md")
PAGES = sorted({os.path.relpath(path, TOP) for pattern in ("docs/**/*.md", "examples/**/README.md")
                for path in glob.glob(os.path.join(TOP, pattern), recursive=True)} | set(TOP_PAGES))
RECIPES = [name for name in PAGES if name.startswith("docs/recipes/")]
DOCUMENTS = ("README.md", *REFERENCE, "docs/usher.1", "SECURITY.md", "CHANGELOG.md", "Dockerfile.example")


def text_of(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return file.read()


class Option:
    """One option: as --help has it, or as a document describes it."""

    def __init__(self, letter, name, argument, defaults):
        self.letter, self.name, self.argument = letter or "", name or "", argument or ""
        self.defaults = set(defaults)

    @property
    def key(self):
        return f"--{self.name}" if self.name else f"-{self.letter}"


# --- what the binary says ---------------------------------------------------------------------

HELP_LINE = re.compile(r"  (?:-(\w))?(?:, |    )?(?:--([a-z-]+))?(?: ('[^']*'|\S+))?\s+(.*?)"
                       r"(?: \[([^\]]*)\])?$")


def run(*args, **options):
    """As usher-tls, which has all options, where it was built."""
    return harness.run(*args, binary=CONFIG.usher_tls or CONFIG.usher, **options)


@functools.cache
def help_of(command):
    """The options by key; None when the binary does not know the command yet."""
    status, out, _ = run(*([] if command == "run" else [command]), "--help")
    usage = "Usage: usher" + ("" if command == "run" else f" {command}")
    if status != 0 or not out.startswith(usage):
        return None
    options = {}
    for line in out.splitlines():
        if re.match(r"  --", line):
            # The run form names the options of its checks; probe's help describes them.
            for key in line.split():
                of_probe = help_of("probe")[key]
                options[key] = Option("", of_probe.name, of_probe.argument, of_probe.defaults)
        elif re.match(r"  +-", line):
            match = HELP_LINE.match(line)
            assert match, f"cannot read this line of --help: {line!r}"
            letter, name, argument, _, default = match.groups()
            option = Option(letter, name, argument, [default] if default else [])
            options[option.key] = option
    assert options, f"no option in --help of {command}"
    return options


def known(command):
    need(CONFIG.usher_tls, "usher-tls, which has all options, was not built")
    options = help_of(command)
    need(options is not None, f"the binary does not know {command} yet")
    return options


def sharers(section_of, command):
    """The options of all commands that share the command's section of a document."""
    shared = {}
    for other in COMMANDS:
        if section_of[other] != section_of[command]:
            continue
        for key, option in known(other).items():
            have = shared.setdefault(key, Option(option.letter, option.name, option.argument, []))
            have.defaults |= option.defaults
    return shared


# --- what the documents say -------------------------------------------------------------------

def reference_sections():
    """Heading -> the text up to the next heading, code blocks included."""
    sections, title, in_code = {}, "", False
    for line in "".join(map(text_of, REFERENCE)).splitlines():
        in_code ^= line.startswith("```")
        heading = None if in_code else re.match(r"#+ (.*)", line)
        if heading:
            title = heading[1]
            assert title not in sections, f"two headings of the reference are called {title!r}"
        sections[title] = sections.get(title, "") + line + "\n"
    return sections


def reference_options(section):
    options = {}
    for line in reference_sections()[section].splitlines():
        if not line.startswith("| `-"):
            continue
        cells = [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        letter = name = argument = None
        for code in re.findall(r"`([^`]*)`", cells[0]):
            word, _, rest = code.partition(" ")
            if word.startswith("--"):
                name, argument = word[2:], rest
            else:
                letter = word[1:]
        defaults = [d for d in re.findall(r"`([^`]*)`", cells[1]) if d not in COMMANDS]
        option = Option(letter, name, argument, defaults)
        assert option.key not in options, f"the reference has {option.key} twice in {section!r}"
        options[option.key] = option
    return options


def man_source():
    return text_of("docs/usher.1").replace("\\-", "-").replace("\\&", "")


def man_options(section):
    match = re.search(rf"^\.Ss {re.escape(section)}\n(.*?)(?=^\.S[sh] )", man_source(),
                      re.MULTILINE | re.DOTALL)
    assert match, f"the man page lacks the section {section!r}"
    options = {}
    for item in re.split(r"^\.It ", match[1], flags=re.MULTILINE)[1:]:
        head, _, body = item.partition("\n")
        letter = re.search(r"\bFl (\w)\b", head)
        name = re.search(r"\bFl -([a-z-]+)", head)
        _, has_default, tail = body.partition("Default:\n")
        defaults = re.findall(r"^\.Cm (\S+)", tail, re.MULTILINE) if has_default else []
        option = Option(letter and letter[1], name and name[1], None,
                        [d for d in defaults if d not in COMMANDS])
        assert option.key not in options, f"the man page has {option.key} twice in {section!r}"
        options[option.key] = option
    return options


# --- both ways --------------------------------------------------------------------------------

def check_described(command, section_of, described_in, with_argument):
    described = described_in(section_of[command])
    for key, option in known(command).items():
        assert key in described, f"{key} of {command} is not described"
        equal(described[key].letter, option.letter, f"short form of {key}")
        if with_argument:
            equal(described[key].argument, option.argument, f"argument of {key}")
        missing = option.defaults - described[key].defaults
        assert not missing, f"{key}: the default {missing} is not told"


def check_exists(command, section_of, described_in):
    offered = sharers(section_of, command)
    for key, option in described_in(section_of[command]).items():
        assert key in offered, f"{key} is described, but {command} has no such option"
        invented = option.defaults - offered[key].defaults
        assert not invented, f"{key}: the default {invented} is told, --help has none such"


for _command in COMMANDS:
    add(f"the reference tells every option of {_command}, with its short form, argument and default",
        lambda c=_command: check_described(c, REFERENCE_SECTION, reference_options, True), __name__)
    add(f"the man page tells every option of {_command}, with its short form and default",
        lambda c=_command: check_described(c, MAN_SECTION, man_options, False), __name__)
    add(f"the reference tells no option and no default that {_command} lacks",
        lambda c=_command: check_exists(c, REFERENCE_SECTION, reference_options), __name__)
    add(f"the man page tells no option and no default that {_command} lacks",
        lambda c=_command: check_exists(c, MAN_SECTION, man_options), __name__)


# --- options elsewhere in the text ------------------------------------------------------------

def every_option():
    options = [o for command in COMMANDS for o in known(command).values()]
    return ({f"--{o.name}" for o in options if o.name} |
            {f"-{o.letter}" for o in options if o.letter})


def code_of(name):
    """The pieces of code in a document: inline, indented and fenced."""
    if name.endswith(".1"):
        return re.findall(r"^\.[DQ]l (.*)", man_source(), re.MULTILINE)
    text = text_of(name)
    if not name.endswith(".md"):
        return text.replace("\\\n", " ").splitlines()
    pieces, in_code, rest = [], False, []
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            in_code = not in_code
        elif in_code or line.startswith("    "):
            pieces.append(line)
        else:
            rest.append(line)
    return pieces + re.findall(r"`([^`]+)`", "\n".join(rest).replace("\\|", "|"))


def options_used(piece):
    """(command, option) for each call of usher in a piece of code, also in exec form."""
    words = re.sub(r"[\"'\[\],{}]", " ", piece).split()
    for at, word in enumerate(words):
        if word != "usher" and not word.endswith("/usher"):
            continue
        rest = words[at + 1:]
        command = rest.pop(0) if rest and rest[0] in COMMANDS[1:] else "run"
        while rest and rest[0].startswith("-") and rest[0] != "--":
            option = rest.pop(0)
            yield command, option
            found = find(known(command), option)
            if found is not None and found.argument and option in (found.key, f"-{found.letter}"):
                rest = rest[1:]


def find(options, word):
    """The option that a word such as --grace=5s, -t or -vt5s begins with."""
    if word.startswith("--"):
        return options.get(word.partition("=")[0])
    return next((o for o in options.values() if o.letter == word[1]), None)


def check_calls(name):
    calls = [(*call, piece) for piece in code_of(name) for call in options_used(piece)]
    for command, option, piece in calls:
        if not find(known(command), option):
            # A misspelt one, shown with what usher says to it.
            _, _, err = run(*([] if command == "run" else [command]), option)
            assert err and err.strip() in text_of(name), f"{command} has no {option}: {piece!r}"
    assert calls or name in ("CHANGELOG.md", "Dockerfile.example", *RECIPES), "no call was found"


for _name in (*DOCUMENTS, *RECIPES):
    add(f"{_name} calls usher with options that it has", lambda n=_name: check_calls(n), __name__)


# --- whole command lines ----------------------------------------------------------------------

# What is missing where a page shows an option by itself, or files of the reader's.
INCOMPLETE = re.compile(r"-\S+: (needs a value; accepted: \S+|no such file: .*)")
# What a page writes in the place of a word of the reader's, and words of two lines of a usage.
PLACEHOLDERS = re.compile(r"\.\.\.|^[\[(|]|^(CHECK|PROGRAM|PATH|DURATION|OPTIONS|URL|FILE|S)$")
IS_USHER = re.compile(r"(^|/)usher(-tls)?$")


def command_lines(name):
    """Lists of words: the elements of each list, and the words of each line, up to a pipe or another command."""
    for piece in code_of(name):
        for words in re.findall(r'\[("[^\]]*usher(?:-tls)?"[^\]]*)\]', piece):
            try:
                yield json.loads(f"[{words}]")
            except ValueError:
                pass    # an array over several lines, or with a comment in it
        try:
            words = shlex.split(re.sub(r"^ *(\$ |CMD |- run: )?", "", piece), comments=True)
        except ValueError:
            continue
        line = itertools.takewhile(lambda word: word not in ("|", "&&", ";", ">"), words)
        yield [word for word in line if word not in (",", ".")]     # mdoc's punctuation


def whole_calls(name):
    """The words behind each usher that is called: at the beginning, or by `docker exec NAME`."""
    for words in command_lines(name):
        at = next((i for i, word in enumerate(words) if IS_USHER.search(word)), None)
        is_called = at is not None and (words[:at] in ([], ["CMD"]) or "exec" in words[:at])
        call = words[at + 1:] if is_called else []
        if len(call) < 2 or any(map(PLACEHOLDERS.search, call)):
            continue
        if call[0] not in COMMANDS and (call[-1] == "--" or call[-1].startswith("-") or call[-2].startswith("-")):
            call.append("app")      # the beginning of an ENTRYPOINT
        yield [word.replace("$$", "$") for word in call]    # as Compose does


def usage_error(words):
    """What usher says to a call that it does not understand; None: it understands it. It runs where it can do
    no harm, as nobody's user and without a network."""
    variables = {x: "1" for x in re.findall(r"\$\{(\w+)", " ".join(words))}
    with start(*words, binary=CONFIG.usher_tls, pid1=True, namespace=("--net", "--user", "54321"),
               env={**variables, "USHER_LOG_FORMAT": "json"}) as init:
        def has_slept():
            """What usher does only after it has read its call."""
            return (init.comm() or "").startswith("usher") and harness.proc_state(init.pid) == "S"
        wait_for(lambda: not init.running() or has_slept(), "it has read its call")
        if init.running():
            return None
        told = [json.loads(line) for line in init.err.finish().splitlines() if line.startswith("{")]
        return next((x["message"] for x in told if x["event"] == "usage"), None)


@test("each call of usher that a page shows as a whole is one that it understands", timeout=300.0)
def _():
    need(CONFIG.usher_tls, "usher-tls, which has all options, was not built")
    calls = sorted({(name, *words) for name in (*PAGES, "docs/usher.1") for words in whole_calls(name)})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(lambda call: usage_error(call[1:]), calls))
    wrong = [f"{name}: usher {' '.join(words)}: {error}" for (name, *words), error in zip(calls, errors, strict=True)
             if error and error not in text_of(name) and not INCOMPLETE.fullmatch(error)]
    equal(wrong, [])
    assert len(calls) > 50, f"only {len(calls)} were found"
    for words in (["--graze", "5s", "app"], ["--heal", ":80x/", "--", "app"], ["probe", "db"], ["wait", "-t", "x", "live:"]):
        assert usage_error(words), f"{words} would not be seen"


@test("an option that stands alone in a document's text is one of usher's")
def _():
    options = every_option()
    for name in ("README.md", *REFERENCE, "SECURITY.md", "CHANGELOG.md"):
        for piece in re.findall(r"(?<!`)`(-[^`\n]*)`", text_of(name)):
            for word in re.findall(r"(?:^|, )(--?[a-zA-Z][a-z-]*)", piece):
                key = word if word.startswith("--") else word[:2]
                assert key in options, f"{name} tells of {word}"
    for word in re.findall(r"\bFl (-?[a-zA-Z][a-z-]*)", man_source()):
        key = f"-{word}" if word.startswith("-") else f"-{word[0]}"
        assert key in options, f"the man page tells of -{word}"


# --- variables --------------------------------------------------------------------------------

def variables_in(name):
    return set(re.findall(r"\bUSHER_[A-Z][A-Z_]*[A-Z]\b", text_of(name)))


def option_variables():
    return {"USHER_" + o.name.upper().replace("-", "_")
            for o in known("run").values() if o.name and o.name not in PRINT_ONLY}


def check_variables(name):
    for variable in sorted(variables_in(name)):
        # Empty: it counts as unset, but its name is looked at.
        status, _, err = run("true", env={variable: ""})
        equal((status, err), (0, ""), f"{variable} of {name}")


for _name in (*DOCUMENTS, *RECIPES):
    add(f"every variable that {_name} names is known to the binary",
        lambda n=_name: check_variables(n), __name__)


@test("the reference and the man page name a variable for each option of the run form")
def _():
    for name in ("docs/reference.md", "docs/usher.1"):
        missing = option_variables() - variables_in(name)
        assert not missing, f"{name} lacks {sorted(missing)}"


@test("the documents name no variable beyond those of options, of probe and of nested ushers")
def _():
    # Names that begin with USHER_PROBE get no warning, known or not: so they are named here.
    expected = option_variables() | {"USHER_PROBE", "USHER_PROBE_TIMEOUT", "USHER_NESTED"}
    for name in DOCUMENTS:
        beyond = variables_in(name) - expected
        assert not beyond, f"{name} names {sorted(beyond)}"


@test("USHER_PROBE and USHER_PROBE_TIMEOUT mean what the documents say")
def _():
    known("probe")
    with open(scratch("beat"), "w", encoding="ascii"):
        pass
    for check, want in ((f"file:{scratch('beat')}", 0), (f"file:{scratch('none')}", 1)):
        equal(run("probe", env={"USHER_PROBE": check})[0], want, f"status with {check}")
    status, _, err = run("probe", env={"USHER_PROBE": "live:", "USHER_PROBE_TIMEOUT": "x"})
    equal(status, 125)
    assert "USHER_PROBE_TIMEOUT" in err, err


# --- the rest ---------------------------------------------------------------------------------

@test("the pages tell the size of both binaries")
def _():
    need(CONFIG.usher_tls, "usher-tls was not built")
    need(Elf(CONFIG.usher).machine == EM_X86_64, "those of x86-64; tests/release looks at the other architectures'")
    sizes = {binary: os.path.getsize(path) / 1024 for binary, path in
             (("usher", CONFIG.usher), ("usher-tls", CONFIG.usher_tls))}
    told = {"README.md": r"\| binary, KiB \| (\d+) \|()", "docs/comparison.md": r"\| size[^|]*\| (\d+) KiB; with TLS (\d+) \|",
            "docs/checks.md": r"()\((\d+) KiB on x86-64\)", "docs/building.md": r"\| usher, KiB \| (\d+) (?:.*\n).* KiB \| (\d+) "}
    for name, pattern in told.items():
        found = re.findall(pattern, text_of(name))
        assert found, f"{name} tells no size"
        for pair in found:
            for binary, kib in zip(sizes, pair, strict=True):
                # Newer compilers make up to a tenth more.
                assert not kib or abs(int(kib) / sizes[binary] - 1) < 0.1, f"{name}: {binary} has {sizes[binary]:.1f}, not {kib} KiB"


@test("the man page is clean for man --warnings")
def _():
    path = os.path.join(TOP, "docs", "usher.1")
    page = shutil.which("man")
    # An image of Debian may have a placeholder for man: it renders nothing.
    done = page and subprocess.run([page, "--warnings", "-E", "UTF-8", "-l", path], text=True,
                                   capture_output=True, check=False, env={**os.environ, "TERM": ""})
    if not done or "SYNOPSIS" not in re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout):
        skip("man is not installed")
    equal((done.returncode, done.stderr), (0, ""))


@test("the man page is clean for mandoc -Tlint")
def _():
    need(shutil.which("mandoc"), "mandoc is not installed")
    done = subprocess.run(["mandoc", "-Tlint", os.path.join(TOP, "docs", "usher.1")], text=True,
                          capture_output=True, check=False)
    # Which other pages are installed is not this page's affair; and without a name behind .Os the page's foot
    # says BSD, or whatever system shows it.
    said = [x for x in (done.stdout + done.stderr).splitlines()
            if "mandoc.db" not in x and "referenced manual not found" not in x and "Os usher" not in x]
    equal(said, [])


@test("the pages have no word that CONTRIBUTING's list of words has another one for")
def _():
    rows = re.search(r"^## Words\n.*?(?=^## )", text_of("CONTRIBUTING.md"), re.MULTILINE | re.DOTALL)[0]
    others = [word for row in rows.splitlines() if row.startswith("| ") for word in re.findall(r"`([^`]*)`", row.split("|")[3])]
    assert len(others) > 5, others
    for name in (*PAGES, "docs/usher.1"):
        text = " ".join(text_of(name).replace(rows, "").split())
        found = [word for word in others if re.search(rf"\b{re.escape(word)}\b", text)]
        equal(found, [], f"words of {name}")


@test("CHANGELOG tells of the version that usher --version prints")
def _():
    version = run("--version")[1].split()[1]
    headings = re.findall(r"^## \[(.*?)\]", text_of("CHANGELOG.md"), re.MULTILINE)
    assert version in headings, f"{version} is not among {headings}"


@test("CHANGELOG names every option")
def _():
    names = set(re.findall(r"--[a-z-]+", text_of("CHANGELOG.md")))
    wanted = {o.name for command in COMMANDS for o in known(command).values() if o.name} - PRINT_ONLY
    equal({f"--{name}" for name in wanted} - names, set(), "options that it does not name")


# usher:0.1.0, usher-0.1.0-linux-..., "usher 0.1.0 (", ARG VERSION=0.1.0
VERSION_WORD = re.compile(r"\b(?:usher(?:[:/ -]|/v|:v)|VERSION=)v?(\d+\.\d+\.\d+)")


def files_that_name_a_version():
    """README, what people copy, and the docs."""
    for folder in ("", "docs", "examples"):
        for path, folders, names in os.walk(os.path.join(TOP, folder)):
            if not folder:
                folders.clear()
            for name in names:
                if re.search(r"\.(md|1|ya?ml|example|py|hcl|nomad)$|^Dockerfile", name) and name != "CHANGELOG.md":
                    yield os.path.relpath(os.path.join(path, name), TOP)


@test("every version of usher that README, the Dockerfiles, the examples and docs name is CMake's")
def _():
    version = re.search(r"^project\(usher VERSION (\S+)", text_of("CMakeLists.txt"), re.MULTILINE)[1]
    equal(run("--version")[1].split()[1], version, "the binary's")
    found = {name: VERSION_WORD.findall(text_of(name)) for name in files_that_name_a_version()}
    for name, versions in found.items():
        equal(set(versions) - {version}, set(), f"{name} (scripts/release knows only {version})")
    for name in ("README.md", "Dockerfile.example", "examples/nginx/Dockerfile"):
        assert found.get(name), f"{name} names no version: is this test still looking for the right words?"


def slug(heading):
    """A heading's anchor, as GitHub and GitLab make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(name):
    """Those of the headings of a document; code in it has none."""
    text = re.sub(r"^```.*?^```", "", text_of(name), flags=re.MULTILINE | re.DOTALL)
    return {slug(title) for title in re.findall(r"^#+ (.*)", text, re.MULTILINE)}


@test("every link of the documents leads to a file or a heading that is there")
def _():
    links = {name: re.findall(r"\]\(([^)\s]+)\)", text_of(name)) for name in PAGES}
    for name, link in ((name, link) for name in PAGES for link in links[name]):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
        assert os.path.exists(os.path.join(TOP, target)), f"{name}: {link}"
        assert not anchor or anchor in anchors(target), f"{name}: no heading for {link}"
    assert len(links["README.md"]) > 5 and len(links["docs/containers.md"]) > 3, links


@test("every path of this repository that README names is there")
def _():
    folders = {"bench", "cmake", "docs", "examples", "scripts", "src", "tests"}
    paths = {p.rstrip(".") for p in re.findall(r"(?<![\w/.:$@-])([\w.-]+/[\w./-]+)",
                                               text_of("README.md"))}
    named = sorted(p for p in paths if p.split("/")[0] in folders)
    for path in named:
        assert os.path.exists(os.path.join(TOP, path)), path
    assert "scripts/demo" in named, named


@test("what Dockerfile.example copies is there, and .dockerignore lets it through")
def _():
    allowed = [x[1:] for x in text_of(".dockerignore").splitlines() if x.startswith("!")]
    assert "*" in text_of(".dockerignore").splitlines(), "everything else is to be kept out"
    copied = []
    for line in text_of("Dockerfile.example").splitlines():
        if line.startswith("COPY ") and "--from=" not in line:
            copied += line.split()[1:-1]
    for path in copied:
        assert os.path.exists(os.path.join(TOP, path)), path
        assert any(path == a or path.startswith(a + "/") for a in allowed), f"ignored: {path}"
    assert copied


@test("the sample service of Dockerfile.example builds without a warning, serves and stops")
def _():
    compiler = shutil.which("c++")
    need(compiler, "there is no C++ compiler")
    source = os.path.join(TOP, "examples", "static-scratch", "service.cpp")
    subprocess.run([compiler, "-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-o",
                    scratch("service"), source], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(path):
        try:
            with opener.open(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
                return reply.status, reply.read()
        except OSError as error:
            return getattr(error, "code", None), b""

    with start("--", scratch("service"), env={"PORT": str(port)}) as init:
        wait_for(lambda: get("/healthz") == (200, b"ok\n"), "the service answers")
        equal(get("/"), (200, b"hello\n"))
        equal(get("/nothing")[0], 404)
        init.kill(TERM)
        equal(init.wait(), 0)


@test("the documents name no path of the machine that they were written on")
def _():
    for name in DOCUMENTS:
        for folder in ("root", "home", "work", "tmp"):
            assert f"/{folder}/" not in text_of(name), f"{name} names /{folder}/"
