//! How long a token lives, in whatever way an answer tells it. Pure.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::Value;

use crate::domain::provider::{Lifetime, TimeFormat, TokenResponse, ZeroLife, first};

/// The longest life that is believed, in seconds: ten years. Adding more to a time could overflow.
pub(super) const MAX_LIFE: u64 = 315_360_000;

/// The life of the access token in seconds, counted from the beginning of the second of `now`; `None` if it does not end,
/// or nobody knows. `ttl` is what is known of this kind of answer where it tells nothing itself.
pub(super) fn life(response: &TokenResponse, ttl: Option<u32>, answer: &Value, now: Timestamp) -> Option<u64> {
    let expiry = &response.expiry;
    let at = expiry.at.as_ref().and_then(|at| Some((at.path.find(answer)?, at.format)));
    let told = first(&response.fields.expires_in, answer);
    let is_endless = |value: &Value| expiry.zero_means == Some(ZeroLife::Never) && is_zero(value);
    if at.into_iter().map(|(value, _)| value).chain(told).any(is_endless) {
        return None;
    }
    let until = |(value, format)| {
        let left = moment(value, format)?.as_second().checked_sub(now.as_second())?;
        u64::try_from(left).ok().filter(|left| *left > 0).map(|left| left.min(MAX_LIFE))
    };
    let assumed = match expiry.assume {
        Lifetime::Seconds(seconds) => Some(seconds),
        Lifetime::Never | Lifetime::Unknown => None,
    };
    at.and_then(until).or_else(|| told.and_then(seconds)).or(ttl.or(assumed).map(u64::from))
}

/// A lifetime in seconds: a number, whole or not, or a text of one. Zero and less, with the providers that send it, say
/// nothing: a token that had ended already would be none.
pub(super) fn seconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok().filter(|seconds| seconds.is_finite())?,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of ten years")]
    let whole = seconds.clamp(0.0, 315_360_000.0) as u64;
    (seconds > 0.0).then_some(whole.clamp(1, MAX_LIFE))
}

/// A moment; `None` if the value is not one in this format.
fn moment(value: &Value, format: TimeFormat) -> Option<Timestamp> {
    let number = || match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // Beyond the range that a time can have, the conversion gives the nearest number and the time is refused.
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds and milliseconds are all that is asked for")]
    let whole = || number().filter(|number| number.is_finite()).map(|number| number as i64);
    match format {
        TimeFormat::EpochSeconds => Timestamp::from_second(whole()?).ok(),
        TimeFormat::EpochMilliseconds => Timestamp::from_millisecond(whole()?).ok(),
        TimeFormat::Iso => {
            let text = value.as_str()?.trim();
            let in_utc = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
            text.parse().ok().or_else(in_utc)
        }
    }
}

/// Whether a lifetime, or the moment of an end, is zero.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().parse() == Ok(0.0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::provider::Provider;

    const NOW: i64 = 1_700_000_000;

    /// The life that an answer tells at [`NOW`], to a provider with this `expiry`.
    fn told(expiry: &Value, ttl: Option<u32>, answer: &Value) -> Option<u64> {
        let provider = json!({
            "id": "p", "name": "P", "authorize": {"url": "https://p.example/a"},
            "token": {"url": "https://p.example/t", "response": {"expiry": expiry}},
        });
        let provider = Provider::from_value(&provider).expect("a provider");
        let now = Timestamp::from_millisecond(NOW * 1_000 + 700).expect("a time");
        life(&provider.token.response, ttl, answer, now)
    }

    #[test]
    fn an_end_is_read_in_every_format() {
        for (format, value, expected) in [
            ("epoch_s", json!(NOW + 60), Some(60)),
            ("epoch_s", json!((NOW + 60).to_string()), Some(60)),
            ("epoch_s", json!(1_700_000_060.9), Some(60)),
            ("epoch_ms", json!((NOW + 60) * 1_000 + 999), Some(60)),
            ("epoch_ms", json!(((NOW + 60) * 1_000).to_string()), Some(60)),
            ("iso", json!("2023-11-14T22:14:20Z"), Some(60)),
            ("iso", json!("2023-11-14T23:14:20.123+01:00"), Some(60)),
            ("iso", json!("2023-11-14T23:14:20+0100"), Some(60)),
            ("iso", json!("2023-11-14T22:14:20"), Some(60)),
            ("iso", json!(" 2023-11-14 22:14:20 "), Some(60)),
            ("iso", json!("9000-01-01T00:00:00Z"), Some(MAX_LIFE)),
        ] {
            let expiry = json!({"at": {"path": "ends", "format": format}});
            assert_eq!(told(&expiry, None, &json!({"ends": value})), expected, "{format} {value}");
        }
    }

    #[test]
    fn an_end_that_says_nothing_leaves_the_word_to_what_else_is_known() {
        for (format, value) in [
            ("epoch_s", json!(NOW)),
            ("epoch_s", json!(0)),
            ("epoch_s", json!((NOW + 60) * 1_000)),
            ("epoch_s", json!(null)),
            ("epoch_s", json!("soon")),
            ("epoch_s", json!("inf")),
            ("epoch_s", json!(1e300)),
            ("epoch_ms", json!(NOW)),
            ("iso", json!(NOW + 60)),
            ("iso", json!("tomorrow")),
            ("iso", json!("2023-02-30T00:00:00Z")),
            ("iso", json!({})),
        ] {
            let expiry = json!({"at": {"path": "ends", "format": format}, "assume": 7});
            assert_eq!(told(&expiry, None, &json!({"ends": value, "expires_in": 60})), Some(60), "{format} {value}");
            assert_eq!(told(&expiry, None, &json!({"ends": value})), Some(7), "{format} {value}");
            assert_eq!(told(&expiry, Some(9), &json!({"ends": value})), Some(9), "{format} {value}");
        }
    }

    #[test]
    fn zero_is_for_ever_where_the_provider_means_that() {
        let never = json!({"zero_means": "never", "assume": 60, "at": {"path": "ends", "format": "epoch_s"}});
        for answer in
            [json!({"expires_in": 0}), json!({"expires_in": "0"}), json!({"ends": 0}), json!({"expires_in": 0.0})]
        {
            assert_eq!(told(&never, Some(5), &answer), None, "{answer}");
        }
        assert_eq!(told(&json!({"assume": 60}), None, &json!({"expires_in": 0})), Some(60));
        assert_eq!(told(&never, None, &json!({"expires_in": 30})), Some(30));
        assert_eq!(told(&never, None, &json!({})), Some(60));
    }
}
