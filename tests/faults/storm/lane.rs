//! One connection in the storm: what happens to it, and what is remembered of it for the judgement.

use std::{sync::Arc, time::Duration};

use axum::Router;
use tokio::{runtime::Builder, task::JoinHandle, time::sleep};

use super::chaos::{Chaos, Outage, Trouble};
use crate::{
    dice::Dice,
    hold::{Hold, Phase},
    proxy::{Fault, Kind, Rule},
    world::{Read, World},
};

/// Over how long a round begins, in milliseconds.
const SPREAD: usize = 1_500;

/// How often it is looked at what time it is.
const LOOK: Duration = Duration::from_millis(20);

/// A time in which whoever had the provider's answer could not store it anywhere: from and to, in the world's order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excuse {
    pub(super) from: u64,
    pub(super) to: u64,
}

/// What came of a round for one connection.
#[derive(Default)]
pub(super) struct Aftermath {
    /// What was answered.
    pub(super) answers: Vec<Read>,
    /// Who still waits for somebody that is dead.
    pub(super) waiting: Vec<JoinHandle<Read>>,
    pub(super) excuse: Option<Excuse>,
}

/// One connection, and the instances that are asked about it.
#[derive(Clone)]
pub(super) struct Lane {
    pub(super) world: Arc<World>,
    pub(super) instances: [Router; 2],
    pub(super) user: String,
}

impl Lane {
    pub(super) async fn act(self, chaos: Chaos, mut dice: Dice) -> Aftermath {
        sleep(Duration::from_millis(u64::try_from(dice.below(SPREAD)).unwrap())).await;
        match chaos {
            Chaos::Read { readers, aws, provider } => {
                for trouble in &aws {
                    self.world.front.plan(trouble.rule(&self.user));
                }
                if let Some(step) = provider {
                    self.world.provider.next(&self.user, step);
                }
                let reads: Vec<_> = (0..readers).map(|_| self.read(&mut dice)).collect();
                Aftermath { answers: answers(reads).await, ..Aftermath::default() }
            }
            Chaos::Crash { at, phase, aws, waiting } => {
                self.heal();
                let excuse = self.crash(at, phase, &aws).await;
                let waiting = (0..waiting).map(|_| self.read(&mut dice)).collect();
                Aftermath { waiting, excuse, ..Aftermath::default() }
            }
            Chaos::Outage { lasts, queue_too, how, reads_after } => {
                self.heal();
                self.outage(lasts, queue_too, how, reads_after, &mut dice).await
            }
        }
    }

    /// Nothing goes wrong any more.
    pub(super) fn heal(&self) {
        self.world.front.heal(Some(&self.user));
        self.world.provider.heal(&self.user);
    }

    fn read(&self, dice: &mut Dice) -> JoinHandle<Read> {
        let (lane, instance) = (self.clone(), self.instances[dice.below(2)].clone());
        tokio::spawn(async move { lane.world.read_from(&instance, &lane.user).await })
    }

    /// Waits until the world's time has gone by.
    async fn pass(&self, time: Duration) {
        let until = self.world.clock.now().checked_add(time).unwrap();
        while self.world.clock.now() < until {
            sleep(LOOK).await;
        }
    }

    /// An instance on a runtime of its own is asked, and dies at one of its requests with all that it was doing.
    async fn crash(&self, at: Kind, phase: Phase, aws: &[Trouble]) -> Option<Excuse> {
        let proxy = self.world.proxy().await;
        let (mut hold, stop) = Hold::at(phase);
        let rule =
            Rule { kind: Some(at), user: Some(self.user.clone()), skip: 0, times: 1, fault: Fault::Hold(Some(stop)) };
        proxy.plan(rule);
        for trouble in aws {
            proxy.plan(trouble.rule(&self.user));
        }
        let from = self.world.ledger.next();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (lane, own) = (self.clone(), proxy.clone());
        let read = runtime.spawn(async move {
            let product = lane.world.instance(&own).await;
            lane.world.read_from(&product.routes, &lane.user).await
        });
        tokio::select! {
            _ = hold.may_arrive() => {}
            _ = read => {}
        }
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10))).await.unwrap();
        drop(hold);
        let took_the_lease = |seen: &crate::proxy::Seen| seen.kind == Kind::Lease && seen.status == Some(200);
        let leased = proxy.journal().iter().any(took_the_lease);
        leased.then(|| Excuse { from, to: self.world.ledger.next() })
    }

    /// The provider answers, and then the tables are away for a while; meanwhile and afterwards others ask.
    async fn outage(
        &self,
        lasts: Duration,
        queue_too: bool,
        how: Outage,
        reads_after: Duration,
        dice: &mut Dice,
    ) -> Aftermath {
        let front = &self.world.front;
        let from = self.world.ledger.next();
        let (mut hold, stop) = Hold::at(Phase::Arrived);
        front.plan(Rule { kind: Some(Kind::Commit), ..Rule::once(0, Fault::Hold(Some(stop))) }.of(&self.user));
        let mut first = self.read(dice);
        tokio::select! {
            _ = hold.may_arrive() => {}
            read = &mut first => {
                self.heal();
                return Aftermath { answers: vec![read.unwrap()], ..Aftermath::default() };
            }
        }
        let tables = [Kind::Read, Kind::Lease, Kind::Commit, Kind::Write];
        let kinds = tables.into_iter().chain(queue_too.then_some(Kind::Send));
        kinds.for_each(|kind| front.plan(how.rule(kind, &self.user)));
        // What waits to be stored may have been given before all this began, to somebody else.
        let from = self.world.provider.rotated(&self.user).map_or(from, |rotated| from.min(rotated));
        drop(hold);
        self.pass(lasts / 2).await;
        let during = self.read(dice);
        self.pass(lasts / 2).await;
        self.heal();
        let to = self.world.ledger.next();
        sleep(reads_after).await;
        let after = self.read(dice);
        let excuse = queue_too.then_some(Excuse { from, to });
        Aftermath { answers: answers(vec![first, during, after]).await, excuse, ..Aftermath::default() }
    }
}

async fn answers(reads: Vec<JoinHandle<Read>>) -> Vec<Read> {
    let mut answers = Vec::new();
    for read in reads {
        answers.push(read.await.unwrap());
    }
    answers
}
