//! Takes a token out of an answer that repeats it: an address of the next page may, where tokens are presented in addresses,
//! and so does what shows a request as it came.
//!
//! It is found in every spelling in which text formats write characters: as it is, with escapes of JSON (several times over,
//! where JSON stands in JSON), of addresses and of HTML, and in wide characters. What makes something else of it, a digest or
//! base64, is not.

use http::{HeaderName, Response};

/// Tokens that are shorter are not looked for: what is so short turns up by chance.
const SHORTEST_MASKED: usize = 8;

/// How often an escape may be written over itself.
const MAX_LAYERS: usize = 4;

/// Takes the token out of an answer: out of its body, and every header that has it.
pub(super) fn mask(answer: &mut Response<Vec<u8>>, token: &str) {
    if token.len() < SHORTEST_MASKED {
        return;
    }
    let token = token.as_bytes();
    let repeats = |value: &[u8]| (0..value.len()).any(|at| spelled_at(value, at, token).is_some());
    let names = answer.headers().iter().filter(|(_, value)| repeats(value.as_bytes())).map(|(name, _)| name.clone());
    for name in names.collect::<Vec<HeaderName>>() {
        answer.headers_mut().remove(name);
    }
    mask_bytes(answer.body_mut(), token);
}

fn mask_bytes(body: &mut [u8], token: &[u8]) {
    let mut at = 0;
    while at < body.len() {
        match spelled_at(body, at, token) {
            Some(end) => {
                body[at..end].fill(b'*');
                at = end;
            }
            None => at += 1,
        }
    }
}

/// Where the token ends that begins here; `None` if it does not begin here. Where its own characters could begin an escape,
/// there are several readings, and all are followed.
fn spelled_at(text: &[u8], at: usize, token: &[u8]) -> Option<usize> {
    let mut ends = vec![];
    spell(text, at, *token.first()?, &mut ends);
    for byte in &token[1..] {
        if ends.is_empty() {
            return None;
        }
        for end in std::mem::take(&mut ends) {
            // Wide characters (UTF-16, UTF-32) have nothing between those of ASCII.
            let gap = text[end..].iter().take(3).take_while(|byte| **byte == 0).count();
            spell(text, end + gap, *byte, &mut ends);
        }
        ends.sort_unstable();
        ends.dedup();
    }
    ends.pop()
}

/// Notes where a character ends that is spelled here, in every way in which it may be.
fn spell(text: &[u8], at: usize, byte: u8, ends: &mut Vec<usize>) {
    let Some(rest) = text.get(at..) else { return };
    let Some(first) = rest.first() else { return };
    if *first == byte {
        ends.push(at + 1);
    }
    match first {
        b'\\' => ends.extend(by_backslash(rest, byte).map(|length| at + length)),
        b'%' => ends.extend(by_percent(rest, byte).map(|length| at + length)),
        b'&' => ends.extend(by_entity(rest, byte).map(|length| at + length)),
        _ => {}
    }
}

/// `\/`, `\u002f` or `\x2f`, behind any backslashes that JSON in JSON puts before it.
fn by_backslash(text: &[u8], byte: u8) -> Option<usize> {
    let most = 1 << MAX_LAYERS;
    let slashes = text.iter().take(most).take_while(|byte| **byte == b'\\').count();
    let rest = text.get(slashes..)?;
    match rest.first()? {
        b'u' if code(rest.get(1..5)?, 16) == Some(u32::from(byte)) => Some(slashes + 5),
        b'x' if code(rest.get(1..3)?, 16) == Some(u32::from(byte)) => Some(slashes + 3),
        escaped if *escaped == byte && !byte.is_ascii_alphanumeric() => Some(slashes + 1),
        _ => None,
    }
}

/// `%2F`, or `%252F` where an address stands in an address; of a `%` itself there are as many as there are layers.
fn by_percent(text: &[u8], byte: u8) -> impl Iterator<Item = usize> {
    let digits = |layer: usize| text.get(1 + 2 * layer..3 + 2 * layer);
    let layers = (0..MAX_LAYERS).take_while(move |layer| (0..*layer).all(|below| digits(below) == Some(b"25")));
    layers
        .filter(move |layer| digits(*layer).and_then(|digits| code(digits, 16)) == Some(u32::from(byte)))
        .map(|layer| 3 + 2 * layer)
}

