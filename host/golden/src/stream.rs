//! Stream cells, cycle by cycle. Outputs are functions of the state; `step` is the clock edge and takes
//! what the handshakes of the cycle decided.

use std::collections::VecDeque;

/// `lacuna_fifo`; with two places also `lacuna_spill`, whose two registers behave the same.
#[derive(Debug, Clone)]
pub struct Fifo<T> {
    depth: usize,
    items: VecDeque<T>,
}

impl<T> Fifo<T> {
    /// An empty queue of `depth` places.
    #[must_use]
    pub fn new(depth: usize) -> Self {
        Self { depth, items: VecDeque::with_capacity(depth) }
    }

    /// A spill register.
    #[must_use]
    pub fn spill() -> Self {
        Self::new(2)
    }

    /// `ready_o`: there is a free place.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.items.len() < self.depth
    }

    /// `valid_o` and `data_o`.
    #[must_use]
    pub fn front(&self) -> Option<&T> {
        self.items.front()
    }

    /// `count_o`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// No item is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// One clock: `offered` enters if there was a place, the front leaves if `ready_i` and there was one.
    /// Returns what left.
    pub fn step(&mut self, offered: Option<T>, ready_i: bool) -> Option<T> {
        let accept = self.ready();
        let left = if ready_i { self.items.pop_front() } else { None };
        if accept {
            self.items.extend(offered);
        }
        left
    }
}

/// `lacuna_rr_arb`.
#[derive(Debug, Clone, Default)]
pub struct RoundRobin {
    first: usize,
}

impl RoundRobin {
    /// The requester that is offered now; `None` when nobody requests.
    #[must_use]
    pub fn chosen(&self, requests: &[bool]) -> Option<usize> {
        let all = requests.len();
        (0..all).map(|i| (self.first + i) % all).find(|&i| requests[i])
    }

    /// One clock.
    pub fn step(&mut self, requests: &[bool], ready_i: bool) {
        if let Some(chosen) = self.chosen(requests) {
            self.first = if ready_i { (chosen + 1) % requests.len() } else { chosen };
        }
    }
}

/// `lacuna_fork`.
#[derive(Debug, Clone, Default)]
pub struct Fork {
    served: u64,
}

impl Fork {
    /// `valid_o`: the consumers that `item`, the target set of a valid item, is offered to.
    #[must_use]
    pub fn offers(&self, item: Option<u64>) -> u64 {
        item.map_or(0, |targets| targets & !self.served)
    }

    /// `ready_o`, with the consumers in `ready_i` ready.
    #[must_use]
    pub fn ready(&self, targets: u64, ready_i: u64) -> bool {
        targets & !self.served & !ready_i == 0
    }

    /// One clock.
    pub fn step(&mut self, item: Option<u64>, ready_i: u64) {
        let Some(targets) = item else { return };
        if self.ready(targets, ready_i) {
            self.served = 0;
        } else {
            self.served |= self.offers(item) & ready_i;
        }
    }
}

/// `lacuna_xbar`: a fork for each input, an arbiter for each output.
#[derive(Debug, Clone)]
pub struct Xbar {
    forks: Vec<Fork>,
    arbiters: Vec<RoundRobin>,
}

/// What [`Xbar`] does in a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XbarCycle {
    /// For each output: the input it offers.
    pub sources: Vec<Option<usize>>,
    /// For each input: its item leaves (`ready_o`).
    pub ready: Vec<bool>,
}

impl Xbar {
    /// An idle crossbar.
    #[must_use]
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { forks: vec![Fork::default(); inputs], arbiters: vec![RoundRobin::default(); outputs] }
    }

    /// The outputs for `items`, the target set of each input's valid item. `ready` is meaningful where there is one.
    #[must_use]
    pub fn cycle(&self, items: &[Option<u64>], ready_i: u64) -> XbarCycle {
        let sources: Vec<Option<usize>> =
            (0..self.arbiters.len()).map(|o| self.arbiters[o].chosen(&self.requests(items, o))).collect();
        let ready = (0..items.len())
            .map(|i| items[i].is_some_and(|targets| self.forks[i].ready(targets, taken(&sources, i, ready_i))))
            .collect();
        XbarCycle { sources, ready }
    }

    /// One clock.
    pub fn step(&mut self, items: &[Option<u64>], ready_i: u64) {
        let sources = self.cycle(items, ready_i).sources;
        for o in 0..self.arbiters.len() {
            let requests = self.requests(items, o);
            self.arbiters[o].step(&requests, ready_i >> o & 1 == 1);
        }
        for (i, fork) in self.forks.iter_mut().enumerate() {
            fork.step(items[i], taken(&sources, i, ready_i));
        }
    }

    fn requests(&self, items: &[Option<u64>], output: usize) -> Vec<bool> {
        self.forks.iter().zip(items).map(|(fork, &item)| fork.offers(item) >> output & 1 == 1).collect()
    }
}

/// The outputs that take the item of `input`.
fn taken(sources: &[Option<usize>], input: usize, ready_i: u64) -> u64 {
    sources.iter().enumerate().filter(|(_, source)| **source == Some(input)).map(|(o, _)| 1 << o).sum::<u64>() & ready_i
}
