//! Whole networks on golden chips of every geometry and on the simulated one: whichever part falls back to the host, and
//! whatever a network keeps from frame to frame, the answers are the reference's, and the cycles golden's.

mod cases;

use std::path::PathBuf;

use cases::{Case, Skip, case, committed, generator, on_every_geometry, run, told};
use lacuna_compiler::Op;
use lacuna_compiler::backend::{Compiled, Step};
use lacuna_compiler::graph::Place;
use lacuna_driver::serve::{GoldenChip, Server};
use lacuna_driver::transport::{GoldenDevice, LinkDevice, SimDevice};
use lacuna_driver::{Device, FrameReport, Session};
use lacuna_spec::Geometry;
use lacuna_spec::instr::{Instr, PostOp};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// Committed cases, which are all in scope; those that fit `nano`, all for the others.
fn committed_cases(geometry: Geometry, tuned: bool, prefix: &str) -> Vec<Case> {
    let mut rng = generator();
    let named = |path: &&PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(prefix);
    let mut cases = Vec::new();
    for path in committed().iter().filter(named) {
        match case(path, geometry, tuned, 1, &mut rng) {
            Ok(case) => cases.push(case),
            Err(Skip::TooLarge) if geometry.lanes == 2 => {}
            Err(skip) => panic!("{} on {}: {skip:?}", path.display(), geometry.name),
        }
    }
    assert!(cases.len() > 3, "only {} cases fit {}", cases.len(), geometry.name);
    cases
}

/// What the post unit's multipliers compute in a program: depthwise layers, or products of two tensors.
fn multiplications(compiled: &Compiled, product: i64) -> usize {
    let programs = compiled.steps.iter().filter_map(|step| match step {
        Step::Chip(program) => Some(program),
        Step::Host(_) => None,
    });
    let is = |instr: &&Instr| matches!(instr, Instr::Post(_, _, tail) if tail.op == PostOp::Depthwise as i64 && tail.product == product);
    programs.flat_map(|program| &program.instrs).filter(is).count()
}

#[tokio::test]
async fn golden_chips_of_every_geometry_give_the_reference_answers() {
    for geometry in Geometry::PRESETS {
        let mut products = 0;
        for case in committed_cases(geometry, true, "") {
            run(&mut GoldenDevice::new(geometry), &case).await;
            let small = |op: &Op| matches!(op, Op::Conv(linear) if linear.is_depthwise() && linear.rows() <= geometry.depthwise_taps);
            let product = |op: &Op| matches!(op, Op::Mul(_) | Op::Product(_));
            let on_chip = |is: &dyn Fn(&Op) -> bool| {
                case.compiled.graph.nodes.iter().any(|node| node.place == Place::Chip && is(&node.op))
            };
            for (product, unit) in [(0, on_chip(&small)), (1, on_chip(&product))] {
                let found = multiplications(&case.compiled, product) > 0;
                assert_eq!(found, unit, "{} on {}, products {product}", case.name, geometry.name);
            }
            products += multiplications(&case.compiled, 1);
        }
        assert_eq!(products > 0, geometry.depthwise_taps > 0, "products of two tensors on {}", geometry.name);
    }
}

/// Runs every network on a golden chip; gives how many ran, and how many of their nodes on the chip.
async fn run_all(told: &[PathBuf], geometry: Geometry, mut rng: ChaCha8Rng) -> (usize, usize) {
    let (mut ran, mut on_chip) = (0, 0);
    for case in told.iter().filter_map(|path| case(path, geometry, false, 1, &mut rng).ok()) {
        run(&mut GoldenDevice::new(geometry), &case).await;
        ran += 1;
        on_chip += case.compiled.graph.nodes.iter().filter(|node| node.place == Place::Chip).count();
    }
    (ran, on_chip)
}

#[test]
fn every_network_that_fits_answers_as_the_reference_does() {
    let (rng, told) = (generator(), told());
    assert!(told.len() > 50, "only {} models", told.len());
    on_every_geometry(async |geometry| {
        let (ran, on_chip) = run_all(&told, geometry, rng.clone()).await;
        println!("{}: {ran} networks ran, {on_chip} nodes of them on the chip", geometry.name);
        assert!(ran > 30 && on_chip > 15, "{}: {ran} networks, {on_chip} nodes", geometry.name);
    });
}

