//! The build's sharing of generated functions.

#[path = "../build/share.rs"]
mod share;

/// A function of tile `tile` that names a local variable after `number`, and the instance in a message.
fn function(tile: usize, number: usize, value: usize) -> String {
    let local = format!("__Vfunc_product__{number}__out");
    let work = format!("    {local} = vlSelf->weight_q * {value};\n").repeat(100);
    format!(
        "void Vtop_tile___nba_sequent__TOP__core__DOT__gen_tile__BRA__{tile}__KET____DOT__u_tile__0(Vtop_tile* vlSelf) {{\n    \
         CData/*7:0*/ {local};\n{work}    fail(\"core.gen_tile[{tile}].u_tile.gen_lane[3]\");\n}}\n"
    )
}

fn shared(texts: &[String]) -> (usize, String) {
    let mut files: Vec<Vec<String>> = texts.iter().map(|text| text.lines().map(str::to_owned).collect()).collect();
    let shared = share::rewrite(&mut files);
    (shared, files.concat().join("\n"))
}

#[test]
fn functions_of_like_instances_are_written_once() {
    let (count, text) = shared(&[function(0, 17, 5), function(1, 400, 5), function(2, 9, 5)]);
    assert_eq!(count, 2);
    assert_eq!(text.matches("weight_q").count(), 100);
    assert_eq!(text.matches("u_tile__0(vlSelf);").count(), 2);
    assert!(text.contains("core.gen_tile[*].u_tile.gen_lane[3]"), "a message names no tile that it may not mean");
}

#[test]
fn functions_that_differ_stay() {
    let other = function(1, 17, 6);
    let (count, text) = shared(&[function(0, 17, 5), other.clone()]);
    assert_eq!(count, 0);
    assert!(text.contains(other.trim_end()));
}
