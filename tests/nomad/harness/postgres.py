"""A real PostgreSQL that stands for the environment's own, with passwords, on the private network."""
import os
import pathlib
import secrets
import shutil
import subprocess

POSTGRES = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))


class Postgres:
    port = 5432

    def __init__(self, folder, address):
        self.address, self.data = address, folder / "cluster"
        folder.mkdir()
        self.password_file = folder / "password"
        self.password = secrets.token_hex(16)
        self.password_file.write_text(self.password)
        for path in (folder, self.password_file):
            shutil.chown(path, "postgres")
        for parent in folder.parents:
            if parent.stat().st_uid == os.getuid() and parent != pathlib.Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
        self.run("initdb", "-D", self.data, "-A", "scram-sha-256", "-U", "postgres", "--no-sync", "--pwfile",
                 self.password_file)
        with open(self.data / "pg_hba.conf", "a", encoding="utf-8") as rules:
            rules.write(f"host all all {address}/24 scram-sha-256\n")
        self.run("pg_ctl", "-D", self.data, "-w", "-l", folder / "log", "-o",
                 f"-p {self.port} -k '' -c listen_addresses={address} -c fsync=off", "start")

    def run(self, program, *arguments):
        subprocess.run([POSTGRES / program, *arguments], check=True, user="postgres", cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def sql(self, text, user="postgres", password=None, database="postgres"):
        return subprocess.run([POSTGRES / "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", self.address, "-p",
                               str(self.port), "-U", user, "-d", database], input=text, check=True, text=True,
                              capture_output=True, env={"PGPASSWORD": password or self.password}).stdout

    def add(self, name):
        """A database with a role of its own of the same name; its password."""
        password = secrets.token_hex(16)
        self.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{password}';\nCREATE DATABASE {name} OWNER {name};\n")
        if name == "hello":
            schema = pathlib.Path(__file__).resolve().parents[3] / "apps/hello_back/schema.sql"
            self.sql(schema.read_text(), name, password, name)
        return password

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")
