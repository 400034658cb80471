// What a function wrote, as it stands in its log group.
import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';

/** Every line of a function's log. */
export async function linesOf(fn) {
  const client = new CloudWatchLogsClient();
  const lines = [];
  for await (const page of paginateFilterLogEvents({ client }, { logGroupName: `/aws/lambda/connectors-${fn}` }))
    lines.push(...page.events.map(({ message }) => message));
  return lines;
}
