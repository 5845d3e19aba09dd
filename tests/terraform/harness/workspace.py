"""A copy of terraform/ and of what it reads, with the stand-in provider where tofu looks for Google's."""
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parents[1]
ROOT = HERE.parents[1]
DECLARATION = re.compile(r'^(resource|data)\s+"(google_\w+)"', re.M)
# Both programs read the same files; the registry that a short name means is their own.
REGISTRIES = ("registry.opentofu.org", "registry.terraform.io")


@functools.cache
def tool(name):
    return subprocess.run([ROOT / "tools/install-tool", name], check=True, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "JOBS": os.environ.get("JOBS", "")}).stdout.strip()


def tofu():
    """The pinned one; TOFU names another, as `TOFU=terraform`."""
    return os.environ.get("TOFU") or tool("tofu")


class Workspace:
    """`folder` holds terraform/, k8s/ and tools/ as a person has them; whatever a test breaks, it breaks here."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.terraform = self.folder / "terraform"
        self.environment = {
            **os.environ,
            "TF_CLI_CONFIG_FILE": str(self.folder / "tofurc"),
            "GOOGLE_SCHEMA": str(self.folder / "schema.json"),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.environment.pop("TF_DATA_DIR", None)

    def make(self):
        for name in ("terraform", "k8s"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        (self.folder / "tools").mkdir()
        shutil.copy2(ROOT / "tools/install-tool", self.folder / "tools/install-tool")
        self.write_schema()
        self.write_mirror()
        # Their state is a file here, and not in a bucket.
        for each in (self.terraform / "environments").iterdir():
            (each / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        return self

    def write_schema(self):
        text = "\n".join(each.read_text() for each in self.terraform.rglob("*.tf"))
        kinds = sorted({("data." if kind == "data" else "") + name for kind, name in DECLARATION.findall(text)})
        script = HERE / "provider/schema.py"
        schema = subprocess.run(["python3", script, tool("google-provider-schema"), *kinds], check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        (self.folder / "schema.json").write_text(schema)

    def write_mirror(self):
        version = json.loads((self.folder / "schema.json").read_text())["version"]
        for registry in REGISTRIES:
            place = self.folder / f"mirror/{registry}/hashicorp/google/{version}/linux_{machine()}"
            place.mkdir(parents=True)
            shutil.copy2(tool("terraform-provider-google"), place / f"terraform-provider-google_v{version}")
        (self.folder / "tofurc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{self.folder}/mirror"\n  }}\n}}\n')

    def copy(self, folder):
        """With what init made, so that it need not be made again."""
        made = Workspace(folder)
        for name in ("terraform", "k8s", "tools"):
            shutil.copytree(self.folder / name, made.folder / name, symlinks=True)
        shutil.copy2(self.folder / "schema.json", made.folder)
        os.symlink(self.folder / "mirror", made.folder / "mirror")
        shutil.copy2(self.folder / "tofurc", made.folder)
        return made

    def run(self, root, *arguments):
        return subprocess.run([tofu(), f"-chdir={self.terraform / root}", *arguments], env=self.environment,
                              capture_output=True, text=True, timeout=600)

    def ok(self, root, *arguments):
        done = self.run(root, *arguments)
        assert done.returncode == 0, f"tofu {' '.join(arguments)} in {root}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def init(self, root):
        self.ok(root, "init", "-no-color", "-input=false")

    def plan(self, root, variables):
        """As `tofu show -json` prints it."""
        with tempfile.NamedTemporaryFile(suffix=".plan") as file:
            self.ok(root, "plan", "-no-color", "-input=false", "-lock=false", f"-out={file.name}", *arguments_of(variables))
            return self.ok(root, "show", "-json", file.name)

    def check(self, environment, plan):
        """What terraform/check-plan says of it: its exit code, and all it printed."""
        done = subprocess.run([self.terraform / "check-plan", environment], input=plan, env=self.environment,
                              capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr

    def edit(self, file, old, new):
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) >= 1, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))


def machine():
    return {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


def arguments_of(variables):
    return [f"-var={name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in variables.items()]
