"""An AWS account on loopback: ministack with IAM evaluation on, and the two things it lacks that the template relies on.

It knows no encryption context when it evaluates a policy, so that every statement of ours about keys would hold for
nobody; and it makes an HTTP API without the routes of its OpenAPI body. Both are added here, where the emulator keeps
everything else of the kind. Settings are ministack's own environment variables.
"""

import json

from ministack import app
from ministack.core import iam_actions
from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

INTEGRATION = "x-amazon-apigateway-integration"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"}


def encryption_context(body):
    """The condition keys of a KMS request: what it says its data key is for."""
    context = json.loads(body or b"{}").get("EncryptionContext") or {}
    keys = {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    if context:
        keys["kms:EncryptionContextKeys"] = list(context)
    return keys


def knowing_encryption_contexts(of_tags):
    """The emulator's condition keys of a request, and a KMS request's encryption context with them."""

    def keys(service, action, body, parameters):
        own = encryption_context(body) if service == "kms" else {}
        return {**of_tags(service, action, body, parameters), **own}

    return keys


def referred(document, pointer):
    """What a `#/a/b/c` of an OpenAPI document points to."""
    for name in pointer.removeprefix("#/").split("/"):
        document = document[name]
    return document


def operations(document):
    """Route key and integration of every operation of an OpenAPI document."""
    for path, methods in document["paths"].items():
        for method in METHODS & methods.keys():
            integration = methods[method][INTEGRATION]
            integration = referred(document, integration["$ref"]) if "$ref" in integration else integration
            verb = "ANY" if method.startswith("x-") else method.upper()
            yield f"{verb} {path}", integration


def import_body(api, document):
    """Makes the routes and integrations that an OpenAPI document describes, as API Gateway's import does."""
    made = {}
    for route, integration in operations(document):
        uri = integration["uri"]
        if uri not in made:
            wanted = {
                "integrationType": integration["type"].upper(),
                "integrationMethod": integration["httpMethod"],
                "integrationUri": uri,
                "payloadFormatVersion": integration["payloadFormatVersion"],
                "timeoutInMillis": integration["timeoutInMillis"],
            }
            made[uri] = json.loads(apigateway._create_integration(api, wanted)[2])["integrationId"]
        apigateway._create_route(api, {"routeKey": route, "target": f"integrations/{made[uri]}"})


def with_routes(create):
    """The emulator's making of an HTTP API, and the routes of its body after it."""

    def make(logical_id, properties, stack):
        api, attributes = create(logical_id, properties, stack)
        import_body(api, properties["Body"])
        return api, attributes

    return make


def main():
    iam_actions.request_tag_context = knowing_encryption_contexts(iam_actions.request_tag_context)
    http_api = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    http_api["create"] = with_routes(http_api["create"])
    app.main()


if __name__ == "__main__":
    main()
