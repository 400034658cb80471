// The deployed stack, as the owner of the account sees it: what was made, and who signs as whom. Region, endpoint and the
// owner's keys are in the environment, where every AWS client looks for them.
import {
  CloudFormationClient,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';

const STACK = 'connectors';

/** `GetToken` for `get-token`: the template's logical ids begin so. */
const pascal = (name) => name.replace(/(^|-)(\w)/g, (_, _dash, letter) => letter.toUpperCase());
/** The other way. */
const kebab = (name) => name.replace(/\B[A-Z]/g, '-$&').toLowerCase();

/** The stack; `outputs` by name, `resources` as `{id, type, name}` by logical id. */
export class Stack {
  static async find() {
    const client = new CloudFormationClient();
    const stack = new Stack();
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: STACK }));
    stack.outputs = Object.fromEntries(Stacks[0].Outputs.map((output) => [output.OutputKey, output.OutputValue]));
    stack.account = stack.outputs.KeyArn.split(':')[4];
    stack.region = stack.outputs.KeyArn.split(':')[3];
    const { StackResources } = await client.send(new DescribeStackResourcesCommand({ StackName: STACK }));
    stack.resources = new Map(
      StackResources.map(({ LogicalResourceId: id, ResourceType: type, PhysicalResourceId: name }) => [
        id,
        { id, type, name },
      ]),
    );
    return stack;
  }

  /** The resources of one type. */
  ofType(type) {
    return [...this.resources.values()].filter((resource) => resource.type === type);
  }

  /** The functions by the names that their crates have. */
  functions() {
    return this.ofType('AWS::Lambda::Function').map(({ id }) => kebab(id.replace(/Function$/, '')));
  }

  /** The ARN of something of this account, in this region. */
  arn(service, resource) {
    return `arn:aws:${service}:${this.region}:${this.account}:${resource}`;
  }

  /** The ARN of a function's role. */
  roleOf(fn) {
    return `arn:aws:iam::${this.account}:role/${this.resources.get(`${pascal(fn)}Role`).name}`;
  }

  /** What a function signs with. */
  credentialsOf(fn) {
    return credentialsFor(this.roleOf(fn));
  }

  /** Hands a function an event, as whoever administers the account may. */
  async invoke(fn, event) {
    const FunctionName = this.resources.get(`${pascal(fn)}Function`).name;
    const answer = await new LambdaClient().send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }));
    const text = Buffer.from(answer.Payload).toString('utf8');
    if (answer.FunctionError) throw new Error(`${fn} failed: ${text}`);
    return JSON.parse(text);
  }
}

/** Temporary keys of a role. */
export async function credentialsFor(roleArn) {
  const wanted = new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'attacker' });
  const { Credentials: keys } = await new STSClient().send(wanted);
  return { accessKeyId: keys.AccessKeyId, secretAccessKey: keys.SecretAccessKey, sessionToken: keys.SessionToken };
}