/// Memories of which little is left, so that weights, parameters and programs take turns and nodes go to the host.
#[tokio::test]
async fn networks_on_chips_of_little_memory_answer_as_the_reference_does() {
    let mut rng = generator();
    let (mut ran, mut phased, mut turning, mut resident) = (0, 0, 0, 0);
    for path in told() {
        let preset = Geometry::PRESETS[rng.random_range(0..Geometry::PRESETS.len())];
        let mut less = |size: usize, most: u32| size >> rng.random_range(0..=most);
        let geometry = Geometry {
            tile_words: less(preset.tile_words, 5),
            pages: less(preset.pages, 5),
            program_len: less(preset.program_len, 2),
            ..preset
        };
        let Ok(case) = case(&path, geometry, false, 1, &mut rng) else { continue };
        run(&mut GoldenDevice::new(geometry), &case).await;
        ran += 1;
        phased += usize::from(!case.compiled.phases.is_empty());
        turning += usize::from(case.compiled.parameter_bytes() > 0);
        resident += usize::from(case.compiled.is_resident());
    }
    println!(
        "{ran} networks ran, weights took turns in {phased}, parameters in {turning}, programs in {}",
        ran - resident
    );
    assert!(ran > 30 && phased > 0 && turning > 0, "{ran} networks, {phased} in phases, {turning} in turns");
}

#[tokio::test]
async fn the_simulated_chips_run_depthwise_networks_in_the_golden_cycles() {
    for geometry in [Geometry::BASE, Geometry::MEDIUM] {
        for case in committed_cases(geometry, true, "depthwise_") {
            let golden = run(&mut GoldenDevice::new(geometry), &case).await;
            let chip = run(&mut SimDevice::new(geometry).unwrap(), &case).await;
            let cycles = |reports: &[FrameReport]| reports.iter().map(|report| report.cycles).collect::<Vec<_>>();
            assert_eq!(cycles(&chip), cycles(&golden), "{} on {}", case.name, geometry.name);
        }
    }
}

/// Committed cases whose weights take turns.
fn phased_cases(geometry: Geometry) -> Vec<Case> {
    let cases = committed_cases(geometry, false, "").into_iter();
    cases.filter(|case| !case.compiled.phases.is_empty()).collect()
}

/// Cases whose first layers stay and later ones wait for weights while others are at work: compiled for fewer pages than the chip has.
fn late_phases(geometry: Geometry) -> Vec<Case> {
    let mut late = Vec::new();
    for path in committed() {
        let less = [4, 8, 16, 32, 64].map(|part| Geometry { pages: geometry.pages / part, ..geometry });
        let cases = less.into_iter().filter_map(|few| case(&path, few, false, 1, &mut generator()).ok());
        let waits = |case: &Case| case.compiled.phases.first().is_some_and(|phase| phase.load > 1);
        if let Some(mut case) = cases.into_iter().find(waits) {
            case.compiled.geometry = geometry;
            late.push(case);
        }
    }
    late
}

#[tokio::test]
async fn weights_that_take_turns_give_the_reference_answers_in_the_golden_cycles_on_the_chip() {
    for geometry in [Geometry::NANO, Geometry::MEDIUM, Geometry::BASE] {
        let cases = if geometry.tiles == 1 { phased_cases(geometry) } else { late_phases(geometry) };
        let mut phases = 0;
        for case in cases {
            let golden = run_profiled(&mut GoldenDevice::new(geometry), &case).await;
            let chip = run_profiled(&mut SimDevice::new(geometry).unwrap(), &case).await;
            assert_eq!(chip, golden, "{} on {}", case.name, geometry.name);
            phases += case.compiled.phases.len();
        }
        let few = if geometry.tiles == 1 { 4 } else { 1 };
        assert!(phases > few, "{phases} phases on {}", geometry.name);
    }
}

/// Runs a case whose programs take turns, and returns the record of every instruction too.
async fn run_profiled(device: &mut dyn Device, case: &Case) -> Vec<FrameReport> {
    let mut session = Session::load(device, &case.compiled).await.unwrap().with_profile();
    let mut reports = Vec::new();
    session.run(case.frames.iter().cloned(), |report| reports.push(report)).await.unwrap();
    let outputs = reports.iter().map(|report| &report.outputs);
    assert!(outputs.eq(&case.wanted), "{} on {}", case.name, case.compiled.geometry.name);
    reports
}

