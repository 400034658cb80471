//! One table of data laid over another.

use serde_json::Value;

/// `base` with `over` laid over it: tables merge deeply, everything else is replaced.
#[must_use]
pub fn merged(base: Value, over: Value) -> Value {
    match (base, over) {
        (Value::Object(mut base), Value::Object(over)) => {
            for (name, value) in over {
                let value = match base.remove(&name) {
                    Some(below) => merged(below, value),
                    None => value,
                };
                base.insert(name, value);
            }
            Value::Object(base)
        }
        (_, over) => over,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_merge_deeply_and_lists_replace() {
        let base = json!({"a": {"x": 1, "y": [1, 2]}, "b": 1});
        let over = json!({"a": {"y": [3], "z": 4}, "c": 2});
        assert_eq!(merged(base, over), json!({"a": {"x": 1, "y": [3], "z": 4}, "b": 1, "c": 2}));
    }
}
