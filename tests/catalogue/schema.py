"""Holds every provider's file to `shared/providers/schema.json`, which editors go by: it must neither refuse what the
build takes nor fall behind it. A product is read with its family, as the build reads it."""

import json
import sys
import tomllib
from pathlib import Path

from jsonschema import Draft202012Validator

PROVIDERS = Path(__file__).parents[2] / "shared/providers"


def read(file):
    return tomllib.loads(file.read_text())


def merged(family, product):
    """Tables merge, and what the product says counts; lists are replaced."""
    both = {name: merged(family[name], value) for name, value in product.items() if is_table(family, name, value)}
    return {**family, **product, **both}


def is_table(family, name, value):
    return isinstance(value, dict) and isinstance(family.get(name), dict)


def mistakes(validator, file, families):
    own = read(file)
    whole = merged(families[own["extends"]], own) if "extends" in own else own
    for error in validator.iter_errors(whole):
        yield f"{file.name}: /{'/'.join(map(str, error.absolute_path))}: {error.message}"


def main():
    schema = json.loads((PROVIDERS / "schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    families = {file.stem: read(file) for file in PROVIDERS.glob("families/*.toml")}
    files = sorted(PROVIDERS.glob("*.toml"))
    found = [mistake for file in files for mistake in mistakes(validator, file, families)]
    print("\n".join(found) or f"{len(files)} files are as the schema says")
    sys.exit(bool(found) or not files)


if __name__ == "__main__":
    main()
