# SPDX-License-Identifier: MIT
"""The image and the manifests of examples/, and the tools of Debian and npm that check them."""
import json
import os
import re
import shutil
import subprocess

import engines
import images
from suite import NONROOT, TOP, need, program, scratch, skip

NODE_PATH = os.environ.get("TEST_NODE_PATH", os.path.join(TOP, "build", "npm", "node_modules"))
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}


def path(*parts):
    return os.path.join(TOP, "examples", *parts)


def read(*parts):
    with open(path(*parts), encoding="utf-8") as file:
        return file.read()


def documents(*parts):
    """The YAML documents of a file below examples/."""
    try:
        import yaml
    except ImportError:
        skip("python3-yaml is not installed")
    return list(yaml.safe_load_all(read(*parts)))


def seconds(duration):
    """A duration as usher and Compose write it: 250ms, 5s, 1m30s; a bare number is seconds."""
    words = re.findall(r"([0-9.]+)(ms|[smhd]?)", str(duration))
    assert words and "".join(map("".join, words)) == str(duration), f"no duration: {duration!r}"
    return sum(float(number) * UNITS[unit] for number, unit in words)


def image_environment(dockerfile):
    """What the ENV lines of the last stage of a Dockerfile set; the path is from the top folder."""
    with open(os.path.join(TOP, dockerfile), encoding="utf-8") as file:
        stage = re.split(r"^FROM ", file.read(), flags=re.MULTILINE)[-1].replace("\\\n", " ")
    words = " ".join(re.findall(r"^ENV (.*)", stage, re.MULTILINE))
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|\S+)', words)}


def stop_seconds(image, given=None):
    """How long usher may take by what the image's ENV and, above it, `given` set."""
    values = {"USHER_PRE_STOP": "0", "USHER_LINGER": "3s", **image,
              **{key: str(value) for key, value in (given or {}).items()}}
    assert "USHER_GRACE" in values, "without a grace it is the engine that kills"
    return sum(seconds(values[f"USHER_{name}"]) for name in ("PRE_STOP", "GRACE", "LINGER"))


def fits(given, needed, what):
    """The engine must wait longer than usher."""
    assert given > needed, f"{what}: the engine waits {given:g} s, usher may take {needed:g} s"


def example_image():
    """What Dockerfile.example builds, without a compiler in a container."""
    return images.make("example", {f"/{name}": images.File(program(name), 0o755)
                                   for name in ("usher", "service")},
                       {"Entrypoint": ["/usher", "--"], "Cmd": ["/service"], "User": NONROOT})


def node(package, script, *args):
    """Runs a Node script that uses an npm package: (status, output). A skip without either."""
    command = shutil.which("node", path=engines.PATH)
    need(command, "node is not installed")
    need(os.path.isdir(os.path.join(NODE_PATH, package)), f"{package} is not installed by npm")
    file = scratch("check.cjs")
    with open(file, "w", encoding="utf-8") as out:
        out.write(script)
    done = subprocess.run([command, file, *args], env={**engines.environment(),
                          "NODE_PATH": NODE_PATH}, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=engines.LONG, check=False)
    return done.returncode, done.stdout + done.stderr


def type_errors(typed):
    """What TypeScript says of values against published types: [(value, type, module)] in, text
    out. It refuses unknown fields, too."""
    lines = [f"import type {{ {kind} as T{n} }} from '{module}';\n"
             f"export const v{n}: T{n} = {json.dumps(value, indent=1)};"
             for n, (value, kind, module) in enumerate(typed)]
    with open(scratch("manifest.ts"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    packages = {module.split("/")[0] for _, _, module in typed}
    for package in packages:
        need(os.path.isdir(os.path.join(NODE_PATH, package)), f"{package} is not installed by npm")
    with open(scratch("tsconfig.json"), "w", encoding="utf-8") as file:
        json.dump({"compilerOptions": {
            "strict": True, "noEmit": True, "types": [], "skipLibCheck": True, "target": "es2020",
            "module": "commonjs",
            "paths": {f"{p}/*": [f"{NODE_PATH}/{p}/*"] for p in packages}},
            "files": [scratch("manifest.ts")]}, file)
    status, output = node("typescript", "require('typescript/lib/tsc.js');", "--project", scratch())
    assert status == 0 or output, f"tsc: status {status}"
    return output
