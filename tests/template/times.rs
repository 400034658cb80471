//! The ladder of times: each fits inside the next.

use std::time::Duration;

use connectors::{
    domain::encryption_key::SILENCE,
    journeys::{
        call_provider::PATIENCE,
        refresh_connection::{CALL, LEASE},
        work_endings::CLAIM,
    },
    metrics::{Metric, NAMESPACE},
    oauth::egress,
    queue::LONGEST_DELAY,
    vault::{KEY_CACHED_FOR, NOTICED_AFTER},
};
use serde_json::Value;

use crate::document::Template;

/// How long the gateway waits for a function at most, in milliseconds.
fn gateway_patience(template: &Template, function: &str) -> u64 {
    let integrations = "/Resources/Api/Properties/DefinitionBody/components/x-amazon-apigateway-integrations";
    template.at(integrations)[function]["timeoutInMillis"].as_u64().unwrap()
}

/// The functions that refresh a token while somebody waits for it.
const REFRESHING: [&str; 3] = ["get-token", "call-provider", "mcp"];

#[test]
fn a_call_is_answered_while_the_gateway_waits() {
    let patience = Duration::from_millis(gateway_patience(&Template::read(), "call-provider"));
    assert!(PATIENCE + Duration::from_secs(3) < patience, "nobody waits for the answer of a slow API any more");
}

#[test]
fn the_gateway_still_waits_when_a_function_gives_up() {
    let template = Template::read();
    let integrations = "/Resources/Api/Properties/DefinitionBody/components/x-amazon-apigateway-integrations";
    for function in template.at(integrations).as_object().unwrap().keys() {
        let timeout = template.functions()[function].timeout(&template);
        // One that refreshes must not be killed between the provider's answer and the table, whoever has gone by then.
        assert!(
            timeout * 1000 < gateway_patience(&template, function) || REFRESHING.contains(&function.as_str()),
            "{function}"
        );
        assert!(gateway_patience(&template, function) <= 29_000, "{function}");
    }
}

#[test]
fn a_refresh_ends_within_its_lease_and_a_lease_within_the_time_of_who_refreshes_ahead() {
    let template = Template::read();
    assert!(CALL < LEASE, "the provider may still answer when somebody else asks it again");
    assert!(CALL <= egress::LONGEST);
    for reader in REFRESHING {
        let reader = Duration::from_secs(template.functions()[reader].timeout(&template));
        assert!(2 * LEASE + Duration::from_secs(10) < reader, "nobody is left to store the answer of a second attempt");
    }
    assert!(LEASE < Duration::from_secs(template.functions()["refresh"].timeout(&template)));
}

#[test]
fn whoever_ends_something_is_done_or_dead_when_it_is_due_for_others() {
    let template = Template::read();
    for function in ["disconnect", "deliver-events"] {
        assert!(Duration::from_secs(template.functions()[function].timeout(&template)) < CLAIM, "{function}");
    }
}

#[test]
fn whoever_waits_for_a_provider_has_time_for_its_answer() {
    let template = Template::read();
    for function in [
        "start-authorization",
        "callback",
        "finish-authorization",
        "get-token",
        "disconnect",
        "manage-connector",
        "deliver-events",
    ] {
        let timeout = Duration::from_secs(template.functions()[function].timeout(&template));
        assert!(egress::DEADLINE * 2 < timeout, "{function}");
    }
}

#[test]
fn nobody_seals_with_an_old_key_any_more_when_sealing_anew_begins() {
    let template = Template::read();
    for (name, function) in template.functions() {
        let longest = Duration::from_secs(function.timeout(&template));
        assert!(
            KEY_CACHED_FOR + longest < NOTICED_AFTER,
            "{name} may hold a key that it took from memory at the last moment"
        );
    }
    assert!(NOTICED_AFTER <= LONGEST_DELAY, "the message that begins it waits in the queue for so long");
}

#[test]
fn sealing_anew_is_begun_again_only_when_no_message_of_it_can_still_come_back() {
    let template = Template::read();
    let hidden = template.at("/Resources/RefreshQueue/Properties/VisibilityTimeout").as_u64().unwrap();
    assert!(Duration::from_secs(4 * hidden) < SILENCE, "a step that fails is taken up to five times");
}

