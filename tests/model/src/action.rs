//! What can happen next.

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A process does something, or something is done to it.
    Worker(usize, Step),
    /// Something else happens.
    World(Event),
}

/// What a process does, or what becomes of what it did. Those that say `Unheard` are done, and the process is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A caller, the schedule or a message that says "look at this connection": it reads the row.
    Read,
    /// It asks for the lease.
    TakeLease,
    /// The same.
    TakeLeaseUnheard,
    /// It asks for the lease once more, by the same attempt.
    TakeLeaseAgain,
    /// It sees that it need not wait any longer.
    StopWaiting,
    /// It reads the row by a clock that is ahead, and takes a lease for over that is not.
    ReadAhead,
    /// It asks to have the attempt settled that it found unaccounted for.
    AskToSettle,
    /// It is held up until its lease has ended.
    Stall,
    /// It asks the provider.
    Ask,
    /// The request is lost.
    RequestDropped,
    /// The provider says: later.
    TurnedAway,
    /// It waits no longer.
    HangUp,
    /// The provider answers.
    Answered,
    /// The answer is lost.
    AnswerLost,
    /// It hears the answer.
    Hear,
    /// No answer came: it asks once more, gives the lease back or lets it end.
    GoOnWithoutAnswer,
    /// It gives the lease back.
    GiveBack,
    /// It stores under its lease.
    Commit,
    /// The same.
    CommitUnheard,
    /// It stores although it lost its lease.
    Salvage,
    /// The same.
    SalvageUnheard,
    /// It does not wait for the table any longer.
    GiveUpTable,
    /// It leaves its tokens in the queue.
    Enqueue,
    /// The same.
    EnqueueUnheard,
    /// It turns to the table once more.
    TryTableAgain,
    /// The queue does not take them.
    QueueFails,
    /// It reads the row again, to see whether the refusal is about what is stored there.
    Reread,
    /// It declares the grant over.
    End,
    /// The same.
    EndUnheard,
    /// It dies.
    Crash,
}

/// What happens to the rest of the world. A number counts in the order of requests, or of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The table answers nothing from now on.
    TableFails,
    /// It answers again.
    TableRecovers,
    /// The lease has ended, and its holder is gone.
    LeaseEnds,
    /// The lease has ended, and its holder does not know.
    LeaseEndsEarly,
    /// The provider works on a request that nobody waits for.
    AdriftAnswered(usize),
    /// It never will.
    AdriftDropped(usize),
    /// A message is delivered, and worked.
    Deliver(usize),
    /// A message is delivered to somebody so slow, or who dies so late, that it is delivered once more.
    DeliverSlowly(usize),
    /// One who was so slow makes their write after all.
    LateWrite(usize),
    /// An hour is over.
    AccessTokenAges,
    /// The user takes the grant back at the provider.
    UserRevokes,
    /// The grace time is over before anybody has tried again.
    GraceEnds,
}
