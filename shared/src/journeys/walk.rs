//! A walk through the connections of a workspace, connector by connector: in stretches, after each of which it can be written
//! down how far it went.

use crate::{
    domain::{connection::Connection, connector::Connector, ids::AppId},
    store::{Connections, Cursor, StoreError},
};

/// Connections that were read together.
#[derive(Default)]
pub(super) struct Stretch {
    pub(super) connections: Vec<Connection>,
    /// How many more can't be read.
    pub(super) unreadable: usize,
    /// Where the next begins, if there is one.
    pub(super) next: Option<Cursor>,
}

/// Connections from `from` on, all of one connector; of one app only, if asked. `connectors` stand in the order of their ids.
pub(super) async fn stretch(
    connections: &Connections,
    connectors: &[Connector],
    app: Option<&AppId>,
    from: Option<&Cursor>,
    limit: usize,
) -> Result<Stretch, StoreError> {
    let Some(connector) = at(connectors, from) else { return Ok(Stretch::default()) };
    let within = from.and_then(Cursor::split_first).filter(|(id, _)| id == connector.id.as_str());
    let within = within.and_then(|(_, within)| within);
    let page = connections.of_connector(&connector.id, app, within.as_ref(), limit).await?;
    let following = connectors.iter().find(|other| other.id > connector.id);
    let next = match page.next {
        Some(inner) => Some(inner.behind(connector.id.as_str())),
        None => following.map(|following| Cursor::start_of(following.id.as_str())),
    };
    Ok(Stretch { connections: page.connections, unreadable: page.unreadable, next })
}

/// The connector that is at `from`, or the next one, if it is gone by now.
pub(super) fn at<'c>(connectors: &'c [Connector], from: Option<&Cursor>) -> Option<&'c Connector> {
    let first = from.and_then(Cursor::split_first).map(|(id, _)| id);
    connectors.iter().find(|connector| first.as_deref().is_none_or(|first| connector.id.as_str() >= first))
}
