"""What runs Holdfast for good: the image, the compose file, the proxy, and what they promise each other."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from server.command.serve import LAST_RESORT_SECONDS
from server.settings import Settings
from tests.serving import server_process

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
SYSTEM_VARIABLES = {"HOME", "PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
SECONDS = {"s": 1, "m": 60}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Each instruction with its words, continued lines joined and comments left out."""
    lines = "\n".join(line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    found = []
    for line in lines.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            found.append((word.upper(), " ".join(rest.split())))
    return found


def last_stage(dockerfile: str) -> list[tuple[str, str]]:
    found = instructions(dockerfile)
    start = max(index for index, (word, _) in enumerate(found) if word == "FROM")
    return found[start:]


def copied(dockerfile: str) -> Iterator[str]:
    """What is copied from the repository, in all stages."""
    for word, rest in instructions(dockerfile):
        if word in ("COPY", "ADD") and "--from=" not in rest:
            yield from (each for each in rest.split()[:-1] if not each.startswith("--"))


def image_faults(dockerfile: str) -> list[str]:
    faults = []
    for word, rest in instructions(dockerfile):
        if word == "RUN" and "pip" in rest and " install " in rest:
            wanted = ("--require-hashes", "--only-binary :all:", "requirements.lock")
            faults += [f"pip installs without {each}" for each in wanted if each not in rest]
        if word == "RUN" and "apt-get install" in rest and "rm -rf /var/lib/apt/lists" not in rest:
            faults.append("what apt-get leaves behind stays in the image")
    stage = last_stage(dockerfile)
    users = [rest for word, rest in stage if word == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]):
        faults.append("it does not end as a user of a fixed number that is not root's")
    for word, rest in stage:
        command = rest.partition("CMD ")[2] if word == "HEALTHCHECK" else rest
        if word in ("ENTRYPOINT", "CMD", "HEALTHCHECK") and not command.startswith("["):
            faults.append(f"{word} goes through a shell, which keeps signals to itself")
    faults += [f"{name} is copied and not there" for name in copied(dockerfile) if not (ROOT / name).exists()]
    return faults


def is_sent(dockerignore: str, path: str) -> bool:
    """Whether a file goes to the engine that builds the image: the last pattern that fits it, or a folder of it."""
    parts = path.split("/")
    sent = True
    for line in dockerignore.splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        again = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip("/")
        names = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        if pattern.startswith("**/"):
            fits = any(fnmatchcase(part, pattern.removeprefix("**/")) for part in parts)
        else:
            fits = any(name.count("/") == pattern.count("/") and fnmatchcase(name, pattern) for name in names)
        if fits:
            sent = again
    return sent


def seconds(text: str, pattern: str) -> list[float]:
    """Each time that the pattern finds, a number with `s`, `m` or nothing behind it."""
    return [float(number) * SECONDS[unit or "s"] for number, unit in re.findall(rf"{pattern}(\d+)([sm]?)\b", text)]


def stream_location(config: str) -> str:
    found = re.search(r"location ~ (\S+) \{(.*?)\n        \}", config, re.DOTALL)
    assert found is not None
    return found[2]


def test_the_image_is_built_from_the_lock_and_runs_as_nobody_special() -> None:
    """Only files that their hashes vouch for are installed; the server gets its signals, and is not root."""
    assert image_faults(read("Dockerfile")) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("--require-hashes ", "", "pip installs without --require-hashes"),
        ("--only-binary :all: ", "", "pip installs without --only-binary :all:"),
        ("USER 10001:10001\n", "", "it does not end as a user of a fixed number that is not root's"),
        ("USER 10001:10001\n", "USER 0:0\n", "it does not end as a user of a fixed number that is not root's"),
        ("rm -rf /var/lib/apt/lists/*", "true", "what apt-get leaves behind stays in the image"),
        ('["tini", "--", "holdfast"]', "holdfast", "ENTRYPOINT goes through a shell, which keeps signals to itself"),
        ('CMD ["healthy"]', "CMD healthy", "HEALTHCHECK goes through a shell, which keeps signals to itself"),
        ("COPY static ", "COPY statics ", "statics is copied and not there"),
    ],
)
def test_a_fault_in_the_dockerfile_is_reported(old: str, new: str, fault: str) -> None:
    """Negative control: what is put in is found, and nothing else."""
    dockerfile = read("Dockerfile")
    assert old in dockerfile
    assert image_faults(dockerfile.replace(old, new)) == [fault]


def test_what_the_image_needs_is_sent_to_be_built_and_nothing_else() -> None:
    """Tasks, history, environments and secrets stay where they are."""
    ignored = read(".dockerignore")
    for name in copied(read("Dockerfile")):
        path = ROOT / name
        files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
        wanted = [str(each.relative_to(ROOT)) for each in files if "__pycache__" not in each.parts]
        assert wanted
        assert [each for each in wanted if not is_sent(ignored, each)] == []
    kept = [
        "data/tasks/x.json", ".git/config", ".venv/bin/python", ".env", "tests/test_docs.py", "deploy/nginx.conf",
        "server/__pycache__/app.pyc", "Dockerfile", "data/library/secret.md",
    ]  # fmt: skip
    assert [each for each in kept if is_sent(ignored, each)] == []


