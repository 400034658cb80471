//! The audit trail as lines, for whoever keeps it elsewhere: all that it takes to check it without us.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::world::{Answer, World};

/// All pages of the trail as lines, the earliest first.
async fn all_lines(world: &World, query: &str) -> Vec<String> {
    let (mut lines, mut path) = (Vec::new(), format!("/audit?format=ndjson{query}"));
    loop {
        let page = world.admin("GET", &path).send().await;
        assert_eq!((page.status, page.header("content-type")), (200, Some("application/x-ndjson")));
        assert!(page.text.is_empty() || page.text.ends_with('\n'));
        lines.extend(page.text.lines().map(str::to_owned));
        match next(&page) {
            Some(next) => path = format!("/audit{next}"),
            None => return lines,
        }
    }
}

/// Where the next page is.
fn next(page: &Answer) -> Option<String> {
    let (target, relation) = page.header("link")?.split_once(';')?;
    assert_eq!(relation.trim(), "rel=\"next\"");
    Some(target.trim_start_matches('<').trim_end_matches('>').to_owned())
}

/// What the script that we hand out says of a copy.
fn checked(lines: &[String], witness: &str) -> Result<Value, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/manage-connector/check-trail.mjs");
    let mut script = Command::new("node")
        .args([script, witness])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A script that has found something reads no further.
    let _ = script.stdin.take().unwrap().write_all((lines.join("\n") + "\n").as_bytes());
    let said = script.wait_with_output().unwrap();
    if said.status.success() {
        return Ok(serde_json::from_slice(&said.stdout).unwrap());
    }
    Err(String::from_utf8(said.stderr).unwrap())
}

async fn witness(world: &World) -> String {
    let mut path = "/audit/verify".to_owned();
    loop {
        let page = world.admin("GET", &path).send().await.expect(200);
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/audit/verify?cursor={cursor}"),
            None => return page["witness"].as_str().unwrap().to_owned(),
        }
    }
}

async fn told() -> World {
    let world = World::new().await;
    let connector = world.connector("Kalender „é“ \\ \"x\"").await;
    for user in ["alice", "bob", "carol"] {
        world.connect(&connector, user).await;
        world.advance(1);
    }
    for number in 0..20 {
        world.connector(&format!("More {number}")).await;
    }
    world
}

#[tokio::test]
async fn somebody_elsewhere_finds_a_copy_whole_or_what_is_wrong_with_it() {
    let world = told().await;
    let (lines, witness) = (all_lines(&world, "").await, witness(&world).await);
    let seen = checked(&lines, &witness).unwrap();
    assert_eq!((&seen["lines"], &seen["digested"]), (&lines.len().into(), &lines.len().into()));
    assert_eq!(seen["from_first"], true);
    let parsed: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(parsed.iter().all(|line| line["workspace"] == world.workspace.id.as_str()));
    let times: Vec<&str> = parsed.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "the earliest first");

    for number in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(number);
        // Of the first of a lane nobody knows whether the copy was to begin behind it.
        let is_whole = checked(&without, &witness).is_ok_and(|seen| seen["from_first"] == true);
        assert!(!is_whole, "line {number} is missing");
    }
    let mut changed = lines.clone();
    changed[3] = changed[3].replacen("\"actor\":\"", "\"actor\":\"x", 1);
    assert_ne!(changed[3], lines[3]);
    assert!(checked(&changed, &witness).unwrap_err().contains("line 4: is not what was written"));
}

/// Whoever changes a line and makes its digest anew, and those of all that follow, meets the witness.
#[tokio::test]
async fn a_copy_of_another_trail_is_not_what_the_witness_saw() {
    let (world, other) = (told().await, told().await);
    let lines = all_lines(&world, "").await;
    assert!(checked(&lines, "").is_ok());
    assert!(checked(&lines, &witness(&other).await).is_err());
}

#[tokio::test]
async fn lines_are_asked_for_by_the_query_or_by_what_is_accepted() {
    let world = told().await;
    let kind = async |path: &str, accept: &str| {
        let answer = world.admin("GET", path).header("accept", accept).send().await;
        assert_eq!(answer.status, 200);
        answer.header("content-type").unwrap().to_owned()
    };
    assert_eq!(kind("/audit", "application/x-ndjson").await, "application/x-ndjson");
    assert_eq!(kind("/audit", "text/html;q=0.1, Application/X-NDJSON; q=0.5").await, "application/x-ndjson");
    for (path, accept) in [
        ("/audit", "*/*"),
        ("/audit", "application/json, application/x-ndjson;q=0"),
        ("/audit?format=json", "application/x-ndjson"),
    ] {
        assert_eq!(kind(path, accept).await, "application/json", "{path} {accept}");
    }
    assert_eq!(world.admin("GET", "/audit?format=xml").send().await.status, 422);
    assert_eq!(world.admin("GET", "/audit?format=ndjson&cursor=x").send().await.status, 422);
    let of_bob = all_lines(&world, "&actor=user:first-app:bob").await;
    assert!(of_bob.len() == 1 && of_bob[0].contains("connection.created"), "{of_bob:?}");
}

#[tokio::test]
async fn a_long_quiet_trail_comes_in_pages_without_a_gap() {
    let world = told().await;
    world.advance(150 * 24 * 3_600);
    world.connector("Later").await;
    let lines = all_lines(&world, "&since=2020-01-01T00:00:00Z").await;
    let seen = checked(&lines, &witness(&world).await).unwrap();
    assert_eq!(seen["lines"], lines.len());
    assert!(lines.last().unwrap().contains("Later"));
}
