//! Puts calls of one function for different instances side by side.
//!
//! Verilator evaluates one instance from end to end before the next. The code of a tile is several times what the
//! first instruction cache of a core holds, so that each tile would fetch all of it again. In turns, a piece is
//! fetched once for all tiles.

use std::collections::HashSet;

/// A statement that calls a generated function on one instance below the top.
struct Call<'a> {
    name: &'a str,
    on: &'a str,
}

/// Reorders runs of such calls in generated C++, files as lines: the first of each instance, then the second of each,
/// and so on. Runs stay as they are unless each of their functions writes to its own instance alone and reads no other,
/// and the instances have the same number of calls. Returns how many calls stand in the runs that changed.
pub fn rewrite(files: &mut [Vec<String>]) -> usize {
    let alone: HashSet<String> = files.iter().flat_map(|lines| functions_that_keep_to_themselves(lines)).collect();
    let mut moved = 0;
    for lines in files {
        let mut start = 0;
        while start < lines.len() {
            let length = lines[start..].iter().take_while(|line| call(line).is_some()).count();
            let run = &lines[start..start + length];
            if run.iter().filter_map(|line| call(line)).all(|call| alone.contains(call.name))
                && let Some(turns) = in_turns(run)
            {
                moved += length;
                lines.splice(start..start + length, turns);
            }
            start += length.max(1);
        }
    }
    moved
}

/// The calls of a run, one of each instance at a time; `None` where that changes nothing or the numbers differ.
fn in_turns(run: &[String]) -> Option<Vec<String>> {
    let mut instances: Vec<(&str, Vec<&String>)> = Vec::new();
    for line in run {
        let on = call(line)?.on;
        match instances.iter_mut().find(|(instance, _)| *instance == on) {
            Some((_, calls)) => calls.push(line),
            None => instances.push((on, vec![line])),
        }
    }
    let turns = instances.first()?.1.len();
    if instances.len() < 2 || instances.iter().any(|(_, calls)| calls.len() != turns) {
        return None;
    }
    Some((0..turns).flat_map(|turn| instances.iter().map(move |(_, calls)| calls[turn].clone())).collect())
}

/// `NAME((&vlSymsp->INSTANCE));`
fn call(line: &str) -> Option<Call<'_>> {
    let (name, on) = line.trim().strip_suffix("));")?.split_once("((&vlSymsp->")?;
    let is_word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_word(name) && is_word(on)).then_some(Call { name, on })
}

/// Names of functions that touch nothing but their instance, the top's signals, which they only read, and the context.
fn functions_that_keep_to_themselves(lines: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for (head, line) in lines.iter().enumerate() {
        let parts = line.strip_prefix("void ").and_then(|rest| rest.strip_suffix("* vlSelf) {"));
        let Some((name, _)) = parts.and_then(|parts| parts.split_once('(')) else { continue };
        let length = lines[head..].iter().position(|line| line == "}").unwrap_or(1);
        let body = lines[head + 1..head + length].join(" ");
        if body.split([';', '{', '}']).all(keeps_to_itself) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Whether a statement calls no other generated function, and what it names by `vlSymsp` is the context or a signal of
/// the top that it does not write.
fn keeps_to_itself(statement: &str) -> bool {
    if statement.contains("(vlSelf)") || statement.contains("(&vlSymsp->") {
        return false;
    }
    let mut parts = statement.split("vlSymsp->");
    let mut left = parts.next().unwrap_or_default().trim().to_owned();
    parts.all(|rest| {
        let harmless = match rest.strip_prefix("TOP.") {
            Some(signal) => !is_assigned(signal) && !is_outcome(&left),
            None => rest.starts_with("_vm_contextp__") || rest.starts_with("name()"),
        };
        left.push_str(rest);
        harmless
    })
}

/// Whether a statement goes on to assign to the signal that it begins with, or to a part of it.
fn is_assigned(signal: &str) -> bool {
    let mut depth = 0;
    let after = signal.trim_start_matches(|c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        depth > 0 || c == ']' || c == '_' || c == ' ' || c.is_ascii_alphanumeric()
    });
    let assigns = ["=", "+=", "-=", "|=", "&=", "^=", "<<=", ">>=", "++", "--"];
    !after.starts_with("==") && assigns.iter().any(|operator| after.starts_with(operator))
}

/// Whether the next argument may be where a function of Verilator's for wide values, as `VL_AND_W(4, `, puts its outcome.
fn is_outcome(left: &str) -> bool {
    let is_size = |c: char| c.is_ascii_digit() || [',', ' ', '('].contains(&c);
    let arguments = left.strip_prefix("VL_").and_then(|call| call.split_once('('));
    arguments.is_some_and(|(function, sizes)| function.starts_with("ASSIGN") || sizes.chars().all(is_size))
}
