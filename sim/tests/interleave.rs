//! The build's order of calls of generated functions.

#[path = "../build/interleave.rs"]
mod interleave;

/// Piece `piece` of tile `tile`'s evaluation, which does `work`.
fn piece(tile: usize, piece: usize, work: &str) -> String {
    format!("void Vtile__{tile}__{piece}(Vtile* vlSelf) {{\n    auto& vlSelfRef = *vlSelf;\n    {work}\n}}\n")
}

/// Each tile from end to end, as Verilator calls them.
fn calls(tiles: usize, pieces: usize) -> String {
    let of = |tile: usize| {
        (0..pieces).map(move |piece| format!("    Vtile__{tile}__{piece}((&vlSymsp->TOP__tile_{tile}));\n"))
    };
    format!("void eval(Vroot* vlSelf) {{\n{}}}\n", (0..tiles).flat_map(of).collect::<String>())
}

/// How many calls were moved, and the order of all of them as (tile, piece).
fn rewritten(functions: &[String], calls: &str) -> (usize, Vec<(usize, usize)>) {
    let split = |text: &str| text.lines().map(str::to_owned).collect::<Vec<String>>();
    let mut files = vec![split(&functions.concat()), split(calls)];
    let moved = interleave::rewrite(&mut files);
    let order = files[1].iter().filter_map(|line| {
        let mut numbers = line.trim().strip_prefix("Vtile__")?.split(['_', '(']).filter_map(|part| part.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    });
    (moved, order.collect())
}

fn tiles_that_do(work: &str) -> Vec<String> {
    (0..2).flat_map(|tile| (0..2).map(move |index| piece(tile, index, work))).collect()
}

const END_TO_END: [(usize, usize); 4] = [(0, 0), (0, 1), (1, 0), (1, 1)];
const IN_TURNS: [(usize, usize); 4] = [(0, 0), (1, 0), (0, 1), (1, 1)];

#[test]
fn instances_take_turns_where_they_only_read_the_top() {
    for work in [
        "vlSelfRef.sum_q = vlSymsp->TOP.data_q;",
        "vlSelfRef.sum_q = (vlSymsp->TOP.addr_q[2U] == 3U);",
        "vlSelfRef.hit = (vlSymsp->TOP.count_q <= vlSelfRef.limit_q);",
        "VL_AND_W(4, vlSelfRef.__Vtemp_1, vlSymsp->TOP.data_q, vlSelfRef.mask_q);",
        "if (vlSymsp->_vm_contextp__->assertOnGet(2, 1)) {",
    ] {
        assert_eq!(rewritten(&tiles_that_do(work), &calls(2, 2)), (4, IN_TURNS.to_vec()), "{work}");
    }
}

#[test]
fn instances_that_reach_beyond_themselves_keep_their_order() {
    for work in [
        "vlSymsp->TOP.data_q = vlSelfRef.sum_q;",
        "vlSymsp->TOP.data_q[vlSelfRef.index_q] = vlSelfRef.sum_q;",
        "vlSymsp->TOP.data_q |= vlSelfRef.sum_q;",
        "VL_AND_W(4, vlSymsp->TOP.data_q, vlSelfRef.sum_q, vlSelfRef.mask_q);",
        "VL_ASSIGNSEL_WI(128,\n        8, 3U, vlSymsp->TOP.data_q, vlSelfRef.sum_q);",
        "vlSelfRef.sum_q = vlSymsp->TOP__tile_1.sum_q;",
        "Vtile__helper(vlSelf);",
    ] {
        assert_eq!(rewritten(&tiles_that_do(work), &calls(2, 2)), (0, END_TO_END.to_vec()), "{work}");
    }
}

#[test]
fn one_piece_that_reaches_beyond_itself_holds_all() {
    let mut functions = tiles_that_do("vlSelfRef.sum_q = 1;");
    functions[3] = piece(1, 1, "vlSymsp->TOP.data_q = 1;");
    assert_eq!(rewritten(&functions, &calls(2, 2)), (0, END_TO_END.to_vec()));
}

#[test]
fn instances_with_unequal_work_keep_their_order() {
    let functions = tiles_that_do("vlSelfRef.sum_q = 1;");
    let short = calls(2, 2).replacen("    Vtile__1__1((&vlSymsp->TOP__tile_1));\n", "", 1);
    assert_eq!(rewritten(&functions, &short), (0, END_TO_END[..3].to_vec()));
}
