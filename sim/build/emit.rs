//! Writes `tops.rs`: one constructor a top.

use crate::{ports::Port, table::Top};
use std::fmt::Write as _;

/// The text of `lacuna_sim::tops`.
pub fn table(tops: &[Top], built: &[Result<Vec<Port>, String>]) -> String {
    let mut text = String::from("// Written by sim/build.rs from sim/tops/*.toml.\n");
    for (top, outcome) in tops.iter().zip(built) {
        let name = &top.name;
        let parameters: Vec<String> = top.parameters().map(|text| text[2..].replace('=', " = ")).collect();
        let with = if parameters.is_empty() { String::new() } else { format!(" with {}", parameters.join(", ")) };
        let _ = writeln!(text, "\n/// A new `{}`{with}.\n#[must_use]", top.module);
        let _ = match outcome {
            Ok(ports) => write!(
                text,
                "#[inline]\npub fn {name}() -> crate::Model {{\n    \
                 unsafe extern \"C\" {{\n        safe static lacuna_ops_{name}: crate::ffi::Ops;\n    }}\n    \
                 static TOP: crate::Top = crate::Top {{ name: {name:?}, ops: &lacuna_ops_{name}, ports: &[\n{}    ] }};\n    \
                 crate::Model::new(&TOP)\n}}\n",
                listing(ports)
            ),
            Err(problem) => write!(
                text,
                "pub fn {name}() -> crate::Model {{\n    panic!(\"{{}}\", {:?})\n}}\n",
                format!("top {name} is not available: {problem}")
            ),
        };
    }
    text
}

fn listing(ports: &[Port]) -> String {
    ports.iter().fold(String::new(), |mut text, port| {
        let Port { name, width, input } = port;
        let _ = writeln!(text, "        crate::PortInfo {{ name: {name:?}, width: {width}, input: {input} }},");
        text
    })
}
