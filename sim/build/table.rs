//! Reads `sim/tops/*.toml`: one table a top, keyed by the name of its Rust constructor.

use lacuna_spec::Geometry;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

/// One design to Verilate.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own in the table")]
pub struct Top {
    /// Name of the constructor in `lacuna_sim::tops`; the table's key.
    #[serde(skip)]
    pub name: String,
    /// A failure to build it fails the whole build (chips), rather than the tests that use it (blocks).
    #[serde(skip)]
    pub required: bool,
    /// The RTL module.
    pub module: String,
    /// Files beside those found by module name in the folders of `hdl/files.f`.
    #[serde(default)]
    pub files: Vec<String>,
    /// Takes the parameters of this geometry preset of `lacuna-spec` that the module lists in `uses`,
    /// or all of them.
    pub preset: Option<String>,
    /// Parameters taken from `preset`, when not all.
    pub uses: Option<Vec<String>>,
    /// Parameters given with `-G`, before those of `preset`.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// A big design, of which what runs once is not optimised. The rest is compiled at `-O2` in chips, `-O0` in blocks.
    #[serde(default)]
    pub big: bool,
    /// Has several instances of a module that does most of the work: their functions are given one body.
    #[serde(default)]
    pub alike: bool,
    /// Built so that waveforms can be asked for, also without the feature `waves`.
    #[serde(default = "yes")]
    pub waves: bool,
    /// Counts how often each bit toggles, also without the feature `coverage`.
    #[serde(default)]
    pub toggles: bool,
    /// The one file that describes it, instead of the RTL.
    #[serde(skip)]
    pub netlist: Option<PathBuf>,
}

/// A parameter's value.
#[derive(serde::Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`, as one bit.
    Bit(bool),
    /// A plain integer.
    Number(i64),
    /// An RTL literal, such as `"8'hff"`.
    Literal(String),
}

fn yes() -> bool {
    true
}

impl Top {
    /// The netlist of a board, as `cargo xtask simulate` writes it.
    pub fn netlist(netlist: PathBuf) -> Self {
        Self {
            name: "uart_netlist".to_owned(),
            required: true,
            module: "lacuna_board".to_owned(),
            files: Vec::new(),
            preset: None,
            uses: None,
            params: BTreeMap::new(),
            big: true,
            alike: false,
            waves: false,
            toggles: false,
            netlist: Some(netlist),
        }
    }

    fn take_preset(&mut self) -> Result<(), String> {
        let Some(preset) = &self.preset else {
            return Ok(());
        };
        let geometry = Geometry::preset(preset).map_err(|error| error.to_string())?;
        let used = |name: &str| self.uses.as_ref().is_none_or(|uses| uses.iter().any(|used| used == name));
        for (name, value) in geometry.parameters().into_iter().filter(|(name, _)| used(name)) {
            self.params.entry(name.to_owned()).or_insert(Value::Number(value as i64));
        }
        Ok(())
    }

    /// Name of the folder that keeps its library.
    pub fn kept_as(&self) -> String {
        let suffix = if self.traced() && !self.waves { "-waves" } else { "" };
        format!("{}{suffix}", self.name)
    }

    /// Built so that waveforms can be asked for.
    pub fn traced(&self) -> bool {
        self.waves || env::var_os("CARGO_FEATURE_WAVES").is_some()
    }

    /// Name of the static library.
    pub fn library(&self) -> String {
        format!("lacuna_top_{}", self.name)
    }

    /// Name of the class that Verilator generates.
    pub fn class(&self) -> String {
        format!("V{}", self.name)
    }

    /// `-GName=value` for each parameter.
    pub fn parameters(&self) -> impl Iterator<Item = String> {
        self.params.iter().map(|(name, value)| match value {
            Value::Bit(bit) => format!("-G{name}=1'b{}", u8::from(*bit)),
            Value::Number(number) => format!("-G{name}={number}"),
            Value::Literal(text) => format!("-G{name}={text}"),
        })
    }
}

/// All tops in order of name: those of `chip.toml` and the others, as the features ask.
pub fn read(folder: &Path, with_chips: bool, with_blocks: bool) -> Result<Vec<Top>, String> {
    let mut tops = BTreeMap::new();
    let files = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for path in files.filter_map(Result::ok).map(|entry| entry.path()) {
        let required = path.file_name().is_some_and(|name| name == "chip.toml");
        let wanted = if required { with_chips } else { with_blocks };
        if !wanted || path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let shown = path.display();
        let text = fs::read_to_string(&path).map_err(|error| format!("{shown}: {error}"))?;
        let table: BTreeMap<String, Top> = toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
        for (name, top) in table {
            if tops.contains_key(&name) {
                return Err(format!("{shown}: top {name} is listed twice; choose another name"));
            }
            let mut top = Top { name: name.clone(), required, ..top };
            top.take_preset().map_err(|problem| format!("{shown}: top {name}: {problem}"))?;
            tops.insert(name, top);
        }
    }
    Ok(tops.into_values().collect())
}
