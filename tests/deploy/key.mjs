// Makes a KMS key that a workspace may name as its own, before the deployment that is told of it. Prints its ARN.
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';

const { KeyMetadata } = await new KMSClient().send(new CreateKeyCommand({ Description: 'of a workspace' }));
console.log(KeyMetadata.Arn);
