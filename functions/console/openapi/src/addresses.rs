//! Addresses of the web, as patterns of how they are written.

use serde_json::{Value, json};

/// Letters of a host's name, a label that is not the last one, and the last one.
const SMALL: &str = "a-z0-9";
const ANY: &str = "A-Za-z0-9";
const BEFORE: &str = "([LETTERS]([LETTERS_-]{0,61}[LETTERS])?\\.)";
const TOP: &str = "[FIRST]([LETTERS_-]{0,61}[LETTERS])?";

/// A part of an address of four.
const OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

/// Ports, by their number of digits.
const FOUR_AND_FIVE: &str = "[1-9][0-9]{3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]";
const THREE: &str = "[1-9][0-9]{2}";
const THREE_BUT_443: &str = "[1-35-9][0-9]{2}|4[0-35-9][0-9]|44[0-24-9]";
const ONE_AND_TWO: &str = "[1-9][0-9]?";
const ONE_AND_TWO_BUT_80: &str = "[1-9]|[1-79][0-9]|8[1-9]";

/// An origin (RFC 6454), as browsers send it: without the port that goes without saying.
pub(crate) fn origin() -> Value {
    let public = by_https(SMALL, &[FOUR_AND_FIVE, THREE_BUT_443, ONE_AND_TWO]);
    let near = on_this_machine(SMALL, &[FOUR_AND_FIVE, THREE, ONE_AND_TWO_BUT_80]);
    json!({ "type": "string", "pattern": format!("^({public}|{near})/?$") })
}

/// A page that a browser is sent to.
pub(crate) fn page() -> Value {
    let ports = [FOUR_AND_FIVE, THREE, ONE_AND_TWO];
    let (public, near) = (by_https(ANY, &ports), on_this_machine(ANY, &ports));
    let behind = r"[^\s\\#\x00-\x1f\x7f-\x9f]*";
    json!({ "type": "string", "maxLength": 2_000, "pattern": format!("^({public}|{near})([/?]{behind})?$") })
}

/// An address that is called: absolute, by https. Whether its host is one of the public internet is not said.
pub(crate) fn called() -> Value {
    let port = [FOUR_AND_FIVE, THREE, ONE_AND_TWO].join("|");
    let (name, address) = (host(ANY, "+"), format!(r"{OCTET}(\.{OCTET}){{3}}|\[[0-9a-f:.]+\]"));
    json!({
        "type": "string",
        "maxLength": 2_048,
        "pattern": format!(r#"^https://({name}|{address})(:({port}))?([/?][!"$-\[\]-~]*)?$"#),
    })
}

/// How an address of a provider is written, which may hold places that are filled in: by https, or on the machine of whoever
/// tries it there.
pub(crate) fn of_provider() -> String {
    let port = [FOUR_AND_FIVE, THREE, ONE_AND_TWO].join("|");
    format!(r"^(https://[!-~]+|http://(localhost|127\.0\.0\.1)(:({port}))?/[!-~]*)$")
}

/// A name of a host, with so many labels before its last.
fn host(letters: &str, how_many: &str) -> String {
    let first = letters.trim_end_matches("0-9");
    format!("{BEFORE}{how_many}{TOP}").replace("LETTERS", letters).replace("FIRST", first)
}

/// An origin of the web, with one of these ports.
fn by_https(letters: &str, ports: &[&str]) -> String {
    format!(r"https://({}|{OCTET}(\.{OCTET}){{3}})(:({}))?", host(letters, "*"), ports.join("|"))
}

/// An origin of the machine that the browser runs on.
fn on_this_machine(letters: &str, ports: &[&str]) -> String {
    let before = BEFORE.replace("LETTERS", letters);
    format!(r"http://({before}*localhost|127(\.{OCTET}){{3}}|\[::1\])(:({}))?", ports.join("|"))
}
