//! Ways to share out tile memory, in the order in which they are tried.

use lacuna_spec::Geometry;

use super::emit::{Fit, Large};

/// All of them: roomy ones first, then those under which large tensors pass in stripes, then those under which parameters take turns.
pub fn all(geometry: Geometry) -> Vec<Fit> {
    [in_place(geometry), striped(geometry), turned(geometry)].concat()
}

/// Budgets of tile memory, roomy ones first.
fn in_place(geometry: Geometry) -> Vec<Fit> {
    let memory = geometry.tile_bytes();
    let fit = |double| {
        move |(constants, whole)| Fit {
            constants: memory / constants,
            double,
            whole: memory / whole,
            spare_pages: true,
            widen: true,
            stripes: 1,
            large: Large::ThanRoom,
            turn: None,
        }
    };
    // Shares of the memory for parameters and for a tensor that every tile holds whole.
    let (roomy, tight) = ([(1, 2), (1, 4), (1, 8)], [(2, 4), (2, 16), (3, 16), (2, memory), (3, memory)]);
    let mut fits: Vec<_> = roomy.into_iter().chain(tight).map(fit(true)).collect();
    fits.truncate(5);
    fits.extend(roomy.into_iter().chain(tight).chain([(4, memory), (8, memory)]).map(fit(false)));
    fits.extend(fits.clone().into_iter().map(|fit| Fit { spare_pages: false, ..fit }));
    fits
}

/// Budgets under which large tensors pass in stripes, few stripes first.
fn striped(geometry: Geometry) -> Vec<Fit> {
    let fits = in_place(geometry);
    let tight = &fits[fits.len() / 2 - 4..fits.len() / 2];
    let stripes = |(stripes, large)| tight.iter().map(move |&fit| Fit { stripes, large, ..fit });
    let counts = [2, 3, 4, 8];
    let as_needed = counts.map(|count| (count, Large::ThanRoom));
    let all = counts.map(|count| (count, Large::Than(4 * count)));
    as_needed.into_iter().chain(all).flat_map(stripes).collect()
}

/// Budgets under which parameters take turns, too; roomy ones first.
fn turned(geometry: Geometry) -> Vec<Fit> {
    let memory = geometry.tile_bytes();
    let mut fits: Vec<_> = [(4, 2), (4, 4)].map(|room| turn(geometry, room, true, 1)).to_vec();
    for room in [(8, 4), (8, 16), (32, memory)] {
        for spare_pages in [true, false] {
            fits.extend([1, 2, 3, 4, 8].map(|stripes| turn(geometry, room, spare_pages, stripes)));
        }
    }
    fits
}

/// Those that need least: a network that fits none of them hardly fits another.
pub fn tightest(geometry: Geometry) -> [Fit; 4] {
    let memory = geometry.tile_bytes();
    [(false, 8), (false, 1), (true, 8), (true, 1)].map(|(spare, stripes)| turn(geometry, (32, memory), spare, stripes))
}

/// A budget under which parameters take turns; shares of the memory for those of a turn and for a tensor that every tile holds whole.
fn turn(geometry: Geometry, (parameters, whole): (usize, usize), spare_pages: bool, stripes: usize) -> Fit {
    let memory = geometry.tile_bytes();
    Fit {
        constants: usize::MAX,
        double: false,
        whole: memory / whole,
        spare_pages,
        widen: true,
        stripes,
        large: Large::ThanRoom,
        turn: Some(memory / parameters),
    }
}
