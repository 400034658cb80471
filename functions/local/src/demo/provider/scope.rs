//! What an app may ask for.

/// One permission on a demo calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Profile,
    EventsRead,
    EventsWrite,
}

impl Scope {
    pub(crate) const ALL: [Self; 3] = [Self::Profile, Self::EventsRead, Self::EventsWrite];

    /// The scope token (RFC 6749, section 3.3).
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::EventsRead => "events.read",
            Self::EventsWrite => "events.write",
        }
    }

    /// What the consent page says about it.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Profile => "See your name and e-mail address",
            Self::EventsRead => "See the events in your calendar",
            Self::EventsWrite => "Add and change events in your calendar",
        }
    }

    fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// Reads a list of scopes; `None` if one of them is unknown. No two are the same in the result.
pub(super) fn parse(raw: &str) -> Option<Vec<Scope>> {
    let mut scopes = Vec::new();
    for name in raw.split(' ').filter(|name| !name.is_empty()) {
        let scope = Scope::find(name)?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Some(scopes)
}

/// The list as one text.
pub(super) fn join(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ")
}
