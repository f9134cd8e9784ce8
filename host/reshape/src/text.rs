//! The layout language of the command line: read with errors that point at a token, and printed.
//!
//! ```text
//! layout = shape [ ":" order ] [ ":" type ] [ "@" place { "," place } ]
//! shape  = extent { "x" extent }
//! order  = { dim [ block ] }              outermost first; what is not named comes before, in the shape's order
//! dim    = "N" | "C" | "D" | "H" | "W"    by rank: C, NC, NCW, NCHW, NCDHW
//!        | "a" | "b" | ... | "h"          the first, second, ... dimension of any shape
//! type   = "i8" | "u8" | "i16" | "u16" | "f16" | "i32" | "u32" | "f32"
//! place  = "tiles=" count | "first=" tile | "by=" ( dim | "copies" ) | "base=" address
//! ```
//!
//! ```
//! use lacuna_reshape::text::layout;
//!
//! let nhwc = layout("1x32x16x16:NHWC@tiles=4")?;
//! assert_eq!(nhwc.footprint(), 32 * 16 * 4);
//! assert_eq!(nhwc.to_string(), "1x32x16x16:NHWC:i8@tiles=4");
//! // The second channel of the first pixel lies beside the first, the second row of pixels 512 bytes on.
//! assert_eq!(nhwc.addresses(32768, 0)[16 * 16], 1);
//! assert_eq!(nhwc.addresses(32768, 0)[16], 512);
//! # Ok::<(), lacuna_reshape::text::ParseError>(())
//! ```

use std::fmt;
use std::ops::Range;

use crate::layout::{Deal, Factor, Layout, MAX_RANK};
use crate::op::{Op, Piece, shape_text};

/// A token that means nothing where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{token:?} is no {expected}")]
pub struct ParseError {
    /// The token.
    pub token: String,
    /// Where it stands, in bytes of the text.
    pub at: Range<usize>,
    /// What should stand there.
    pub expected: &'static str,
    /// How to put it right.
    pub help: String,
}

/// A piece of the text that knows where it stands.
#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Token<'a> {
    fn part(&self, range: Range<usize>) -> Self {
        Token { text: &self.text[range.clone()], at: self.at + range.start }
    }

    fn split(&self, separator: char) -> Vec<Token<'a>> {
        let mut parts = Vec::new();
        let mut start = 0;
        for (end, _) in self.text.match_indices(separator) {
            parts.push(self.part(start..end));
            start = end + separator.len_utf8();
        }
        parts.push(self.part(start..self.text.len()));
        parts
    }

    fn split_once(&self, separator: char) -> (Self, Option<Self>) {
        match self.text.find(separator) {
            Some(end) => (self.part(0..end), Some(self.part(end + separator.len_utf8()..self.text.len()))),
            None => (*self, None),
        }
    }

    fn refuse<T>(&self, expected: &'static str, help: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError {
            token: self.text.to_owned(),
            at: self.at..self.at + self.text.len(),
            expected,
            help: help.into(),
        })
    }

    fn number(&self, expected: &'static str) -> Result<usize, ParseError> {
        let parsed = match self.text.strip_prefix("0x") {
            Some(digits) => usize::from_str_radix(digits, 16),
            None => self.text.parse(),
        };
        parsed.ok().filter(|&value| value < 1 << 31).map_or_else(|| self.refuse(expected, "write a number"), Ok)
    }

    fn numbers(&self, separator: char, expected: &'static str) -> Result<Vec<usize>, ParseError> {
        self.split(separator).iter().map(|token| token.number(expected)).collect()
    }

    fn signed(&self, expected: &'static str) -> Result<i64, ParseError> {
        self.text.parse().or_else(|_| self.refuse(expected, "write a number"))
    }

    fn shape(&self) -> Result<Vec<usize>, ParseError> {
        let shape = self.numbers('x', "extent")?;
        if shape.len() > MAX_RANK {
            return self.refuse("shape", format!("a shape has at most {MAX_RANK} dimensions"));
        }
        if shape.contains(&0) || shape.iter().try_fold(1usize, |total, &size| total.checked_mul(size)).is_none() {
            return self.refuse("shape", "no dimension may be 0, and their product must be a number");
        }
        Ok(shape)
    }
}

