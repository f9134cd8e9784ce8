//! Random movements against plain N-D indexing.

mod common;

use common::{Case, golden, interpret, problem, randomised};
use lacuna_reshape::schedule;
use lacuna_spec::{Geometry, instr::LINEAR};

const CASES: usize = 10_000;

fn small() -> Geometry {
    Geometry { tiles: 4, pages: 16, tile_words: 256, program_len: 64, ..Geometry::BASE }
}

#[test]
fn ten_thousand_random_movements_are_byte_exact_on_the_golden_engines() {
    randomised("ten_thousand_random_movements_are_byte_exact_on_the_golden_engines", |rng| {
        let geometry = small();
        let (mut transposed, mut linear) = (0, 0);
        for round in 0..CASES {
            let most = if round % 20 == 0 { 2000 } else { 300 };
            let case = Case::new(problem(rng, &geometry, most), &geometry, rng);
            let (after, _) = golden(&case, &geometry);
            case.check(&after, geometry.tile_bytes());
            let jobs = || case.solution.plan.jobs().map(|job| &job.reshape);
            transposed += jobs().filter(|job| job.transpose == 1).count();
            linear += jobs().filter(|job| job.element == LINEAR).count();
        }
        assert!(transposed > 100, "only {transposed} jobs used the transposer");
        assert!(linear > 100, "only {linear} jobs read a matrix word by word");
    });
}

#[test]
fn a_chip_of_one_tile_without_a_transposer_moves_the_same() {
    randomised("a_chip_of_one_tile_without_a_transposer_moves_the_same", |rng| {
        let geometry = Geometry { tile_words: 1024, program_len: 64, ..Geometry::NANO };
        for _ in 0..CASES / 10 {
            let case = Case::new(problem(rng, &geometry, 300), &geometry, rng);
            let (after, _) = golden(&case, &geometry);
            case.check(&after, geometry.tile_bytes());
        }
    });
}

/// What a solver of the open shop could gain at most: what the order of starts takes beyond the busiest port.
#[test]
fn orders_take_hardly_more_than_their_busiest_port() {
    randomised("orders_take_hardly_more_than_their_busiest_port", |rng| {
        let geometry = small();
        let (mut taken, mut least, mut best, mut phases) = (0, 0, 0, 0);
        for _ in 0..CASES / 5 {
            let case = Case::new(problem(rng, &geometry, 1000), &geometry, rng);
            for phase in case.solution.plan.phases.iter().filter(|phase| phase.len() > 1) {
                let (length, bound) = (schedule::length(phase, geometry.tiles), schedule::bound(phase, geometry.tiles));
                assert!(length >= bound);
                (taken, least) = (taken + length, least + bound);
                (best, phases) = (best + usize::from(length == bound), phases + 1);
            }
        }
        println!("{best} of {phases} orders are as short as can be; all together take {taken} cycles of {least}");
        assert!(100 * taken <= 103 * least, "{taken} cycles of {least}");
    });
}

#[test]
fn descriptors_mean_what_their_definition_says() {
    randomised("descriptors_mean_what_their_definition_says", |rng| {
        let geometry = small();
        for _ in 0..CASES / 5 {
            let case = Case::new(problem(rng, &geometry, 1000), &geometry, rng);
            let mut memory = case.before.clone();
            interpret(&case.solution, &mut memory, &geometry);
            case.check(&memory, geometry.tile_bytes());
        }
    });
}
