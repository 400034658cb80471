//! The patterns of the description against the functions that read those values: what is described is read, and what is read
//! is described.

use std::collections::BTreeSet;

use connectors::{
    domain::{
        app::{Origin, ReturnUrl},
        call::CallPath,
        encryption_key::KmsKeyArn,
        fields,
        ids::{
            AppId, ConnectionId, ConnectorId, Issuer, KeyId, ProposalId, RevocationId, Subject, WebhookId, WorkspaceId,
        },
        provider::ProviderType,
        session::SessionId,
        workspace::DisplayName,
    },
    store::Cursor,
    vault::Recipient,
};
use regex_lite::Regex;

/// What the pattern of a reader is held to.
#[derive(PartialEq)]
enum Pattern {
    /// It describes exactly what is read.
    Exact,
    /// What it describes has to be right in other ways as well: a checksum, a key that is there.
    Wider,
}
use Pattern::{Exact, Wider};

struct Form {
    reader: &'static str,
    pattern: Pattern,
    reads: fn(&str) -> bool,
    /// Values that are read; the rest are their neighbours.
    values: &'static [&'static str],
}

#[rustfmt::skip]
const FORMS: &[Form] = &[
    Form { reader: "WorkspaceId::parse", pattern: Exact, reads: |raw| WorkspaceId::parse(raw).is_ok(), values: &["a", "ws_1-B"] },
    Form { reader: "AppId::parse", pattern: Exact, reads: |raw| AppId::parse(raw).is_ok(), values: &["a", "app_1-B"] },
    Form { reader: "ConnectorId::parse", pattern: Exact, reads: |raw| ConnectorId::parse(raw).is_ok(), values: &["con_01M83FHW6VDKK79FNCETFHG7MP"] },
    Form { reader: "ProposalId::parse", pattern: Exact, reads: |raw| ProposalId::parse(raw).is_ok(), values: &["prp_01M83FHW6VDKK79FNCETFHG7MP"] },
    Form { reader: "RevocationId::parse", pattern: Exact, reads: |raw| RevocationId::parse(raw).is_ok(), values: &["rev_01M83FHW6VDKK79FNCETFHG7MP"] },
    Form { reader: "WebhookId::parse", pattern: Exact, reads: |raw| WebhookId::parse(raw).is_ok(), values: &["wh_01M83FHW6VDKK79FNCETFHG7MP"] },
    Form { reader: "KeyId::parse", pattern: Exact, reads: |raw| KeyId::parse(raw).is_ok(), values: &["01M83FHW6VDKK79FNCETFHG7MP"] },
    Form { reader: "ConnectionId::parse", pattern: Exact, reads: |raw| ConnectionId::parse(raw).is_ok(), values: &["cnn_01M83FHW6VDKK79FNCETFHG7MP"] },
    Form { reader: "SessionId::parse", pattern: Exact, reads: |raw| SessionId::parse(raw).is_ok(), values: &["ses_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] },
    Form { reader: "ProviderType::parse", pattern: Exact, reads: |raw| ProviderType::parse(raw).is_ok(), values: &["a", "google-drive_2"] },
    Form { reader: "Issuer::parse", pattern: Exact, reads: |raw| Issuer::parse(raw).is_ok(), values: &["https://issuer.example/é"] },
    Form { reader: "Subject::parse", pattern: Exact, reads: |raw| Subject::parse(raw).is_ok(), values: &["alice", "a b|1"] },
    Form { reader: "text", pattern: Exact, reads: |raw| fields::text(&raw.into()).is_ok(), values: &["a b", "é"] },
    Form { reader: "long_text", pattern: Exact, reads: |raw| fields::long_text(&raw.into()).is_ok(), values: &["a b", "é"] },
    Form { reader: "DisplayName::parse", pattern: Exact, reads: |raw| DisplayName::parse(raw).is_ok(), values: &["a", " Café 1 "] },
    Form { reader: "Origin::parse", pattern: Exact, reads: |raw| Origin::parse(raw).is_ok(), values: ORIGINS },
    Form { reader: "ReturnUrl::parse", pattern: Exact, reads: |raw| ReturnUrl::parse(raw).is_ok(), values: PAGES },
    Form { reader: "KmsKeyArn::parse", pattern: Exact, reads: |raw| KmsKeyArn::parse(raw).is_ok(), values: &["arn:aws:kms:eu-central-1:111122223333:key/mrk-1", "arn:aws-us-gov:kms:us-gov-1:111122223333:key/0a-b"] },
    Form { reader: "Recipient::parse", pattern: Wider, reads: |raw| Recipient::parse(raw).is_ok(), values: &["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"] },
    Form { reader: "CallPath::parse", pattern: Wider, reads: |raw| CallPath::parse(raw).is_ok(), values: &["/", "/files/1/", "/a?b=c&d", "/x/%20y.z/.w", "/~a:b@c!$&'()*+,;=d"] },
    Form { reader: "Cursor::parse", pattern: Wider, reads: |raw| Cursor::parse(raw).is_some(), values: &["WyJhIl0"] },
];

const ORIGINS: &[&str] = &[
    "https://app.example",
    "https://a-b_c.app.example:8443/",
    "https://intranet:442",
    "https://10.25.199.255:65535",
    "http://localhost:5173",
    "http://a.localhost:8",
    "http://127.0.0.1:79",
    "http://[::1]:81/",
];

const PAGES: &[&str] = &[
    "https://App.example/done?a=1",
    "https://a-b_c.app.example:443/é",
    "https://8.8.4.4?x",
    "http://localhost:5173/",
    "http://B.localhost:80",
    "http://127.0.0.1/&",
    "http://[::1]:9/x",
];

/// Signs that mean something to one reader or another.
const SIGNS: &str = "aZz09_-.:/\\?#@%*+!~ \"'{}[]()<>|&=,;$^`\t\n\0\u{7f}\u{85}é１";

/// Everything that is one change away from a value.
fn neighbours(value: &str) -> BTreeSet<String> {
    let signs: Vec<char> = value.chars().collect();
    let mut all = BTreeSet::from([value.to_owned(), String::new(), value.repeat(2), value.repeat(100)]);
    for at in 0..=signs.len() {
        let (before, behind) = signs.split_at(at);
        let with = |middle: &[char], behind: &[char]| [before, middle, behind].concat().into_iter().collect();
        all.insert(with(&[], behind.get(1..).unwrap_or_default()));
        all.insert(with(&[], &[]));
        all.insert(with(behind, behind));
        for sign in SIGNS.chars() {
            all.insert(with(&[sign], behind));
            all.insert(with(&[sign], behind.get(1..).unwrap_or_default()));
            all.insert(with(&[sign, sign], behind));
        }
    }
    all
}

#[test]
fn what_is_described_is_read_and_what_is_read_is_described() {
    let mut differing = Vec::new();
    for form in FORMS {
        let schema = openapi::form(form.reader).unwrap_or_else(|| panic!("{}", form.reader));
        let bound = |name: &str| schema[name].as_u64().map(|length| usize::try_from(length).unwrap());
        let pattern = Regex::new(schema["pattern"].as_str().unwrap()).unwrap();
        let is_described = |value: &str| {
            let length = value.chars().count();
            pattern.is_match(value)
                && bound("minLength").is_none_or(|least| length >= least)
                && bound("maxLength").is_none_or(|most| length <= most)
        };
        let longest = bound("maxLength").filter(|_| form.pattern == Exact).into_iter();
        let longest = longest.flat_map(|most| [most, most + 1]).map(|length| "é".repeat(length));
        for value in form.values.iter().flat_map(|value| neighbours(value)).chain(longest) {
            match (is_described(&value), (form.reads)(&value)) {
                (false, true) => differing.push(format!("{} reads {value:?}", form.reader)),
                (true, false) if form.pattern == Exact => differing.push(format!("{} refuses {value:?}", form.reader)),
                _ => {}
            }
        }
    }
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
}