def test_each_setting_that_containers_are_given_exists() -> None:
    """A setting that is renamed is renamed here too."""
    known = {name.upper() for name in Settings.model_fields}
    image = [rest for word, rest in last_stage(read("Dockerfile")) if word == "ENV"]
    named = {pair.partition("=")[0] for each in image for pair in each.split()} - SYSTEM_VARIABLES
    compose = re.findall(r"^      ([A-Z_]+):", read("compose.yaml"), re.MULTILINE)
    manifest = re.findall(r"- \{name: ([A-Z_]+), value:", read("deploy/kubernetes.yaml"))
    unit = re.findall(r"([A-Z_]+)=/var/lib", read("deploy/holdfast.service"))
    assert {"HOST", "ALLOW_ANONYMOUS", "TASK_STORAGE_DIR"} <= named
    assert "STREAM_PING_SECONDS" in compose
    assert manifest
    assert unit
    assert {*named, *compose, *manifest, *unit} - known == set()


def test_each_file_that_compose_names_is_there() -> None:
    """But for the library, which may be empty and is made."""
    named = set(re.findall(r"- \./([^:\s]+):", read("compose.yaml")))
    assert "deploy/nginx.conf" in named
    assert [name for name in named - {"data/library"} if not (ROOT / name).is_file()] == []


def test_compose_publishes_on_loopback_only_and_answers_no_foreign_name() -> None:
    """There are no users yet, so whoever reaches the port is the one user."""
    compose = read("compose.yaml")
    published = re.findall(r'^ +- "(\S+:\d+)"$', compose, re.MULTILINE)
    assert published
    assert [each for each in published if not each.startswith("127.0.0.1:")] == []
    assert "ALLOWED_HOSTS: ${ALLOWED_HOSTS:-localhost}" in compose


def test_everybody_waits_longer_for_a_server_to_end_than_it_takes() -> None:
    """A server that is killed in the middle of handing over loses nothing either, but makes its readers wait."""
    compose = seconds(read("compose.yaml").partition("\n  proxy:")[0], r"stop_grace_period: ")
    pause, grace = (
        seconds(read("deploy/kubernetes.yaml"), pattern)
        for pattern in (r'\[sleep, "', r"terminationGracePeriodSeconds: ")
    )
    unit = seconds(read("deploy/holdfast.service"), r"TimeoutStopSec=")
    assert [len(each) for each in (compose, pause, grace, unit)] == [1, 1, 1, 1]
    assert min(compose[0], grace[0] - pause[0], unit[0]) > LAST_RESORT_SECONDS


def test_the_proxy_waits_for_a_stream_longer_than_the_stream_is_silent() -> None:
    """Else every quiet stream is cut; nor so long that a frozen server is noticed late."""
    (ping,) = (float(each) for each in re.findall(r'STREAM_PING_SECONDS: "(\d+)"', read("compose.yaml")))
    (waits,) = seconds(stream_location(read("deploy/nginx.conf")), r"proxy_read_timeout ")
    assert 1.5 * ping <= waits <= 3 * ping


@pytest.mark.parametrize(
    "path", ["/api/stream", "/api/sse", "/api/events", "/api/tasks/0123456789abcdef0123456789abcdef/events"]
)
def test_the_proxy_knows_what_is_a_stream(path: str) -> None:
    """These get the short time-out; a task itself does not."""
    found = re.search(r"location ~ (\S+) \{", read("deploy/nginx.conf"))
    assert found is not None
    assert re.fullmatch(found[1].strip("^$"), path)
    assert not re.fullmatch(found[1].strip("^$"), "/api/tasks/0123456789abcdef0123456789abcdef")


def test_the_health_check_of_the_image_says_what_the_server_says(tmp_path: Path) -> None:
    """Well while a server is ready, not well when there is none."""

    def healthy(port: int) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, DEPLOY / "healthy"],
            env={"PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    with server_process(tmp_path) as server:
        done = healthy(server.port)
        assert (done.returncode, done.stdout[:4]) == (0, "200 ")
        assert json.loads(done.stdout[4:])["status"] == "ready"
    done = healthy(server.port)
    assert (done.returncode, done.stdout.partition(":")[0]) == (1, "ConnectionRefusedError")


def compose_is_there() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not compose_is_there(), reason="needs docker with its compose plug-in")
def test_compose_understands_its_file() -> None:
    """As Compose itself reads it: the guards hold for each service."""
    done = subprocess.run(
        ["docker", "compose", "--file", ROOT / "compose.yaml", "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    assert services["holdfast"]["deploy"]["replicas"] == 3
    for service in services.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["restart"] == "unless-stopped"
