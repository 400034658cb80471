"""Who calls, and whose things they name: schemathesis loads this beside the description of the API.

Without it every request would end at "who are you?", or at an id that nobody has.
"""

import json
import os
import urllib.request

import jsonschema_rs
import schemathesis

with open(os.environ["DEV_JSON"], encoding="utf-8") as file:
    DEV = json.load(file)

USER = "alice"

IDS = {
    "ws": DEV["workspace_id"],
    "app": DEV["app_id"],
    "id": DEV["connector_id"],
    "connector_id": DEV["connector_id"],
    "sub": USER,
    "type": "demo",
}


def user_token():
    request = urllib.request.Request(f"{DEV['base_url']}/demo/users/{USER}/token", method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["token"]


def ends_what_others_need(operation):
    """The workspace, the app, its identity, the connector: with their own ids the rest of the run would find nothing."""
    replaces_identity = operation.method.lower() == "put" and operation.path.endswith("/identity")
    return operation.method.lower() == "delete" or replaces_identity


def is_as_described(operation, name, value):
    parameters = operation.definition.raw.get("parameters", [])
    schemas = [one["schema"] for one in parameters if (one["in"], one["name"]) == ("path", name)]
    return all(jsonschema_rs.is_valid(schema, value) for schema in schemas)


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Names what is there, but for what would end it. What breaks the description stays: it is what the request is about."""
    known = {"ws": IDS["ws"]} if ends_what_others_need(context.operation) else IDS
    for name, value in (path_parameters or {}).items():
        if name in known and is_as_described(context.operation, name, value):
            path_parameters[name] = known[name]
    return path_parameters


@schemathesis.auth(refresh_interval=600)
class Callers:
    """Shows what the first alternative of an operation's security asks for."""

    def get(self, case, context):
        return user_token()

    def set(self, case, data, context):
        either = case.operation.definition.raw.get("security") or [{}]
        headers = {
            "workspaceKey": ("Authorization", f"Bearer {DEV['admin_key']}"),
            "serviceKey": ("Authorization", f"Bearer {DEV['service_key']}"),
            "userToken": ("Authorization", f"Bearer {data}"),
            "onBehalfOf": ("on-behalf-of", f"Bearer {data}"),
        }
        case.headers = case.headers or {}
        for scheme in either[0]:
            if scheme in headers:
                name, value = headers[scheme]
                case.headers[name] = value


# What must exist, be what was handed out, or agree with another field: no schema can say which values do. Each is refused by
# its place.
KNOWN_TO_THE_SERVER = {
    "/accept_endpoints",
    "/app_id",
    "/builder_connection_enabled",
    "/client_secret",
    "/confirm",
    "/connected_after",
    "/connection_config",
    "/connector",
    "/connector_id",
    "/cursor",
    "/integration_type",
    "/issuer",
    "/jwks",
    "/jwks_uri",
    "/kms_key_arn",
    "/path",
    "/per_user_connection_enabled",
    "/prefix",
    "/recipient",
    "/return_to",
    "/rotate_key",
    "/scopes",
    "/url",
    "/user",
    "?confirm",
    "?cursor",
    "?issuer",
    "?sub",
}

# Bodies in a form of others, whose fields depend on each other: OAuth's, and that of a provider's definition.
OF_OTHERS = {"/oauth/token", "/api/workspace/{ws}/providers"}

# Refusals of values that are well formed, and of nobody's session.
OF_NO_SESSION = {"state_mismatch", "session_expired", "session_user_mismatch"}


def place(pointer):
    """`/0/integration_type` and `/user/issuer` count as the field that somebody has to look up."""
    steps = [step for step in pointer.split("/") if step and not step.isdigit()]
    if pointer.startswith("?") or not steps:
        return pointer
    return f"/{steps[0]}" if f"/{steps[0]}" in KNOWN_TO_THE_SERVER else f"/{steps[-1]}"


def is_about_what_exists(response):
    if response.headers.get("x-base44-connector-error", [""])[0] in OF_NO_SESSION:
        return True
    if response.status_code != 422:
        return False
    errors = response.json().get("errors") or []
    return bool(errors) and all(place(error["pointer"]) in KNOWN_TO_THE_SERVER for error in errors)


@schemathesis.check
def what_is_described_is_taken(ctx, response, case):
    """A request that is as described is refused only for what it names, and never for its form."""
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    is_refused = response.status_code in (400, 406, 410, 413, 415, 422)
    if is_positive and is_refused and case.operation.path not in OF_OTHERS and not is_about_what_exists(response):
        raise AssertionError(f"refused as {response.status_code}: {response.text[:400]}")


@schemathesis.check
def what_is_wrong_in_a_batch_is_told(ctx, response, case):
    """A batch of which something is not as described is not taken whole: one of its grants, at least, is refused."""
    is_negative = case.meta is not None and case.meta.generation.mode.is_negative
    is_batch = case.operation.path.endswith(("/import", "/import/nango"))
    if is_negative and is_batch and response.status_code == 200 and response.json()["refused"] == 0:
        raise AssertionError(f"taken: {response.text[:400]}")
