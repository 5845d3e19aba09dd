"""Secrets of a development machine as nomad/put-secrets wants them: a folder for each job, a file for each item."""
import subprocess

from .cluster import APPLICATIONS, ROOT
from .network import PRIVATE


def make(work, database):
    """Certificates, tokens, and the address of each service's own database on the server `database`."""
    made, secrets = work / "certificates", work / "secrets"
    subprocess.run([ROOT / "tools/make-dev-certificates", made], check=True, timeout=60)
    items = {
        "gateway": {"certificate": "tls/ecdsa.crt", "key": "tls/ecdsa.key", "internal_ca": "secrets/internal-ca.crt",
                    "gateway_ca": "secrets/gateway-ca.crt", "cluster_certificate": "secrets/cluster.crt",
                    "cluster_key": "secrets/cluster.key", "admin_token": "secrets/admin-token",
                    "cluster_token": "secrets/cluster-token"},
        "autoscaler": {"gateway_ca": "secrets/gateway-ca.crt", "cluster_token": "secrets/cluster-token"},
        **{name: {"certificate": f"secrets/{name}.crt", "key": f"secrets/{name}.key",
                  "client_ca": "secrets/gateway-ca.crt"} for name in APPLICATIONS},
    }
    for job, files in items.items():
        folder = secrets / job
        folder.mkdir(parents=True)
        for item, file in files.items():
            (folder / item).write_text((made / file).read_text().rstrip("\n"))
    for name in ("app_b", "visitors", "hello"):
        password = database.add(name)
        folder = secrets / name.replace("_", "-")
        (folder / "pgpass").write_text(f"{database.address}:{database.port}:{name}:{name}:{password}")
        if name == "hello":
            values = {"PGHOST": database.address, "PGPORT": database.port, "PGUSER": name, "PGDATABASE": name}
        else:
            values = {"DATABASE_URL": f"postgres://{name}@{database.address}:{database.port}/{name}"}
        for item, value in values.items():
            (folder / item).write_text(str(value))
    (secrets / "visitors/TRUSTED_PROXIES").write_text(",".join(PRIVATE))
    return secrets
