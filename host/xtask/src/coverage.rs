//! `cargo xtask coverage`: sums up what models of a build with the feature `coverage` counted.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Points hit, and points there are.
#[derive(Default)]
struct Share {
    hit: usize,
    all: usize,
}

/// Prints one line a source file: lines and toggles covered over all models and instances.
pub fn run(root: &Path) -> Result<()> {
    let folder = std::env::var_os("LACUNA_COVERAGE").map_or_else(|| root.join("target/coverage"), Into::into);
    let mut counts: HashMap<(String, bool, String), u64> = HashMap::new();
    let entries = fs::read_dir(&folder).with_context(|| {
        format!("no coverage in {}: run cargo test -p lacuna-sim --features coverage", folder.display())
    })?;
    for entry in entries {
        let path = entry?.path();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        for (key, count) in text.lines().filter_map(point) {
            *counts.entry(key).or_default() += count;
        }
    }
    ensure!(!counts.is_empty(), "no points in {}", folder.display());

    let mut files: BTreeMap<String, [Share; 2]> = BTreeMap::new();
    for ((file, toggle, _), count) in counts {
        let share = &mut files.entry(file).or_default()[usize::from(toggle)];
        share.all += 1;
        share.hit += usize::from(count > 0);
    }
    println!("{:44} {:>14} {:>16}", "file", "lines", "toggles");
    for (file, [lines, toggles]) in &files {
        println!("{file:44} {:>14} {:>16}", shown(lines), shown(toggles));
    }
    Ok(())
}

fn shown(share: &Share) -> String {
    let percent = (100 * share.hit).checked_div(share.all);
    percent.map_or_else(String::new, |percent| format!("{}/{} {percent:3} %", share.hit, share.all))
}

/// Reads `C '<key>' count`, where a key is fields of \x01 name \x02 value. The point is its file, whether it
/// is a toggle, and its place; the instance and its parameters do not matter.
fn point(line: &str) -> Option<((String, bool, String), u64)> {
    let (key, count) = line.strip_prefix("C '")?.rsplit_once("' ")?;
    let fields: HashMap<&str, &str> = key.split('\x01').filter_map(|field| field.split_once('\x02')).collect();
    let field = |name: &str| fields.get(name).copied().unwrap_or_default();
    let toggle = field("page").starts_with("v_toggle");
    let place = format!("{}:{} {}", field("l"), field("n"), field("o"));
    Some(((field("f").to_owned(), toggle, place), count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::point;

    #[test]
    fn instances_share_a_point() {
        let line = |instance: &str, count: u64| {
            format!(
                "C '\x01f\x02hdl/a.sv\x01l\x023\x01n\x027\x01page\x02v_line/a\x01o\x02if\x01h\x02{instance}' {count}"
            )
        };
        let (first, count) = point(&line("top.a", 2)).expect("it is a point");
        assert_eq!(count, 2);
        assert_eq!(first, ("hdl/a.sv".into(), false, "3:7 if".into()));
        assert_eq!(point(&line("top.b", 0)).expect("it is a point").0, first);
        assert_eq!(point("# SystemC::Coverage-3"), None);
    }
}
