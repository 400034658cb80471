//! Which provider is meant by what people call it: its name in other spellings, a short form, a slip of the keyboard.

use connectors::domain::provider::Provider;

use super::super::catalogue::words;

/// How much of what was said is looked at, in characters.
const MOST_CHARACTERS: usize = 100;

/// How many providers one name may stand for.
const MOST: usize = 5;

/// The providers that may be meant: one, if it is clear; the likeliest of several; none, if nothing is called so.
pub(in crate::builder) fn meant(said: &str, providers: &[Provider]) -> Vec<Provider> {
    let said: String = said.chars().take(MOST_CHARACTERS).collect();
    let plain = squeezed(&said);
    if plain.is_empty() {
        return Vec::new();
    }
    let parts = words(&said);
    for is_meant in [
        &(|provider: &Provider| provider.id.as_str() == said.trim()) as &dyn Fn(&Provider) -> bool,
        &|provider| squeezed(provider.id.as_str()) == plain || squeezed(&provider.name) == plain,
        &|provider| provider.also_known_as.contains(&plain),
        &|provider| is_short_for(&parts, provider),
        &|provider| is_slip(&plain, provider),
    ] {
        let mut found: Vec<&Provider> = providers.iter().filter(|provider| is_meant(provider)).collect();
        if !found.is_empty() {
            found.sort_by_key(|provider| provider.name.len());
            return found.into_iter().take(MOST).cloned().collect();
        }
    }
    Vec::new()
}

/// Letters and digits only, small.
fn squeezed(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether each word begins one of the name's, as in `google cal`.
fn is_short_for(parts: &[String], provider: &Provider) -> bool {
    let name = words(&provider.name);
    !parts.is_empty() && parts.iter().all(|part| name.iter().any(|word| word.starts_with(part.as_str())))
}

/// Whether it is the name but for a letter, or for two of a long name.
fn is_slip(plain: &str, provider: &Provider) -> bool {
    let names = [squeezed(provider.id.as_str()), squeezed(&provider.name)];
    names.iter().any(|name| match name.chars().count() {
        0..=3 => false,
        4..=7 => distance(plain, name) <= 1,
        _ => distance(plain, name) <= 2,
    })
}

/// How many letters are to be put in, left out, changed, or swapped with their neighbour (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let changed = rows[i][j] + usize::from(a != b);
            let mut least = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use connectors::oauth::catalogue::all_described;

    use super::*;

    fn ids(said: &str) -> Vec<String> {
        let all: Vec<Provider> = all_described().collect();
        meant(said, &all).iter().map(|provider| provider.id.to_string()).collect()
    }

    #[test]
    fn other_spellings_short_forms_and_slips_are_understood() {
        for (said, id) in [
            ("googlecalendar", "googlecalendar"),
            ("Google Calendar", "googlecalendar"),
            ("google-calendar", "googlecalendar"),
            ("GCal", "googlecalendar"),
            ("google calender", "googlecalendar"),
            ("gogle calendar", "googlecalendar"),
            ("salesforec", "salesforce"),
            ("gihtub", "github"),
            ("MS Teams", "microsoft_teams"),
            ("twitter", "x"),
        ] {
            assert_eq!(ids(said), [id], "{said}");
        }
        assert!(ids("google cal").contains(&"googlecalendar".to_owned()), "{:?}", ids("google cal"));
        assert!(ids("zzzz").is_empty() && ids("").is_empty() && ids("!!!").is_empty());
        assert!(ids(&"x".repeat(10_000)).is_empty());
    }

    #[test]
    fn no_short_form_is_of_two_providers_and_each_is_written_as_it_is_compared() {
        let mut known = std::collections::BTreeSet::new();
        for provider in all_described() {
            for name in provider.also_known_as {
                assert_eq!(squeezed(&name), name);
                assert!(known.insert(name.clone()), "{name}");
            }
        }
        assert!(known.len() > 30);
    }
}
