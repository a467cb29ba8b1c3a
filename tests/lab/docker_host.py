"""Docker on a lab host: its one file, its daemon, and a container that lasts."""

import json

from tests.lab.harness import out

DAEMON_JSON = "/etc/docker/daemon.json"


def daemon_json(lab, host):
    """What the file says."""
    return json.loads(out(lab, host, f"cat {DAEMON_JSON}"))


def write(lab, host, path, text):
    """Put a text into a file of a host."""
    done = lab.run(host, f"cat >{path}", stdin=text)
    assert done.returncode == 0, done.stderr


def lock_held(path, seconds):
    """A command that locks `path` for so long as apt and dpkg do, which a shell cannot."""
    lock = "pack(q(ssx4qql), F_WRLCK, 0, 0, 0, 0 * time)"
    return f"perl -MFcntl -e 'open F, q(>>), q({path}); fcntl(F, F_SETLK, {lock}) or die; sleep {seconds}'"


def restarts(lab, host):
    """What changes whenever the daemon is started again."""
    return out(lab, host, "systemctl show -p InvocationID,MainPID docker.service")


def container_started(lab, host):
    """Start a container that lasts; gives its name and start time."""
    out(lab, host, f"docker rm -f lasting >/dev/null 2>&1; docker run -d --name lasting {image(lab)} sleep 100000")
    return started(lab, host)


def started(lab, host):
    """Whether the container that lasts runs, and since when."""
    return out(lab, host, "docker inspect -f '{{.State.Running}} {{.State.StartedAt}}' lasting")


def image(lab):
    """The image that it runs."""
    return f"{lab.gateway}:5000/library/busybox:latest"