#[test]
fn a_batch_being_worked_is_not_handed_out_again() {
    let template = Template::read();
    let mut mappings = 0;
    for (name, function) in template.functions() {
        let Some(events) = function.resource["Properties"]["Events"].as_object() else { continue };
        for event in events.values().filter(|event| event["Type"] == "SQS") {
            let queue = event["Properties"]["Queue"]["Fn::GetAtt"].as_str().unwrap().trim_end_matches(".Arn");
            let properties = &template.at("/Resources")[queue]["Properties"];
            let visibility = properties["VisibilityTimeout"].as_u64().unwrap();
            // What fails in an ordered queue holds up its group for so long, and may be worked twice.
            let is_ordered = properties["FifoQueue"] == true;
            let (timeouts, batch) = if is_ordered { (1, 1) } else { (6, 10) };
            assert!(visibility >= timeouts * function.timeout(&template), "{queue} for {name}");
            assert_eq!(event["Properties"]["FunctionResponseTypes"][0], "ReportBatchItemFailures", "{name}");
            assert_eq!(event["Properties"]["BatchSize"], batch, "{name}");
            mappings += 1;
        }
    }
    assert_eq!(mappings, 4);
}

/// Lambda stops a chain of messages after about sixteen, unless it is told that the chain is meant.
#[test]
fn a_function_that_leaves_messages_for_itself_may_do_so_without_end() {
    let template = Template::read();
    let mut chains = 0;
    for (name, function) in template.functions() {
        let properties = &function.resource["Properties"];
        let is_fed =
            properties["Events"].as_object().is_some_and(|events| events.values().any(|event| event["Type"] == "SQS"));
        assert_eq!(properties["RecursiveLoop"] == "Allow", is_fed, "{name}");
        chains += usize::from(is_fed);
    }
    assert_eq!(chains, 3);
}

#[test]
fn what_a_queue_gives_up_is_kept_and_raises_an_alarm() {
    let template = Template::read();
    let queues = template.resources("AWS::SQS::Queue");
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    let mut watched = 0;
    for (id, queue) in &queues {
        let properties = &queue["Properties"];
        let Some(target) = properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"].as_str() else { continue };
        let target = target.trim_end_matches(".Arn");
        let tries = if properties["FifoQueue"] == true { 1_000 } else { 5 };
        assert_eq!(properties["RedrivePolicy"]["maxReceiveCount"], tries, "{id}");
        assert!(retention(queues[target]) > retention(queue), "{target} forgets before {id} does");
        let name = Value::from(format!("{target}.QueueName"));
        let alarm = alarms.values().find(|alarm| alarm["Properties"]["Dimensions"][0]["Value"]["Fn::GetAtt"] == name);
        let alarm = alarm.unwrap_or_else(|| panic!("nobody hears of what arrives in {target}"));
        assert_eq!(alarm["Properties"]["MetricName"], "ApproximateNumberOfMessagesVisible");
        assert_eq!(alarm["Properties"]["Threshold"], 0);
        watched += 1;
    }
    assert_eq!(watched, 4);
}

/// PUB-47: the user was told that it is pending; nobody else would notice that it stays so.
#[test]
fn a_revocation_that_was_given_up_raises_an_alarm_at_once() {
    let template = Template::read();
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    let name = Metric::RevocationsGivenUp.name();
    let alarm = alarms.values().find(|alarm| alarm["Properties"]["MetricName"] == name);
    let alarm = &alarm.expect("an alarm")["Properties"];
    assert_eq!(alarm["Namespace"], NAMESPACE);
    assert_eq!(alarm["Dimensions"][0]["Value"]["Ref"], "DeploymentName");
    assert_eq!((&alarm["Statistic"], &alarm["Threshold"]), (&Value::from("Sum"), &Value::from(0)));
}

/// Seconds for which a queue keeps a message.
fn retention(queue: &Value) -> u64 {
    queue["Properties"]["MessageRetentionPeriod"].as_u64().unwrap()
}

#[test]
fn the_schedule_fires_every_minute() {
    let template = Template::read();
    let schedules = template.resources("AWS::Scheduler::Schedule");
    let (_, schedule) = schedules.first_key_value().unwrap();
    assert_eq!(schedules.len(), 1);
    assert_eq!(
        schedule["Properties"]["ScheduleExpression"], "rate(1 minute)",
        "a plural for one is refused at deployment"
    );
    assert_eq!(schedule["Properties"]["FlexibleTimeWindow"]["Mode"], "OFF");
    assert_eq!(schedule["Properties"]["Target"]["Arn"]["Fn::GetAtt"], "RefreshFunction.Arn");
}
