"""A real PostgreSQL that a test starts, stops and freezes."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from harness import free_port

POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"))


class Postgres:
    """Of its own, on a free port, with no password; the server refuses to run as root. `folder` may
    be entered by everybody."""

    def __init__(self, folder):
        self.port = free_port()
        self.data = folder / "cluster"
        self.user = "postgres" if os.getuid() == 0 else None
        self.data.mkdir()
        if self.user:
            shutil.chown(self.data, self.user)
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync")
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self.start()

    def run(self, program, *arguments):
        subprocess.run([POSTGRES / program, *arguments], check=True, user=self.user, cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.data / "log", "-o",
                 f"-p {self.port} -k {self.data} -c listen_addresses=127.0.0.1 -c fsync=off", "start")

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def processes(self):
        """The server's own and its children."""
        own = int((self.data / "postmaster.pid").read_text().split()[0])
        children = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()
                    and parent_of(entry) == own]
        return [own, *children]

    def freeze(self):
        """As a host whose network went away: it keeps its connections and says nothing."""
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)


def parent_of(process):
    try:
        return int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0