/// Names of the dimensions of a rank, if it has any.
const fn names(rank: usize) -> &'static str {
    match rank {
        1 => "C",
        2 => "NC",
        3 => "NCW",
        4 => "NCHW",
        5 => "NCDHW",
        _ => "",
    }
}

fn dim(token: Token, rank: usize) -> Result<usize, ParseError> {
    let mut letters = token.text.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        let lower = (letter as usize).wrapping_sub('a' as usize);
        if let Some(dim) = names(rank).find(letter).or((lower < rank).then_some(lower)) {
            return Ok(dim);
        }
    }
    let last = (b'a' + rank as u8 - 1) as char;
    let named = if names(rank).is_empty() { String::new() } else { format!("{} or ", names(rank)) };
    token.refuse("dimension", format!("with {rank} dimensions it is one of {named}a to {last}"))
}

fn order(token: Token, rank: usize) -> Result<Vec<Factor>, ParseError> {
    let mut named: Vec<Factor> = Vec::new();
    let mut rest = token;
    while let Some(letter) = rest.text.chars().next() {
        let digits = rest.text[letter.len_utf8()..].chars().take_while(char::is_ascii_digit).count();
        let name = rest.part(0..letter.len_utf8());
        let block = rest.part(letter.len_utf8()..letter.len_utf8() + digits);
        let factor =
            Factor { dim: dim(name, rank)?, block: if digits == 0 { None } else { Some(block.number("block")?) } };
        if factor.block == Some(0) {
            return block.refuse("block", "a block has at least one element");
        }
        let again = named.iter().any(|other| other.dim == factor.dim && other.block.is_none());
        let late = named.iter().any(|other| other.dim == factor.dim) && factor.block.is_none();
        if (again && factor.block.is_none()) || late {
            return name.refuse("new dimension", "name each dimension once, before its blocks");
        }
        named.push(factor);
        rest = rest.part(letter.len_utf8() + digits..rest.text.len());
    }
    let whole = |dim: usize| named.iter().any(|factor| factor.dim == dim && factor.block.is_none());
    let mut order: Vec<Factor> = (0..rank).filter(|&dim| !whole(dim)).map(|dim| Factor { dim, block: None }).collect();
    order.extend(named);
    Ok(order)
}

const TYPES: [(&str, usize); 8] =
    [("i8", 1), ("i16", 2), ("i32", 4), ("u8", 1), ("u16", 2), ("f16", 2), ("u32", 4), ("f32", 4)];

/// Reads a layout.
///
/// # Errors
/// [`ParseError`] at the token that is wrong.
pub fn layout(text: &str) -> Result<Layout, ParseError> {
    let (what, place) = Token { text, at: 0 }.split_once('@');
    let parts = what.split(':');
    let shape = parts[0].shape()?;
    let mut layout = Layout::plain(&shape, 1);
    let mut typed = false;
    for (index, part) in parts[1..].iter().enumerate() {
        if let Some((_, bytes)) = TYPES.iter().find(|(name, _)| *name == part.text).filter(|_| !typed) {
            layout.element = *bytes;
            typed = true;
        } else if index == 0 && !typed {
            layout.order = order(*part, shape.len())?;
        } else {
            return part.refuse("type", "types are i8, i16, i32, u8, u16, u32, f16 and f32, after the order");
        }
    }
    if let Some(place) = place {
        places(place, &mut layout)?;
    }
    Ok(layout)
}

