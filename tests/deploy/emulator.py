"""An AWS account on loopback: ministack with IAM evaluation on, and what it lacks that the template relies on.

It knows no encryption context when it evaluates a policy, and neither items nor attributes of a request to a table, so that
every statement of ours about those would hold for nobody. It asks for permissions of their own for batches of messages; AWS has none. It weighs the writing of logs on a
group and not on its streams, which is what CloudFormation's ARN of a group stands for. It makes an HTTP API without the
routes of its OpenAPI body, and answers every preflight itself, also where a route is there for it. It tells functions its
own name as the host, where a gateway tells the API's. All of this is added
here, where the emulator keeps everything else of the kind. Settings are ministack's own environment variables.
"""

import json
import os
import re

from ministack import app
from ministack.core import iam_actions, iam_evaluator
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


def item_and_attributes(body):
    """The condition keys of a write of one item: its partition key, and every attribute that is named."""
    request = json.loads(body or b"{}")
    item = request.get("Key") or request.get("Item") or {}
    context = {"dynamodb:LeadingKeys": [item["pk"]["S"]]} if item else {}
    expressions = " ".join(request.get(name, "") for name in ("UpdateExpression", "ConditionExpression"))
    named = set(re.findall(r"(?<![:#\w])[a-z]\w*\b(?!\()", expressions)) - {"and", "or", "not", "in", "between"}
    named |= set((request.get("ExpressionAttributeNames") or {}).values()) | item.keys()
    return {**context, "dynamodb:Attributes": sorted(named)} if named else context


def keys_of_parts(body):
    """The partition keys of a transaction's items, by what is done in which table."""
    parts = {}
    for transacted in json.loads(body or b"{}").get("TransactItems") or []:
        for name, part in transacted.items():
            item = part.get("Key") or part.get("Item")
            if item:
                parts.setdefault((PARTS[name], part["TableName"]), []).append(item["pk"]["S"])
    return {OF_PARTS: parts}


PARTS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}
OF_PARTS = "what a transaction does where"
WRITES_OF_AN_ITEM = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
CONDITION_KEYS = {"kms": encryption_context, "dynamodb": item_and_attributes}


def knowing_what_is_asked_for(of_tags):
    """The emulator's condition keys of a request, and those of its service that ours rely on."""

    def keys(service, action, body, parameters):
        knows = service == "kms" or action in WRITES_OF_AN_ITEM
        own = CONDITION_KEYS[service](body) if knows else {}
        own |= keys_of_parts(body) if action == "dynamodb:TransactWriteItems" else {}
        return {**of_tags(service, action, body, parameters), **own}

    return keys


def weighing_parts_by_their_keys(enforce):
    """The emulator's judgement; of a part of a transaction by the keys of its table's items, as of a request of its own."""

    def judgement(access_key, action, *rest, **named):
        context = dict(named.get("service_context") or {})
        table = (named.get("resource_arn") or "").rpartition("/")[2]
        keys = context.pop(OF_PARTS, {}).get((action, table))
        if keys:
            context["dynamodb:LeadingKeys"] = keys
        return enforce(access_key, action, *rest, **{**named, "service_context": context})

    return judgement


def weighing_batches_as_messages(action_of):
    """The emulator's IAM action of a request; of a batch of messages, that of a single one."""

    def action(service, *request):
        found = action_of(service, *request)
        return found.removesuffix("Batch") if service == "sqs" and found else found

    return action


def naming_log_streams(resource_of):
    """The emulator's ARN of what a request is about; where it names a stream of a log group, of that stream."""

    def resource(service, method, path, headers, body, *rest):
        found = resource_of(service, method, path, headers, body, *rest)
        stream = json.loads(body or b"{}").get("logStreamName") if service == "logs" else None
        return f"{found}:log-stream:{stream}" if stream else found

    return resource


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


def routing_preflights(execute):
    """The emulator's way through an HTTP API, for `OPTIONS` too where the API leaves CORS to its routes.

    It looks out for the method in capitals only; `match_in_capitals` and `invoke_in_capitals` put it right afterwards.
    """

    async def run(api, stage, path, method, *rest):
        is_left = method == "OPTIONS" and not apigateway._apis.get(api, {}).get("corsConfiguration")
        return await execute(api, stage, path, method.lower() if is_left else method, *rest)

    return run


def match_in_capitals(match):
    return lambda api, method, path: match(api, method.upper(), path)


def invoke_in_capitals(invoke):
    def run(integration, api, stage, path, method, *rest, **more):
        return invoke(integration, api, stage, path, method.upper(), *rest, **more)

    return run


def telling_own_host(invoke):
    """The emulator's call of a function, with the host that a gateway tells: the API's own name, where the request came to
    the emulator's. It tells a name that somebody else wrote as it is.
    """

    def run(integration, api, stage, path, method, headers, *rest, **more):
        named = headers.get("host", "").split(":")[0]
        own = {"host": f"{api}.execute-api.{apigateway._HOST}"} if named in {"127.0.0.1", "localhost"} else {}
        return invoke(integration, api, stage, path, method, {**headers, **own}, *rest, **more)

    return run


def teach(module, name, wrap):
    """Puts something around one of the emulator's own functions."""
    setattr(module, name, wrap(getattr(module, name)))


def main():
    teach(iam_actions, "request_tag_context", knowing_what_is_asked_for)
    teach(iam_actions, "extract_iam_action", weighing_batches_as_messages)
    teach(iam_evaluator, "enforce", weighing_parts_by_their_keys)
    teach(iam_actions, "extract_resource_arn", naming_log_streams)
    teach(apigateway, "_handle_execute_in_scope", routing_preflights)
    teach(apigateway, "_match_route", match_in_capitals)
    teach(apigateway, "_invoke_lambda_proxy", invoke_in_capitals)
    apigateway._HOST = f"{os.environ['MINISTACK_REGION']}.amazonaws.com"
    teach(apigateway, "_invoke_lambda_proxy", telling_own_host)
    http_api = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    http_api["create"] = with_routes(http_api["create"])
    app.main()


if __name__ == "__main__":
    main()
