//! What became of a connection, and whether it had to come to that.

use crate::{
    storm::lane::Excuse,
    world::{Read, World},
};

/// How a connection stands after everything was put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It works.
    Alive,
    /// It does not work yet, and nobody says that it is over.
    Unsettled,
    /// It is over, and nothing could have helped: the answer was lost on its way, or whoever had it died with it, or
    /// neither table nor queue took it. The user is told so.
    Lost,
    /// Something that must not be.
    Wrong(String),
}

/// Judges by what the provider knows and what the proxies saw; not by what the product says of itself.
pub(super) async fn judge(world: &World, user: &str, read: &Read, excuses: &[Excuse]) -> Verdict {
    let is_over = world.provider.is_over(user);
    match read {
        Read { status: 200, token: Some(token), .. } if world.provider.honours(token) => return Verdict::Alive,
        Read { status: 200, .. } => return Verdict::Wrong("the token that is served opens nothing".to_owned()),
        read if read.is_retryable() && !is_over => return Verdict::Unsettled,
        // The next refresh will find it out.
        read if read.is_retryable() => return Verdict::Unsettled,
        read if !read.says_reconnect() => return Verdict::Wrong(format!("an answer that nobody expects: {read:?}")),
        _ if !is_over => return Verdict::Wrong("declared over, while the provider would still take it".to_owned()),
        _ => {}
    }
    let (_, reason) = world.standing(user).await;
    if reason != "rotation_lost" {
        return Verdict::Wrong(format!("the user is told `{reason}`"));
    }
    if had_to_be(world, user, excuses) {
        Verdict::Lost
    } else {
        let (rotated, stored) = (world.provider.rotated(user), world.ledger.last_stored(user));
        Verdict::Wrong(format!(
            "lost, though it could have been kept: rotated at {rotated:?}, stored at {stored:?}, excuses {excuses:?}"
        ))
    }
}

/// Whether the last rotation could not have been kept.
fn had_to_be(world: &World, user: &str, excuses: &[Excuse]) -> bool {
    let Some(rotated) = world.provider.rotated(user) else { return false };
    if world.ledger.last_stored(user).is_some_and(|stored| stored > rotated) {
        return false;
    }
    let refreshes = world.provider.refreshes(user);
    let was_unanswered =
        refreshes.iter().any(|refresh| refresh.worked.is_some_and(|worked| worked == rotated) && refresh.status == 0);
    was_unanswered || excuses.iter().any(|excuse| (excuse.from..=excuse.to).contains(&rotated))
}
