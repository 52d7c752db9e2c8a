"""A Docker engine for a test class: in a folder and a network namespace of its own.

Nothing of it is left when it is closed. Needs root, and Debian's docker.io.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import PATIENCE, until


class Engine:
    """A running dockerd; `address` is what DOCKER_HOST takes."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lsd-"))
        self.socket = self.folder / "docker.sock"
        self.address = f"unix://{self.socket}"
        self.cgroup = f"longshore-docker-py-{os.getpid()}"
        # Instead of the machine's.
        (self.folder / "dockerd.json").write_text("{}")
        place = {name: str(self.folder / name) for name in ("data", "exec", "pid", "dockerd.json")}
        command = [
            "unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec dockerd "$@"', "dockerd",
            "--data-root", place["data"], "--exec-root", place["exec"], "--pidfile", place["pid"],
            "--config-file", place["dockerd.json"], "--host", self.address,
            "--bip", "172.29.0.1/16", "--cgroup-parent", f"/{self.cgroup}",
        ]
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until(self.answers, "dockerd's answer", lambda: (self.folder / "log").read_text()[-2000:])
        except AssertionError:
            self.close()
            raise

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"dockerd ended: {(self.folder / 'log').read_text()[-2000:]}")
        return self.socket.exists() and self.docker("version", check=False).returncode == 0

    def docker(self, *words, check=True, **more):
        """Runs the docker command line to its end."""
        command = ["docker", "--host", self.address, *words]
        return subprocess.run(command, capture_output=True, text=True, check=check, timeout=PATIENCE, **more)

    def load(self, root, tag):
        """Makes an image of a root file system."""
        archive = self.folder / "rootfs.tar"
        subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
        self.docker("import", str(archive), tag)

    def close(self):
        containers = self.docker("ps", "--all", "--quiet", check=False).stdout.split()
        if containers:
            self.docker("rm", "--force", "--volumes", *containers, check=False)
        # With SIGTERM it ends its containerd and gives its mounts back.
        self.process.terminate()
        self.process.wait(PATIENCE)
        mounts = pathlib.Path("/proc/self/mounts").read_text().splitlines()
        for place in reversed([line.split(" ")[1] for line in mounts]):
            if place.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", place], check=False)
        for root in [*pathlib.Path("/sys/fs/cgroup").iterdir(), pathlib.Path("/sys/fs/cgroup")]:
            try:
                (root / self.cgroup).rmdir()
            except OSError:
                pass
        shutil.rmtree(self.folder)
