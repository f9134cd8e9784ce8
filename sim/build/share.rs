//! Shares the functions that Verilator writes out for every instance of a module.
//!
//! The tiles of a chip are alike, and so are their functions, but for the names of local variables and for the
//! instance that an assertion's message names. One copy instead of four keeps code and state of a chip in the
//! caches, and takes the C++ compiler half the time.

use std::collections::{BTreeMap, HashMap};

/// Functions shorter than this are not worth a call, in bytes.
const WORTH_A_CALL: usize = 2000;

/// A function of one instance, in one of the files.
struct Function {
    file: usize,
    /// Line of its head; the body follows, up to and without the line of its closing brace.
    head: usize,
    end: usize,
    name: String,
    class: String,
}

/// Rewrites generated C++, files as lines, so that functions which do the same have one body. Returns how many were
/// replaced.
pub fn rewrite(files: &mut [Vec<String>]) -> usize {
    let mut alike: BTreeMap<(String, String), Vec<Function>> = BTreeMap::new();
    for (file, lines) in files.iter().enumerate() {
        for function in list(file, lines) {
            let body = plain(&lines[function.head + 1..function.end], &instance(&function.name));
            if body.len() >= WORTH_A_CALL {
                alike.entry((function.class.clone(), body)).or_default().push(function);
            }
        }
    }
    let mut shared = 0;
    for mut functions in alike.into_values().filter(|functions| functions.len() > 1) {
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        let first = functions.remove(0);
        let (own, any) = (instance(&first.name), any_index(&instance(&first.name)));
        for line in &mut files[first.file][first.head + 1..first.end] {
            *line = line.replace(&own, &any);
        }
        shared += functions.len();
        for function in functions {
            let lines = &mut files[function.file];
            // Emptied lines keep the places of what follows.
            lines[function.head + 1..function.end].fill(String::new());
            lines[function.head + 1] = format!("    {}(vlSelf);", first.name);
            lines[function.head].insert_str(0, &format!("void {}({}* vlSelf);\n", first.name, first.class));
        }
    }
    shared
}

/// Functions `void NAME(CLASS* vlSelf) {` of instances below the top.
fn list(file: usize, lines: &[String]) -> Vec<Function> {
    let mut functions = Vec::new();
    for (head, line) in lines.iter().enumerate() {
        let parts = line.strip_prefix("void ").and_then(|rest| rest.strip_suffix("* vlSelf) {")?.split_once('('));
        let Some((name, class)) = parts.filter(|(name, _)| name.contains("__TOP__")) else { continue };
        let Some(length) = lines[head..].iter().position(|line| line == "}") else { continue };
        let (name, class) = (name.to_owned(), class.to_owned());
        if length > 1 {
            functions.push(Function { file, head, end: head + length, name, class });
        }
    }
    functions
}

/// The instance that a function's name spells out, as messages have it.
fn instance(name: &str) -> String {
    let path = name.split_once("__TOP__").map_or("", |parts| parts.1);
    let path = path.rsplit_once("__").map_or(path, |parts| parts.0);
    path.replace("__DOT__", ".").replace("__BRA__", "[").replace("__KET__", "]")
}

/// An instance's name with a star for each index.
fn any_index(instance: &str) -> String {
    let mut any = String::new();
    for part in instance.split_inclusive(['[', ']']) {
        match part.strip_suffix(']') {
            Some(_) => any.push_str("*]"),
            None => any.push_str(part),
        }
    }
    any
}

/// A body without what differs from instance to instance: local variables by number, in the order in which they are
/// declared, and stars for indices of the instance.
fn plain(body: &[String], instance: &str) -> String {
    let any = any_index(instance);
    let mut locals: HashMap<String, usize> = HashMap::new();
    let mut text = String::new();
    for line in body.iter().filter(|line| !line.trim_start().starts_with("VL_DEBUG_IF(")) {
        if let Some(name) = declared(line) {
            let number = locals.len();
            locals.entry(name.to_owned()).or_insert(number);
        }
        let line = if instance.is_empty() { line.clone() } else { line.replace(instance, &any) };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut rest = line.as_str();
        while let Some(start) = rest.find(is_name) {
            spaceless(&mut text, &rest[..start]);
            let length = rest[start..].find(|c| !is_name(c)).unwrap_or(rest.len() - start);
            let word = &rest[start..start + length];
            match locals.get(word) {
                Some(number) => text.extend(["local ", &number.to_string(), " "]),
                None => text.extend([word, " "]),
            }
            rest = &rest[start + length..];
        }
        spaceless(&mut text, rest);
    }
    text
}

/// Appends what stands between words; where a line breaks depends on the length of names.
fn spaceless(text: &mut String, between: &str) {
    text.extend(between.chars().filter(|c| !c.is_whitespace()));
}

/// The variable that a line declares, as in `CData/*7:0*/ name;`.
fn declared(line: &str) -> Option<&str> {
    let (kind, name) = line.trim().strip_suffix(';')?.split_once(' ')?;
    (kind.contains("/*") && !name.contains(' ')).then_some(name)
}
