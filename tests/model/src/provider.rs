//! What a provider makes of the refresh token that it is shown.

/// A refresh token, by the order in which the provider issued them.
pub type Token = u8;

/// What becomes of a refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// It stays, and answers bring no other.
    NoRotation,
    /// It is replaced; a second use within the grace time is answered with the same pair again.
    GraceSamePair,
    /// It is replaced; a second use within the grace time is answered with another pair, and only the newest one lasts.
    GraceNewPair,
    /// It is replaced; a second use is refused.
    StrictError,
    /// It is replaced; a second use ends the whole grant (RFC 9700, section 4.14.2).
    StrictFamily,
}

impl Behaviour {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::NoRotation, Self::GraceSamePair, Self::GraceNewPair, Self::StrictError, Self::StrictFamily];

    /// Whether a refresh replaces the refresh token.
    #[must_use]
    pub fn rotates(self) -> bool {
        self != Self::NoRotation
    }

    /// Whether asking twice may end the grant.
    #[must_use]
    pub fn is_strict(self) -> bool {
        self.rotates() && !self.has_grace()
    }

    /// Whether the one before answers for a while.
    #[must_use]
    pub fn has_grace(self) -> bool {
        matches!(self, Self::GraceSamePair | Self::GraceNewPair)
    }
}

/// What an answer brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    /// The access token, by the order of issue.
    pub access: u8,
    /// The new refresh token; nothing if the answer has none.
    pub refresh: Option<Token>,
}

/// The provider's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    /// New tokens.
    Tokens(Pair),
    /// `invalid_grant`.
    Refused,
    /// Certainly not done; ask again later.
    Later,
}

/// One grant at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Provider {
    /// The newest refresh token.
    pub current: Token,
    /// The oldest refresh token that still answers.
    pub oldest: Token,
    /// How often one that was replaced still answers.
    pub grace_uses: u8,
    /// How many access tokens were issued.
    pub issued: u8,
    /// Whether the grant stands.
    pub stands: bool,
    /// Whether the user took it back.
    pub taken_back: bool,
}

impl Provider {
    /// A grant that was just made.
    #[must_use]
    pub fn new(grace_uses: u8) -> Self {
        Self { current: 0, oldest: 0, grace_uses, issued: 0, stands: true, taken_back: false }
    }

    /// Whether it would answer `token` with new tokens now.
    #[must_use]
    pub fn accepts(&self, token: Token) -> bool {
        self.stands && (token == self.current || (token >= self.oldest && self.grace_uses > 0))
    }

    /// Whether it will still do so when every grace time is over.
    #[must_use]
    pub fn honours(&self, token: Token) -> bool {
        self.stands && token == self.current
    }

    pub(crate) fn answer(&mut self, behaviour: Behaviour, token: Token) -> Answer {
        if !self.accepts(token) {
            if behaviour == Behaviour::StrictFamily {
                self.stands = false;
            }
            return Answer::Refused;
        }
        if token != self.current {
            self.grace_uses -= 1;
        }
        if token != self.current && behaviour == Behaviour::GraceSamePair {
            return Answer::Tokens(Pair { access: self.issued, refresh: Some(self.current) });
        }
        self.issued += 1;
        if !behaviour.rotates() {
            return Answer::Tokens(Pair { access: self.issued, refresh: None });
        }
        self.current += 1;
        if !behaviour.has_grace() {
            self.oldest = self.current;
        }
        Answer::Tokens(Pair { access: self.issued, refresh: Some(self.current) })
    }

    /// Nothing but the newest refresh token answers any more.
    pub(crate) fn end_grace(&mut self) {
        self.oldest = self.current;
    }
}
