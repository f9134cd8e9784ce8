//! Plans of the reshape solver on the RTL's engines, many after another in one chip: against golden in every cycle, and
//! against plain N-D indexing.

// Both are shared with `reshape.rs`, which uses more of them.
#[allow(dead_code)]
#[path = "reshape/bench.rs"]
mod bench;
#[path = "../../host/reshape/tests/common/mod.rs"]
mod common;
#[allow(dead_code)]
#[path = "reshape/job.rs"]
mod job;

use bench::Bench;
use common::{Case, problem};
use job::Job;
use lacuna_reshape::Deal;
use lacuna_sim::{testing::randomised, tops};
use lacuna_spec::{Geometry, instr::Instr};

const CASES: usize = 1_000;

#[test]
fn a_thousand_random_movements_are_byte_exact_on_the_engines() {
    randomised("a_thousand_random_movements_are_byte_exact_on_the_engines", |rng| {
        let geometry = Geometry { tile_words: 2048, ..Geometry::BASE };
        let word = geometry.word_bytes();
        let mut bench = Bench::new(geometry, tops::reshape_bench_4(), rng);
        let (mut transposed, mut ran) = (0, 0);
        while ran < CASES {
            let problem = problem(rng, &geometry, if ran % 20 == 0 { 1000 } else { 200 });
            // The chip's contents are random, so copies would not be alike.
            if problem.sources.iter().any(|source| source.deal == Deal::Copies) {
                continue;
            }
            let before = bench.memories.iter().flat_map(|memory| memory.bytes().to_vec()).collect();
            let case = Case::over(before, problem, &geometry);
            for phase in &case.solution.plan.phases {
                let jobs: Vec<Job> = phase
                    .iter()
                    .filter_map(|job| match job.instr(word) {
                        Instr::Reshape(head, reshape) => Some(Job { tile: job.source, head, reshape }),
                        _ => None,
                    })
                    .collect();
                transposed += jobs.iter().filter(|job| job.reshape.transpose == 1).count();
                // Contention uses the last word, which spare memory may include.
                let contended = ran % 3 == 0 && case.solution.plan.spare_bytes == 0;
                bench.run(rng, &jobs, if contended { 0.2 } else { 0.0 });
                bench.settle();
            }
            let after: Vec<u8> = bench.memories.iter().flat_map(|memory| memory.bytes().to_vec()).collect();
            case.check(&after, geometry.tile_bytes());
            ran += 1;
            if ran % 250 == 0 {
                // Compares every byte of the RTL's memories with golden's.
                bench.contents();
            }
        }
        assert!(transposed > 50, "only {transposed} jobs used the transposer");
    });
}
