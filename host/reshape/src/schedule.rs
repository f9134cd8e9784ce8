//! The order in which jobs that do not depend on each other start.
//!
//! Each occupies the engine of its source tile and the write ports of its targets: an open shop. The chip starts them
//! in order, each as soon as its engine is idle, so an order is a schedule.

use crate::emit::Job;

/// Cycles of a job beyond its beats: dispatch, the way through the engine, and its end.
pub const OVERHEAD: usize = 7;

/// The least cycles that any order can take: those of the busiest engine or write port.
#[must_use]
pub fn bound(jobs: &[Job], tiles: usize) -> usize {
    let sends = |tile| jobs.iter().filter(|job| job.source == tile).map(|job| job.beats + OVERHEAD).sum::<usize>();
    let receives = |tile| {
        let taken = jobs.iter().filter(|job| job.targets >> tile & 1 == 1).map(|job| job.beats).sum::<usize>();
        if taken > 0 { taken + OVERHEAD } else { 0 }
    };
    (0..tiles).map(|tile| sends(tile).max(receives(tile))).max().unwrap_or(0)
}

/// The cycles that jobs take in this order, if none shares a port with another.
#[must_use]
pub fn length(jobs: &[Job], tiles: usize) -> usize {
    let mut ports = Ports::new(tiles);
    jobs.iter().map(|job| ports.start(job)).max().unwrap_or(0)
}

/// Orders jobs: whenever a port falls free, the job whose ports have most to do starts.
#[must_use]
pub fn order(mut jobs: Vec<Job>, tiles: usize) -> Vec<Job> {
    let mut ports = Ports::new(tiles);
    let mut sends = vec![0; tiles];
    let mut receives = vec![0; tiles];
    for job in &jobs {
        sends[job.source] += job.beats + OVERHEAD;
        each(job.targets, |tile| receives[tile] += job.beats);
    }
    let mut done = Vec::with_capacity(jobs.len());
    while !jobs.is_empty() {
        let rank = |job: &Job| {
            let mut busiest = sends[job.source];
            each(job.targets, |tile| busiest = busiest.max(receives[tile]));
            // Own ports rotate: a tile's first target is its neighbour, so that equal jobs of all tiles do not meet.
            let hop = (job.targets.trailing_zeros() as usize + tiles - job.source) % tiles;
            (ports.earliest(job), std::cmp::Reverse(busiest), hop)
        };
        let Some(best) = (0..jobs.len()).min_by_key(|&at| (rank(&jobs[at]), at)) else { break };
        let job = jobs.remove(best);
        ports.start(&job);
        sends[job.source] -= job.beats + OVERHEAD;
        each(job.targets, |tile| receives[tile] -= job.beats);
        done.push(job);
    }
    done
}

fn each(targets: u32, mut visit: impl FnMut(usize)) {
    for tile in (0..32).filter(|tile| targets >> tile & 1 == 1) {
        visit(tile);
    }
}

/// When each port falls free.
struct Ports {
    engines: Vec<usize>,
    writes: Vec<usize>,
}

impl Ports {
    fn new(tiles: usize) -> Self {
        Self { engines: vec![0; tiles], writes: vec![0; tiles] }
    }

    fn earliest(&self, job: &Job) -> usize {
        let mut at = self.engines[job.source];
        each(job.targets, |tile| at = at.max(self.writes[tile]));
        at
    }

    fn start(&mut self, job: &Job) -> usize {
        let at = self.earliest(job);
        self.engines[job.source] = at + job.beats + OVERHEAD;
        each(job.targets, |tile| self.writes[tile] = at + job.beats);
        self.engines[job.source]
    }
}
