//! The audit trail as lines, for whoever keeps or checks it elsewhere.

use jiff::{Timestamp, civil::Date};

use super::{
    audit_log::{AuditLog, Sought, day_of},
    error::StoreError,
    table::Cursor,
};
use crate::domain::{
    chain::{line, unreadable_line},
    ids::WorkspaceId,
};

/// How many events a page is sought among, at most.
const MOST_LOOKED_AT: usize = 2_000;

/// How many days one page looks at: of a quiet workspace most are empty.
const DAYS_PER_PAGE: u32 = 62;

/// How many events are read at a time.
const AT_A_TIME: usize = 250;

/// How large a page is at most, in bytes, but for what was read last: well below what an answer may have.
const LARGEST: usize = 3 << 20;

/// A piece of the trail, the earliest event first.
#[derive(Debug)]
pub struct TrailLines {
    /// The events, each a line of JSON.
    pub text: String,
    /// Where the next piece begins, if there is one.
    pub next: Option<Cursor>,
}

impl AuditLog {
    /// The events of a workspace that are sought, the earliest first, as they are stored; one that can't be read has a line
    /// that says so.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn lines(
        &self,
        workspace: &WorkspaceId,
        sought: &Sought,
        from: Option<&Cursor>,
        (made_at, now): (Timestamp, Timestamp),
    ) -> Result<TrailLines, StoreError> {
        let first_day = day_of(sought.since.map_or(made_at, |since| since.max(made_at)));
        let last_day = day_of(sought.until.map_or(now, |until| until.min(now)));
        // A lane's clock may be a moment ahead of this one.
        let last_day = if sought.until.is_none() { last_day.tomorrow().unwrap_or(last_day) } else { last_day };
        let (mut day, mut after) = match from {
            None => (first_day, None),
            Some(cursor) => place(cursor).ok_or(StoreError::Unreadable("cursor"))?,
        };
        day = day.max(first_day);
        let (mut text, mut looked_at, mut days) = (String::new(), 0, 0);
        while looked_at < MOST_LOOKED_AT && text.len() < LARGEST && days < DAYS_PER_PAGE {
            if day > last_day {
                return Ok(TrailLines { text, next: None });
            }
            let (found, last) = self.of_day(workspace, day, after.take(), AT_A_TIME, true).await?;
            looked_at += found.len();
            for found in &found {
                match found {
                    Ok(event) if sought.means(event) => text += &line(event.content(workspace), event.link.as_ref()),
                    Ok(_) => continue,
                    Err(id) => text += &unreadable_line(id),
                }
                text.push('\n');
            }
            after = last;
            if after.is_none() {
                (day, days) = (day.tomorrow().map_err(|_| StoreError::Unreadable("cursor"))?, days + 1);
            }
        }
        let next = Cursor::of(&[&day.to_string(), after.as_deref().unwrap_or_default()]);
        Ok(TrailLines { text, next: (day <= last_day).then_some(next) })
    }
}

fn place(cursor: &Cursor) -> Option<(Date, Option<String>)> {
    let [day, after] = cursor.parts::<2>()?;
    Some((day.parse().ok()?, Some(after.to_owned()).filter(|after| !after.is_empty())))
}