#[tokio::test]
async fn programs_that_take_turns_give_the_reference_answers_in_the_golden_cycles_on_the_chip() {
    let (mut programs, mut phased) = (0, 0);
    for (geometry, names) in [
        (Geometry::BASE, &["residual_chain", "depthwise_separable", "qdq_residual"][..]),
        (Geometry::NANO, &["depthwise_separable", "conv_03", "matmul", "residual_chain"]),
    ] {
        // Compiled for less program memory than the chip has.
        let short = Geometry { program_len: 16, ..geometry };
        for mut case in committed_cases(short, true, "").into_iter().filter(|case| names.contains(&&*case.name)) {
            if case.compiled.is_resident() {
                continue;
            }
            case.compiled.geometry = geometry;
            let golden = run_profiled(&mut GoldenDevice::new(geometry), &case).await;
            let chip = run_profiled(&mut SimDevice::new(geometry).unwrap(), &case).await;
            assert_eq!(chip, golden, "{}", case.name);
            let instructions = golden[0].profile.iter().map(|record| record.instruction);
            assert!(instructions.is_sorted(), "records of all programs, in order");
            programs += case.compiled.programs().count();
            phased += usize::from(!case.compiled.phases.is_empty());
        }
    }
    assert!(programs > 8 && phased > 0, "{programs} programs, {phased} networks whose weights take turns as well");
}

#[tokio::test]
async fn parameters_that_take_turns_give_the_reference_answers_in_the_golden_cycles_on_the_chip() {
    let mut turning = 0;
    for (geometry, names) in [
        (Geometry::BASE, &["residual_chain", "depthwise_separable", "qdq_residual", "conv_03"][..]),
        (Geometry::NANO, &["residual_chain", "depthwise_separable", "conv_03"]),
    ] {
        for path in committed().iter().filter(|path| names.contains(&&*path.file_stem().unwrap().to_string_lossy())) {
            // Compiled for less tile memory than the chip has: the most that does not hold all parameters at once.
            let less = std::iter::successors(Some(geometry.tile_words), |words| Some(words * 7 / 8))
                .take_while(|words| *words > 16);
            let cases = less.map_while(|tile_words| {
                case(path, Geometry { tile_words, ..geometry }, true, 1, &mut generator()).ok()
            });
            let mut turned = cases.filter(|case| case.compiled.parameter_bytes() > 0);
            let Some(mut case) = turned.next() else { continue };
            case.compiled.geometry = geometry;
            let golden = run_profiled(&mut GoldenDevice::new(geometry), &case).await;
            let chip = run_profiled(&mut SimDevice::new(geometry).unwrap(), &case).await;
            assert_eq!(chip, golden, "{}", case.name);
            turning += 1;
        }
    }
    assert!(turning > 3, "{turning} networks");
}

#[tokio::test]
async fn tensors_in_bands_give_the_reference_answers_in_the_golden_cycles_on_the_chip() {
    let (mut banded, mut bands) = (0, 0);
    for geometry in [Geometry::BASE, Geometry::MEDIUM, Geometry::NANO] {
        for path in committed() {
            // Compiled for less tile memory than the chip has.
            let less = [64, 32, 16].map(|part| Geometry { tile_words: geometry.tile_words / part, ..geometry });
            let cases = less.into_iter().filter_map(|geometry| case(&path, geometry, true, 1, &mut generator()).ok());
            let cut = |case: &Case| case.compiled.graph.bands.iter().any(|bands| bands.nodes.len() > 1);
            let Some(mut case) = cases.into_iter().find(cut) else { continue };
            case.compiled.geometry = geometry;
            let golden = run_profiled(&mut GoldenDevice::new(geometry), &case).await;
            let chip = run_profiled(&mut SimDevice::new(geometry).unwrap(), &case).await;
            assert_eq!(chip, golden, "{} on {}", case.name, geometry.name);
            banded += 1;
            bands += case.compiled.graph.bands.iter().map(|bands| bands.nodes.len()).sum::<usize>();
        }
    }
    println!("{banded} networks in {bands} bands");
    assert!(banded > 3, "{banded} networks");
}

#[tokio::test]
async fn weights_that_take_turns_come_over_a_link_too() {
    let most = |cases: Vec<Case>| cases.into_iter().max_by_key(|case| case.compiled.phases.len()).unwrap();
    for case in [most(phased_cases(Geometry::NANO)), most(late_phases(Geometry::BASE))] {
        let geometry = case.compiled.geometry;
        let golden = run(&mut GoldenDevice::new(geometry), &case).await;
        let (ours, theirs) = tokio::io::duplex(4096);
        let server = Server::new(GoldenChip::new(geometry));
        let serving = tokio::spawn(async move { server.attach(theirs).await });
        let mut device = LinkDevice::open("pipe", ours).await.unwrap();
        let linked = run(&mut device, &case).await;
        assert_eq!(linked, golden, "{} on {}", case.name, geometry.name);
        drop(device);
        serving.await.unwrap().unwrap();
    }
}