fn places(place: Token, layout: &mut Layout) -> Result<(), ParseError> {
    let (mut tiles, mut first) = (1, 0);
    for token in place.split(',') {
        let (key, value) = token.split_once('=');
        let Some(value) = value else {
            return token.refuse("place", "write tiles=COUNT, first=TILE, by=DIM or base=ADDRESS");
        };
        match key.text {
            "tiles" => {
                tiles = value.number("count of tiles")?;
                if tiles == 0 || tiles > 8 {
                    return value.refuse("count of tiles", "a chip has 1 to 8");
                }
            }
            "first" => first = value.number("tile")?,
            "base" => layout.base = Some(value.number("address")?),
            "by" if value.text == "copies" => layout.deal = Deal::Copies,
            "by" => layout.deal = Deal::Dim(dim(value, layout.shape.len())?),
            _ => return key.refuse("key", "keys are tiles, first, by and base"),
        }
    }
    layout.tiles = first..first + tiles;
    Ok(())
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rank = self.shape.len();
        let name = |dim: usize| names(rank).chars().nth(dim).unwrap_or((b'a' + dim as u8) as char);
        write!(f, "{}", shape_text(&self.shape))?;
        if self.order.iter().enumerate().any(|(at, factor)| factor.dim != at || factor.block.is_some()) {
            write!(f, ":")?;
            for factor in &self.order {
                write!(f, "{}", name(factor.dim))?;
                if let Some(block) = factor.block {
                    write!(f, "{block}")?;
                }
            }
        }
        write!(f, ":{}", TYPES.iter().find(|(_, bytes)| *bytes == self.element).map_or("?", |(name, _)| name))?;
        write!(f, "@tiles={}", self.tiles.len())?;
        if self.tiles.start > 0 {
            write!(f, ",first={}", self.tiles.start)?;
        }
        match self.deal {
            Deal::Outermost => {}
            Deal::Dim(dim) => write!(f, ",by={}", name(dim))?,
            Deal::Copies => write!(f, ",by=copies")?,
        }
        self.base.map_or(Ok(()), |base| write!(f, ",base={base}"))
    }
}

/// Reads an operator that is applied to a tensor of `shape`.
///
/// ```text
/// reshape=2x3x4        transpose=0,2,3,1      expand=2x3x4        tile=1,2,1
/// slice=1:5,::2,:,::-1                        start:stop:step of each axis, as in Python
/// pad=0,0,1,1:0,0,1,1:-128                    before, after, value (0 if left out)
/// gather=AXIS:3,1,1    concat=AXIS            depth-to-space=2    space-to-depth=2
/// ```
///
/// # Errors
/// [`ParseError`] at the token that is wrong.
pub fn op(text: &str, shape: &[usize]) -> Result<Op, ParseError> {
    let (name, value) = Token { text, at: 0 }.split_once('=');
    let Some(value) = value else {
        return name.refuse("operator with its value", "write NAME=VALUE, such as transpose=0,2,3,1");
    };
    match name.text {
        "reshape" => Ok(Op::Reshape(value.shape()?)),
        "transpose" => Ok(Op::Transpose(value.numbers(',', "dimension")?)),
        "expand" => Ok(Op::Expand(value.shape()?)),
        "tile" => Ok(Op::Tile(value.numbers(',', "number of times")?)),
        "concat" => Ok(Op::Concat(value.number("axis")?)),
        "depth-to-space" => Ok(Op::DepthToSpace(value.number("block")?)),
        "space-to-depth" => Ok(Op::SpaceToDepth(value.number("block")?)),
        "slice" => slice(value, shape),
        "gather" => {
            let (axis, at) = value.split_once(':');
            let Some(at) = at else { return value.refuse("axis and its places", "write AXIS:PLACE,PLACE,...") };
            Ok(Op::Gather { axis: axis.number("axis")?, at: at.numbers(',', "place")? })
        }
        "pad" => {
            let parts = value.split(':');
            let [before, after, rest @ ..] = parts.as_slice() else {
                return value.refuse("pair of pads", "write BEFORE,...:AFTER,...:VALUE");
            };
            let padding = rest.first().map_or(Ok(0), |token| token.signed("value"))?;
            Ok(Op::Pad { before: before.numbers(',', "pad")?, after: after.numbers(',', "pad")?, value: padding })
        }
        _ => name.refuse(
            "operator",
            "operators are reshape, transpose, slice, pad, expand, tile, gather, concat, depth-to-space and space-to-depth",
        ),
    }
}