/// `&#47;`, `&#x2f;` or `&amp;`.
fn by_entity(text: &[u8], byte: u8) -> Option<usize> {
    const LONGEST: usize = 12;
    let length = text.iter().take(LONGEST).position(|byte| *byte == b';')?;
    let name = text.get(1..length)?;
    let means = match name {
        [b'#', b'x' | b'X', digits @ ..] => code(digits, 16)?,
        [b'#', digits @ ..] => code(digits, 10)?,
        b"amp" => u32::from(b'&'),
        b"lt" => u32::from(b'<'),
        b"gt" => u32::from(b'>'),
        b"quot" => u32::from(b'"'),
        b"apos" => u32::from(b'\''),
        b"sol" => u32::from(b'/'),
        b"plus" => u32::from(b'+'),
        b"equals" => u32::from(b'='),
        b"period" => u32::from(b'.'),
        b"lowbar" => u32::from(b'_'),
        b"colon" => u32::from(b':'),
        _ => return None,
    };
    (means == u32::from(byte)).then_some(length + 1)
}

fn code(digits: &[u8], radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "at/se%25c&ret+tok.en=";

    fn masked(body: &[u8]) -> Vec<u8> {
        let mut answer = Response::new(body.to_vec());
        mask(&mut answer, TOKEN);
        answer.into_body()
    }

    #[test]
    fn a_token_is_found_in_every_spelling() {
        let json = serde_json::to_string(TOKEN).expect("JSON").replace('/', "\\/");
        let json_in_json = serde_json::to_string(&json).expect("JSON");
        let thrice = serde_json::to_string(&json_in_json).expect("JSON");
        let percent: String = url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
        let all_percent = TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        let twice: String = url::form_urlencoded::byte_serialize(percent.as_bytes()).collect();
        let unicode = TOKEN.bytes().map(|byte| format!("\\u{byte:04x}")).collect::<Vec<_>>().concat();
        let by_go = TOKEN.replace('&', "\\u0026").replace('=', "\\u003D").replace('+', "\\u002B");
        let html = TOKEN.replace('&', "&amp;").replace('/', "&#x2F;").replace('=', "&#61;");
        let hex = TOKEN.replace('/', "\\x2f");
        for spelling in
            [TOKEN, &json, &json_in_json, &thrice, &percent, &all_percent, &twice, &unicode, &by_go, &html, &hex]
        {
            let body = format!("before \"{spelling}\" after, and {spelling}{spelling}");
            let masked = String::from_utf8(masked(body.as_bytes())).expect("UTF-8");
            assert_eq!(masked.len(), body.len());
            for piece in ["se%", "c&ret", "tok", "ret"] {
                assert!(!masked.contains(piece), "{spelling}: {masked}");
            }
            assert!(masked.starts_with("before \"") && masked.contains("\" after, and "), "{masked}");
            let kept = spelling.chars().filter(|char| matches!(char, '"' | '\\')).count();
            assert!(masked.matches('*').count() >= 3 * (spelling.len() - kept), "{masked}");
        }
        for wide in [1, 3] {
            let body: Vec<u8> = TOKEN.bytes().flat_map(|byte| [vec![byte], vec![0; wide]].concat()).collect();
            assert!(masked(&body).iter().all(|byte| matches!(byte, b'*' | 0)), "{wide}");
        }
    }

    #[test]
    fn json_stays_json_and_what_is_like_the_token_stays() {
        let spelled = TOKEN.replace('/', "\\/");
        let body = format!(r#"{{"a":"{spelled}","b":"at/se%25c&ret","\u0061t":"\\{TOKEN}","c":"\u0061\"&%"}}"#);
        let masked = masked(body.as_bytes());
        let value: serde_json::Value = serde_json::from_slice(&masked).expect("JSON");
        assert_eq!((&value["b"], &value["c"]), (&"at/se%25c&ret".into(), &"a\"&%".into()));
        assert_eq!(
            (value["a"].as_str().map(str::len), value["at"].as_str()),
            (Some(22), Some("\\*********************"))
        );
    }

    #[test]
    fn a_header_that_repeats_the_token_is_left_out() {
        let mut answer = Response::builder()
            .header("link", format!("<https://p.example/?t={}>", TOKEN.replace('/', "%2F")))
            .header("etag", "\"1\"")
            .body(Vec::new())
            .expect("an answer");
        mask(&mut answer, TOKEN);
        assert_eq!(answer.headers().keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["etag"]);
    }

    /// Whatever it is made of, looking through it takes time in proportion to its length.
    #[test]
    fn a_long_answer_takes_no_longer_for_what_is_in_it() {
        for piece in ["\\", "%25", "&", "at/se%", "&#x", "a\0"] {
            let body = piece.repeat(512 * 1024 / piece.len());
            let began = tokio::time::Instant::now();
            assert_eq!(masked(body.as_bytes()), body.as_bytes());
            assert!(began.elapsed() < std::time::Duration::from_secs(5), "{piece}: {:?}", began.elapsed());
        }
    }
}
