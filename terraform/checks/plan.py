"""A plan of tofu, as `tofu show -json` prints it."""


class Resource:
    """One that will be there once the plan is applied. `values` has what is known before; `unknown` the rest."""

    def __init__(self, change):
        self.address = change["address"]
        self.kind = change["type"]
        self.values = change["change"]["after"]
        self.unknown = change["change"].get("after_unknown") or {}

    def __getitem__(self, name):
        return self.values.get(name)

    def has(self, name):
        """Set, or to be known later."""
        return bool(self.values.get(name) or self.unknown.get(name))

    def block(self, *names):
        """The only block of that name, in the only block of the one before; {} where there is none."""
        found = self.values
        for name in names:
            items = found.get(name) or []
            found = items[0] if items else {}
        return found


class Plan:
    def __init__(self, document):
        self.resources = [Resource(each) for each in document.get("resource_changes", [])
                          if each["mode"] == "managed" and each["change"]["after"] is not None]
        self.deleted = [each["address"] for each in document.get("resource_changes", [])
                        if each["mode"] == "managed" and "delete" in each["change"]["actions"]]
        self.kinds_deleted = {each["address"]: each["type"] for each in document.get("resource_changes", [])}

    def of(self, *kinds):
        return [each for each in self.resources if each.kind in kinds]
