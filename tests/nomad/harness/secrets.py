"""Secrets of a development machine as nomad/put-secrets wants them: what `gateway certs` makes, and the others as a folder
for each job with a file for each item."""
import shutil
import subprocess

from .cluster import ROOT
from .network import PRIVATE


def make(work, database):
    """Both folders; each service has a database of its own on the server `database`."""
    made, secrets = work / "certificates", work / "secrets"
    subprocess.run([ROOT / "tools/make-dev-certificates", made], check=True, timeout=60)
    (secrets / "gateway").mkdir(parents=True)
    for item, file in (("certificate", "ecdsa.crt"), ("key", "ecdsa.key")):
        shutil.copy(made / "tls" / file, secrets / "gateway" / item)
    for name in ("app_b", "visitors", "hello"):
        password = database.add(name)
        folder = secrets / name.replace("_", "-")
        folder.mkdir()
        (folder / "pgpass").write_text(f"{database.address}:{database.port}:{name}:{name}:{password}")
        if name == "hello":
            values = {"PGHOST": database.address, "PGPORT": database.port, "PGUSER": name, "PGDATABASE": name}
        else:
            values = {"DATABASE_URL": f"postgres://{name}@{database.address}:{database.port}/{name}"}
        for item, value in values.items():
            (folder / item).write_text(str(value))
    (secrets / "visitors/TRUSTED_PROXIES").write_text(",".join(PRIVATE))
    return made, secrets
