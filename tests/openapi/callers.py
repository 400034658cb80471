"""Who calls, and whose things they name: schemathesis loads this beside the description of the API.

Without it every request would end at "who are you?", or at an id that nobody has.
"""

import json
import os
import urllib.request

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


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Names what is there, but for what would end it."""
    known = {"ws": IDS["ws"]} if ends_what_others_need(context.operation) else IDS
    for name in path_parameters or {}:
        if name in known:
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
            "workspaceKey": ("authorization", f"Bearer {DEV['admin_key']}"),
            "serviceKey": ("authorization", f"Bearer {DEV['service_key']}"),
            "userToken": ("authorization", f"Bearer {data}"),
            "onBehalfOf": ("on-behalf-of", f"Bearer {data}"),
        }
        case.headers = case.headers or {}
        for scheme in either[0]:
            if scheme in headers:
                name, value = headers[scheme]
                case.headers[name] = value