fn slice(value: Token, shape: &[usize]) -> Result<Op, ParseError> {
    let parts = value.split(',');
    if parts.len() > shape.len() {
        return value.refuse("slice of this tensor", format!("it has {} axes", shape.len()));
    }
    let mut pieces: Vec<Piece> = shape.iter().map(|&count| Piece { start: 0, count, step: 1 }).collect();
    for (at, token) in parts.iter().enumerate() {
        let fields = token.split(':');
        if fields.len() > 3 || (fields.len() == 1 && token.text.is_empty()) {
            return token.refuse("piece", "write START:STOP:STEP, each of which may be empty, or one index");
        }
        let field = |at: usize| match fields.get(at) {
            Some(field) if !field.text.is_empty() => field.signed("index").map(Some),
            _ => Ok(None),
        };
        let size = shape[at] as i64;
        let step = field(2)?.unwrap_or(1);
        if step == 0 {
            return token.refuse("piece", "the step must not be 0");
        }
        let from_end = |index: i64| if index < 0 { index + size } else { index };
        let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
        let bound = |index: Option<i64>, open: i64| index.map_or(open, |index| from_end(index).clamp(low, high));
        let start = bound(field(0)?, if step > 0 { 0 } else { size - 1 });
        let stop = match fields.len() {
            1 => start + 1,
            _ => bound(field(1)?, if step > 0 { size } else { -1 }),
        };
        let count = (stop - start + step - step.signum()) / step;
        if count <= 0 || !(0..size).contains(&start) {
            return token.refuse("piece", format!("it takes nothing of an axis of {size}"));
        }
        pieces[at] = Piece { start: start as usize, count: count as usize, step };
    }
    Ok(Op::Slice(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_point_at_the_token() {
        let wrong = |text: &str| layout(text).unwrap_err();
        assert_eq!((wrong("1x32x16x16:NHQC").token, wrong("1x32x16x16:NHQC").at), ("Q".into(), 13..14));
        assert_eq!(wrong("1x3y").token, "3y");
        assert_eq!(wrong("1x3@tiles=9").at, 10..11);
        assert_eq!(wrong("1x3@rows=9").token, "rows");
        assert_eq!(wrong("1x3:NC:i7").token, "i7");
        assert_eq!(wrong("1x3:NCN").at, 6..7);
        assert_eq!(wrong("1x0").expected, "shape");
        assert_eq!(op("slice=0:0", &[4]).unwrap_err().token, "0:0");
        assert_eq!(op("flip=1", &[4]).unwrap_err().token, "flip");
    }

    #[test]
    fn what_is_printed_reads_as_the_same() {
        for text in [
            "1x32x16x16:NHWC:i8@tiles=4",
            "1x8192:NCC16:i8@tiles=2",
            "3x4x5x6x7x2:fabcde:i16@tiles=2,first=1,by=c,base=64",
        ] {
            let read = layout(text).unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(layout(&read.to_string()).unwrap(), read);
        }
        assert_eq!(layout("1x8192:C16@tiles=2").unwrap(), layout("1x8192:NCC16:i8@tiles=2").unwrap());
        assert_eq!(layout("2x3:f32").unwrap().element, 4);
    }

    #[test]
    fn slices_are_pythons() {
        let piece = |start, count, step| Piece { start, count, step };
        let of = |text: &str| op(text, &[10]).unwrap();
        assert_eq!(of("slice=2:8:3"), Op::Slice(vec![piece(2, 2, 3)]));
        assert_eq!(of("slice=::-1"), Op::Slice(vec![piece(9, 10, -1)]));
        assert_eq!(of("slice=-3:"), Op::Slice(vec![piece(7, 3, 1)]));
        assert_eq!(of("slice=8:2:-2"), Op::Slice(vec![piece(8, 3, -2)]));
        assert_eq!(of("slice=4"), Op::Slice(vec![piece(4, 1, 1)]));
    }

    #[test]
    fn layouts_lie_where_their_names_say() {
        // Blocks of 16 channels of a picture with 20: the 17th starts the second plane of blocks.
        let blocks = layout("1x20x2x2:C16").unwrap().addresses(1 << 15, 0);
        assert_eq!([blocks[1], blocks[4], blocks[16 * 4]], [16, 1, 64]);
        // 5 rows over 2 tiles: 2 and 3.
        let rows = layout("5x3@tiles=2").unwrap();
        assert_eq!((rows.footprint(), rows.addresses(1024, 7)[6], rows.addresses(1024, 7)[5]), (9, 1024 + 7, 7 + 5));
    }

    #[test]
    fn views_are_known_from_the_layouts() {
        let same = |a: &str, b: &str| layout(a).unwrap().coincides(&layout(b).unwrap());
        assert!(same("1x32x16x16@tiles=4,by=C", "1x8192@tiles=4,by=C"));
        assert!(same("1x8192:C16@tiles=2", "8192@tiles=2"));
        assert!(same("4x6:ba", "4x2x3:bca"));
        assert!(!same("4x6:ba", "4x6"));
        assert!(!same("4x6:i16", "4x6"));
        assert!(!same("4x6@tiles=2", "4x6"));
    }
}
